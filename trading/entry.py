"""Order entry: the unsafe methods of `/api/orders*`, as a plain async ASGI application in front of Django.

No middleware, no ORM, no thread hop on the way: parse, CSRF, one script at the gate, answer. A session the
gate does not know yet is looked up once in the database and bound.
"""

import logging
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec
from channels.db import database_sync_to_async
from django.conf import settings
from django.http import parse_cookie
from django.middleware import csrf
from django.utils import translation

from accounts.sessions import KEY_FORM, current_user_of
from stocking.base.addresses import address_group, scope_address
from stocking.base.errors import ApplicationError, http_status, retry_after_seconds
from stocking.base.headers import BARE_HEADERS
from stocking.base.origins import connection_is_secure, only_header, origin_allowed
from stocking.base.throttles import Allowance, Limit, LocalThrottle
from trading.gate import answers
from trading.gate.answers import Accepted, Who
from trading.gate.client import async_gate
from trading.gate.pipeline import StoreBusyError, StoreLostError, StoreRefusedError
from trading.wake import Waker

logger = logging.getLogger(__name__)

PATH = "/api/orders"
# Django's own comparison of the token with the cookie's secret; it has no public name.
csrf_check_format: Any = csrf._check_token_format  # type: ignore[attr-defined]
csrf_match: Any = csrf._does_token_match  # type: ignore[attr-defined]
csrf_unmask: Any = csrf._unmask_cipher_token  # type: ignore[attr-defined]
MAX_BODY_BYTES = 4_096
MAX_SYMBOL_CHARACTERS = 16
BROWSERS_REMEMBERED = 4_096
# What is longer is looked at each time: nobody fills the memory by sending what nobody's browser does.
HEADERS_REMEMBERED_MAX_BYTES = 2_048
_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), *BARE_HEADERS]


class SubmitBody(msgspec.Struct, kw_only=True, gc=False):
    """A new order; a limit order has a price, a market order has none."""

    client_order_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,36}\Z")]
    symbol: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9]{1,16}\Z")]
    side: Literal["buy", "sell"]
    type: Literal["limit", "market"]
    quantity: int
    price: int | None = None


class AmendBody(msgspec.Struct, kw_only=True, gc=False):
    """New terms of an order; at least one of them. `quantity` is the new total, the filled part included."""

    price: int | None = None
    quantity: int | None = None


_submit_decoder = msgspec.json.Decoder(SubmitBody)
_amend_decoder = msgspec.json.Decoder(AmendBody)


