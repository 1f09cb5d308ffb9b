"""Stream entries as the gate wrote them, decoded into the commands of the core.

An entry is one line of words; what cannot be decoded is returned as `Undecodable`. If it was an order, the gate
has a record of it besides, by which the engine rejects it and gives its hold back.
"""

from dataclasses import dataclass

from trading.core.commands import Amend, Cancel, CancelAll, Close, Command, Submit
from trading.core.orders import OrderType, Side


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream entry: its place, the command, and for a submit the client's own id."""

    epoch: int
    sequence: int
    command: Command
    client_order_id: str = ""


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An entry that makes no sense: rejected if it was an order, never applied."""

    epoch: int
    sequence: int
    text: str


_SIDES = {"buy": Side.BUY, "sell": Side.SELL}
_TYPES = {"limit": OrderType.LIMIT, "market": OrderType.MARKET}


def decode(epoch: int, sequence: int, text: str) -> Entry | Undecodable:
    """Return the command of one entry. Order ids and accounts are integers here."""
    words = text.split(" ")
    kind = words[0]
    try:
        if kind == "submit":
            _, account, side, order_type, price, quantity, time_ms, client_order_id = words
            submit = Submit(
                sequence,
                sequence,
                int(account),
                _SIDES[side],
                _TYPES[order_type],
                int(price),
                int(quantity),
                int(time_ms),
            )
            if submit.price <= 0 or submit.quantity <= 0:
                return Undecodable(epoch, sequence, text)
            return Entry(epoch, sequence, submit, client_order_id)
        return Entry(epoch, sequence, _decode_other(sequence, kind, words[1:]))
    except (ValueError, KeyError, IndexError):
        return Undecodable(epoch, sequence, text)


def _decode_other(sequence: int, kind: str, words: list[str]) -> Command:
    if kind == "cancel":
        account, order, time_ms = words
        return Cancel(sequence, int(order), int(account), int(time_ms))
    if kind == "amend":
        account, order, side, price, quantity, extra, time_ms = words
        if any(word != "-" and int(word) <= 0 for word in (price, quantity)) or int(extra) < 0:
            raise ValueError(words)
        return Amend(
            sequence,
            int(order),
            int(account),
            _SIDES[side],
            None if price == "-" else int(price),
            None if quantity == "-" else int(quantity),
            int(extra),
            int(time_ms),
        )
    if kind == "cancel_all":
        account, time_ms = words
        return CancelAll(sequence, int(account), int(time_ms))
    if kind == "close":
        return Close(sequence, int(words[0]))
    raise ValueError(kind)
