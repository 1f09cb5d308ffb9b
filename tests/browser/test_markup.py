"""What players write is text: the corpus of scripts in the chat and in nicknames, live and after a reload."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.window import Window
from tests.instance import Instance
from tests.security.hostile import MARKUP

pytestmark = [pytest.mark.browser, pytest.mark.flow, pytest.mark.timeout(300)]

# No sign-up takes them; here they are put past it, as if a hole in it had let them through.
NICKNAMES = ("<b>굵게<b>", "\"'><i>", "<svg onload=", "{{7*7}}", "&lt;u&gt;", "<script>", "..%2f..%2fme")
# Each message has an author of its own, so that nobody speaks too often.
WRITE = """
import json
from django.test import Client
from accounts.models import User
from chat.models import Message
from chat.services import message_post
names, texts = json.loads({said!r})
authors = [User(nickname=names[n] if n < len(names) else f"글쓴이{{n}}", is_guest=True) for n in range(len(texts))]
for author in authors:
    author.save()
said = [message_post(author=author, text=text).text for author, text in zip(authors, texts)]
browser = Client()
browser.force_login(authors[0])
print(json.dumps({{"said": said, "session": browser.cookies["sessionid"].value}}))
"""
# Of a chat: what is written, by whom, and how many elements stand where only text may.
READ = """() => {
  const lines = [...document.querySelectorAll("[data-chat-messages] .chat-player")];
  const text = (line) => line.querySelector(":scope > span:not([class])").textContent;
  return {
    said: lines.map(text),
    names: lines.map((line) => line.querySelector(".chat-name").textContent),
    elements: document.querySelectorAll("[data-chat-messages] .chat-player > span:not([class]) *, .chat-name *").length,
    broken: window.__broken ?? null,
    scripts: document.querySelectorAll("[data-chat] script, [data-chat] iframe, [data-chat] form form").length,
  };
}"""


def write(instance: Instance) -> dict[str, Any]:
    """Say the whole corpus, each by an author of their own; return what was stored and the first one's session."""
    said = json.dumps([NICKNAMES, MARKUP])
    return json.loads(instance.manage("shell", "-v", "0", "-c", WRITE.format(said=said)).splitlines()[-1])


def test_chat_and_nickname_xss_corpus_is_rendered_as_text(browser: Browser, instance: Instance) -> None:
    with Window(browser, instance.base_url) as window:
        dialogs: list[str] = []
        window.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        window.page.goto("/")
        window.wait_online()
        written = write(instance)
        last = written["said"][-1]
        window.page.get_by_text(last, exact=True).first.wait_for()
        assert_text_only(window, written["said"])  # as it came over the socket
        for path in ("/", "/stocks/HRE/"):
            window.page.goto(path)
            window.page.get_by_text(last, exact=True).first.wait_for(state="attached")
            assert_text_only(window, written["said"])  # as the server renders it
        # Who has such a name sees it as text too, in attributes as well.
        window.context.add_cookies(
            [{"name": "sessionid", "value": written["session"], "url": instance.base_url}]
        )
        for path in ("/", "/stocks/HRE/", "/orders/", "/me/", "/rankings/", "/practice/"):
            window.page.goto(path)
            assert window.nickname == NICKNAMES[0]
            assert window.page.evaluate("window.__broken ?? null") is None
            assert window.page.get_by_text(NICKNAMES[0]).count() or path == "/practice/"
        assert dialogs == []
        window.assert_sound()


def assert_text_only(window: Window, said: list[str]) -> None:
    """Every message and name stands there letter by letter, and nothing of it became an element."""
    seen = window.page.evaluate(READ)
    assert set(said) <= set(seen["said"])
    assert set(NICKNAMES) <= set(seen["names"])
    assert (seen["elements"], seen["scripts"], seen["broken"]) == (0, 0, None)
