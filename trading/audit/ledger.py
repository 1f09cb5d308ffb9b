"""What must hold of the ledger alone. Sums are made by the database; only the open orders of a book are read."""

from collections.abc import Callable, Iterable, Iterator

from django.db import connection
from django.db.models import Count, F, Q, Sum

from trading.audit.faults import DETAILS_SHOWN, Fault
from trading.core.book import DIGEST_MODULUS, Book
from trading.core.invariants import InvariantError
from trading.models import SEQUENCE_BITS, Holding, Listing, Market, Order, Portfolio, Trade
from trading.projection import OrderRow
from trading.settlement import ORDER_COLUMNS


def cash_conserved(market: Market) -> Iterator[Fault]:
    """All cash that was given is still there."""
    sums = Portfolio.objects.filter(market=market).aggregate(given=Sum("initial_cash"), there=Sum("cash"))
    if sums["given"] != sums["there"]:
        text = f"{sums['given']} won were given, {sums['there']} are there"
        yield Fault("cash_conserved", "cash", text)


def shares_conserved(listings: Iterable[Listing]) -> Iterator[Fault]:
    """All shares of each listing that were given are still there."""
    symbols = {listing.pk: listing.symbol for listing in listings}
    sums = Holding.objects.filter(listing__in=symbols).values_list("listing_id").order_by()
    for key, granted, quantity in sums.annotate(given=Sum("granted"), there=Sum("quantity")):
        if granted != quantity:
            text = f"{symbols[key]}: {granted} shares were given, {quantity} are there"
            yield Fault("shares_conserved", symbols[key], text)


def nothing_negative(market: Market, listings: Iterable[Listing]) -> Iterator[Fault]:
    """Nobody owes cash or shares."""
    for user, cash in Portfolio.objects.filter(market=market, cash__lt=0).values_list("user_id", "cash")[
        :DETAILS_SHOWN
    ]:
        yield Fault("nothing_negative", f"{user}:cash", f"account {user} has {cash} won")
    owed = Holding.objects.filter(listing__in=listings, quantity__lt=0)
    for user, key, quantity in owed.values_list("user_id", "listing_id", "quantity")[:DETAILS_SHOWN]:
        text = f"account {user} has {quantity} shares of listing {key}"
        yield Fault("nothing_negative", f"{user}:{key}", text)


def trades_counted(listing: Listing, seen: tuple[int, int] = (0, 0)) -> Iterator[Fault]:
    """The listing counts the trades there are. `seen`: how many trades of how many shares were counted before."""
    count, volume = seen
    sums = trade_sums(listing.pk, count)
    if (count + sums[0], volume + sums[1]) != (listing.trade_count, listing.volume):
        text = f"{listing.symbol}: counts {listing.trade_count} trades of {listing.volume} shares, the rows differ"
        yield Fault("shares_conserved", f"{listing.symbol}:trades", text)


def trade_sums(listing_id: int, after: int) -> tuple[int, int]:
    """Return how many trades there are behind number `after`, and of how many shares."""
    start = listing_id << SEQUENCE_BITS
    rows = Trade.objects.filter(pk__gt=start | after, pk__lt=(listing_id + 1) << SEQUENCE_BITS)
    sums = rows.aggregate(count=Count("pk"), volume=Sum("quantity"))
    return sums["count"], int(sums["volume"] or 0)


def orders_consistent(listing: Listing) -> Iterator[Fault]:
    """Each order of a listing is filled as its trades say, and stands where its fills put it."""
    key = listing.pk
    bad = Order.objects.filter(pk__gt=key << SEQUENCE_BITS, pk__lt=(key + 1) << SEQUENCE_BITS).filter(
        Q(status="filled") & ~Q(filled_quantity=F("quantity"))
        | Q(status="open", filled_quantity__gt=0)
        | Q(status="partially_filled", filled_quantity=0)
        | Q(status__in=["open", "partially_filled"], filled_quantity__gte=F("quantity"))
        | Q(status="canceled", reason="")
    )
    for order in bad[:DETAILS_SHOWN]:
        text = f"order {order.public_id} is {order.status} with {order.filled_quantity}"
        yield Fault("orders_consistent", str(order.pk), text)
    yield from _fills_differ(listing)