class OrderEntry:
    """The ASGI application; `waker` sends the wake-ups of accepted commands."""

    def __init__(self, waker: Waker | None = None) -> None:
        self._waker = waker or Waker()
        self._addresses = LocalThrottle()

    def serves(self, scope: dict[str, Any]) -> bool:
        """Return whether a request is order entry's; reads fall through to Django."""
        path = scope["path"]
        at_home = path == PATH or path.startswith(PATH + "/")
        return at_home and scope["method"] not in ("GET", "HEAD", "OPTIONS")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer one request; what is refused is told as JSON and has changed nothing."""
        headers = dict(scope["headers"])
        try:
            status, body = 202, await self._handle(scope, headers, receive)
        except ApplicationError as error:
            status = http_status(error.code)
            with translation.override(_language(headers)):
                body = error.as_dict()
        except Exception:
            logger.exception("Order entry failed.")
            status, body = 503, ApplicationError("outcome_unknown").as_dict()
        await answer(send, status, body)

    async def _handle(
        self, scope: dict[str, Any], headers: dict[bytes, bytes], receive: Any
    ) -> dict[str, Any]:
        self._count_address(scope)
        if len(headers) != len(scope["headers"]):
            _refuse_doubled(scope["headers"])
        sent = (headers.get(name, b"") for name in (b"cookie", b"x-csrftoken", b"origin", b"host"))
        is_short = sum(map(len, sent)) <= HEADERS_REMEMBERED_MAX_BYTES
        check = _session_checked if is_short else _session_checked.__wrapped__
        session = check(
            headers.get(b"cookie", b""), headers.get(b"x-csrftoken", b""), headers.get(b"origin"),
            headers.get(b"host", b""), connection_is_secure(scope),
        )  # fmt: skip
        raw = await _read(receive)
        rest, method = scope["path"].removeprefix(PATH), scope["method"]
        path = rest[1:]
        if method == "POST" and rest in ("", "/"):
            return await self._submit(session, _decoded(_submit_decoder, raw, headers))
        if method == "PATCH" and path:
            return await self._amend(session, path, _decoded(_amend_decoder, raw, headers))
        if method == "DELETE" and rest:  # "/api/orders/" is an id left out: it must not cancel everything
            return await self._cancel(session, path)
        if method == "DELETE":
            return await self._cancel_all(session, scope["query_string"])
        raise ApplicationError("method_not_allowed")

    def _count_address(self, scope: dict[str, Any]) -> None:
        """Refuse an address that asks too often, whoever it says it is, before anything else is looked at.

        The gate counts by account. This is against one who has many, or none: each unknown session costs a look
        into the database. It counts in this process alone, as a store would have to be asked first.
        """
        limit = _address_limit(settings.ADDRESS_ORDER_RATE_PER_SECOND, settings.ADDRESS_ORDER_RATE_BURST)
        if limit is None:
            return
        wait_ms = self._addresses.take([Allowance(address_group(scope_address(scope)), limit)])
        if wait_ms:
            raise ApplicationError("rate_limited", retry_after_ms=wait_ms)

    async def _submit(self, session: str, body: SubmitBody) -> dict[str, Any]:
        if (body.type == "market") != (body.price is None):
            raise ApplicationError("invalid_request")
        arguments = answers.submit_arguments(
            Who(session=session),
            body.client_order_id,
            body.symbol,
            body.side,
            body.type,
            body.price,
            body.quantity,
        )
        accepted = await self._through_gate("submit", session, arguments)
        return {
            "order_id": accepted.order_id,
            "client_order_id": body.client_order_id,
            "symbol": body.symbol,
            "status": "accepted",
            "duplicate": accepted.duplicate,
        }

    async def _amend(self, session: str, order_id: str, body: AmendBody) -> dict[str, Any]:
        if body.price is None and body.quantity is None:
            raise ApplicationError("invalid_request")
        arguments = answers.amend_arguments(Who(session=session), _parts(order_id), body.price, body.quantity)
        accepted = await self._through_gate("amend", session, arguments)
        return {"order_id": accepted.order_id, "status": "accepted"}

    async def _cancel(self, session: str, order_id: str) -> dict[str, Any]:
        arguments = answers.cancel_arguments(Who(session=session), _parts(order_id))
        accepted = await self._through_gate("cancel", session, arguments)
        return {"order_id": accepted.order_id, "status": "accepted", "duplicate": accepted.duplicate}

    async def _cancel_all(self, session: str, query: bytes) -> dict[str, Any]:
        symbols = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("symbol", [])
        if len(symbols) > 1 or (symbols and not (symbols[0].isascii() and symbols[0].isalnum())):
            raise ApplicationError("invalid_request")
        symbol = symbols[0][:MAX_SYMBOL_CHARACTERS] if symbols else None
        await self._through_gate(
            "cancel_all", session, answers.cancel_all_arguments(Who(session=session), symbol)
        )
        return {"status": "accepted"}

    async def _through_gate(self, script: str, session: str, arguments: list[Any]) -> Accepted:
        """Run a command; a session that the gate does not know is bound once, if it is somebody's."""
        if not KEY_FORM.fullmatch(session):
            raise ApplicationError("not_authenticated")
        gate = async_gate()
        answer = await gate.command(script, arguments)
        if not isinstance(answer, Accepted) and answer.code == "session_unknown":
            user = await database_sync_to_async(current_user_of)(session)
            if user is None:
                raise ApplicationError("not_authenticated")
            try:
                await gate.session_bind(session, user.pk)
            except (StoreBusyError, StoreLostError, StoreRefusedError) as error:
                raise ApplicationError("outcome_unknown") from error
            if (
                await database_sync_to_async(current_user_of)(session) is None
            ):  # ended while it was being bound
                await gate.session_unbind(session)
                raise ApplicationError("not_authenticated")
            answer = await gate.command(script, arguments)
        if isinstance(answer, Accepted):
            self._waker.wake(answer.wake)
            return answer
        if answer.code == "session_unknown":
            raise ApplicationError("not_authenticated")
        extra = {} if answer.retry_after_ms is None else {"retry_after_ms": answer.retry_after_ms}
        raise ApplicationError(answer.code, **extra)


