"""The hidden value of each share, revealed when a game is over: what the bots' beliefs were noisy views of."""

from collections.abc import Iterable, Sequence
from random import Random

from games.core.news import Piece
from games.core.perception import Perception
from games.models import Game, News
from trading.models import Listing


def pieces_by_company(game: Game) -> dict[int, list[Piece]]:
    """Return the news that is out, by company, as it moves values, in times since trading began."""
    found: dict[int, list[Piece]] = {}
    for news in News.objects.filter(game=game, published_at__isnull=False).order_by("pk"):
        published_at = game.clock_time(news.published_at or 0) - game.trading_at
        found.setdefault(news.company_id, []).append(news.piece(published_at))
    return found


def perception_of(seed: int, trading_ms: int) -> Perception:
    """Return what the bots of a game perceive by; a longer game only goes on where a shorter one ends."""
    return Perception(seed=seed, seconds=trading_ms // 1_000 + 1, draws=Random)


def hidden_values(game: Game, listings: Iterable[Listing], moments: Sequence[int]) -> dict[int, list[int]]:
    """Return the hidden value in won at each moment (ms since 1970), by listing; one query for the news."""
    pieces = pieces_by_company(game)
    perception = perception_of(game.seed, game.closes_at - game.trading_at)
    times = [game.clock_time(moment) - game.trading_at for moment in moments]
    return {
        listing.pk: [
            perception.fundamental(
                listing.symbol, listing.base_price, pieces.get(listing.company_id, []), time_ms
            )
            for time_ms in times
        ]
        for listing in listings
    }
