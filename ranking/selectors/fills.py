"""What players traded in a game, as the curves, profits and awards need it: read by the range of the trades' keys.

A trade's key begins with its listing, so the trades of a game are a few ranges of the primary key, and those of one
account within a game few ranges of the keys on maker and taker.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from django.db.models import Q

from ranking.core.awards import REACTION_MS, Headline, NewOrder, Record
from ranking.core.curves import Move
from ranking.core.profits import PlayerFill
from trading.core.orders import Side
from trading.models import SEQUENCE_BITS, Candle, Order, Trade

ROWS_AT_ONCE = 5_000


def trade_keys(listing_ids: Collection[int]) -> tuple[int, int]:
    """Return the lowest and the highest key that a trade of these listings can have."""
    return min(listing_ids) << SEQUENCE_BITS, ((max(listing_ids) + 1) << SEQUENCE_BITS) - 1


def moves_by_player(places: Mapping[int, int], records: Mapping[int, Record]) -> dict[int, list[Move]]:
    """Return every recorded player's fills by time; one query, read in pieces.

    `places` gives each listing its place among the prices. What the players traded as makers is added to their
    records on the way.
    """
    moves: dict[int, list[Move]] = {player: [] for player in records}
    trades = Trade.objects.filter(pk__range=trade_keys(places)).order_by("pk")
    fields = ("listing_id", "maker_id", "taker_id", "taker_side", "price", "quantity", "traded_at")
    for listing_id, maker, taker, side, price, quantity, at in trades.values_list(*fields).iterator(
        chunk_size=ROWS_AT_ONCE
    ):
        place = places.get(listing_id)
        if place is None:
            continue
        value = price * quantity
        taken = Move(place, at, quantity, -value) if side == Side.BUY else Move(place, at, -quantity, value)
        if taker in moves:
            moves[taker].append(taken)
        if maker in moves:
            moves[maker].append(Move(place, at, -taken.shares, -taken.cash))
            records[maker].maker_fills += 1
            records[maker].maker_value += value
    for each in moves.values():
        each.sort(key=_time)
    return moves


def _time(move: Move) -> int:
    return move.at


def fills_of_player(user_id: int, listing_ids: Collection[int]) -> list[PlayerFill]:
    """Return one account's fills in these listings, listing by listing in their order; two queries."""
    keys = trade_keys(listing_ids)
    found = [
        fill
        for role in ("maker", "taker")
        for fill in _fills_as(role, user_id, keys)
        if fill.listing_id in listing_ids
    ]
    return sorted(found, key=lambda fill: fill.trade_id)


def _fills_as(role: str, user_id: int, keys: tuple[int, int]) -> Iterator[PlayerFill]:
    rows = Trade.objects.filter(**{f"{role}_id": user_id}, pk__range=keys).values_list(
        "pk", f"{role}_order_id", "listing_id", "taker_side", "price", "quantity", "traded_at"
    )
    for trade_id, order_id, listing_id, taker_side, price, quantity, at in rows:
        taken = Side(taker_side)
        yield PlayerFill(
            trade_id=trade_id,
            order_id=order_id,
            listing_id=listing_id,
            side=taken if role == "taker" else taken.opposite,
            price=price,
            quantity=quantity,
            at=at,
            is_maker=role == "maker",
        )


def orders_after_news(news: Sequence[Headline], players: Collection[int]) -> list[NewOrder]:
    """Return the players' orders within reach of a piece of news, in the order of acceptance; one query."""
    if not news:
        return []
    windows = Q()
    for headline in news:
        after = (headline.at + 1, headline.at + REACTION_MS)
        windows |= Q(listing_id=headline.listing_id, created_at__range=after)
    rows = (
        Order.objects.filter(windows, user__is_bot=False)
        .order_by("pk")
        .values_list("user_id", "listing_id", "side", "created_at", "filled_quantity")
    )
    return [
        NewOrder(player, listing_id, side == Side.BUY, at, filled)
        for player, listing_id, side, at, filled in rows
        if player in players
    ]


def candle_closes(listing_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """Return each listing's five-second candles as `(start, close)`, oldest first; one query."""
    closes: dict[int, list[tuple[int, int]]] = {listing_id: [] for listing_id in listing_ids}
    rows = Candle.objects.filter(listing_id__in=listing_ids).order_by("listing_id", "start")
    for listing_id, start, close in rows.values_list("listing_id", "start", "close"):
        closes[listing_id].append((start, close))
    return closes