@lru_cache(maxsize=8)
def _address_limit(per_second: int, burst: int) -> Limit | None:
    """Return the limit of the settings; none with a burst of 0."""
    return Limit(burst, burst / per_second) if burst else None


def _parts(order_id: str) -> tuple[str, str, str]:
    parts = answers.order_id_parts(order_id)
    if parts is None:
        raise ApplicationError("order_not_found")
    return parts


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApplicationError("invalid_request")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise ApplicationError("request_too_large")
        if not message.get("more_body"):
            return body


def _refuse_doubled(headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse a request in which what the check goes by stands twice: nobody knows which of them counts."""
    try:
        for name in (b"origin", b"host", b"cookie", b"x-csrftoken"):
            only_header(headers, name)
    except ValueError:
        raise ApplicationError("csrf_failed") from None


def _cookies(raw: bytes) -> dict[str, str]:
    return parse_cookie(raw.decode("latin-1"))


@lru_cache(maxsize=BROWSERS_REMEMBERED)
def _session_checked(cookie: bytes, token: bytes, origin: bytes | None, host: bytes, is_secure: bool) -> str:
    """Return the session's key after Django's own rule: no foreign `Origin`, and a token that is the cookie's.

    A browser sends the same headers with each order, so a check that passed is remembered.
    """
    if origin is not None and not origin_allowed(
        origin.decode("latin-1"), host.decode("latin-1"), is_secure=is_secure
    ):
        raise ApplicationError("csrf_failed")
    cookies, given = _cookies(cookie), token.decode("latin-1")
    secret = cookies.get(settings.CSRF_COOKIE_NAME, "")
    try:
        csrf_check_format(given)
        csrf_check_format(secret)
    except csrf.InvalidTokenFormat:
        raise ApplicationError("csrf_failed") from None
    if len(secret) == csrf.CSRF_TOKEN_LENGTH:  # a cookie may carry the token masked
        secret = csrf_unmask(secret)
    if not csrf_match(given, secret):
        raise ApplicationError("csrf_failed")
    return cookies.get(settings.SESSION_COOKIE_NAME, "")


def _decoded(decoder: Any, raw: bytes, headers: dict[bytes, bytes]) -> Any:
    content_type = headers.get(b"content-type", b"")
    if (
        content_type != b"application/json"
        and content_type.split(b";")[0].strip().lower() != b"application/json"
    ):
        raise ApplicationError("invalid_request")
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, ValueError):
        raise ApplicationError("invalid_request") from None


def _language(headers: dict[bytes, bytes]) -> str:
    """Return the language of an error message: the cookie's, else the browser's first, else the default."""
    wanted = (
        _cookies(headers.get(b"cookie", b"")).get(settings.LANGUAGE_COOKIE_NAME)
        or headers.get(b"accept-language", b"").decode("latin-1")[:2]
    )
    known = {code for code, _ in settings.LANGUAGES}
    return wanted if wanted in known else settings.LANGUAGE_CODE


async def answer(send: Any, status: int, body: dict[str, Any]) -> None:
    """Send a whole answer of JSON, with when to come back where its code knows."""
    content = msgspec.json.encode(body)
    headers = [*_HEADERS, (b"content-length", b"%d" % len(content))]
    seconds = retry_after_seconds(body.get("code", ""), body.get("retry_after_ms"))
    if seconds is not None:
        headers.append((b"retry-after", str(seconds).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