_FILLS = (
    "SELECT k, SUM(q) AS q, SUM(v) AS v FROM ("
    "SELECT maker_order_id AS k, quantity AS q, price * quantity AS v FROM trading_trade WHERE id > %s AND id < %s"
    " UNION ALL "
    "SELECT taker_order_id, quantity, price * quantity FROM trading_trade WHERE id > %s AND id < %s"
    ") f GROUP BY k"
)
_FILLS_DIFFERENT = (
    f"SELECT t.k, o.filled_quantity, o.filled_value, t.q, t.v FROM ({_FILLS}) t"  # noqa: S608
    " LEFT JOIN trading_order o ON o.id = t.k"
    " WHERE o.id IS NULL OR o.filled_quantity <> t.q OR o.filled_value <> t.v LIMIT %s"
)


def _fills_differ(listing: Listing) -> Iterator[Fault]:
    bounds = [listing.pk << SEQUENCE_BITS, (listing.pk + 1) << SEQUENCE_BITS]
    with connection.cursor() as cursor:
        cursor.execute(
            _FILLS_DIFFERENT,
            [*bounds, *bounds, DETAILS_SHOWN],
        )
        rows = cursor.fetchall()
        cursor.execute(
            "SELECT SUM(filled_quantity), SUM(filled_value) FROM trading_order WHERE id > %s AND id < %s",
            bounds,
        )
        of_orders = [int(value or 0) for value in cursor.fetchone()]
        cursor.execute(
            "SELECT SUM(quantity), SUM(price * quantity) FROM trading_trade WHERE id > %s AND id < %s", bounds
        )
        of_trades = [2 * int(value or 0) for value in cursor.fetchone()]
    for key, quantity, value, traded, traded_value in rows:
        text = f"order {key} is filled {quantity} for {value}, its trades say {traded} for {traded_value}"
        yield Fault("orders_consistent", str(key), text)
    if not rows and of_orders != of_trades:
        text = (
            f"{listing.symbol}: orders are filled {of_orders[0]} for {of_orders[1]}, trades say {of_trades}"
        )
        yield Fault("orders_consistent", listing.symbol, text)


def book_as_digested(listing: Listing) -> Iterator[Fault]:
    """The open orders of the database are the book the engine had at its checkpoint, and it is not crossed."""
    stored = Order.objects.filter(listing=listing, status__in=Order.OPEN_STATUSES).values_list(*ORDER_COLUMNS)
    rows = [OrderRow(owner, key & 0xFFFFFFFF, *rest) for key, owner, *rest in stored.iterator(2_000)]
    symbol = listing.symbol
    if sum(row.digest() for row in rows) % DIGEST_MODULUS != listing.book_digest:
        text = f"{symbol}: the open orders are not the book at checkpoint {listing.checkpoint}"
        yield Fault("books_as_digested", symbol, text)
        return
    try:
        Book(listing.pk).restore(row.to_order() for row in rows)
    except InvariantError as error:
        yield Fault("books_as_digested", symbol, f"{symbol}: {error}")
    if listing.is_closed and rows:
        yield Fault("books_as_digested", symbol, f"{symbol}: closed with {len(rows)} open orders")


LISTING_CHECKS: tuple[Callable[[Listing], Iterable[Fault]], ...] = (
    trades_counted,
    orders_consistent,
    book_as_digested,
)
LEDGER_CHECKS = (
    "cash_conserved",
    "shares_conserved",
    "nothing_negative",
    "orders_consistent",
    "books_as_digested",
)


def conservation_faults(market: Market, listings: Iterable[Listing]) -> list[Fault]:
    """What is cheap: sums over accounts."""
    listings = list(listings)
    return [
        *cash_conserved(market),
        *shares_conserved(listings),
        *nothing_negative(market, listings),
    ]


def listing_faults(listing: Listing) -> list[Fault]:
    """What needs every order and trade of a listing."""
    return [fault for check in LISTING_CHECKS for fault in check(listing)]
