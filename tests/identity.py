"""A stand-in for Kakao, Naver and Google: a real HTTP server on 127.0.0.1 that speaks each one's own answers.

It stands at `/{host}{path}` of each provider's real addresses, see `accounts.social.providers.endpoint`. As strict as
they are: client, secret, redirect address, PKCE; a code is good once. What tests want to go wrong they say in
`faults`, and who is asked for consent they say in `people`.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

CREDENTIALS = {
    "kakao": ("kakao-client", "kakao-secret-0123456789"),
    "naver": ("naver-client", "naver-secret-0123456789"),
    "google": ("google-client.apps.googleusercontent.com", "google-secret-0123456789"),
}
AUTHORIZE = {
    "/kauth.kakao.com/oauth/authorize": "kakao",
    "/nid.naver.com/oauth2.0/authorize": "naver",
    "/accounts.google.com/o/oauth2/v2/auth": "google",
}
TOKEN = {
    "/kauth.kakao.com/oauth/token": "kakao",
    "/nid.naver.com/oauth2.0/token": "naver",
    "/oauth2.googleapis.com/token": "google",
}
PROFILE = {"/kapi.kakao.com/v2/user/me": "kakao", "/openapi.naver.com/v1/nid/me": "naver"}
CERTIFICATES = "/www.googleapis.com/oauth2/v1/certs"
CANCEL = "__cancel__"
KEY_ID = "0ad1fec78504f447bae65bcf5afaedb65eec9e81"


@dataclass(slots=True)
class Person:
    """Somebody with an account at every provider. `verified`: whether the provider vouches for the address."""

    uid: str
    email: str | None = None
    verified: bool = True
    name: str = "홍길동"


@dataclass(slots=True)
class Grant:
    """What stands behind one code: who consented, and what the request had said."""

    provider: str
    person: Person
    redirect_uri: str
    challenge: str
    nonce: str
    used: bool = False


@dataclass(slots=True)
class Fault:
    """What a provider's server does instead: answer this status and body, change the ID token, or keep waiting."""

    status: int = 200
    body: Any = None
    claims: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey | None = None
    released: threading.Event | None = None


