"""One session a user, over real HTTP and sockets: what ends it closes its sockets, and the gate refuses its key."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Self

import pytest
from django.test import Client
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.deletion import user_delete
from accounts.models import Session, User
from accounts.services import user_ban
from games.practice import asks
from stocking.base import consumers, logins, stream
from tests.instance import wait_until
from tests.player import Player
from tests.served import served
from trading.gate.client import gate
from trading.tests.market import Exchange, open_exchange

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "파란-고래-7342"
GOODBYE = "다른 장치에서 로그인되어 로그아웃됩니다"
WITHIN_SECONDS = 2.0  # what is promised


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Serve the whole application; return its address."""
    from stocking.asgi import application

    with served(application) as address:
        yield address


@pytest.fixture
def exchange() -> Exchange:
    """An open market."""
    return open_exchange(symbols=("AAA",))


@pytest.fixture
def ant(exchange: Exchange) -> User:
    """A player who signed up, and has played before."""
    return User.objects.create_user("ant@example.com", "새벽개미", PASSWORD)


class Ear:
    """One socket with the cookies of a player, and what it has heard."""

    def __init__(self, player: Player, *topics: str) -> None:
        cookies = "; ".join(f"{name}={value}" for name, value in player.http.cookies.items())
        self.socket: ClientConnection = connect(
            player.base_url.replace("http", "ws") + "/ws/",
            origin=player.base_url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies} if cookies else {},
            compression=None,
        )
        self.heard: list[dict[str, Any]] = []
        if topics:
            self.say(op="subscribe", topics=list(topics))
            for _ in topics:
                self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, **message: Any) -> None:
        """Send one message."""
        self.socket.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        """Return the next message."""
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=10))
        self.heard.append(message)
        return message

    def closed(self) -> tuple[int, str]:
        """Hear everything until the server closes; return the code and reason."""
        with suppress(ConnectionClosed):
            while True:
                self.hear()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""

    def answers(self) -> bool:
        """Return whether the socket is open and served."""
        self.say(op="ping", sent_at_ms=1)
        return self.hear()["type"] == "pong"


@pytest.fixture
def player(site: str, ant: User) -> Iterator[Player]:
    """The player's first browser, logged in."""
    with Player(site) as first:
        first.log_in("ant@example.com", PASSWORD)
        yield first


def buys(player: Player) -> int:
    """Order one share; returns the status."""
    return player.order("AAA", "buy", 1, 100_000).status_code


def test_a_second_login_ends_the_first(player: Player, site: str, ant: User) -> None:
    with Player(site) as second, Player(site) as nobody:
        with Ear(player, "me") as mine, Ear(player) as tab, Ear(nobody, "chat") as visitor:
            assert buys(player) == 202
            second.log_in("ant@example.com", PASSWORD)
            assert buys(player) == 401, "the gate refuses the key from that instant"
            assert mine.closed() == (consumers.CLOSE_LOGGED_IN_ELSEWHERE, GOODBYE)
            notice = mine.heard[-1]
            assert (notice["topic"], notice["type"], notice["data"]["kind"]) == ("me", "update", "notice")
            assert notice["data"]["text"] == GOODBYE
            assert tab.closed() == (consumers.CLOSE_LOGGED_IN_ELSEWHERE, GOODBYE)
            assert tab.heard[-1] == {"type": "error", "code": "logged_in_elsewhere", "message": GOODBYE}
            assert visitor.answers()
        assert player.http.get("/api/account").status_code == 401
        assert buys(player) == 401
        # A page that was away comes back with the dead key, and is told.
        player.http.cookies.set("sessionid", "x" * 32)
        with Ear(player) as stranger:
            assert stranger.closed()[0] == consumers.CLOSE_SESSION_ENDED
        with Ear(second, "me") as there:
            assert buys(second) == 202
            assert there.answers()
    assert Session.objects.filter(user=ant).count() == 1


def test_who_comes_back_with_a_dead_key_is_told_why(player: Player, site: str) -> None:
    key = player.http.cookies["sessionid"]
    with Player(site) as second:
        second.log_in("ant@example.com", PASSWORD)
        with Ear(player) as late:
            assert late.closed() == (consumers.CLOSE_LOGGED_IN_ELSEWHERE, GOODBYE)
            assert late.heard[-1]["code"] == "logged_in_elsewhere"
    # A page says it once and clears the cookie away, so whoever reloads is a visitor like any other.
    page = player.http.get("/").text
    assert GOODBYE in page and "새벽개미" not in page
    assert GOODBYE not in player.http.get("/").text
    assert player.http.cookies.get("sessionid") != key
    with Ear(player, "chat") as visitor:
        assert visitor.answers()


def test_a_guest_who_signs_up_in_another_browser_keeps_the_first(site: str, exchange: Exchange) -> None:
    with Player(site) as guest, Player(site) as other, Player(site, "다른개미") as third:
        guest.play_as_guest()
        with Ear(guest, "me") as mine:
            other.play_as_guest()
            third.sign_up("third@example.com", PASSWORD)
            assert mine.answers()
            assert [buys(one) for one in (guest, other, third)] == [202, 202, 202]


def by_logout(player: Player, _user: User) -> None:
    token = player.http.cookies["csrftoken"]
    assert player.http.post("/accounts/logout/", data={"csrfmiddlewaretoken": token}).status_code == 200


