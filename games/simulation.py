"""Simulated games of the catalogue: the companies, headlines and bots of a fresh installation."""

from random import Random

from games.catalogue import BOTS, COMPANIES, HEADLINES
from games.core.news import Headline
from games.core.simulated import SimulatedBot, SimulatedCompany, SimulatedGame

HEADLINE_WEIGHT = 10


def game_of_catalogue(*, seed: int, seconds: int, with_news: bool = True) -> SimulatedGame:
    """Return a game of the catalogue at its opening."""
    headlines = [
        Headline(
            number, told.text, told.is_good, told.magnitude_bps, told.sector, HEADLINE_WEIGHT, told.text_en
        )
        for number, told in enumerate(HEADLINES)
    ]
    return SimulatedGame(
        seed=seed,
        companies=[
            SimulatedCompany(
                company.symbol, company.name, company.sector, company.base_price, company.name_en
            )
            for company in COMPANIES
        ],
        bots=[SimulatedBot(bot.nickname, bot.kind, number) for number, bot in enumerate(BOTS, start=1)],
        headlines=headlines if with_news else [],
        trading_ms=seconds * 1_000,
        draws=Random,
    )
