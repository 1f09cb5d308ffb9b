"""What a fresh installation is filled with, and that nothing is filled in twice."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from accounts.models import User, nickname_validator
from games.catalogue import ADMIN_EMAIL, BOTS, COMPANIES, HEADLINES
from games.models import Bot, NewsTemplate
from trading.core.ticks import is_on_tick
from trading.models import Company

pytestmark = pytest.mark.django_db


def seed() -> str:
    output = StringIO()
    call_command("seed", stdout=output)
    return output.getvalue()


def test_a_fresh_installation_is_filled_once() -> None:
    first = seed()
    password = first.split("password (shown only now): ")[1].split()[0]
    assert len(password) >= 12
    admin = User.objects.get(email=ADMIN_EMAIL)
    assert (admin.nickname, admin.is_staff, admin.is_superuser) == ("운영자", True, True)
    assert admin.check_password(password)
    assert authenticate(email=ADMIN_EMAIL, password="wrong") is None

    second = seed()
    assert "password" not in second
    assert second.startswith("Seeded 0 companies, 0 headlines, 0 bots.")
    assert User.objects.count() == len(BOTS) + 1
    assert Company.objects.count() == len(COMPANIES)
    assert NewsTemplate.objects.count() == len(HEADLINES)


def test_what_staff_changed_stays_changed() -> None:
    seed()
    Company.objects.filter(symbol="HRE").update(base_price=90_000)
    NewsTemplate.objects.filter(headline__contains="배당").delete()
    Bot.objects.update(is_active=False)
    seed()
    assert Company.objects.get(symbol="HRE").base_price == 90_000
    assert not NewsTemplate.objects.filter(headline__contains="배당").exists()
    assert not Bot.objects.filter(is_active=True).exists()


def test_bots_cannot_log_in_and_are_marked() -> None:
    seed()
    bots = User.objects.filter(bot__isnull=False)
    assert bots.count() == len(BOTS)
    for user in bots:
        assert user.is_bot
        assert not user.has_usable_password()
        assert user.email is None


def test_the_second_time_is_cheap(django_assert_max_num_queries: object) -> None:
    seed()
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        seed()


def test_the_catalogue_is_sound() -> None:
    assert {(c.symbol, c.name, c.sector) for c in COMPANIES} >= {
        ("HRE", "항로전자", "반도체"),
        ("BRM", "바람자동차", "자동차"),
        ("SBC", "솔빛화학", "화학"),
    }
    for company in COMPANIES:
        assert is_on_tick(company.base_price)
        Company(
            symbol=company.symbol,
            name=company.name,
            name_en=company.name_en,
            sector=company.sector,
            base_price=company.base_price,
            description=company.description,
        ).full_clean()
    for is_good in (True, False):
        assert len([h for h in HEADLINES if h.is_good == is_good and not h.sector]) >= 6
    sectors = {company.sector for company in COMPANIES}
    for headline in HEADLINES:
        assert "{company}" in headline.text
        assert headline.sector in {"", *sectors}
    for bot in BOTS:
        nickname_validator(bot.nickname)
