"""The admin shows every model, and lets nobody rewrite what has happened or read what is to come."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import User
from games.models import Bot, Game, News, NewsTemplate
from games.seeding import catalogue_seed
from games.services import game_tick
from stocking.base.units import now_ms

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(client: Any) -> Any:
    catalogue_seed()
    game_tick(now_ms=now_ms())
    client.force_login(User.objects.get(nickname="운영자"))
    return client


@pytest.mark.parametrize("model", [Game, News, NewsTemplate, Bot])
def test_every_list_opens(staff: Any, model: Any) -> None:
    answer = staff.get(reverse(f"admin:games_{model._meta.model_name}_changelist"))
    assert answer.status_code == 200


def test_a_game_is_shown_without_its_seed_and_cannot_be_changed(staff: Any) -> None:
    game = Game.objects.get()
    url = reverse("admin:games_game_change", args=[game.pk])
    page = staff.get(url)
    assert page.status_code == 200
    assert str(game.seed) not in page.content.decode()
    assert staff.post(url, {"phase": "trading"}).status_code == 403
    assert staff.get(reverse("admin:games_game_add")).status_code == 403
    assert staff.post(reverse("admin:games_game_delete", args=[game.pk])).status_code == 403


def test_news_to_come_is_hidden_even_from_staff(staff: Any) -> None:
    news = News.objects.order_by("pk")[0]
    page = staff.get(reverse("admin:games_news_changelist"))
    assert news.headline not in page.content.decode()
    assert staff.get(reverse("admin:games_news_change", args=[news.pk])).status_code == 302
    News.objects.filter(pk=news.pk).update(published_at=now_ms())
    assert news.headline in staff.get(reverse("admin:games_news_changelist")).content.decode()


def test_headlines_and_bots_can_be_edited(staff: Any) -> None:
    template = NewsTemplate.objects.all()[0]
    answer = staff.post(
        reverse("admin:games_newstemplate_change", args=[template.pk]),
        {
            "headline": "{company}, 새 소식",
            "direction": "bad",
            "magnitude_bps": 50,
            "sector": "",
            "weight": 1,
        },
    )
    assert answer.status_code == 302
    template.refresh_from_db()
    assert (template.headline, template.direction, template.is_active) == ("{company}, 새 소식", "bad", False)
    url = reverse("admin:games_newstemplate_change", args=[template.pk])
    nameless = {"headline": "아무 회사", "direction": "bad", "magnitude_bps": 50, "sector": "", "weight": 1}
    assert staff.post(url, nameless).status_code == 200, "a headline names its company"
    bot = Bot.objects.all()[0]
    answer = staff.post(
        reverse("admin:games_bot_change", args=[bot.pk]), {"kind": "noise", "seed": 5, "is_active": "on"}
    )
    assert answer.status_code == 302
    user_id = bot.user_id
    bot.refresh_from_db()
    assert (bot.kind, bot.user_id) == ("noise", user_id)
    assert staff.post(reverse("admin:games_bot_delete", args=[bot.pk])).status_code == 403
