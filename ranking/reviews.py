"""Looking back on a game: the field's curve, the hidden values and the awards, made once from the ledger.

The review comes after the results and may never hold them up: for a field of ordinary size it is made together with
them, in a savepoint of its own; for a large one, and whenever that failed or died, a periodic task makes it.
"""

import logging
from collections.abc import Sequence

from django.core.cache import cache
from django.db import IntegrityError, OperationalError, transaction

from chat.services import announce
from games.hidden import hidden_values
from games.models import Direction, Game, News
from ranking.award_texts import awards_text
from ranking.core.awards import Headline, Record, Won, awards_of, reactions_of
from ranking.core.curves import (
    curve_bps,
    drawdown_bps,
    equity_curve,
    grid_of,
    median_curve,
    prices_on,
    sampled,
)
from ranking.models import Award, ClosingValue, GameReview, GameSummary, Result
from ranking.selectors.fills import candle_closes, moves_by_player, orders_after_news
from stocking.base.units import now_ms
from trading.core.invariants import require
from trading.models import Listing

logger = logging.getLogger(__name__)

PLAYERS_AT_ONCE_MAX = 2_000
REVIEWS_A_TURN = 3
RETRY_SECONDS = 60


def review_of_game_compute(game: Game) -> None:
    """Make the review of a game whose results have just been made, unless the field is large.

    Whatever goes wrong is logged and left to `reviews_catch_up`; only the database's own trouble (a deadlock, say)
    is passed on, because it ends the transaction around this.
    """
    try:
        with transaction.atomic():
            players = GameSummary.objects.values_list("participants", flat=True).get(pk=game.number)
            if players <= PLAYERS_AT_ONCE_MAX:
                review_compute(game=game)
    except OperationalError:
        raise
    except Exception:
        logger.exception("The review of game %s could not be made with its results.", game.number)


def reviews_catch_up() -> int:
    """Make the reviews that are missing, newest game first; return how many this call has made.

    One that cannot be made is tried again a minute later.
    """
    made = 0
    missing = Game.objects.select_related("market").filter(
        market__summary__isnull=False, market__summary__review=None
    )
    for game in missing.order_by("-pk")[:REVIEWS_A_TURN]:
        key = f"ranking:review:{game.number}"
        if not cache.add(key, 1, timeout=RETRY_SECONDS):
            continue
        try:
            made += review_compute(game=game)
        except Exception:
            logger.exception("The review of game %s could not be made.", game.number)
        else:
            cache.delete(key)
    return made


def review_compute(*, game: Game) -> bool:
    """Make the review of a game whose results stand; True for the one call that made it.

    All in one transaction that ends by claiming the game's only review: a second call changes nothing, one that
    dies leaves nothing. The number of queries does not depend on players, fills or stocks.
    """
    if GameReview.objects.filter(pk=game.number).exists():
        return False
    listings = list(Listing.objects.filter(market=game.number).order_by("company_id"))
    results = list(Result.objects.filter(market=game.number).order_by("rank", "-equity", "pk"))
    grid = grid_of(game.market.opens_at, game.market.closes_at)
    prices = _prices(listings, grid)
    records, median = _field(results, listings, grid, prices)
    _reactions_add(game, listings, records)
    won = awards_of(records.values())
    hidden = hidden_values(game, listings, grid)
    review = GameReview(
        summary_id=game.number,
        grid=grid,
        courses={
            str(listing.pk): {"prices": row, "hidden": hidden[listing.pk]}
            for listing, row in zip(listings, prices, strict=True)
        },
        median_bps=median,
        curves=len(sampled([result.user_id for result in results])),
        computed_at=now_ms(),
    )
    return _store(review, won)


def _store(review: GameReview, won: Sequence[Won]) -> bool:
    """Store review and awards and announce them, all or nothing; False when another was quicker."""
    try:
        with transaction.atomic():
            review.save(force_insert=True)
            Award.objects.bulk_create(
                Award(review=review, kind=each.kind, user_id=each.player, value=each.value, count=each.count)
                for each in won
            )
            if won:
                awards = Award.objects.filter(review=review).select_related("user").order_by("pk")
                text = awards_text(review.pk, awards)
                announce(text=text, kind="result", key=f"awards:{review.pk}")
    except IntegrityError:
        if not GameReview.objects.filter(pk=review.pk).exists():
            raise
        return False
    logger.info("Game %s: reviewed, %s awards.", review.pk, len(won))
    return True


def _prices(listings: Sequence[Listing], grid: Sequence[int]) -> list[list[int]]:
    """Return each listing's prices on the grid, in the listings' order."""
    keys = [listing.pk for listing in listings]
    values = dict(ClosingValue.objects.filter(listing__in=keys).values_list("listing_id", "value"))
    candles = candle_closes(keys)
    return [
        prices_on(
            grid,
            candles[listing.pk],
            base_price=listing.base_price,
            closing_value=values[listing.pk],
        )
        for listing in listings
    ]


def _field(
    results: Sequence[Result],
    listings: Sequence[Listing],
    grid: Sequence[int],
    prices: Sequence[Sequence[int]],
) -> tuple[dict[int, Record], list[int]]:
    """Value every participant in the course of the game; return what awards depend on, and the median curve."""
    records = {result.user_id: Record(result.user_id, result.return_bps) for result in results}
    if not results:
        return records, []
    moves = moves_by_player({listing.pk: place for place, listing in enumerate(listings)}, records)
    shown = sampled([result.user_id for result in results])
    curves = []
    for result in results:
        curve = equity_curve(
            initial_cash=result.initial_cash, moves=moves.pop(result.user_id), grid=grid, prices=prices
        )
        require(
            curve.cash == result.cash and curve.values[-1] == result.equity,
            f"the fills of account {result.user_id} do not lead to its result in game {result.market_id}",
        )
        returns = curve_bps(curve.values, result.initial_cash)
        record = records[result.user_id]
        record.low_bps = min(returns)
        record.drawdown_bps = drawdown_bps(curve.values)
        record.invested_bps = curve.invested_bps
        if result.user_id in shown:
            curves.append(returns)
    return records, median_curve(curves)


def _reactions_add(game: Game, listings: Sequence[Listing], records: dict[int, Record]) -> None:
    """Add each participant's reaction times to the game's news to their record."""
    by_company = {listing.company_id: listing.pk for listing in listings}
    news = [
        Headline(by_company[company_id], direction == Direction.GOOD, at or 0)
        for company_id, direction, at in News.objects.filter(game=game, published_at__isnull=False)
        .order_by("published_at", "pk")
        .values_list("company_id", "direction", "published_at")
        if company_id in by_company
    ]
    for player, times in reactions_of(news, orders_after_news(news, records)).items():
        records[player].reactions = times
