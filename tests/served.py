"""An ASGI application behind a real server, in a thread of the test's own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from django.db import connections

from tests.instance import free_port, wait_until

START_SECONDS = 20


@contextmanager
def served(application: Any, **options: Any) -> Iterator[str]:
    """Serve an application as `make run` does while the block runs; its address."""
    port = free_port()
    configuration = uvicorn.Config(
        application, host="127.0.0.1", port=port, ws="websockets-sansio", ws_per_message_deflate=False,
        lifespan="off", log_level="error", proxy_headers=False, **options,
    )  # fmt: skip
    server = uvicorn.Server(configuration)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, START_SECONDS, "uvicorn")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        connections.close_all()
