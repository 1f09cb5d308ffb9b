"""A nickname is shown to everybody: nothing that could be more than a name is taken as one."""

import pytest
from django.test import Client

from accounts.models import User
from tests.security.hostile import MARKUP

pytestmark = pytest.mark.django_db

LOOKALIKES = (
    "운영자", "운영\u200b자", "ad\u00admin", "аdmin", "ａｄｍｉｎ", "System", "관리자1", "스톡킹", "봇_1", "체험왕1",
    "a\u202eb", "a\u0000b", "a b", "a\nb", "../..", "%2e%2e", "a/b", "a?b", "a#b", "<b>", "가\u3164나", "👍👍",
)  # fmt: skip


def test_no_markup_and_no_lookalike_of_the_house_is_taken_as_a_nickname() -> None:
    for nickname in (*MARKUP, *(text[:12] for text in MARKUP), *LOOKALIKES):
        answer = Client().post(
            "/accounts/signup/",
            {
                "email": "ant@example.com",
                "nickname": nickname,
                "password1": "파란-고래-7342",
                "password2": "파란-고래-7342",
            },
        )
        assert answer.status_code == 200, nickname
        assert "window.__broken=1<" not in answer.content.decode()
        assert f">{nickname}<" not in answer.content.decode() or "<" not in nickname
    assert not User.objects.filter(email="ant@example.com").exists()
