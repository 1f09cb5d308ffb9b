"""The hidden value of each share, revealed when a game is over: what the bots' beliefs were noisy views of."""

from collections.abc import Iterable, Sequence
from random import Random

from games.core.news import Impact, impact_bps, value_walk, value_won
from games.models import Direction, Game, News
from trading.models import Listing


def hidden_values(game: Game, listings: Iterable[Listing], moments: Sequence[int]) -> dict[int, list[int]]:
    """Return the hidden value in won at each moment (ms since 1970), by listing; one query for the news."""
    impacts: dict[int, list[Impact]] = {}
    for news in News.objects.filter(game=game, published_at__isnull=False).order_by("pk"):
        sign = 1 if news.direction == Direction.GOOD else -1
        impact = Impact(sign * news.magnitude_bps, news.published_at or 0)
        impacts.setdefault(news.company_id, []).append(impact)
    seconds = (game.closes_at - game.trading_at) // 1_000 + 1
    values = {}
    for listing in listings:
        walk = value_walk(seconds=seconds, rng=Random(f"value:{game.seed}:{listing.symbol}"))
        known = impacts.get(listing.company_id, [])
        values[listing.pk] = [
            value_won(
                listing.base_price,
                walk[min(len(walk) - 1, max(0, (moment - game.trading_at) // 1_000))]
                + impact_bps(known, moment),
            )
            for moment in moments
        ]
    return values
