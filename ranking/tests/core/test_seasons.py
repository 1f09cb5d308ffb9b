"""Many games in a row: skill comes out, nobody is rated by being there, and friends cannot farm one another."""

from collections import deque
from collections.abc import Iterable
from random import Random

import pytest

from ranking.core.meetings import WINDOW_GAMES, SmallGame
from ranking.core.movements import NEWCOMER, Movement, RatedPlayer, movements_of
from ranking.core.rating import HOUSE


class Season:
    """Games one after the other, as the services play them: everybody's rating, and the window of small games."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.players: dict[int, RatedPlayer] = {}
        self.window: deque[SmallGame] = deque(maxlen=WINDOW_GAMES)
        self.games = 0

    def play(self, returns: dict[int, int], house: int = 0) -> dict[int, Movement]:
        self.games += 1
        moved = movements_of(
            list(returns.items()),
            {player: self.players.get(player, NEWCOMER) for player in returns},
            house_return_bps=house,
            earlier=lambda: self.window,
            random=Random(self.games),
        )
        self.players |= {player: movement.after for player, movement in moved.items()}
        self.window.append(SmallGame.of({player: m.after.games_played for player, m in moved.items()}))
        return moved


def spearman(one: Iterable[float], other: Iterable[float]) -> float:
    """Return the rank correlation of two lists without ties worth counting."""
    first, second = ranks(list(one)), ranks(list(other))
    count = len(first)
    square = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
    return 1 - 6 * square / (count * (count**2 - 1))


def ranks(values: list[float]) -> list[int]:
    order = sorted(range(len(values)), key=values.__getitem__)
    placed = [0] * len(values)
    for rank, index in enumerate(order):
        placed[index] = rank
    return placed


@pytest.mark.parametrize("seed", range(1, 6))
def test_forty_games_put_ninety_players_in_the_order_of_their_skill(seed: int) -> None:
    season, draws = Season(seed), Random(seed)
    skills = [draws.gauss(0, 200) for _ in range(90)]  # bp a game, and as much luck in each
    for _ in range(40):
        market = round(draws.gauss(0, 150))
        season.play({p: round(skills[p] + draws.gauss(0, 200)) + market for p in range(90)}, market)
    found = spearman(skills, [season.players[p].mmr for p in range(90)])
    assert found >= 0.85, f"Spearman {found:.3f}"
    assert len({season.players[p].tier for p in range(90)}) >= 3


def test_also_where_a_third_of_them_come_and_luck_is_half_as_large_again() -> None:
    season, draws = Season(3), Random(3)
    skills = [draws.gauss(0, 200) for _ in range(90)]
    for _ in range(40):
        present = draws.sample(range(90), 30)
        season.play({p: round(skills[p] + draws.gauss(0, 300)) for p in present})
    played = sorted(season.players)
    assert spearman([skills[p] for p in played], [season.players[p].mmr for p in played]) >= 0.75


def test_who_does_as_the_market_does_comes_to_the_markets_rating() -> None:
    season, draws = Season(4), Random(4)
    for _ in range(200):
        season.play({1: round(draws.gauss(0, 200))}, house=0)
    assert season.players[1].rating.mean == pytest.approx(HOUSE.mean, abs=3)


def test_a_lone_player_who_always_beats_the_market_gains_ever_less() -> None:
    season = Season(5)
    gains = [season.play({1: 100})[1] for _ in range(300)]
    moved = [m.after.rating.mean - m.before.rating.mean for m in gains]
    assert all(gain > 0 for gain in moved)
    assert sum(moved[200:]) < sum(moved[:100]) / 5


def test_friends_who_lose_on_purpose_lift_nobody_as_high_as_a_real_field() -> None:
    """The same forty wins: against three who always lose, and against ever others who have played before."""
    farm, real = Season(6), Season(6)
    for game in range(40):
        farm.play({1: 1_000, 2: -1_000, 3: -1_001, 4: -1_002})
        others = [10 + 3 * game + n for n in range(3)]
        real.players |= {other: RatedPlayer(games_played=20) for other in others}
        real.play({1: 1_000} | {other: -1_000 - n for n, other in enumerate(others)})
    gains = [season.players[1].mmr - NEWCOMER.mmr for season in (farm, real)]
    assert gains[0] < 0.5 * gains[1], gains
    last = farm.play({1: 1_000, 2: -1_000, 3: -1_001, 4: -1_002})[1]
    assert last.after.mmr - last.before.mmr <= 5


def test_ever_new_accounts_to_beat_are_damped_like_one_old_rival() -> None:
    season = Season(7)
    season.players[1] = RatedPlayer(games_played=50)
    parts = [season.play({1: 500, 100 + game: -500})[1].outcome.counted_percent for game in range(15)]
    assert parts[0] == 100
    assert parts == sorted(parts, reverse=True)
    assert parts[-1] < 25


def test_an_honest_evening_among_four_drifts_nowhere() -> None:
    season, draws = Season(8), Random(8)
    for _ in range(120):
        season.play({p: round(draws.gauss(0, 200)) for p in range(1, 5)}, house=round(draws.gauss(0, 200)))
    means = [season.players[p].rating.mean for p in range(1, 5)]
    assert sum(means) / 4 == pytest.approx(HOUSE.mean, abs=2)
