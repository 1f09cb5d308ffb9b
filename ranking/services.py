"""Ending a game: value, rank, rate, remember, tell. One transaction, once a game, whoever calls how often."""

import logging
from collections.abc import Iterable, Sequence
from functools import partial
from random import Random

from celery import current_app
from django.db import IntegrityError, transaction

from chat.services import Notice, announce, notices_send
from games.models import Game
from ranking.core.movements import movements_of
from ranking.core.rating import ranks_of
from ranking.core.valuation import Close, house_return_bps, return_bps
from ranking.locks import rating_lock, users_lock
from ranking.models import ClosingValue, GameSummary, Result
from ranking.recording import rating_values, results_write, tallies_add, users_write
from ranking.selectors import ListingClose, Standing, closes_of, fill_counts, small_games_before, standings_of
from ranking.texts import PODIUM_PLACES, podium_text, result_level, result_text
from stocking.base.units import now_ms
from trading.core.invariants import require
from trading.models import Market

logger = logging.getLogger(__name__)

NOTIFY_TASK = "ranking.results_notify"
CLAIM_TRIES = 3


def results_compute(*, market: Market) -> bool:
    """Make the results of a drained market, ratings included; True for the one call that made them.

    Participants are humans (guests too, bots never) with at least one fill. All happens in one transaction
    that begins by claiming the game's only summary row: a second call changes nothing, one that dies leaves
    nothing. After the commit each participant gets a private notice. Rows are read and written in bulk, so
    the number of queries grows only with the number of statements that a bulk insert needs.
    """
    with transaction.atomic():
        summary = _claim(market)
        if summary is None:
            return False
        closes = closes_of(market)
        require(all(close.listing.is_closed for close in closes), f"market {market.pk} is not drained")
        _closing_values_create(summary, closes)
        summary.house_return_bps = house_return_bps(Close(c.listing.base_price, c.value) for c in closes)
        standings = standings_of(market, {close.listing.pk: close.value for close in closes})
        summary.participants = _results_create(summary, standings)
        summary.save(update_fields=["participants", "house_return_bps"])
        users_write(market.pk, market.closes_at)
        tallies_add(market.pk, market.closes_at)
        leaders = (
            Result.objects.filter(market=market).select_related("user").order_by("rank", "-equity", "pk")
        )
        text = podium_text(market.pk, list(leaders[:PODIUM_PLACES]), summary.participants)
        announce(text=text, kind="result", key=f"podium:{market.pk}")
        if summary.participants:
            transaction.on_commit(partial(_notices_enqueue, market.pk))
    logger.info("Game %s: %s results.", market.pk, summary.participants)
    return True


def results_of_game_compute(game: Game) -> None:
    """Make the results of a game whose market is drained: what the games call before they show them."""
    results_compute(market=game.market)


def results_notify(*, market_id: int) -> int:
    """Send each participant the private notice of their result, once; return how many were new."""
    participants = GameSummary.objects.values_list("participants", flat=True).get(pk=market_id)
    return notices_send(
        notices=[
            Notice(
                user_id=result.user_id,
                text=result_text(result, participants),
                level=result_level(result),
                key=f"result:{market_id}:{result.user_id}",
            )
            for result in Result.objects.filter(market_id=market_id).order_by("pk")
        ]
    )


def _claim(market: Market) -> GameSummary | None:
    """Insert the game's summary row; None when it is there already. Two games at once wait for each other here."""
    for tries_left in reversed(range(CLAIM_TRIES)):
        try:
            with transaction.atomic():
                sequence = rating_lock() + 1
                return GameSummary.objects.create(market=market, sequence=sequence, computed_at=now_ms())
        except IntegrityError:
            if GameSummary.objects.filter(pk=market.pk).exists():
                return None
            if not tries_left:
                raise
    return None


def _closing_values_create(summary: GameSummary, closes: Iterable[ListingClose]) -> None:
    ClosingValue.objects.bulk_create(
        ClosingValue(
            summary=summary,
            listing=close.listing,
            value=close.value,
            window_quantity=close.window.quantity,
            window_value=close.window.value,
            return_bps=return_bps(close.value, close.listing.base_price),
        )
        for close in closes
    )


def _results_create(summary: GameSummary, standings: Sequence[Standing]) -> int:
    """Rank and rate the participants and store their results, in the order of their accounts; return how many."""
    number, house_bps = summary.pk, summary.house_return_bps
    fills = fill_counts(summary.market)
    moved = movements_of(
        [(standing.user_id, standing.return_bps) for standing in standings],
        users_lock(standing.user_id for standing in standings),
        house_return_bps=house_bps,
        earlier=partial(small_games_before, summary.sequence),
        random=rating_draws(number),
    )
    ranks = ranks_of([standing.return_bps for standing in standings])
    results_write(
        [
            (
                number, each.user_id, rank, each.return_bps, each.initial_cash, each.cash, each.equity,
                fills[each.user_id], *rating_values(moved[each.user_id], each.return_bps, house_bps),
            )
            for rank, each in zip(ranks, standings, strict=True)
        ]
    )  # fmt: skip
    return len(standings)


def rating_draws(number: int) -> Random:
    """Return the draws of a game's rating: rating it again from the stored results gives the same ratings."""
    return Random(number)


def _notices_enqueue(market_id: int) -> None:
    """Hand the notices to the job queue: ten thousand of them must not hold up the next game.

    A queue that is away costs the notices, never the results, which are committed.
    """
    try:
        current_app.send_task(NOTIFY_TASK, args=[market_id], queue="default")
    except Exception:
        logger.exception("The notices of game %s could not be handed on.", market_id)
