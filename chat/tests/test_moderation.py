"""Reports, and what staff do about them: each deed with its reason in the log."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.services import guest_create
from accounts.sessions import current_user_of
from chat.models import Message, Moderation, Report, Silence
from chat.moderation import SILENCE_MS_MAX, player_silence, silence_lift
from chat.reporting import message_report
from chat.selectors import messages_public, standing_of
from chat.services import announce, message_post
from stocking.base import stream
from stocking.base.errors import ApplicationError
from stocking.base.units import now_ms

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE_MS = 60_000


@pytest.fixture
def boss(db: None) -> User:
    return User.objects.create_superuser("boss@example.com", "대장", "파란-고래-7342")


@pytest.fixture
def clerk(db: None) -> User:
    """A member of staff who looks after the chat, and may not ban."""
    clerk = User.objects.create_user("clerk@example.com", "직원", "파란-고래-7342", is_staff=True)
    names = ["view_message", "change_message", "view_report", "view_silence", "view_moderation", "view_user"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    return clerk


def _client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _do(staff: User, model: str, action: str, rows: list[Any], **fields: Any) -> Any:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    return _client(staff).post(f"/admin/{model}/", chosen)


def _refused(author: User, text: str = "안녕하세요") -> ApplicationError:
    with pytest.raises(ApplicationError) as refusal:
        message_post(author=author, text=text)
    return refusal.value


def _log() -> list[tuple[str, str, str, str]]:
    rows = Moderation.objects.select_related("user", "by").order_by("pk")
    return [(row.kind, str(row.user), row.reason, str(row.by)) for row in rows]


# Reports ------------------------------------------------------------------------------------------


def test_a_message_is_reported_once_by_each(client: Client, player: User, other: User) -> None:
    message = message_post(author=other, text="나쁜 말")
    body = {"message_id": message.pk, "reason": "abuse", "note": " 계속\n이래요 "}
    client.force_login(player)

    def report() -> Any:
        return client.post("/api/chat/reports", json.dumps(body), content_type="application/json")

    assert [report().json() for _ in range(2)] == [{"duplicate": False}, {"duplicate": True}]
    assert message_report(reporter=guest_create(), message_id=message.pk, reason="spam") is not None
    mine = Report.objects.get(reporter=player)
    assert (mine.message, mine.reason, mine.note, mine.status) == (message, "abuse", "계속 이래요", "open")
    assert Report.objects.count() == 2


def test_what_cannot_be_reported(player: User, other: User) -> None:
    mine = message_post(author=player, text="내 말")
    hidden = message_post(author=other, text="숨긴 말")
    Message.objects.filter(pk=hidden.pk).update(is_hidden=True)
    news = announce(text="속보", kind="news")
    assert news is not None
    for message_id in (mine.pk, hidden.pk, news.pk, 999_999):
        with pytest.raises(ApplicationError, match="message_not_found"):
            message_report(reporter=player, message_id=message_id, reason="spam")
    said = message_post(author=other, text="보이는 말")
    for reason, note in (("bogus", ""), ("", ""), ("spam", "가" * 201), ("spam", "\ufdfa" * 100)):
        with pytest.raises(ApplicationError, match="invalid_request"):
            message_report(reporter=player, message_id=said.pk, reason=reason, note=note)
    assert not Report.objects.exists()


def test_reports_are_rationed(player: User, other: User) -> None:
    said = message_post(author=other, text="말")
    for _ in range(10):
        message_report(reporter=player, message_id=said.pk, reason="spam")
    with pytest.raises(ApplicationError, match="rate_limited"):
        message_report(reporter=player, message_id=said.pk, reason="spam")


def test_the_page_reports_without_javascript_and_leads_nowhere_else(
    client: Client, player: User, other: User
) -> None:
    said = message_post(author=other, text="<img src=x onerror=alert(1)>")
    address = f"/chat/messages/{said.pk}/report/"
    assert client.get(address).url.startswith("/accounts/login/")
    client.force_login(player)
    page = client.get(address, {"next": "javascript:alert(1)"}).content.decode()
    assert "<img src=x" not in page and "javascript:" not in page
    assert client.post(address, {"reason": "bogus"}).status_code == 200
    answer = client.post(address, {"reason": "sexual", "next": "/rankings/"})
    assert answer.url == "/rankings/"
    assert "신고했어요" in str(next(iter(get_messages(answer.wsgi_request))))
    assert Report.objects.get().reason == "sexual"
    for number in (999_999, 10**30):
        assert client.get(f"/chat/messages/{number}/report/").status_code == 404


def test_staff_work_off_the_queue(clerk: User, player: User, other: User) -> None:
    bad, fine = message_post(author=other, text="나쁜 말"), message_post(author=other, text="괜찮은 말")
    for message in (bad, fine):
        for reporter in (player, guest_create()):
            message_report(reporter=reporter, message_id=message.pk, reason="abuse")
    queue = _client(clerk).get("/admin/chat/report/").content.decode()
    assert queue.count("나쁜 말") >= 2 and "꿀벌" in queue
    first = {report.message_id: report for report in Report.objects.order_by("-pk")}
    assert "사유" in _do(clerk, "chat/report", "hide", [first[bad.pk]]).content.decode()
    assert Report.objects.filter(status="open").count() == 4, "nothing without a reason"
    _do(clerk, "chat/report", "hide", [first[bad.pk]], reason="욕설")
    _do(clerk, "chat/report", "dismiss", [first[fine.pk]], reason="문제 없음")
    assert [message["text"] for message in stream.snapshot_data("chat")] == ["괜찮은 말"]
    assert sorted(Report.objects.values_list("message_id", "status")) == sorted(
        [(bad.pk, "upheld")] * 2 + [(fine.pk, "dismissed")] * 2
    )
    assert _log() == [("hide", "꿀벌", "욕설", "직원"), ("dismiss", "꿀벌", "문제 없음", "직원")]
    assert "나쁜 말" not in _client(clerk).get("/admin/chat/report/").content.decode()
    assert "나쁜 말" in _client(clerk).get("/admin/chat/report/?status=all").content.decode()


# Time-outs ----------------------------------------------------------------------------------------


def test_a_timed_out_player_is_told_until_when_and_why(
    clerk: User, player: User, other: User, published: list[tuple[str, Any]]
) -> None:
    said = message_post(author=player, text="도배 도배")
    before = now_ms()
    answer = _do(
        clerk,
        "chat/message",
        "silence",
        [said],
        amount="2",
        unit="3600000",
        reason="도배",
        with_messages="on",
    )
    assert answer.status_code == 302
    until = Silence.objects.get(user=player).until
    assert before + 2 * 60 * MINUTE_MS <= until <= now_ms() + 2 * 60 * MINUTE_MS
    refusal = _refused(player)
    assert (refusal.code, refusal.extra) == ("chat_silenced", {"until_ms": until, "reason": "도배"})
    notice = Message.objects.get(recipient=player)
    assert "도배" in notice.text and "까지" in notice.text
    standing = [data for topic, data in published if topic == f"me:{player.pk}" and data["kind"] == "chat"][
        -1
    ]
    assert (standing["silenced_until_ms"], standing["reason"]) == (until, "도배")
    page = _client(player).get("/").content.decode()
    assert "채팅이 잠시 제한됐어요" in page and str(until) in page
    assert messages_public() == [], "what was said is hidden as well"
    assert _log() == [("silence", "새벽개미", "도배", "직원"), ("hide", "새벽개미", "도배", "직원")]
    message_post(author=other, text="저는 괜찮아요")


def test_a_time_out_ends_by_itself_or_is_lifted(boss: User, player: User) -> None:
    player_silence(player=player, duration_ms=MINUTE_MS, reason="도배", staff=boss)
    assert _refused(player).code == "chat_silenced"
    Silence.objects.filter(user=player).update(until=now_ms() - 1)
    message_post(author=player, text="돌아왔어요")
    assert standing_of(player)["silenced_until_ms"] is None
    assert not silence_lift(player=player, reason="오해", staff=boss), "there is nothing to lift"
    player_silence(player=player, duration_ms=MINUTE_MS, reason="도배", staff=boss)
    longer = player_silence(player=player, duration_ms=60 * MINUTE_MS, reason="또 도배", staff=boss)
    assert Silence.objects.get().until == longer
    _do(boss, "chat/silence", "lift", [Silence.objects.get()], reason="사과했어요")
    message_post(author=player, text="고마워요")
    assert [kind for kind, *_ in _log()] == ["silence", "silence", "silence", "lift"]


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "0", "unit": "60000", "reason": "도배"},
        {"amount": "366", "unit": "86400000", "reason": "도배"},
        {"amount": "x", "unit": "60000", "reason": "도배"},
        {"amount": "1", "unit": "1", "reason": "도배"},
        {"amount": "1", "unit": "60000", "reason": "\u200b \u3164"},
        {"amount": "1", "unit": "60000"},
    ],
)
def test_a_time_out_needs_a_length_and_a_reason(boss: User, player: User, fields: dict[str, str]) -> None:
    assert _do(boss, "accounts/user", "silence", [player], **fields).status_code == 200
    assert not Silence.objects.exists() and not Moderation.objects.exists()
    with pytest.raises(ApplicationError, match="invalid_request"):
        player_silence(player=player, duration_ms=SILENCE_MS_MAX + 1, reason="도배", staff=boss)


# Bans, and who may do what --------------------------------------------------------------------------


def test_a_ban_from_the_queue_ends_the_session_and_hides_what_was_said(
    boss: User, player: User, other: User
) -> None:
    said = message_post(author=other, text="사기 광고")
    message_report(reporter=player, message_id=said.pk, reason="spam")
    victim = _client(other)
    key = victim.session.session_key
    _do(boss, "chat/report", "ban", [Report.objects.get()], reason="사기", with_messages="on")
    assert current_user_of(key) is None
    assert messages_public() == []
    assert Report.objects.get().status == "upheld"
    other.refresh_from_db()
    assert _refused(other).code == "not_authenticated"
    _do(boss, "accounts/user", "unban", [other], reason="오해")
    other.refresh_from_db()
    assert other.is_active
    expected = [
        ("ban", "꿀벌", "사기", "대장"),
        ("hide", "꿀벌", "사기", "대장"),
        ("unban", "꿀벌", "오해", "대장"),
    ]
    assert _log() == expected


def test_staff_moderate_players_and_not_each_other(boss: User, clerk: User, player: User) -> None:
    colleague = User.objects.create_user("c@example.com", "동료", "파란-고래-7342", is_staff=True)
    fields = {"amount": "10", "unit": "60000", "reason": "시험"}
    _do(clerk, "accounts/user", "silence", [boss, clerk, colleague, player], **fields)
    assert [row.user for row in Silence.objects.select_related("user")] == [player]
    _do(boss, "accounts/user", "silence", [boss, colleague], **fields)
    assert {row.user for row in Silence.objects.select_related("user")} == {player, colleague}
    with pytest.raises(ApplicationError, match="forbidden"):
        player_silence(player=boss, duration_ms=MINUTE_MS, reason="x", staff=clerk)


def test_deeds_need_their_permission(clerk: User, player: User) -> None:
    said = message_post(author=player, text="말")
    _do(clerk, "chat/message", "ban", [said], reason="그냥")
    player.refresh_from_db()
    assert player.is_active, "who looks after the chat may not ban"
    reader = User.objects.create_user("r@example.com", "읽는이", "파란-고래-7342", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_message", "view_report"]))
    _do(reader, "chat/message", "hide", [said], reason="그냥")
    assert len(messages_public()) == 1 and not Moderation.objects.exists()
    assert _client(player).get("/admin/chat/report/", follow=True).status_code == 403


def test_the_log_can_only_be_read_and_has_reasons(boss: User, player: User) -> None:
    player_silence(player=player, duration_ms=MINUTE_MS, reason="도배", staff=boss)
    row = Moderation.objects.get()
    client = _client(boss)
    assert "도배" in client.get("/admin/chat/moderation/").content.decode()
    for address in ("add/", f"{row.pk}/delete/"):
        assert client.post(f"/admin/chat/moderation/{address}", {"post": "yes"}).status_code == 403
    assert client.post(f"/admin/chat/moderation/{row.pk}/change/", {"reason": "x"}).status_code == 403
    with pytest.raises(IntegrityError), transaction.atomic():
        Moderation.objects.create(kind="ban", user=player, reason="", by=boss, at=1)


def test_a_deed_that_fails_leaves_no_log(boss: User, player: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from chat import moderation

    def fail(**_: Any) -> None:
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(moderation, "notice_send", fail)
    with pytest.raises(RuntimeError):
        player_silence(player=player, duration_ms=MINUTE_MS, reason="도배", staff=boss)
    assert not Moderation.objects.exists() and not Silence.objects.exists()
    cache.clear()
    message_post(author=player, text="아직 말할 수 있어요")
