"""Ending a game: value, rank, rate, remember, tell. One transaction, once a game, whoever calls how often."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from random import Random

from celery import current_app
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Subquery

from accounts.models import User
from chat.services import Notice, announce, notices_send
from games.models import Game
from ranking.core.meetings import FULL_PERCENT, SmallGame, counted_percents, is_small
from ranking.core.rating import INITIAL, Entrant, Outcome, Rating, mmr_of, ranks_of, rate
from ranking.core.tiers import tier_after
from ranking.core.valuation import Close, house_return_bps, return_bps
from ranking.locks import rating_lock, users_lock
from ranking.models import ClosingValue, GameSummary, Result
from ranking.selectors import ListingClose, Standing, closes_of, fill_counts, small_games_before, standings_of
from ranking.texts import PODIUM_PLACES, podium_text, result_level, result_text
from stocking.base.units import now_ms
from trading.core.invariants import require
from trading.models import Market

logger = logging.getLogger(__name__)

NOTIFY_TASK = "ranking.results_notify"
ROWS_A_STATEMENT = 500
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
        results = _results_create(summary, standings)
        _users_update(market)
        summary.participants = len(results)
        summary.save(update_fields=["participants", "house_return_bps"])
        leaders = sorted(results, key=lambda result: (result.rank, -result.equity, result.user_id))
        text = podium_text(market.pk, leaders[:PODIUM_PLACES], len(results))
        announce(text=text, kind="result", key=f"podium:{market.pk}")
        if results:
            transaction.on_commit(partial(_notices_enqueue, market.pk), robust=True)
    logger.info("Game %s: %s results.", market.pk, len(results))
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


def _results_create(summary: GameSummary, standings: Sequence[Standing]) -> list[Result]:
    """Rank and rate the participants and store their results, in the order of their accounts."""
    market = summary.market
    fills = fill_counts(market)
    users = users_lock(standing.user_id for standing in standings)
    counted = _counted_percents(summary, {key: user.games_played + 1 for key, user in users.items()})
    before = {key: _rating_of(user) for key, user in users.items()}
    entrants = [
        Entrant(each.user_id, before[each.user_id], each.return_bps, counted[each.user_id])
        for each in standings
    ]
    after = entrants_rate(market.pk, entrants, summary.house_return_bps)
    ranks = ranks_of([standing.return_bps for standing in standings])
    results = []
    for rank, standing in zip(ranks, standings, strict=True):
        key = standing.user_id
        result = _result(standing, users[key], before[key], after[key])
        result.market, result.rank, result.fills = market, rank, fills[key]
        result.house_margin_bps = standing.return_bps - summary.house_return_bps
        results.append(result)
    Result.objects.bulk_create(results, batch_size=ROWS_A_STATEMENT)
    return results


def entrants_rate(number: int, entrants: Sequence[Entrant], house_return_bps: int) -> dict[int, Outcome]:
    """Rate a game. The seed is its number: rating again from the stored results gives the same ratings."""
    return rate(entrants, house_return_bps=house_return_bps, random=Random(number))


def _counted_percents(summary: GameSummary, games_played: dict[int, int]) -> Mapping[int, int]:
    """Return what part of the game counts for each participant, by how often they have met of late."""
    if not is_small(len(games_played)):
        return dict.fromkeys(games_played, FULL_PERCENT)
    return counted_percents(SmallGame.of(games_played), small_games_before(summary.sequence))


def _result(standing: Standing, user: User, before: Rating, outcome: Outcome) -> Result:
    after = outcome.rating
    mmr = mmr_of(after)
    return Result(
        user=user,
        return_bps=standing.return_bps,
        initial_cash=standing.initial_cash,
        cash=standing.cash,
        equity=standing.equity,
        mmr_before=user.mmr,
        mmr_after=mmr,
        tier_before=user.tier,
        tier_after=tier_after(mmr, user.tier).value,
        mean_before=before.mean,
        mean_after=after.mean,
        deviation_before=before.deviation,
        deviation_after=after.deviation,
        games_played=user.games_played + 1,
        room_size=outcome.room_size,
        room_rank=outcome.room_rank,
        expected_rank_tenths=outcome.expected_rank_tenths,
        counted_percent=outcome.counted_percent,
    )


def _rating_of(user: User) -> Rating:
    if user.rating_mean is None or user.rating_deviation is None:
        return INITIAL
    return Rating(user.rating_mean, user.rating_deviation)


def _users_update(market: Market) -> None:
    """Copy what the market's results say of ratings to the (locked) users, in one statement."""
    mine = Result.objects.filter(market=market, user_id=OuterRef("pk"))
    User.objects.filter(pk__in=Result.objects.filter(market=market).values("user_id")).update(
        mmr=Subquery(mine.values("mmr_after")),
        tier=Subquery(mine.values("tier_after")),
        rating_mean=Subquery(mine.values("mean_after")),
        rating_deviation=Subquery(mine.values("deviation_after")),
        games_played=Subquery(mine.values("games_played")),
    )


def _notices_enqueue(market_id: int) -> None:
    """Hand the notices to the job queue: ten thousand of them must not hold up the next game."""
    current_app.send_task(NOTIFY_TASK, args=[market_id], queue="default")
