"""What a fresh installation is filled with, and that nothing is filled in twice."""

from collections import Counter
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from accounts.models import User, nickname_validator
from accounts.nicknames import BOT_PREFIX
from games.catalogue import ADMIN_EMAIL, BOTS, COMPANIES, HEADLINES
from games.core.bots import flock_sizes
from games.models import Bot, NewsTemplate
from games.preparing import bot_grants
from games.seeding import flock_ensure
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


def test_english_is_added_to_headlines_of_before_and_to_no_others() -> None:
    seed()
    mine = NewsTemplate.objects.create(headline="{company}, 새 소식", direction="good", magnitude_bps=50)
    NewsTemplate.objects.update(headline_en="")
    seed()
    assert not NewsTemplate.objects.filter(headline_en="").exclude(pk=mine.pk).exists()
    mine.refresh_from_db()
    assert mine.headline_en == ""


def test_more_listings_bring_more_bots_once_and_those_switched_off_stay_off() -> None:
    seed()
    assert flock_ensure(listings=3) == 0
    Bot.objects.filter(kind="maker").update(is_active=False)
    assert flock_ensure(listings=3) == 0, "who was switched off is not replaced"
    assert flock_ensure(listings=7) == sum(flock_sizes(7).values()) - len(BOTS)
    assert flock_ensure(listings=7) == 0
    assert Counter(Bot.objects.values_list("kind", flat=True)) == flock_sizes(7)
    assert len(set(Bot.objects.values_list("seed", flat=True))) == Bot.objects.count()
    assert User.objects.filter(is_bot=True, nickname__startswith=BOT_PREFIX).count() == Bot.objects.count()


def test_each_game_takes_as_many_bots_as_it_needs() -> None:
    seed()
    flock_ensure(listings=7)
    companies = list(Company.objects.all())
    assert len(bot_grants(companies)) == len(BOTS)
    for number in range(4):
        Company.objects.create(
            symbol=f"N{number}", name=f"새회사{number}", name_en="New", sector="", base_price=10_000
        )
    grants = bot_grants(list(Company.objects.all()))
    assert len(grants) == sum(flock_sizes(7).values())
    assert {len(grant.shares) for grant in grants} == {3}
    first = Bot.objects.order_by("pk")[0]
    Bot.objects.filter(pk=first.pk).update(is_active=False)
    assert first.user_id not in {grant.user_id for grant in bot_grants(companies)}


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
        assert "{company}" in headline.text_en
        NewsTemplate(
            headline=headline.text,
            headline_en=headline.text_en,
            direction="good" if headline.is_good else "bad",
            magnitude_bps=headline.magnitude_bps,
            sector=headline.sector,
        ).full_clean(validate_unique=False)
        assert headline.sector in {"", *sectors}
    for bot in BOTS:
        nickname_validator(bot.nickname)