class IdentityProvider:
    """The three providers; use as a context manager."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        # By provider and step: "token", "profile", "certs", "id_token".
        self.faults: dict[tuple[str, str], Fault] = {}
        self.asked: list[tuple[str, str]] = []
        self._grants: dict[str, Grant] = {}
        self._tokens: dict[str, Grant] = {}
        provider = self

        class Handler(_Handler):
            identity = provider

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, person: Person) -> Person:
        """Give somebody an account at every provider."""
        self.people[person.uid] = person
        return person

    @contextmanager
    def failing(self, provider: str, step: str, fault: Fault) -> Iterator[None]:
        """Have one step of a provider fail for a while."""
        self.faults[provider, step] = fault
        try:
            yield
        finally:
            del self.faults[provider, step]
            if fault.released is not None:
                fault.released.set()

    # What the player sees ------------------------------------------------------------------------------

    def refusal_of(self, provider: str, query: dict[str, str]) -> str:
        """Return what is wrong with an authorization request, empty if nothing is."""
        checks = {
            "client_id": query.get("client_id") == CREDENTIALS[provider][0],
            "response_type": query.get("response_type") == "code",
            "state": len(query.get("state", "")) >= 16,
            "redirect_uri": query.get("redirect_uri", "").endswith(f"/accounts/{provider}/login/callback/"),
            "code_challenge": len(query.get("code_challenge", "")) == 43,
            "code_challenge_method": query.get("code_challenge_method") == "S256",
            "scope": provider != "google" or set(query.get("scope", "").split()) == {"openid", "email"},
            "nonce": provider != "google" or len(query.get("nonce", "")) >= 32,
        }
        return ", ".join(name for name, holds in checks.items() if not holds)

    def answer_of(self, provider: str, query: dict[str, str], uid: str) -> str:
        """Return the address that consent, or its refusal, leads back to."""
        if uid == CANCEL:
            words = {
                "kakao": {"error": "access_denied", "error_description": "User denied access"},
                "naver": {"error": "access_denied", "error_description": "Canceled By User"},
                "google": {"error": "access_denied"},
            }[provider]
        else:
            code = secrets.token_urlsafe(24)
            self._grants[code] = Grant(
                provider,
                self.people[uid],
                query["redirect_uri"],
                query["code_challenge"],
                query.get("nonce", ""),
            )
            words = {"code": code}
        return f"{query['redirect_uri']}?{urlencode({**words, 'state': query['state']})}"

    # What our server asks --------------------------------------------------------------------------------

    def token(self, provider: str, form: dict[str, str]) -> tuple[int, Any]:
        """Exchange a code; each provider refuses in its own way, Naver with status 200."""
        grant = self._grants.get(form.get("code", ""))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        good = (
            grant is not None
            and not grant.used
            and grant.provider == provider
            and (form.get("client_id"), form.get("client_secret")) == CREDENTIALS[provider]
            and form.get("grant_type") == "authorization_code"
            and form.get("redirect_uri") == grant.redirect_uri
            and base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() == grant.challenge
        )
        if not good or grant is None:
            return {
                "kakao": (400, {"error": "invalid_grant", "error_description": "…", "error_code": "KOE320"}),
                "naver": (200, {"error": "invalid_request", "error_description": "no valid data in session"}),
                "google": (400, {"error": "invalid_grant", "error_description": "Bad Request"}),
            }[provider]
        grant.used = True
        token = secrets.token_urlsafe(24)
        self._tokens[token] = grant
        answer: dict[str, Any] = {"access_token": token, "token_type": "bearer"}
        if provider == "kakao":
            answer |= {"expires_in": 21599, "refresh_token": "r", "refresh_token_expires_in": 5183999}
        elif provider == "naver":
            answer |= {"expires_in": "3600", "refresh_token": "r"}
        else:
            answer |= {"expires_in": 3599, "scope": "openid email", "id_token": self._id_token(grant)}
        return 200, answer

    def _id_token(self, grant: Grant) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "azp": CREDENTIALS["google"][0],
            "aud": CREDENTIALS["google"][0],
            "sub": grant.person.uid,
            "iat": now,
            "exp": now + 3599,
            "nonce": grant.nonce,
        }
        if grant.person.email is not None:
            claims |= {"email": grant.person.email, "email_verified": grant.person.verified}
        fault = self.faults.get(("google", "id_token"), Fault())
        key = fault.key or self._key
        return jwt.encode({**claims, **fault.claims}, key, algorithm="RS256", headers={"kid": KEY_ID})

    def profile(self, provider: str, token: str) -> tuple[int, Any]:
        """Say who it is, in the provider's shape."""
        grant = self._tokens.get(token)
        if grant is None or grant.provider != provider:
            return 401, {"msg": "this access token does not exist", "code": -401}
        person = grant.person
        if provider == "naver":
            who = {"id": person.uid, "nickname": person.name, "profile_image": "", "age": "40-49"}
            if person.email is not None:
                who["email"] = person.email
            return 200, {"resultcode": "00", "message": "success", "response": who}
        account: dict[str, Any] = {
            "profile_nickname_needs_agreement": False,
            "profile": {"nickname": person.name, "is_default_image": False},
            "has_email": person.email is not None,
            "email_needs_agreement": person.email is None,
        }
        if person.email is not None:
            account |= {"email": person.email, "is_email_valid": True, "is_email_verified": person.verified}
        return 200, {
            "id": int(person.uid),
            "connected_at": "2026-11-23T01:45:28Z",
            "kakao_account": account,
        }

    def certificates(self) -> dict[str, str]:
        """Return Google's keys."""
        return {KEY_ID: self._certificate}

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    @cached_property
    def _certificate(self) -> str:
        name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system.gserviceaccount.com")]
        )
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=7))
            .sign(self._key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM).decode()


class _Handler(BaseHTTPRequestHandler):
    identity: IdentityProvider
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The player's browser asks for consent; our server asks who it is."""
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path in AUTHORIZE:
            self._authorize(AUTHORIZE[parts.path], query)
        elif parts.path in PROFILE:
            provider = PROFILE[parts.path]
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            self._step(provider, "profile", *self.identity.profile(provider, token))
        elif parts.path == CERTIFICATES:
            self._step("google", "certs", 200, self.identity.certificates())
        else:
            self._send(404, "text/plain", "not here")

    def do_POST(self) -> None:
        """Our server exchanges a code."""
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())
        provider = TOKEN[urlsplit(self.path).path]
        fields = {name: values[0] for name, values in form.items()}
        self._step(provider, "token", *self.identity.token(provider, fields))

    def _step(self, provider: str, step: str, status: int, body: Any) -> None:
        self.identity.asked.append((provider, step))
        fault = self.identity.faults.get((provider, step))
        if fault is not None:
            if fault.released is not None:
                fault.released.wait(30)
            status, body = fault.status, fault.body
        text = body if isinstance(body, str) else json.dumps(body)
        self._send(status, "application/json;charset=UTF-8", text)

    def _authorize(self, provider: str, query: dict[str, str]) -> None:
        refusal = self.identity.refusal_of(provider, query)
        if refusal:
            self._send(400, "text/plain", f"wrong: {refusal}")
        elif "person" in query:
            self._send(302, "text/plain", "", self.identity.answer_of(provider, query, query["person"]))
        else:
            choices = [(uid, person.email or uid) for uid, person in self.identity.people.items()]
            links = "".join(
                f'<p><a href="{html.escape(self.path)}&amp;person={uid}">{html.escape(name)}</a></p>'
                for uid, name in [*choices, (CANCEL, "취소")]
            )
            self._send(200, "text/html; charset=utf-8", f"<!doctype html><title>{provider}</title>{links}")

    def _send(self, status: int, kind: str, text: str, location: str = "") -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(data)