def by_ban(_player: Player, user: User) -> None:
    user_ban(user=user)


def by_staff(_player: Player, user: User) -> None:
    boss = User.objects.create_superuser("boss@example.com", "대장", PASSWORD)
    staff = Client()
    staff.force_login(boss)
    form = {"action": "ban", "_selected_action": [user.pk], "reason": "도배"}
    assert staff.post("/admin/accounts/user/", form).status_code == 302


def by_deletion(_player: Player, user: User) -> None:
    assert user_delete(user=user)


def by_new_password(player: Player, _user: User) -> None:
    token = player.http.cookies["csrftoken"]
    fresh = "노란-기린-9921"
    form = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh, "csrfmiddlewaretoken": token}
    assert player.http.post("/accounts/password/change/", data=form).status_code == 200


def by_password_of_staff(_player: Player, user: User) -> None:
    user.set_password("노란-기린-9921")
    user.save()


def by_age(player: Player, _user: User) -> None:
    key = player.http.cookies["sessionid"]
    Session.objects.filter(pk=key).update(expire_date=timezone.now() - timedelta(seconds=1))


TOLD = [by_logout, by_ban, by_staff, by_deletion, by_new_password]
FOUND = [by_logout, by_ban, by_new_password, by_password_of_staff, by_age]


@pytest.mark.parametrize(
    ("end", "is_told"),
    [(end, True) for end in TOLD] + [(end, False) for end in FOUND],
    ids=lambda value: value.__name__ if callable(value) else "" if value else "though the bus lost the word",
)
def test_what_ends_a_session_closes_its_sockets_within_two_seconds(
    player: Player, ant: User, end: Callable[..., None], is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_told:
        monkeypatch.setattr(logins, "tell_changed", lambda _user_id: None)
    with Ear(player, "me") as mine:
        end(player, ant)
        began = time.monotonic()
        code, reason = mine.closed()
        took = time.monotonic() - began
    assert (code, reason) == (consumers.CLOSE_SESSION_ENDED, "로그인이 끝났어요. 다시 로그인해 주세요.")
    assert took < WITHIN_SECONDS
    if end is by_new_password:  # the browser in which it was changed goes on, under a key of its own
        with Ear(player, "me") as again:
            assert again.answers()
        assert buys(player) == 202


def test_the_sockets_of_a_player_are_bounded(player: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SOCKETS_PER_USER_MAX", 2)
    with Ear(player) as one, Ear(player) as two:
        assert one.answers()
        assert two.answers()
        with Ear(player) as three:
            assert three.closed()[0] == consumers.CLOSE_TOO_MANY
        assert one.answers()


def test_practice_is_not_asked_for_on_a_socket_whose_login_has_ended(
    player: Player, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word is late by as much as it can be: until then asks are taken, from then on none."""
    asked: list[int] = []
    with gate_of_practice(asked), Ear(player, "practice") as mine, Player(site) as second:
        mine.say(op="practice", do="look", ref="before")
        wait_until(lambda: len(asked) == 1, 5, "the ask")
        second.log_in("ant@example.com", PASSWORD)
        assert mine.closed()[0] == consumers.CLOSE_LOGGED_IN_ELSEWHERE
        with Ear(player) as again, suppress(ConnectionClosed):
            again.say(op="practice", do="stop", ref="after")
            again.closed()
        with Ear(second, "practice") as there:
            there.say(op="practice", do="look", ref="there")
            wait_until(lambda: len(asked) == 2, 5, "the ask of the session that stays")
    assert asked == [asked[0]] * 2


@contextmanager
def gate_of_practice(asked: list[int]) -> Iterator[None]:
    """Listen where the host of practice does; notes whose asks come in."""
    with stream.bus().pubsub(ignore_subscribe_messages=True) as listening:
        listening.subscribe(**{asks.CHANNEL: lambda m: asked.append(asks.opened(m["data"]).user_id)})
        thread = listening.run_in_thread(sleep_time=0.01, daemon=True)
        yield
        thread.stop()
        thread.join()


def test_a_binding_does_not_outlive_its_session_at_the_gate(player: Player, ant: User, site: str) -> None:
    """Whoever ends a session may die before it unbinds the key: the fence was there before the commit."""
    key = player.http.cookies["sessionid"]
    assert buys(player) == 202
    with Player(site) as second:
        second.log_in("ant@example.com", PASSWORD)
        gate().session_bind(key, ant.pk)  # as if never unbound, or bound by somebody who was late
        assert buys(player) == 401
        assert buys(second) == 202
        gate().redis.delete(f"fence:{ant.pk}")
        assert gate().redis.ttl(f"session:{key}") <= 120


def test_nothing_is_heard_on_a_socket_whose_login_has_ended(player: Player, ant: User, site: str) -> None:
    with Ear(player, "me", "practice") as mine, Player(site) as second:
        second.log_in("ant@example.com", PASSWORD)
        with Ear(second, "me") as there:
            assert mine.closed()[0] == consumers.CLOSE_LOGGED_IN_ELSEWHERE
            assert buys(second) == 202
            assert there.answers()
        assert not [m for m in mine.heard if m.get("data", {}) and m.get("type") == "update"][1:]
