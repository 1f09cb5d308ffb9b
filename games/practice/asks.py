"""What a player asks of practice, checked where it comes in, and its way over the bus to the host."""

from typing import Annotated, Literal

import msgspec

CHANNEL = "practice:asks"  # of the bus; whoever asks learns from it whether anybody listens

SEED_MAX = 999_999
DAILY_MINUTES = 3

Minutes = Literal[3, 9]
Speeds = Literal[1, 2, 4]

REF_CHARACTERS_MAX = 36
Reference = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,36}\Z")]
OrderId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,36}\Z")]
Symbol = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]{1,16}\Z")]


class Start(msgspec.Struct, tag_field="do", tag="start", kw_only=True):
    """Begin a game: the seed of the day, whose length and speed are everybody's, or one of the player's choice."""

    ref: Reference
    mode: Literal["daily", "free"]
    seed: Annotated[int, msgspec.Meta(ge=1, le=SEED_MAX)] | None = None
    minutes: Minutes = 3
    speed: Speeds = 1


class Look(msgspec.Struct, tag_field="do", tag="look", kw_only=True):
    """Tell me everything of my game, or that there is none."""

    ref: Reference


class Submit(msgspec.Struct, tag_field="do", tag="submit", kw_only=True):
    """A new order; a limit order has a price, a market order has none."""

    ref: Reference
    client_order_id: Reference
    symbol: Symbol
    side: Literal["buy", "sell"]
    type: Literal["limit", "market"]
    quantity: int
    price: int | None = None

    def __post_init__(self) -> None:
        if (self.type == "market") != (self.price is None):
            raise ValueError("a limit order has a price, a market order has none")


class Amend(msgspec.Struct, tag_field="do", tag="amend", kw_only=True):
    """New terms of an order; at least one of them."""

    ref: Reference
    order_id: OrderId
    price: int | None = None
    quantity: int | None = None

    def __post_init__(self) -> None:
        if self.price is None and self.quantity is None:
            raise ValueError("an amend changes something")


class Cancel(msgspec.Struct, tag_field="do", tag="cancel", kw_only=True):
    """The end of an order."""

    ref: Reference
    order_id: OrderId


class CancelAll(msgspec.Struct, tag_field="do", tag="cancel_all", kw_only=True):
    """The end of all my orders."""

    ref: Reference


class Speed(msgspec.Struct, tag_field="do", tag="speed", kw_only=True):
    """Go on faster or slower; not in the game of the day."""

    ref: Reference
    speed: Speeds


class Stop(msgspec.Struct, tag_field="do", tag="stop", kw_only=True):
    """Leave my game. That of the day goes on to its end without me."""

    ref: Reference


Ask = Start | Look | Submit | Amend | Cancel | CancelAll | Speed | Stop


class Envelope(msgspec.Struct, array_like=True):
    """Who asks what."""

    user_id: int
    ask: Ask


def parse(message: dict[str, object]) -> Ask:
    """Return the ask of a socket's message; `msgspec.ValidationError` for what is none."""
    return msgspec.convert(message, Ask)


_decoder = msgspec.json.Decoder(Envelope)


def sealed(user_id: int, ask: Ask) -> bytes:
    """Return what is sent over the bus."""
    return msgspec.json.encode(Envelope(user_id, ask))


def opened(data: bytes) -> Envelope:
    """Return what came over the bus; `msgspec.MsgspecError` for what is none of ours."""
    return _decoder.decode(data)
