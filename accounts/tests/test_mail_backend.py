"""Mail goes out behind the page's back, to a real mail server that has its moods."""

import os
import smtplib
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from accounts import mail_backend
from accounts.mail_backend import Postman, is_permanent

SEEN_SECONDS = 10.0


class Moods(socketserver.ThreadingTCPServer):
    """A mail server; `answers` are what it says to the next recipients, and then it takes everything."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.answers: list[bytes] = []
        self.asked: list[str] = []
        self.taken: list[str] = []


class Conversation(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client without extensions needs."""

    server: Moods

    def handle(self) -> None:
        self.wfile.write(b"220 mail.example\r\n")
        while line := self.rfile.readline().decode():
            verb = line[:4].upper()
            if verb == "RCPT":
                self.server.asked.append(line.strip())
                answer = self.server.answers.pop(0) if self.server.answers else b"250 ok"
                self.wfile.write(answer + b"\r\n")
            elif verb == "DATA":
                self.wfile.write(b"354 go on\r\n")
                text = ""
                while (part := self.rfile.readline().decode()) not in (".\r\n", ""):
                    text += part
                self.server.taken.append(text)
                self.wfile.write(b"250 taken\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")
            if verb == "QUIT":
                return


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moods]:
    """A mail server that the settings name."""
    with Moods() as started:
        threading.Thread(target=started.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = started.server_address
        settings.EMAIL_BACKEND = "accounts.mail_backend.Backend"
        settings.MAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        monkeypatch.setattr(mail_backend, "RETRY_SECONDS", (0.01, 0.01))
        monkeypatch.setattr(mail_backend, "IDLE_SECONDS", 0.05)
        yield started
        started.shutdown()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SEEN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def send(subject: str = "인사", to: str = "ant@example.com") -> int:
    return mail.send_mail(subject, "안녕하세요", "stocking@localhost", [to])


def test_a_mail_arrives(server: Moods) -> None:
    assert send() == 1
    wait_for(lambda: len(server.taken) == 1)
    assert "To: ant@example.com" in server.taken[0]


def test_a_server_that_cannot_now_is_asked_again(server: Moods) -> None:
    server.answers = [b"451 try later", b"421 too busy"]
    send()
    wait_for(lambda: len(server.taken) == 1)
    assert len(server.asked) == 3


def test_a_refusal_for_good_is_not_repeated_and_hinders_no_other(
    server: Moods, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [b"550 no such mailbox"]
    send(to="gone@example.com")
    send(to="ant@example.com")
    wait_for(lambda: len(server.taken) == 1)
    assert len(server.asked) == 2
    assert "gone@example.com" not in "".join(record.getMessage() for record in caplog.records)


def test_a_server_that_is_never_there_is_given_up(server: Moods, caplog: pytest.LogCaptureFixture) -> None:
    server.answers = [b"451 try later"] * 3
    send("verloren")
    wait_for(lambda: "A mail could not be sent: verloren" in caplog.text)
    send("다음")
    wait_for(lambda: len(server.taken) == 1)


def test_a_process_that_ends_sends_its_mail_first(server: Moods, repository: Path) -> None:
    """As a command does, `sendtestemail` above all, which would say that mail works."""
    host, port = server.server_address
    environment = {name: value for name, value in os.environ.items() if name != "STOCKING_VAR_DIR"}
    environment |= {
        "EMAIL_URL": f"smtp://{host}:{port}",
        "DJANGO_SETTINGS_MODULE": "stocking.settings.development",
    }
    environment |= {"STOCKING_VAR_DIR": tempfile.mkdtemp(prefix="stocking-test-")}
    command = [sys.executable, "manage.py", "sendtestemail", "ant@example.com"]
    subprocess.run(command, cwd=repository, env=environment, check=True, capture_output=True, timeout=60)
    assert len(server.taken) == 1


def test_a_server_that_hangs_holds_nobody_up_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    postman = Postman()
    monkeypatch.setattr(postman, "_work", threading.Event().wait)
    postman.hand_in(mail.EmailMessage("s", "b", "a@example.com", ["b@example.com"]))
    assert postman.settle(0.01) == 1


def test_too_many_waiting_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_backend, "WAITING_MAX", 2)
    postman = Postman()
    monkeypatch.setattr(postman, "_work", threading.Event().wait)
    message = mail.EmailMessage("s", "b", "a@example.com", ["b@example.com"])
    assert [postman.hand_in(message) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (ConnectionRefusedError(), False),
        (TimeoutError(), False),
        (smtplib.SMTPServerDisconnected(), False),
        (smtplib.SMTPRecipientsRefused({"a": (450, b""), "b": (550, b"")}), False),
        (smtplib.SMTPRecipientsRefused({"a": (550, b"")}), True),
        (smtplib.SMTPAuthenticationError(535, b""), True),
        (UnicodeEncodeError("ascii", "x", 0, 1, "no"), True),
    ],
)
def test_what_is_for_good(error: Exception, permanent: bool) -> None:
    assert is_permanent(error) is permanent
