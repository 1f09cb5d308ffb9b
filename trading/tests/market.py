"""A market for tests: players, bots and listings on the real gate, drained on demand by the real engine."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from stocking.base.units import now_ms
from trading.audit import market_audit
from trading.engine import listing_drain
from trading.gate.answers import Accepted, Refused, Who
from trading.gate.client import gate
from trading.models import Company, Listing, Market
from trading.services import Grant, listing_halt, listing_resume, market_create, market_grant, market_register

_ids = itertools.count(1)


@dataclass
class Exchange:
    """A registered market with its listings by symbol and its players by name."""

    market: Market
    listings: dict[str, Listing]
    players: dict[str, User] = field(default_factory=dict)

    def account(self, name: str) -> int:
        """Return a player's account, made at its first mention."""
        if name not in self.players:
            known = User.objects.filter(nickname=name).first()
            self.players[name] = known or User.objects.create_user(None, name, is_guest=True)
        return int(self.players[name].pk)

    def submit(
        self,
        name: str,
        side: str,
        quantity: int,
        price: int | None = None,
        *,
        symbol: str = "AAA",
        id: str = "",
    ) -> Accepted | Refused:
        """Send an order to the gate: a limit order, or a market order without a price."""
        return gate().submit(
            Who(account=self.account(name), is_limited=False),
            client_order_id=id or f"t{next(_ids)}",
            symbol=symbol,
            side=side,
            type="market" if price is None else "limit",
            price=price,
            quantity=quantity,
        )

    def amend(
        self, name: str, order: Any, price: int | None = None, quantity: int | None = None
    ) -> Accepted | Refused:
        """Send an amend to the gate."""
        who = Who(account=self.account(name), is_limited=False)
        return gate().amend(who, order_id=getattr(order, "order_id", order), price=price, quantity=quantity)

    def cancel(self, name: str, order: Any) -> Accepted | Refused:
        """Send a cancel to the gate."""
        who = Who(account=self.account(name), is_limited=False)
        return gate().cancel(who, order_id=getattr(order, "order_id", order))

    def cancel_all(self, name: str, symbol: str | None = None) -> Accepted | Refused:
        """Send a cancel of all open orders to the gate."""
        return gate().cancel_all(Who(account=self.account(name), is_limited=False), symbol=symbol)

    def halt(self, symbol: str, halted: bool = True) -> None:
        """Halt a listing, or resume it."""
        if halted:
            listing_halt(listing=self.listings[symbol], reason="test")
        else:
            listing_resume(listing=self.listings[symbol])

    def drain(self) -> None:
        """Have every listing's engine apply all that waits."""
        for listing in self.listings.values():
            while listing_drain(listing.pk):
                pass
        self.audit()

    def audit(self) -> None:
        """Fail unless ledger, gate and books agree."""
        assert [check for check in market_audit(self.market) if not check.ok] == []

    def available(self, name: str) -> tuple[int | None, dict[str, int]]:
        """Return what the gate says a player has available: cash, and shares by symbol."""
        balances = gate().balances(self.market.pk, self.account(name))
        symbols = {listing.pk: symbol for symbol, listing in self.listings.items()}
        return balances.cash, {
            symbols[key]: quantity for key, quantity in balances.shares.items() if quantity
        }


def open_exchange(
    *, symbols: tuple[str, ...] = ("AAA",), base_price: int = 100_000, initial_cash: int = 10_000_000,
    shares: dict[str, dict[str, int]] | None = None, opens_in_ms: int = -1_000, closes_in_ms: int = 600_000,
) -> Exchange:  # fmt: skip
    """Open a market now. `shares` grants cash and shares by player and symbol, as bots get them."""
    now = now_ms()
    companies = [
        Company.objects.get_or_create(
            symbol=symbol,
            defaults={
                "name": symbol,
                "name_en": symbol,
                "sector": "x",
                "description": "x",
                "base_price": base_price,
            },
        )[0]
        for symbol in symbols
    ]
    market = market_create(
        companies=companies,
        opens_at=now + opens_in_ms,
        closes_at=now + closes_in_ms,
        initial_cash=initial_cash,
    )
    exchange = Exchange(market, {listing.symbol: listing for listing in market.listings.all()})
    grants = [Grant(exchange.account(name), initial_cash, held) for name, held in (shares or {}).items()]
    market_grant(market=market, grants=grants)
    assert market_register(market=market)
    return exchange
