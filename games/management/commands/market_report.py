"""`manage.py market_report`: whether the market that the bots make is like a market, over many simulated games."""

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from games.core.facts import GameRecord, facts, measures, record
from games.market_picture import draw
from games.simulation import game_of_catalogue


class Command(BaseCommand):
    help = "Play games of bots alone on the core and print their stylised facts as a table and as a picture."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--games", type=int, default=50)
        parser.add_argument("--seconds", type=int, default=540, help="of trading in each game")
        parser.add_argument(
            "--first", type=int, default=1, help="the first seed; the games have seeds that follow"
        )
        parser.add_argument(
            "--picture", default="market.png", help="where the picture goes (PNG); '' for none"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        seconds, first = options["seconds"], options["first"]
        if options["games"] < 1 or seconds < 60:
            raise SystemExit("At least one game of at least a minute.")
        games = [self._played(seed, seconds) for seed in range(first, first + options["games"])]
        repeats = self._played(first, seconds) == games[0]
        found = measures(games)
        rows = [(fact.name, fact.demand, fact.value, fact.holds) for fact in facts(found)]
        rows.append(("the first seed again gives the same tape", "yes", "yes" if repeats else "no", repeats))
        width = max(len(row[0]) for row in rows)
        for name, demand, value, holds in rows:
            print(f"{'ok ' if holds else 'NOT'}  {name:<{width}}  {demand:>16}  {value:>10}")
        summary = {
            "games": len(games),
            "seconds": seconds,
            "first": first,
            "volatility_bps": round(found.volatility_bps, 1),
            "range_bps": round(found.range_bps),
            "value_gap_bps": round(found.value_gap_bps),
            "fills_per_second": round(found.fills_a_second, 2),
            "orders_per_second": round(found.orders_a_second, 2),
            "refused_share": round(found.refused_share, 4),
            "news": len(found.news_moves),
            "took_seconds": round(time.monotonic() - began),
            "ok": all(holds for *_, holds in rows),
        }
        if options["picture"]:
            draw(games, found, options["picture"])
        print(json.dumps(summary))
        if not summary["ok"]:
            raise SystemExit(1)

    def _played(self, seed: int, seconds: int) -> GameRecord:
        return record(game_of_catalogue(seed=seed, seconds=seconds))
