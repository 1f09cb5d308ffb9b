"""What a game begins with besides its market: the bots that take part, what they are granted, and its news."""

from collections.abc import Sequence
from random import Random

from games.core.bots import BotKind, beat_of, endowment, flock_sizes
from games.core.news import Headline, Subject, news_plan
from games.models import Bot, Direction, Game, News, NewsTemplate
from trading.models import Company
from trading.services import Grant

HEADLINE_CHARACTERS_MAX = 250


def bot_grants(companies: Sequence[Company]) -> list[Grant]:
    """Return what each bot of the next game is granted: cash and shares for the listings of its beat.

    Of each kind as many active bots take part as the listings need; the others sit this game out.
    """
    base_prices = {company.symbol: company.base_price for company in companies}
    sizes = flock_sizes(len(companies))
    taken = dict.fromkeys(BotKind, 0)
    grants = []
    for user_id, name in Bot.objects.filter(is_active=True).order_by("pk").values_list("user_id", "kind"):
        kind = BotKind(name)
        if taken[kind] == sizes[kind]:
            continue
        beat = beat_of(taken[kind], list(base_prices))
        taken[kind] += 1
        start = endowment(kind, {symbol: base_prices[symbol] for symbol in beat})
        grants.append(Grant(user_id=user_id, cash=start.cash, shares=start.shares))
    return grants


def news_headlines() -> list[Headline]:
    """Return the headlines that are in use."""
    return [
        Headline(
            template_id=template.pk,
            text=template.headline,
            is_good=template.direction == Direction.GOOD,
            magnitude_bps=template.magnitude_bps,
            sector=template.sector,
            weight=template.weight,
            text_en=template.headline_en,
        )
        for template in NewsTemplate.objects.filter(is_active=True).order_by("pk")
    ]


def news_create(game: Game, companies: Sequence[Company]) -> None:
    """Plan a game's news by its seed and store it, unpublished."""
    plan = news_plan(
        subjects=[
            Subject(company.pk, company.name, company.sector, company.name_en) for company in companies
        ],
        headlines=news_headlines(),
        trading_at=game.trading_at,
        closes_at=game.closes_at,
        rng=Random(f"news:{game.seed}"),
    )
    News.objects.bulk_create(
        News(
            game=game,
            number=planned.number,
            company_id=planned.company_id,
            template_id=planned.template_id,
            kind=planned.kind.value,
            answers=planned.answers,
            direction=Direction.GOOD if planned.is_good else Direction.BAD,
            magnitude_bps=planned.magnitude_bps,
            headline=planned.headline[:HEADLINE_CHARACTERS_MAX],
            headline_en=planned.headline_en[:HEADLINE_CHARACTERS_MAX],
            at_ms=planned.at_ms,
        )
        for planned in plan
    )
