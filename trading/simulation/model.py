"""The simulation's own record: what was asked, what was answered, and what the gate wrote into its log.

`observe` is called after everything that happens. It reads the two stores past the system's code, adds what was
newly accepted to the log, and notices what recovery has passed over.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import msgspec

from trading.simulation.oracle import Entry, OracleListing
from trading.simulation.world import CLOSE_CHUNK, World

_LOOK = """
local answer = {gate = redis.call('HGETALL', 'gate'), listings = {}, accounts = {}}
local count = tonumber(ARGV[2])
for i = 3, 1 + 2 * count, 2 do
  local id = ARGV[i]
  local entries = {}
  for _, entry in ipairs(redis.call('XRANGE', 'orders:' .. id, ARGV[i + 1], '+')) do
    entries[#entries + 1] = {entry[1], entry[2][2]}
  end
  answer.listings[#answer.listings + 1] = {redis.call('HMGET', 'listing:' .. id, 'sequence', 'applied', 'marked',
    'halted', 'last'), entries}
end
for i = 3 + 2 * count, #ARGV do
  answer.accounts[#answer.accounts + 1] = redis.call('HGETALL', 'account:' .. ARGV[1] .. ':' .. ARGV[i])
end
return cjson.encode(answer)
"""
_LISTINGS = (
    "SELECT id, checkpoint, marker, is_closed, is_halted, last_price, volume, trade_count FROM trading_listing"
    " WHERE market_id = ? ORDER BY id"
)


class SimulationFailure(Exception):
    """The system did what it must not do."""


def check(condition: bool, message: Callable[[], str] | str) -> None:
    """Fail unless the condition holds."""
    if not condition:
        raise SimulationFailure(message if isinstance(message, str) else message())


@dataclass(slots=True)
class Request:
    """One submit as it was asked: asked again, it has the same body."""

    account: int
    client_order_id: str
    symbol: str
    side: str
    type: str
    price: int | None
    quantity: int
    answered: str = ""

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Return what its stream entry must say besides price, time and account."""
        return self.side, self.type, str(self.quantity), self.client_order_id


@dataclass(slots=True)
class ListingModel:
    """One listing's log: every sequence given, None where recovery passed over one."""

    id: int
    symbol: str
    base_price: int
    oracle: OracleListing
    log: dict[int, Entry | None] = field(default_factory=dict)
    newest: int = 0
    newest_id: str = "0-0"
    losable: set[int] = field(default_factory=set)
    lost: int = 0
    checkpoint: int = 0
    marker: int | None = None
    is_closed: bool = False
    is_halted: bool = False
    given: int = -1
    applied: int = -1
    gate_halted: str = ""


@dataclass(slots=True)
class Model:
    """What must be true of one market."""

    world: World
    market_id: int
    initial_cash: int
    listings: dict[int, ListingModel]
    accounts: list[int]
    granted_cash: dict[int, int]
    look_sha: str
    requests: dict[tuple[int, str], Request] = field(default_factory=dict)
    placed: dict[tuple[int, str], str] = field(default_factory=dict)
    order_ids: list[tuple[int, str]] = field(default_factory=list)
    lost_orders: set[str] = field(default_factory=set)
    appended: list[tuple[int, int, Entry]] = field(default_factory=list)
    epoch: int = 1
    gate: dict[str, str] = field(default_factory=dict)
    available: dict[int, dict[str, str]] = field(default_factory=dict)
    is_open: bool = True
    is_ledger_lost: bool = False

    def observe(self) -> None:
        """Read both stores, and bring the log up to date."""
        self._read_database()  # first: what was passed over is known before what was accepted behind it
        self._read_store()

    def _read_store(self) -> None:
        arguments: list[Any] = [self.market_id, len(self.listings)]
        for listing in self.listings.values():
            arguments += [listing.id, "(" + listing.newest_id]
        look = msgspec.json.decode(self.world.store.evalsha(self.look_sha, 0, *arguments, *self.accounts))
        self.gate = _pairs(look["gate"])
        self.is_open = self.gate.get("state") == "open" and self.gate.get("run_id") == self.world.run_id
        self.available = {
            account: _pairs(flat) for account, flat in zip(self.accounts, look["accounts"], strict=True)
        }
        for listing, (fields, entries) in zip(self.listings.values(), look["listings"], strict=True):
            given, applied, _, halted, _ = fields
            listing.given, listing.applied = int(given or -1), int(applied or -1)
            listing.gate_halted = halted or ""
            for entry_id, text in entries or ():
                self._append(listing, entry_id, text)

    def _append(self, listing: ListingModel, entry_id: str, text: str) -> None:
        epoch, sequence = (int(part) for part in entry_id.split("-"))
        check(sequence == listing.newest + 1, lambda: f"entry {entry_id} behind {listing.newest_id}")
        entry = Entry(epoch, text)
        listing.log[sequence] = entry
        listing.newest, listing.newest_id = sequence, entry_id
        self.appended.append((listing.id, sequence, entry))
        words = text.split(" ")
        if words[0] == "submit":
            key = int(words[1]), words[7]
            order_id = f"{listing.id}-{epoch}-{sequence}"
            check(key not in self.placed, lambda: f"{key} is placed twice: {self.placed[key]} and {order_id}")
            self.placed[key] = order_id
            self.order_ids.append((key[0], order_id))

    def _read_database(self) -> None:
        raw = self.world.connection.connection
        [(epoch,)] = raw.execute("SELECT epoch FROM trading_gaterecord").fetchall()
        rows = raw.execute(_LISTINGS, [self.market_id]).fetchall()
        if epoch != self.epoch:
            check(epoch == self.epoch + 1, lambda: f"epoch {epoch} after {self.epoch}")
            self.epoch = epoch
            for row in rows:
                if not row[3]:
                    self._passed_over(self.listings[row[0]], row[1])
        for id, checkpoint, marker, is_closed, is_halted, *_ in rows:
            listing = self.listings[id]
            listing.checkpoint, listing.marker = checkpoint, marker
            listing.is_closed, listing.is_halted = bool(is_closed), bool(is_halted)

    def _passed_over(self, listing: ListingModel, checkpoint: int) -> None:
        """Recovery has moved the checkpoint by one: what was accepted behind it is lost, if it may be."""
        is_moved = checkpoint != listing.checkpoint  # if it were not, what follows of it has to show
        check(
            not is_moved or checkpoint == listing.checkpoint + 1,
            lambda: f"{listing.symbol}: recovery moves the checkpoint {listing.checkpoint} to {checkpoint}",
        )
        for sequence in [key for key in listing.log if key > listing.checkpoint]:
            entry = listing.log.pop(sequence)
            check(sequence in listing.losable, lambda: f"{listing.symbol}: entry {sequence} is lost")
            listing.lost += 1
            words = entry.text.split(" ") if entry else [""]
            if words[0] == "submit":
                order_id = self.placed.pop((int(words[1]), words[7]))
                self.lost_orders.add(order_id)
        listing.losable.clear()
        if is_moved:
            listing.log[checkpoint] = None
        listing.newest = checkpoint
        # newest_id stays behind: entries of the new epoch compare as later, whatever their sequence.

    def store_lost(self) -> None:
        """The gate store is not what it was: note which entries may be lost by that."""
        for listing in self.listings.values():
            newest = self.world.store.xrevrange(f"orders:{listing.id}", count=1)
            newest_id = newest[0][0].decode() if newest else "0-0"
            kept = max(listing.checkpoint, int(newest_id.split("-")[1]))
            listing.losable |= {sequence for sequence in listing.log if sequence > kept}

    def ledger_lost(self) -> None:
        """The database is not what it was: what it still has is to be compared anew, from the first entry on."""
        self.is_ledger_lost = True
        raw = self.world.connection.connection
        [(self.epoch,)] = raw.execute("SELECT epoch FROM trading_gaterecord").fetchall()
        for listing in self.listings.values():
            start = listing.oracle.history[0]
            listing.oracle = oracle_for(listing.base_price)
            listing.oracle.assets.update({account: copy(assets) for account, assets in start.items()})
            listing.oracle.remember()


def _pairs(flat: Any) -> dict[str, str]:
    values = flat or []
    return dict(zip(values[::2], values[1::2], strict=True))


def oracle_for(last_price: int) -> OracleListing:
    """Return an oracle at the beginning of a market."""
    return OracleListing(CLOSE_CHUNK, last_price)
