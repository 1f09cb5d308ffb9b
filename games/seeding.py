"""Filling a database with what a game needs. What is there already is left as it is, edited or not."""

import secrets
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User, nickname_fold
from games.catalogue import ADMIN_EMAIL, ADMIN_NICKNAME, BOTS, COMPANIES, HEADLINES
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
    """Add headlines to an empty table only: staff who deleted one do not want it back."""
    if NewsTemplate.objects.exists():
        return 0
    NewsTemplate.objects.bulk_create(
        NewsTemplate(
            headline=seed.text,
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
        user = User.objects.create_user(None, seed.nickname, is_bot=True)
        Bot.objects.create(user=user, kind=Bot.Kind(seed.kind.value), seed=number)
        count += 1
    return count


def _admin_seed() -> str | None:
    """Create the admin with a random password unless there is one; return the password."""
    if User.objects.filter(email=ADMIN_EMAIL).exists():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    User.objects.create_superuser(ADMIN_EMAIL, ADMIN_NICKNAME, password)
    return password
