"""Speaking, announcing, noticing, hiding."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.deletion import user_delete
from accounts.models import User
from chat import services
from chat.models import Message
from chat.selectors import message_data, messages_public, player_key
from chat.services import (
    Notice,
    announce,
    message_post,
    messages_hide,
    messages_latest,
    notice_send,
    notices_send,
    text_clean,
)
from stocking.base import stream
from stocking.base.errors import ApplicationError

pytestmark = pytest.mark.django_db(transaction=True)


def _texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("  안녕\n하세요\t여러분 ", "안녕 하세요 여러분"),
        ("\u1100\u1162\u1106\u1175", "개미"),
        ("ＡＢＣ！", "ABC!"),
        ("a\x00b\x07c\x1b[31md", "abc[31md"),
        ("오른쪽\u202e왼쪽\u200b끝\ufeff", "오른쪽왼쪽끝"),
        ("\u2028한 줄\u2029", "한 줄"),
        ("ㅋㅋㅋ ㅠㅠ ㅇㅋ", "ㅋㅋㅋ ㅠㅠ ㅇㅋ"),
        ("ﾻﾻ \u110f\u110f \u11ab", "ㅋㅋ ㅋㅋ ㄴ"),
        ("빈\u3164칸\u2800", "빈 칸"),
        ("👨\u200d👩\u200d👧 가즈아", "👨\u200d👩\u200d👧 가즈아"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
)
def test_text_is_normalised(raw: str, stored: str) -> None:
    assert text_clean(raw) == stored


def test_a_message_is_stored_and_published(player: User, published: list[tuple[str, Any]]) -> None:
    message = message_post(author=player, text="가즈아")
    expected = {
        "id": message.pk,
        "kind": "player",
        "author": player_key(player.pk),
        "nickname": "새벽개미",
        "tier": "gold",
        "is_bot": False,
        "symbol": "",
        "text": "가즈아",
        "level": "",
        "sent_at": message.sent_at,
    }
    assert published == [("chat", expected)]
    assert stream.snapshot_data("chat") == [expected] == messages_public()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\n\x00\u200b",
        "\u200d",
        "\u3164\u3164",
        "가" * 201,
        "\ufdfa" * 100,
        "x" * 100_000,
        None,
        7,
        ["a"],
    ],
)
def test_what_is_no_message_is_refused(player: User, text: Any) -> None:
    with pytest.raises(ApplicationError) as refusal:
        message_post(author=player, text=text)
    assert refusal.value.code == "invalid_request"
    assert not Message.objects.exists()


def test_two_hundred_characters_are_allowed(player: User) -> None:
    assert len(message_post(author=player, text="가" * 200).text) == 200


def _refusal(author: User, text: str, address: str | None = None) -> ApplicationError:
    with pytest.raises(ApplicationError) as refusal:
        message_post(author=author, text=text, address=address)
    return refusal.value


def test_a_player_speaks_five_times_at_once_and_then_each_second(player: User, other: User) -> None:
    for number in range(5):
        message_post(author=player, text=str(number))
    refusal = _refusal(player, "6")
    assert refusal.code == "rate_limited"
    assert 0 < refusal.extra["retry_after_ms"] <= 1_000
    message_post(author=other, text="꿀벌은 괜찮아요")
    assert Message.objects.count() == 6


def test_what_is_refused_counts_as_an_attempt(player: User) -> None:
    assert [_refusal(player, "씨발").code for _ in range(5)] == ["message_refused"] * 5
    assert _refusal(player, "안녕하세요").code == "rate_limited"


def test_an_address_has_an_allowance_whatever_accounts_it_uses(
    player: User, other: User, settings: Any
) -> None:
    settings.CHAT_RATE_PER_ADDRESS = 3
    message_post(author=player, text="하나", address="2001:db8::1")
    message_post(author=other, text="둘", address="2001:db8::2")
    message_post(author=player, text="셋", address="2001:db8:0:0:ffff::3")
    assert _refusal(other, "넷", "2001:db8::4").code == "rate_limited"
    message_post(author=other, text="다른 곳에서는 괜찮아요", address="203.0.113.9")
    settings.CHAT_RATE_PER_ADDRESS = 0
    message_post(author=other, text="제한 없음", address="2001:db8::4")


def test_a_banned_player_is_silent(player: User) -> None:
    player.is_active = False
    with pytest.raises(ApplicationError, match="not_authenticated"):
        message_post(author=player, text="들려요?")


def test_nothing_is_published_before_the_commit_or_after_a_rollback(
    player: User, published: list[tuple[str, Any]]
) -> None:
    with transaction.atomic():
        announce(text="곧 시작해요")
        notice_send(user_id=player.pk, text="체결됐어요")
        message_post(author=player, text="네")
        assert published == []
    assert [topic for topic, _ in published] == ["chat", f"me:{player.pk}", "chat"]
    published.clear()
    with transaction.atomic():
        announce(text="없던 일", key="undone")
        transaction.set_rollback(True)
    assert published == []
    assert announce(text="이번엔 진짜", key="undone") is not None


def test_an_announcement_with_a_key_happens_once(published: list[tuple[str, Any]]) -> None:
    first = announce(text="상한가!", kind="news", key="news:1", level="good")
    assert first is not None
    assert (first.kind, first.level) == ("news", "good")
    assert announce(text="상한가!", kind="news", key="news:1", level="good") is None
    assert announce(text="다른 소식", kind="news", key="news:2") is not None
    assert [data["text"] for _, data in published] == ["상한가!", "다른 소식"]


def test_an_announcement_made_twice_at_the_same_moment_happens_once(
    published: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_looked = Barrier(2, timeout=10)
    looked = local()
    look = services._key_is_taken

    def look_together(key: str) -> bool:
        taken = look(key)
        if not hasattr(looked, "once"):
            looked.once = True
            both_have_looked.wait()
        return taken

    def tell(_: int) -> Message | None:
        try:
            return announce(text="한 번만", key="once")
        finally:
            connection.close()

    monkeypatch.setattr(services, "_key_is_taken", look_together)
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(tell, range(2)))
    assert sorted(result is None for result in results) == [False, True]
    assert Message.objects.count() == len(published) == 1


def test_a_key_taken_between_look_and_insert_spares_the_surrounding_transaction(
    published: list[tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    announce(text="먼저", key="raced")
    answers = [False, True]
    monkeypatch.setattr(services, "_key_is_taken", lambda key: answers.pop(0))
    with transaction.atomic():
        assert announce(text="나중", key="raced") is None
        assert announce(text="그 뒤") is not None
    assert [data["text"] for _, data in published] == ["먼저", "그 뒤"]


def test_a_long_announcement_is_cut() -> None:
    message = announce(text="가" * 301)
    assert message is not None
    assert len(message.text) == 300
    assert message.text.endswith("…")


def test_a_notice_reaches_its_recipient_alone(
    player: User, other: User, published: list[tuple[str, Any]]
) -> None:
    announce(text="모두에게")
    notice = notice_send(user_id=player.pk, text="12주 체결", level="good", key="fill:1")
    assert notice is not None
    assert notice_send(user_id=player.pk, text="12주 체결", key="fill:1") is None
    assert _texts(messages_latest(user=player)) == ["모두에게", "12주 체결"]
    assert _texts(messages_latest(user=other)) == _texts(messages_latest()) == ["모두에게"]
    assert _texts(stream.snapshot_data("chat")) == ["모두에게"]
    (topic, data), *_ = [item for item in published if item[0] != "chat"]
    assert topic == f"me:{player.pk}"
    assert (data["kind"], data["text"], data["level"]) == ("notice", "12주 체결", "good")


def test_the_history_is_the_newest_oldest_first(player: User) -> None:
    for number in range(1, 8):
        announce(text=f"공지 {number}")
        notice_send(user_id=player.pk, text=f"알림 {number}")
    assert _texts(messages_latest(user=player, limit=3)) == ["알림 6", "공지 7", "알림 7"]
    assert _texts(messages_latest(limit=2)) == ["공지 6", "공지 7"]


def test_a_hidden_message_vanishes_everywhere_and_can_come_back(
    player: User, published: list[tuple[str, Any]]
) -> None:
    bad = message_post(author=player, text="나쁜 말")
    message_post(author=player, text="좋은 말")
    assert messages_hide(messages=[bad]) == 1
    assert _texts(stream.snapshot_data("chat")) == _texts(messages_latest(user=player)) == ["좋은 말"]
    assert _texts(published[-1][1]) == ["좋은 말"], "sockets get the cleaned history at once"
    assert messages_hide(messages=[bad]) == 0
    message_post(author=player, text="또")
    assert _texts(stream.snapshot_data("chat")) == ["좋은 말", "또"]
    messages_hide(messages=[bad], hidden=False)
    assert _texts(stream.snapshot_data("chat")) == ["나쁜 말", "좋은 말", "또"]


def test_the_snapshot_comes_from_the_database_when_the_bus_was_lost(player: User) -> None:
    message_post(author=player, text="하나")
    stream.forget(["chat"])
    assert _texts(stream.snapshot_data("chat")) == ["하나"]
    message_post(author=player, text="둘")
    assert _texts(stream.snapshot_data("chat")) == ["하나", "둘"], (
        "the first message after must not hide the rest"
    )


def test_the_snapshot_keeps_the_last_hundred() -> None:
    for number in range(103):
        announce(text=str(number))
    assert _texts(stream.snapshot_data("chat")) == [str(number) for number in range(3, 103)]
    assert stream.snapshot_data("chat") == messages_public()


def test_many_notices_take_as_many_statements_as_few(
    player: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(stream, "publish_private", lambda topic, items: sent.append((topic, list(items))))

    def told(first: int, last: int) -> list[Notice]:
        return [Notice(player.pk, f"알림 {n}", "good", f"many:{n}") for n in range(first, last)]

    with CaptureQueriesContext(connection) as few:
        assert notices_send(notices=told(0, 3)) == 3
    with django_assert_num_queries(len(few)):
        assert notices_send(notices=told(0, 100)) == 97
    assert notices_send(notices=told(0, 100)) == 0
    assert [(topic, len(items)) for topic, items in sent] == [("me", 3), ("me", 97), ("me", 0)]
    user_id, data = sent[1][1][-1]
    assert (user_id, data["kind"], data["text"], data["level"]) == (player.pk, "notice", "알림 99", "good")
    assert Message.objects.filter(recipient=player, kind="notice").count() == 100


def test_another_nickname_reaches_every_screen(player: User, published: list[tuple[str, Any]]) -> None:
    message = message_post(author=player, text="안녕")
    announce(text="공지")
    Message.objects.update(sent_at=1)
    assert not services.history_restore()
    User.objects.filter(pk=player.pk).update(nickname="새이름")
    assert services.history_restore()
    assert [line["nickname"] for line in stream.snapshot_data("chat")] == ["새이름", ""]
    assert not services.history_restore(), "once"
    assert message_data(message)["nickname"] == "새벽개미"


def test_who_has_left_has_no_name_in_the_chat(player: User, other: User) -> None:
    message_post(author=player, text="안녕")
    message_post(author=other, text="잘 가요")
    assert user_delete(user=player)
    first, second = stream.snapshot_data("chat")
    assert (first["nickname"], first["author"], first["text"]) == ("탈퇴한 플레이어", "", "안녕")
    assert second["nickname"] == "꿀벌"
