"""The gate's clients: each command is one script, one round trip, and never retried by the client library.

A lost reply is reported as `outcome_unknown`; whoever asks again with the same `client_order_id` gets the
first answer.
"""

import asyncio
import hashlib
import weakref
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from trading.gate import answers
from trading.gate.answers import Accepted, Balances, GateOrder, HeldOrder, Opening, Refused, Who
from trading.gate.pipeline import StoreBusyError, StoreLostError, StorePipeline, StoreRefusedError

# A binding is looked up again after two minutes: if the store was away when a session ended, it lasts no longer.
SESSION_BINDING_SECONDS = 120
FENCE_MORE_SECONDS = 60
RETIRED_MARKET_SECONDS = 7200
RETIRED_A_STEP = 1_000
_DIRECTORY = Path(__file__).parent / "scripts"


@cache
def script_text(name: str) -> str:
    """Return a gate script with what all share put in front."""
    return (_DIRECTORY / "prelude.lua").read_text() + (_DIRECTORY / f"{name}.lua").read_text()


@cache
def _digested(name: str) -> tuple[str, str]:
    text = script_text(name)
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class GateClient:
    """The gate for synchronous callers: bots, forms, the engine, jobs, commands."""

    def __init__(self, url: str) -> None:
        self.redis: Any = redis.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_timeout=10, socket_connect_timeout=2
        )
        self._scripts: dict[str, Any] = {}

    def run(self, name: str, *arguments: Any) -> Any:
        """Run one script. Loading an unknown script again is safe: it had not run."""
        script = self._scripts.get(name)
        if script is None:
            script = self._scripts[name] = self.redis.register_script(script_text(name))
        return script(keys=["gate"], args=arguments)

    def _command(self, name: str, arguments: list[Any]) -> Accepted | Refused:
        try:
            return answers.parse(self.run(name, *arguments))
        except RedisError:
            return Refused("outcome_unknown")

    def submit(
        self,
        who: Who,
        *,
        client_order_id: str,
        symbol: str,
        side: str,
        type: str,
        price: int | None,
        quantity: int,
    ) -> Accepted | Refused:
        """Accept or refuse an order."""
        arguments = answers.submit_arguments(who, client_order_id, symbol, side, type, price, quantity)
        return self._command("submit", arguments)

    def amend(
        self, who: Who, *, order_id: str, price: int | None, quantity: int | None
    ) -> Accepted | Refused:
        """Accept or refuse an amend; `quantity` is the new total, the filled part included."""
        parts = answers.order_id_parts(order_id)
        if parts is None:
            return Refused("order_not_found")
        return self._command("amend", answers.amend_arguments(who, parts, price, quantity))

    def cancel(self, who: Who, *, order_id: str) -> Accepted | Refused:
        """Accept or refuse a cancel."""
        parts = answers.order_id_parts(order_id)
        if parts is None:
            return Refused("order_not_found")
        return self._command("cancel", answers.cancel_arguments(who, parts))

    def cancel_all(self, who: Who, *, symbol: str | None = None) -> Accepted | Refused:
        """Cancel all open orders of the account, or those in one listing."""
        return self._command("cancel_all", answers.cancel_all_arguments(who, symbol))

    def session_bind(self, session_key: str, account: int) -> None:
        """Let a session's orders through as those of an account, unless its sessions have just ended."""
        self.redis.set(f"session:{session_key}", account, ex=SESSION_BINDING_SECONDS)

    def session_fence(self, account: int, spared_key: str) -> None:
        """Refuse the orders of all of an account's sessions from now on, but of one ("": of all).

        It lasts as long as any binding of before, and keeps a late one from counting.
        """
        self.redis.set(f"fence:{account}", spared_key, ex=SESSION_BINDING_SECONDS + FENCE_MORE_SECONDS)

    def session_unbind(self, session_key: str) -> None:
        """Refuse a session's orders from now on."""
        self.redis.delete(f"session:{session_key}")

    def balances(self, market_id: int, account: int) -> Balances:
        """Return what an account has available."""
        return self.balances_of(market_id, [account])[account]

    def balances_of(self, market_id: int, accounts: list[int]) -> dict[int, Balances]:
        """Return what each of the accounts has available, in one round trip."""
        pipeline = self.redis.pipeline(transaction=False)
        for account in accounts:
            pipeline.hgetall(f"account:{market_id}:{account}")
        return {account: _balances(raw) for account, raw in zip(accounts, pipeline.execute(), strict=True)}

    def open_orders(self, market_id: int, account: int) -> list[GateOrder]:
        """Return the account's open orders as the gate knows them, those being cancelled left out."""
        return self.open_orders_of(market_id, [account])[account]

    def open_orders_of(self, market_id: int, accounts: list[int]) -> dict[int, list[GateOrder]]:
        """Return the open orders of each account, in two round trips."""
        pipeline = self.redis.pipeline(transaction=False)
        for account in accounts:
            pipeline.smembers(f"open:{market_id}:{account}")
        ids = [sorted(order_id.decode() for order_id in members) for members in pipeline.execute()]
        pipeline = self.redis.pipeline(transaction=False)
        for order_id in (order_id for members in ids for order_id in members):
            listing, _, sequence = order_id.split("-")
            pipeline.hmget(
                f"order:{listing}:{sequence}", "side", "price", "quantity", "filled", "open", "cancelling"
            )
        rows = iter(pipeline.execute())
        found: dict[int, list[GateOrder]] = {}
        for account, members in zip(accounts, ids, strict=True):
            orders = [_gate_order(order_id, next(rows)) for order_id in members]
            found[account] = [order for order in orders if order is not None]
        return found

    def orders_held(self, listing_id: int, sequences: list[int]) -> dict[int, HeldOrder]:
        """Return what the gate recorded of the orders accepted under these sequences; other commands have none."""
        pipeline = self.redis.pipeline(transaction=False)
        for sequence in sequences:
            pipeline.hmget(
                f"order:{listing_id}:{sequence}", "account", "epoch", "side", "type", "price", "quantity"
            )
        return {
            sequence: HeldOrder(
                int(row[0]), int(row[1]), row[2].decode(), row[3].decode(), int(row[4]), int(row[5])
            )
            for sequence, row in zip(sequences, pipeline.execute(), strict=True)
            if None not in row
        }

    def wake_flag_clear(self, listing_id: int) -> None:
        """Forget that a wake-up is on its way; called before the stream is read."""
        self.redis.delete(f"woken:{listing_id}")

    def entries(self, listing_id: int, epoch: int, after: int, count: int) -> list[tuple[int, int, str]]:
        """Return up to `count` stream entries behind a sequence, as (epoch, sequence, text), oldest first.

        `epoch` is that of the entry `after`, or 0 where it is not known: sequences rise through all epochs.
        """
        key, start = f"orders:{listing_id}", f"({epoch}-{after}" if epoch else "-"
        found: list[tuple[int, int, str]] = []
        while len(found) < count:
            page = self.redis.xrange(key, min=start, count=count)
            entries = (
                (*_entry_id(entry_id), fields[b"d"].decode(errors="replace")) for entry_id, fields in page
            )
            found += [entry for entry in entries if entry[1] > after]
            if len(page) < count:
                break
            start = "(" + page[-1][0].decode()
        return found[:count]

    def sequences(self, listing_ids: list[int]) -> dict[int, tuple[int, int]]:
        """Return for each listing the last sequence given and the last one released; -1 where unknown."""
        pipeline = self.redis.pipeline(transaction=False)
        for listing_id in listing_ids:
            pipeline.hmget(f"listing:{listing_id}", "sequence", "applied")
        rows = pipeline.execute()
        return {
            key: (int(row[0] or -1), int(row[1] or -1)) for key, row in zip(listing_ids, rows, strict=True)
        }

    def lag(self, listing_id: int) -> tuple[int, int]:
        """Return the age in ms of the oldest command that is accepted and not released, and how many there are."""
        age_ms, entries = self.run("lag", listing_id)
        return int(age_ms), int(entries)

    def openings(self, listings: Iterable[tuple[int, int]]) -> dict[int, Opening]:
        """Return what decides whether orders are taken in listings (pairs of market and listing), as of now.

        Listings of a market that the gate does not know are left out.
        """
        pairs = list(listings)
        pipeline = self.redis.pipeline(transaction=False)
        for market, listing in pairs:
            pipeline.hmget(f"market:{market}", "opens_at", "closes_at", "closed", "suspended", "paused")
            pipeline.hget(f"listing:{listing}", "halted")
        answers = pipeline.execute()
        return {
            listing: Opening(
                int(row[0]), int(row[1]), b"1" in (row[2], row[3]), row[4] == b"1", halted == b"1"
            )
            for (_, listing), row, halted in zip(pairs, answers[::2], answers[1::2], strict=True)
            if row[0] is not None
        }

    def release(self, listing_id: int, first: int, last: int, trim_id: str, payload: str) -> int:
        """Apply one outbox row; returns the last sequence that had been applied before."""
        return int(self.run("release", listing_id, first, last, trim_id, payload))

    def halt_set(self, listing_id: int, halted: bool) -> None:
        """Refuse (or accept again) submits and amends in a listing; cancels pass always."""
        self.redis.hset(f"listing:{listing_id}", "halted", int(halted))

    def suspension_set(self, market_id: int, suspended: bool) -> None:
        """Refuse every command in a market (or take them again); one the gate does not know is left alone."""
        self.run("suspend", market_id, int(suspended))

    def schedule_set(
        self, market_id: int, *, revision: int, opens_at: int, closes_at: int, is_paused: bool
    ) -> None:
        """Tell of a market's times and whether it is paused; an older revision than the known one changes nothing."""
        self.run("schedule", market_id, revision, opens_at, closes_at, int(is_paused))

    def state(self) -> dict[str, str]:
        """Return the gate's own record: state, run_id, epoch, market."""
        return {key.decode(): value.decode() for key, value in self.redis.hgetall("gate").items()}

    def store_run_id(self) -> str:
        """Return the run id of the store that answers now."""
        return str(self.redis.info("server")["run_id"])

    def is_open(self) -> bool:
        """Return whether the gate accepts on the store that answers now."""
        state = self.state()
        return state.get("state") == "open" and state.get("run_id") == self.store_run_id()

    def shut(self) -> None:
        """Refuse everything as `recovering`; the sweep then opens the gate in a new epoch, as after a restart."""
        self.redis.hset("gate", "state", "shut")

    def market_retire(self, market_id: int, checkpoints: Mapping[int, int], accounts: list[int]) -> None:
        """Let the store forget a settled market after a while: the ledger keeps it for ever. Idempotent.

        `checkpoints` has each listing's last sequence: no order of it is younger.
        """
        keys = [f"market:{market_id}", f"market:{market_id}:symbols"]
        keys += [f"{kind}:{listing}" for listing in checkpoints for kind in ("listing", "orders")]
        keys += [f"{kind}:{market_id}:{account}" for account in accounts for kind in ("account", "open")]
        orders = (f"order:{key}:{n}" for key, last in checkpoints.items() for n in range(1, last + 1))
        every_key = chain(keys, orders)
        while part := list(islice(every_key, RETIRED_A_STEP)):
            pipeline = self.redis.pipeline(transaction=False)
            for key in part:
                pipeline.expire(key, RETIRED_MARKET_SECONDS)
            pipeline.execute()

    def serves(self, market_id: int) -> bool:
        """Return whether the gate knows a market."""
        return bool(self.redis.exists(f"market:{market_id}"))

    def audit_read(
        self, market_id: int, accounts: Sequence[int], entries: int, budget: int, *, with_orders: bool
    ) -> dict[str, Any]:
        """Return what the audit compares of these accounts, as of one instant; see `snapshot.lua`.

        At most `entries` waiting entries of a listing; as many accounts (with their open orders) as `budget` allows.
        """
        text = self.run("snapshot", market_id, entries, budget, int(with_orders), *accounts)
        return msgspec.json.decode(text.decode(errors="replace"))

    def accounts_known(self, market_id: int) -> set[int]:
        """Return the accounts the gate has ever had in a market, found without blocking it."""
        prefix = f"account:{market_id}:"
        return {int(key[len(prefix) :]) for key in self.redis.scan_iter(f"{prefix}*", count=1_000)}


