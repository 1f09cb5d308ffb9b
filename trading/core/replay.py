"""Feed JSON lines of commands to the pure exchange: the same lines give the same events, for ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from trading.core.events import Accepted, Amended, AmendRejected, Canceled, Closed, Event, Rejected, Traded
from trading.core.exchange import Exchange
from trading.core.orders import OrderType, Side

Fields = Mapping[str, Any]
Output = dict[str, Any]


class ReplayError(Exception):
    """A line that is not a command. `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


def replay_lines(lines: Iterable[str | bytes]) -> Iterator[Output]:
    """The events of each command in turn, then the state at the end. Blank lines are skipped.

    Raises ReplayError at a line that is not a command, after the events of the lines before it.
    """
    exchange = Exchange()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            outputs = _run(exchange, _parse(line), number)
        except _BadLineError as error:
            raise ReplayError(number, str(error)) from None
        yield from outputs
    yield _state(exchange)


class _BadLineError(Exception):
    pass


def _parse(line: str | bytes) -> Fields:
    try:
        fields = json.loads(line)
    except json.JSONDecodeError as error:
        raise _BadLineError(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise _BadLineError(f"not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise _BadLineError("not a JSON object")
    return fields


def _run(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    operation = _text(fields, "op")
    run = OPERATIONS.get(operation)
    if run is None:
        raise _BadLineError(f'unknown op "{operation}", expected one of {", ".join(OPERATIONS)}')
    return run(exchange, fields, line)


def _open(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    symbol, base_price = _text(fields, "listing"), _integer(fields, "base_price")
    if base_price <= 0:
        raise _BadLineError("base_price must be positive")
    if symbol in exchange.listings:
        raise _BadLineError(f"listing {symbol} has been opened before")
    exchange.open(symbol, base_price)
    return []


def _deposit(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    account = _text(fields, "account")
    if ("cash" in fields) == ("shares" in fields):
        raise _BadLineError('a deposit has either "cash" or "shares"')
    if "cash" in fields:
        exchange.deposit(account, cash=_not_negative(fields, "cash"))
    else:
        symbol = _text(fields, "listing")
        exchange.deposit(account, symbol=symbol, shares=_not_negative(fields, "shares"))
    return []


def _submit(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    order_id, account, symbol = (_text(fields, name) for name in ("order_id", "account", "listing"))
    side, type_ = Side(_choice(fields, "side", Side)), OrderType(_choice(fields, "type", OrderType))
    price, quantity = _optional_integer(fields, "price"), _integer(fields, "quantity")
    if (price is None) == (type_ is OrderType.LIMIT):
        raise _BadLineError(f"a {type_} order has {'a' if price is None else 'no'} price")
    events = exchange.submit(order_id, account, symbol, side, type_, price, quantity, time_ms=line)
    return _outputs(symbol, events)


def _amend(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    order_id, account = _text(fields, "order_id"), _text(fields, "account")
    price, quantity = _optional_integer(fields, "price"), _optional_integer(fields, "quantity")
    if price is None and quantity is None:
        raise _BadLineError("an amend has a price, a quantity or both")
    events = exchange.amend(account, order_id, price, quantity, time_ms=line)
    return _outputs(exchange.symbol_of(order_id), events)


def _cancel(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    order_id, account = _text(fields, "order_id"), _text(fields, "account")
    events = exchange.cancel(account, order_id, time_ms=line)
    return _outputs(exchange.symbol_of(order_id), events)


def _close(exchange: Exchange, fields: Fields, line: int) -> list[Output]:
    symbol = _text(fields, "listing")
    listing = exchange.listings.get(symbol)
    if listing is None:
        raise _BadLineError(f"listing {symbol} has not been opened")
    if listing.is_closed:
        raise _BadLineError(f"listing {symbol} is closed already")
    return _outputs(symbol, exchange.close(symbol, time_ms=line))


OPERATIONS: dict[str, Callable[[Exchange, Fields, int], list[Output]]] = {
    "open": _open,
    "deposit": _deposit,
    "submit": _submit,
    "amend": _amend,
    "cancel": _cancel,
    "close": _close,
}


# Fields of a line


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _BadLineError(f'"{name}" must be a text')
    return value


def _integer(fields: Fields, name: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _BadLineError(f'"{name}" must be an integer')
    return value


def _optional_integer(fields: Fields, name: str) -> int | None:
    return None if fields.get(name) is None else _integer(fields, name)


def _not_negative(fields: Fields, name: str) -> int:
    value = _integer(fields, name)
    if value < 0:
        raise _BadLineError(f'"{name}" must not be negative')
    return value


def _choice(fields: Fields, name: str, choices: Iterable[str]) -> str:
    value = fields.get(name)
    if value not in list(choices):
        raise _BadLineError(f'"{name}" must be one of {", ".join(choices)}')
    return str(value)


# Lines of output


def _outputs(symbol: str | None, events: Iterable[Event]) -> list[Output]:
    return [_output(symbol, event) for event in events]


def _output(symbol: str | None, event: Event) -> Output:
    match event:
        case Accepted():
            return {
                "event": "accepted",
                "order_id": event.order_id,
                "account": event.account,
                "listing": symbol,
                "side": event.side,
                "type": event.type,
                "price": event.price,
                "quantity": event.quantity,
            }
        case Rejected() | AmendRejected():
            return {"event": "rejected", "order_id": event.order_id, "code": event.code}
        case Traded():
            return {
                "event": "traded",
                "listing": symbol,
                "maker": event.maker,
                "taker": event.taker,
                "price": event.price,
                "quantity": event.quantity,
            }
        case Canceled():
            return {
                "event": "canceled",
                "order_id": event.order_id,
                "quantity": event.quantity,
                "reason": event.reason,
            }
        case Amended():
            return {
                "event": "amended",
                "order_id": event.order_id,
                "price": event.price,
                "quantity": event.quantity,
            }
        case Closed():
            return {"event": "closed", "listing": event.listing}


def _state(exchange: Exchange) -> Output:
    return {"event": "state", **exchange.state()}
