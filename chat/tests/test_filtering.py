"""The words that staff add, in messages and nicknames."""

import re

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import User
from accounts.nicknames import nickname_clean
from chat import filtering
from chat.models import Message, Word
from chat.services import message_post
from stocking.base import stream
from stocking.base.errors import ApplicationError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin_client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss@example.com", "대장", "파란-고래-7342"))
    return client


def test_a_message_with_a_forbidden_word_is_refused_and_leaves_nothing(player: User) -> None:
    with pytest.raises(ApplicationError, match="message_refused"):
        message_post(author=player, text="야 이 ㅅㅣㅂㅏㄹ")
    assert not Message.objects.exists()
    assert stream.snapshot_data("chat") == []
    message_post(author=player, text="다시 발표해 주세요")


def test_a_nickname_passes_the_same_filter(player: User) -> None:
    for nickname in ("씨발라마", "병신개미", "시_발", "FUCKER", "ｆｕｃｋｙｏｕ", "tlqkf", "개새끼"):
        with pytest.raises(ValidationError, match="거친 말"):
            nickname_clean(nickname)
    assert nickname_clean("새끼고양이") == "새끼고양이"
    assert nickname_clean("병신개미", reserved_allowed=True) == "병신개미", "staff give out what they like"


def test_sign_up_refuses_such_a_nickname(client: Client) -> None:
    fields = {
        "email": "a@example.com",
        "nickname": "병신개미",
        "password1": "파란-고래-7342",
        "password2": "파란-고래-7342",
    }
    assert "거친 말" in client.post("/accounts/signup/", fields).content.decode()
    assert not User.objects.filter(nickname="병신개미").exists()


def test_staff_forbid_and_allow_words_at_once_everywhere(admin_client: Client, player: User) -> None:
    message_post(author=player, text="작전주 같이 사요")
    add = "/admin/chat/word/add/"
    assert admin_client.post(add, {"text": "작전주", "note": "선동"}).status_code == 302
    word = Word.objects.get()
    assert (word.added_by.nickname, word.note) == ("대장", "선동")
    with pytest.raises(ApplicationError, match="message_refused"):
        message_post(author=player, text="작 전 주 같이 사요")
    assert admin_client.post(add, {"text": "작전주식회사", "is_allowed": "on"}).status_code == 302
    message_post(author=player, text="작전주식회사 샀어요")
    assert admin_client.post(f"/admin/chat/word/{word.pk}/delete/", {"post": "yes"}).status_code == 302
    message_post(author=player, text="작전주 같이 사요")
    # A kept list's entry can be taken back, too.
    assert admin_client.post(add, {"text": "존나", "is_allowed": "on"}).status_code == 302
    message_post(author=player, text="존나 올라요")


def test_words_deleted_by_action_are_forgotten(admin_client: Client) -> None:
    word = Word.objects.create(text="작전주", added_at=1)
    filtering.words_changed()
    assert filtering.forbidden_word("작전주") == "작전주"
    chosen = {"action": "delete_selected", "_selected_action": [word.pk], "post": "yes"}
    assert admin_client.post("/admin/chat/word/", chosen).status_code == 302
    assert filtering.forbidden_word("작전주") is None


@pytest.mark.parametrize("text", ["", "가", "^가", "!!", "12", "\u200b\u3164"])
def test_a_word_that_finds_nothing_or_too_much_is_refused(admin_client: Client, text: str) -> None:
    answer = admin_client.post("/admin/chat/word/add/", {"text": text})
    assert answer.status_code == 200
    assert re.search("errorlist", answer.content.decode())
    assert not Word.objects.exists()


def test_another_process_takes_over_what_staff_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert filtering.forbidden_word("작전주") is None
    mine = filtering._ready
    Word.objects.create(text="작전주", added_at=1)
    assert filtering.forbidden_word("작전주") is None, "nobody has told it"
    cache.set(filtering.VERSION_KEY, "another process's", timeout=None)
    assert filtering.forbidden_word("작전주") == "작전주"
    assert filtering._ready is not mine
    # Where the bus forgot the change, a minute passes.
    Word.objects.all().delete()
    assert filtering.forbidden_word("작전주") == "작전주"
    monkeypatch.setattr(filtering, "KEPT_SECONDS", -1.0)
    assert filtering.forbidden_word("작전주") is None
