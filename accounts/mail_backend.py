"""Sends mail behind the page's back.

A page that waited for the mail server would be slow when it is slow, fail when it fails, and tell by its time what it
was about to send. So a page puts its mail into a queue of its process, and one thread sends it, again after a while
where that may help. A process that ends in order sends first what it has, for some seconds; mail that still waits then
is lost, as when the process dies: whoever waits for it can ask for it again.
"""

import atexit
import heapq
import itertools
import logging
import os
import queue
import smtplib
import threading
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

logger = logging.getLogger(__name__)

WAITING_MAX = 1_000
RETRY_SECONDS: Sequence[float] = (2, 15, 60, 300, 900)
IDLE_SECONDS = 60.0
LAST_SECONDS = 3.0
_FIRST_PERMANENT = 500


def is_permanent(error: Exception) -> bool:
    """Return whether sending the same again would fail the same: the server has refused it for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _FIRST_PERMANENT for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= _FIRST_PERMANENT
    return not isinstance(error, OSError)


class Postman:
    """One thread that sends what was handed in; starts with the first mail of its process."""

    def __init__(self) -> None:
        self._in: queue.Queue[EmailMessage] = queue.Queue(WAITING_MAX)
        self._later: list[tuple[float, int, int, EmailMessage]] = []
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def hand_in(self, message: EmailMessage) -> bool:
        """Take a mail to be sent soon; False when too many wait already."""
        try:
            self._in.put_nowait(message)
        except queue.Full:
            logger.error("A mail is dropped: %d wait already. Is the mail server there?", WAITING_MAX)
            return False
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="postman", daemon=True)
                self._thread.start()
        return True

    def settle(self, seconds: float) -> int:
        """Wait until each mail that was handed in has been tried once; return how many still wait for that."""
        done = self._in.all_tasks_done
        with done:
            done.wait_for(lambda: not self._in.unfinished_tasks, seconds)
            return self._in.unfinished_tasks

    def _work(self) -> None:
        while True:
            due = self._later[0][0] - time.monotonic() if self._later else IDLE_SECONDS
            try:
                message = self._in.get(timeout=max(0.0, due))
            except queue.Empty:
                while self._later and self._later[0][0] <= time.monotonic():
                    _, _, attempt, message = heapq.heappop(self._later)
                    self._send(message, attempt)
            else:
                self._send(message, 0)
                self._in.task_done()

    def _send(self, message: EmailMessage, attempt: int) -> None:
        try:
            get_connection(settings.MAIL_DELIVERY_BACKEND).send_messages([message])
        except Exception as error:
            # Neither the address nor the text is logged: the one is private, the other holds the key.
            if attempt >= len(RETRY_SECONDS) or is_permanent(error) or len(self._later) >= WAITING_MAX:
                logger.exception("A mail could not be sent: %s", message.subject)
                return
            logger.warning("A mail is sent again later: %s", type(error).__name__)
            due = time.monotonic() + RETRY_SECONDS[attempt]
            heapq.heappush(self._later, (due, next(self._numbers), attempt + 1, message))


_postmen: dict[int, Postman] = {}


def postman() -> Postman:
    """Return this process's; a process that was forked has one of its own."""
    return _postmen.setdefault(os.getpid(), Postman())


@atexit.register
def last_mail_send() -> None:
    """Give what this process was about to send some seconds; called at its end, and by a server at its own."""
    found = _postmen.get(os.getpid())
    lost = found.settle(LAST_SECONDS) if found else 0
    if lost:
        logger.error("The process ends with %d mails unsent.", lost)


class Backend(BaseEmailBackend):
    """`EMAIL_BACKEND` where a mail server is configured; `MAIL_DELIVERY_BACKEND` is what sends in the end."""

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """Hand the mails to the postman, and return how many it took."""
        return sum(postman().hand_in(message) for message in email_messages)