def _entry_id(raw: bytes) -> tuple[int, int]:
    epoch, sequence = raw.split(b"-")
    return int(epoch), int(sequence)


def _balances(raw: dict[bytes, bytes]) -> Balances:
    cash = raw.get(b"cash")
    shares = {int(key[1:]): int(value) for key, value in raw.items() if key[:1] == b"s"}
    return Balances(None if cash is None else int(cash), shares)


def _gate_order(order_id: str, row: list[Any]) -> GateOrder | None:
    side, price, quantity, filled, is_open, cancelling = row
    if is_open != b"1" or cancelling == b"1":
        return None
    return GateOrder(
        order_id,
        int(order_id.split("-", maxsplit=1)[0]),
        side.decode(),
        int(price),
        int(quantity),
        int(filled),
    )


@cache
def gate() -> GateClient:
    """Return this process's gate client."""
    return GateClient(settings.ORDER_REDIS_URL)


class AsyncGateClient:
    """The gate for order entry: the same commands on an event loop, all of them on one pipelined connection."""

    def __init__(self, url: str) -> None:
        self._store = StorePipeline(url)

    async def _run(self, name: str, arguments: list[Any]) -> Any:
        text, digest = _digested(name)
        try:
            return await self._store.execute("EVALSHA", digest, 1, "gate", *arguments)
        except StoreRefusedError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
        # The store was started anew: the script has not run.
        await self._store.execute("SCRIPT", "LOAD", text)
        return await self._store.execute("EVALSHA", digest, 1, "gate", *arguments)

    async def command(self, name: str, arguments: list[Any]) -> Accepted | Refused:
        """Run a command script; a lost reply is `outcome_unknown`, a command that was not sent `overloaded`."""
        try:
            return answers.parse(await self._run(name, arguments))
        except StoreBusyError:
            return Refused("overloaded")
        except (StoreLostError, StoreRefusedError):
            return Refused("outcome_unknown")

    async def session_bind(self, session_key: str, account: int) -> None:
        """Let a session's orders through as those of an account, unless its sessions have just ended."""
        await self._store.execute("SET", f"session:{session_key}", account, "EX", SESSION_BINDING_SECONDS)

    async def session_unbind(self, session_key: str) -> None:
        """Refuse a session's orders from now on."""
        await self._store.execute("DEL", f"session:{session_key}")

    def close(self) -> None:
        """Close the connection; the next command opens another."""
        self._store.close()


_async_gates: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGateClient]" = (
    weakref.WeakKeyDictionary()
)


def async_gate() -> AsyncGateClient:
    """Return the running event loop's gate client."""
    loop = asyncio.get_running_loop()
    client = _async_gates.get(loop)
    if client is None:
        client = _async_gates[loop] = AsyncGateClient(settings.ORDER_REDIS_URL)
    return client
