"""Under which form a nickname is unique."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User, nickname_fold


@pytest.mark.parametrize(
    ("one", "other"), [("Ant", "aNT"), ("ａｎｔ", "ant"), ("\u1100\u1162", "개"), ("STRASSE", "straße")]
)
def test_folding_makes_look_alikes_one(one: str, other: str) -> None:
    assert nickname_fold(one) == nickname_fold(other)


@pytest.mark.django_db
def test_the_database_holds_the_rule() -> None:
    User.objects.create_user("a@example.com", "Ant")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("b@example.com", "aNT")


@pytest.mark.django_db
def test_a_new_nickname_takes_its_folded_form_along() -> None:
    user = User.objects.create_user("a@example.com", "Ant")
    user.nickname = "Bee"
    user.save(update_fields=["nickname"])
    user.refresh_from_db()
    assert user.nickname_key == "bee"


@pytest.mark.django_db
def test_saving_a_profile_does_not_undo_a_rating() -> None:
    user = User.objects.create_user("a@example.com", "개미", mmr=1_234)
    User.objects.filter(pk=user.pk).update(mmr=1_500, tier="gold", games_played=3)
    user.nickname = "왕개미"
    user.save()
    user.refresh_from_db()
    assert (user.nickname, user.nickname_key, user.mmr, user.tier, user.games_played) == (
        "왕개미", "왕개미", 1_500, "gold", 3,
    )  # fmt: skip
    user.mmr = 7
    user.save(update_fields=["mmr"])
    assert User.objects.get().mmr == 7
