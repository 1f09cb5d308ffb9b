"""What happens in a simulation: commands of players, work of two engine processes, the clock, losses of stores."""

import random
from collections.abc import Callable
from typing import Any

from stocking.base.errors import ApplicationError
from trading import engine, recovery, services, tasks
from trading.audit.watch import market_watch
from trading.gate.answers import Accepted
from trading.gate.client import gate
from trading.models import AuditReport, Listing, Market
from trading.simulation.model import Model, Request, check
from trading.simulation.world import World

Action = Callable[[], str]
IMAGES_KEPT = 3
WAKE_TTL_MS = 2_000
# Exact in binary, so that the sum of many looks at the clock does not depend on how many there were before.
SECONDS_A_LOOK = (0.0, 0.0, 3 / 64, 10 / 64, 10 / 64)
REFUSALS_OF_A_PLACED_REQUEST = {"recovering", "outcome_unknown"}


class Steps:
    """Every kind of step. Each returns what is written into the trace, and sets what it may have appended."""

    def __init__(self, world: World, model: Model, draw: random.Random) -> None:
        self.world, self.model, self.draw = world, model, draw
        self.may_append = 0
        self.note = self.told_early = ""
        self.then: Callable[[], None] | None = None
        self.paused: int | None = None
        self.images: list[list[Any]] = []
        self.ledgers: list[bytes] = []
        self.numbers = 0

    # Players ------------------------------------------------------------------------------------------

    def submit(self) -> str:
        """A player places an order, near the others' prices."""
        draw, self.numbers = self.draw, self.numbers + 1
        listings = list(self.model.listings.values())
        listing = listings[0] if draw.random() < 0.6 else draw.choice(listings)
        account = draw.choice(self.model.accounts)
        has_shares = self.model.available[account].get(f"s{listing.id}", "0") != "0"
        is_market = draw.random() < 0.15
        price = None if is_market else self._price(listing.base_price)
        request = Request(
            account,
            f"c{self.numbers}",
            listing.symbol,
            "sell" if draw.random() < (0.6 if has_shares else 0.04) else "buy",
            "market" if is_market else "limit",
            price,
            draw.randint(1, 9),
        )
        self.model.requests[request.account, request.client_order_id] = request
        return self._ask(request)

    def _price(self, base_price: int) -> int:
        """Return a price near the base price, so that orders cross."""
        tick = 5 if base_price < 5_000 else 100
        return base_price + tick * self.draw.randint(-2, 2)

    def repeat(self) -> str:
        """A player who did not hear (or did) asks again with the same client_order_id."""
        if not self.model.requests:
            return "nothing to repeat"
        unanswered = [request for request in self.model.requests.values() if not request.answered]
        choice = unanswered if unanswered and self.draw.random() < 0.6 else list(self.model.requests.values())
        request = self.draw.choice(choice)
        return self._ask_otherwise(request) if self.draw.random() < 0.1 else self._ask(request)

    def _ask_otherwise(self, request: Request) -> str:
        """A client uses an id again for another order: it gets no second one, whatever it is told."""
        key = (request.account, request.client_order_id)
        placed = self.model.placed.get(key)
        what = f"{request.client_order_id} for {request.quantity + 1} shares"
        if placed is None:
            return f"{what}: not asked, the first was not placed"
        try:
            answer = services.order_submit(
                account=request.account, client_order_id=request.client_order_id, symbol=request.symbol,
                side=request.side, type=request.type, price=request.price, quantity=request.quantity + 1,
                is_limited=False,
            )  # fmt: skip
        except ApplicationError as error:
            code = error.code
            check(code in {"client_order_id_reused", *REFUSALS_OF_A_PLACED_REQUEST}, f"{what}: {code}")
            return f"{what}: {code}"
        check(answer.order_id == placed and answer.duplicate, lambda: f"{what}: {answer}")
        return f"{what}: {answer.order_id} again"

    def _ask(self, request: Request) -> str:
        self.may_append = 1
        key = (request.account, request.client_order_id)
        placed = self.model.placed.get(key)
        what = (
            f"{request.account} {request.client_order_id} {request.side} {request.quantity} {request.symbol}"
            f" at {request.price}"
        )
        self.note = what
        try:
            answer = services.order_submit(
                account=request.account, client_order_id=request.client_order_id, symbol=request.symbol,
                side=request.side, type=request.type, price=request.price, quantity=request.quantity,
                is_limited=False,
            )  # fmt: skip
        except ApplicationError as error:
            code = error.code
            check(
                placed is None or code in REFUSALS_OF_A_PLACED_REQUEST,
                lambda: f"{what}: placed as {placed}, asked again: {code}",
            )
            if code != "outcome_unknown":
                self.may_append = 0
            return f"{what}: {code}"
        self.then = lambda: self._submit_answered(request, placed, answer)
        return f"{what}: {answer.order_id}{' again' if answer.duplicate else ''}"

    def _submit_answered(self, request: Request, placed: str | None, answer: Accepted) -> None:
        model = self.model
        request.answered = answer.order_id
        now = model.placed.get((request.account, request.client_order_id))
        check(now == answer.order_id, lambda: f"answered {answer.order_id}, the log says {now}")
        if placed is not None:
            check(answer.duplicate and not model.appended, lambda: f"placed a second time: {answer}")
            check(answer.order_id == placed, lambda: f"{placed} before, {answer.order_id} now")
            return
        check(
            not answer.duplicate and len(model.appended) == 1, lambda: f"{answer} appended {model.appended}"
        )
        words = model.appended[0][2].text.split(" ")
        check(
            (words[2], words[3], words[5], words[7]) == request.words
            and int(words[1]) == request.account
            and request.price in (None, int(words[4]))
            and int(words[6]) == self.world.clock_ms,
            lambda: f"asked {request}, accepted {words}",
        )

    def _order_drawn(self) -> tuple[int, str, bool]:
        """Return an account and an order, and whether the order is the account's."""
        owner, order_id = self.draw.choice(self.model.order_ids[-12:])
        if self.draw.random() < 0.1:
            other = self.draw.choice(self.model.accounts)
            return other, order_id, other == owner
        return owner, order_id, True

    def amend(self) -> str:
        """A player changes price, quantity or both."""
        if not self.model.order_ids:
            return "no order to amend"
        account, order_id, is_own = self._order_drawn()
        base = self.model.listings[int(order_id.split("-")[0])].base_price
        price = self._price(base) if self.draw.random() < 0.6 else None
        quantity = self.draw.randint(1, 12) if price is None or self.draw.random() < 0.5 else None
        return self._command(
            f"{account} amends {order_id} to {price}, {quantity}",
            lambda: services.order_amend(
                account=account, order_id=order_id, price=price, quantity=quantity, is_limited=False
            ),
            order_id if is_own else "",
        )

    def cancel(self) -> str:
        """A player cancels an order."""
        if not self.model.order_ids:
            return "no order to cancel"
        account, order_id, is_own = self._order_drawn()
        return self._command(
            f"{account} cancels {order_id}",
            lambda: services.order_cancel(account=account, order_id=order_id, is_limited=False),
            order_id if is_own else "",
        )

    def _command(self, what: str, command: Callable[[], Accepted], order_id: str) -> str:
        self.may_append, self.note = 1, what
        try:
            answer = command()
        except ApplicationError as error:
            if error.code != "outcome_unknown":
                self.may_append = 0
            return f"{what}: {error.code}"

        def then() -> None:
            check(bool(order_id), lambda: f"another's order: {what}")
            check(order_id not in self.model.lost_orders, lambda: f"a lost order: {what}")
            expected = 0 if answer.duplicate else 1
            check(len(self.model.appended) == expected, lambda: f"{what} appended {self.model.appended}")

        self.then = then
        return f"{what}: accepted{' again' if answer.duplicate else ''}"

    def cancel_all(self) -> str:
        """A player cancels everything, or everything in one listing."""
        account = self.draw.choice(self.model.accounts)
        symbols = [listing.symbol for listing in self.model.listings.values()]
        symbol = self.draw.choice([None, *symbols])
        self.may_append = len(symbols)
        try:
            services.orders_cancel_all(account=account, symbol=symbol, is_limited=False)
        except ApplicationError as error:
            return f"{account} cancels all of {symbol}: {error.code}"
        return f"{account} cancels all of {symbol}"

    # Processes ------------------------------------------------------------------------------------------

    def drain(self) -> str:
        """An engine process is woken: by a wake-up that is on its way, or by none."""
        draw, world = self.draw, self.world
        if world.wakes and draw.random() < 0.9:
            listing_id = world.wakes.pop(draw.randrange(len(world.wakes)))
        else:
            listing_id = draw.choice(list(self.model.listings))
        process = 0 if draw.random() < 0.85 else 1
        world.process_use(process if self.paused is None else 1 - self.paused)
        world.seconds_a_look = draw.choice(SECONDS_A_LOOK)
        engine.BATCH_ENTRIES = draw.choice((1, 2, 4, 500))
        before = self.model.listings[listing_id].checkpoint
        self.note = f"process {world.process} drains listing {listing_id} from {before}"
        world.seams.told = lambda: self._told(listing_id)
        try:
            more = engine.listing_drain(listing_id)
        finally:
            world.seams.told = lambda: None
        if more:
            world.wakes.append(listing_id)
        return f"{self.note}{', more to come' if more else ''}"

    def _told(self, listing_id: int) -> None:
        """The engine tells of a batch: a player who acts on it must find the money at the gate."""
        memory = engine._engines.get(listing_id)
        if memory is None or not self.model.is_open or self.told_early:
            return
        run_id = self.world.store.hget("gate", "run_id")
        applied = int(self.world.store.hget(f"listing:{listing_id}", "applied") or -1)
        if 0 <= applied < memory.checkpoint and run_id == self.world.run_id.encode():
            self.told_early = (
                f"listing {listing_id}: told up to {memory.checkpoint}, released up to {applied}"
            )

    def sweep(self) -> str:
        """The clock's worker looks what lags."""
        tasks.sweep()
        return ""

    def gate_open(self) -> str:
        """Somebody has the gate opened again, if it is not open."""
        return str(recovery.gate_ensure_open())

    def outbox(self) -> str:
        """Somebody applies a listing's outbox."""
        listing_id = self.draw.choice(list(self.model.listings))
        return f"listing {listing_id}: {engine.outbox_apply(listing_id)} rows"

    def releases(self) -> str:
        """Releases arrive again, and in no order."""
        listing_id = self.draw.choice(list(self.model.listings))
        raw = self.world.connection.connection
        rows = raw.execute(
            "SELECT first, last, payload FROM trading_outbox WHERE listing_id = ? ORDER BY first",
            [listing_id],
        ).fetchall()
        rows = rows[-6:] * 2
        self.draw.shuffle(rows)
        for first, last, payload in rows:
            gate().release(listing_id, first, last, "0-0", payload)
        return f"listing {listing_id}: {[row[:2] for row in rows]}"

    def close(self) -> str:
        """The game's clock closes the market: on time, or early."""
        self.may_append = len(self.model.listings)
        market = Market.objects.get(pk=self.model.market_id)
        return str(services.market_close(market=market, early=True))

    def halt(self) -> str:
        """Staff halt a listing, or resume it."""
        listing = Listing.objects.get(pk=self.draw.choice(list(self.model.listings)))
        if listing.is_halted or self.draw.random() < 0.3:
            services.listing_resume(listing=listing)
            return f"{listing.symbol} resumed"
        services.listing_halt(listing=listing, reason="simulated")
        return f"{listing.symbol} halted"

    def watch(self) -> str:
        """The live audit looks twice, as it does every few seconds; it must not take what is in between for a fault."""
        market = Market.objects.get(pk=self.model.market_id)
        found = ""
        for _ in range(2):
            report = market_watch(market=market)
            found = report.faults if report is not None else ""
            check(
                report is None or report.status != AuditReport.Status.CONFIRMED,
                lambda: f"the live audit closes the market: {found}",
            )
        check(self.world.seams.fired or not found, lambda: f"the live audit suspects: {found}")
        return found

    def forget(self) -> str:
        """An engine process is started again; wake-ups get lost."""
        process = self.draw.randrange(2) if self.paused is None else 1 - self.paused
        self.world.process_end(process)
        self.world.wakes = [wake for wake in self.world.wakes if self.draw.random() < 0.5]
        return f"process {process}"

    # Clock and stores -----------------------------------------------------------------------------------

    def clock(self) -> str:
        """Time passes."""
        passed = self.draw.choice((1, 40, 700, 6_000, 30_000))
        self.world.clock_set(self.world.clock_ms + passed)
        if passed > WAKE_TTL_MS:
            self.world.store.delete(*(f"woken:{listing}" for listing in self.model.listings))
        return str(self.world.clock_ms)

    def image(self) -> str:
        """What the gate store has on disk now is what a later loss may leave of it."""
        self.images = [*self.images[-IMAGES_KEPT + 1 :], self.world.store_copy()]
        self.ledgers = [*self.ledgers[-IMAGES_KEPT + 1 :], self.world.database_copy()]
        return ""

    def store_restarted(self) -> str:
        """The gate store is started again with all that it had."""
        self.world.store_started()
        return self.world.run_id[-3:]

    def store_tail_lost(self) -> str:
        """The gate store is replaced by one that lacks the newest writes."""
        if not self.images:
            return "no image"
        place = self.draw.randrange(len(self.images))
        del self.images[place + 1 :]
        self.world.store_restore(self.images[place])
        self.world.store_started()
        self.model.store_lost()
        return f"to image {place}"

    def store_lost(self) -> str:
        """The gate store is replaced by an empty one."""
        self.images.clear()
        self.world.store.flushdb()
        self.world.store_started()
        self.model.store_lost()
        return ""

    def ledger_tail_lost(self) -> str:
        """The database is replaced by one that lacks the newest commits."""
        place = self.draw.randrange(len(self.ledgers))
        self.world.database_restore(self.ledgers[place])
        self.model.ledger_lost()
        return f"to image {place}"

    def bus_lost(self) -> str:
        """The bus forgets everything."""
        self.world.bus.flushdb()
        return ""
