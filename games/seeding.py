"""Filling a database with what a game needs. What is there already is left as it is, edited or not."""

import itertools
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Max

from accounts.models import User, nickname_fold
from games.catalogue import ADMIN_EMAIL, ADMIN_NICKNAME, BOTS, COMPANIES, HEADLINES, further_nicknames
from games.core.bots import BotKind, flock_sizes
from games.models import Bot, Direction, NewsTemplate
from trading.models import Company

PASSWORD_BYTES = 12


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What was added. `admin_password` is set only when the admin was created, and is stored nowhere."""

    companies: int
    headlines: int
    bots: int
    admin_password: str | None


@transaction.atomic
def catalogue_seed() -> SeedResult:
    """Add what is missing of companies, headlines, bots and the admin; a second call changes nothing."""
    return SeedResult(
        companies=_companies_seed(),
        headlines=_headlines_seed(),
        bots=_bots_seed(),
        admin_password=_admin_seed(),
    )


def _companies_seed() -> int:
    known = set(Company.objects.values_list("symbol", flat=True))
    missing = [seed for seed in COMPANIES if seed.symbol not in known]
    Company.objects.bulk_create(
        Company(
            symbol=seed.symbol,
            name=seed.name,
            name_en=seed.name_en,
            sector=seed.sector,
            description=seed.description,
            base_price=seed.base_price,
        )
        for seed in missing
    )
    return len(missing)


def _headlines_seed() -> int:
    """Add headlines to an empty table only: staff who deleted one do not want it back.

    A headline of the catalogue that has no English text yet is given one.
    """
    if NewsTemplate.objects.exists():
        english = {seed.text: seed.text_en for seed in HEADLINES}
        lacking = list(NewsTemplate.objects.filter(headline_en="", headline__in=english))
        for template in lacking:
            template.headline_en = english[template.headline]
        NewsTemplate.objects.bulk_update(lacking, ["headline_en"])
        return 0
    NewsTemplate.objects.bulk_create(
        NewsTemplate(
            headline=seed.text,
            headline_en=seed.text_en,
            direction=Direction.GOOD if seed.is_good else Direction.BAD,
            magnitude_bps=seed.magnitude_bps,
            sector=seed.sector,
        )
        for seed in HEADLINES
    )
    return len(HEADLINES)


def _bots_seed() -> int:
    known = set(User.objects.filter(is_bot=True).values_list("nickname_key", flat=True))
    count = 0
    for number, seed in enumerate(BOTS, start=1):
        if nickname_fold(seed.nickname) in known:
            continue
        _bot_create(seed.nickname, seed.kind, number)
        count += 1
    return count


def flock_ensure(*, listings: int) -> int:
    """Add the bots that so many listings need and that are not there, switched off or not; return how many.

    One that staff have switched off is not replaced.
    """
    there = dict(Bot.objects.values_list("kind").annotate(count=Count("pk")))
    missing = [
        kind for kind, size in flock_sizes(listings).items() for _ in range(size - there.get(kind.value, 0))
    ]
    if not missing:
        return 0
    known = set(User.objects.filter(is_bot=True).values_list("nickname_key", flat=True))
    free = (name for name in further_nicknames() if nickname_fold(name) not in known)
    seeds = itertools.count((Bot.objects.aggregate(last=Max("seed"))["last"] or 0) + 1)
    # Names and listings are both bounded: the names outnumber any flock by far.
    for kind, nickname, seed in zip(missing, free, seeds, strict=False):
        _bot_create(nickname, kind, seed)
    return len(missing)


def _bot_create(nickname: str, kind: BotKind, seed: int) -> None:
    user = User.objects.create_user(None, nickname, is_bot=True)
    Bot.objects.create(user=user, kind=Bot.Kind(kind.value), seed=seed)


def _admin_seed() -> str | None:
    """Create the admin with a random password unless there is one; return the password."""
    if User.objects.filter(email=ADMIN_EMAIL).exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    User.objects.create_superuser(ADMIN_EMAIL, ADMIN_NICKNAME, password)
    return password
