"""A stand-in for the game: a checkout with the real launcher and the smallest processes it can start.

So the launcher's tests take seconds, may crash what they like, and run in directories with difficult names.
"""

import shutil
from pathlib import Path

LAUNCH_PACKAGE = Path(__file__).resolve().parent.parent / "stocking" / "launch"

MANAGE = """\
import signal, sys, time

print(f"manage.py {sys.argv[1]} was here", flush=True)
if sys.argv[1] == "practice":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(60)
"""

ASGI = """\
import json

PAGES = {"/": b"<!doctype html><html>stand-in</html>", "/api/game": b'{"number": 1, "phase": "trading"}'}


async def application(scope, receive, send):
    if scope["type"] == "http":
        body = PAGES.get(scope["path"])
        await send({"type": "http.response.start", "status": 200 if body else 404, "headers": []})
        await send({"type": "http.response.body", "body": body or b""})
    elif scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.receive":
                answer = {"topic": "game", "type": "snapshot", "version": 1, "data": {}}
                await send({"type": "websocket.send", "text": json.dumps(answer)})
"""

# Stands in for Celery: found before the real one, because `python -m` looks in the working directory first.
CELERY = """\
import pathlib, signal, sys, time

if pathlib.Path("broken").exists() and "engine@localhost" in sys.argv:
    sys.exit("the stand-in engine is broken on purpose")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    time.sleep(60)
"""


def make_stand_in(directory: Path) -> Path:
    """Build the stand-in checkout in a new directory and return it."""
    shutil.copytree(
        LAUNCH_PACKAGE, directory / "stocking" / "launch", ignore=shutil.ignore_patterns("__pycache__")
    )
    for path, text in {
        "manage.py": MANAGE,
        "stocking/__init__.py": "",
        "stocking/asgi.py": ASGI,
        "celery/__init__.py": "",
        "celery/__main__.py": CELERY,
    }.items():
        (directory / path).parent.mkdir(exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    return directory
