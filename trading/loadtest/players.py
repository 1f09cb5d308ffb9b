"""Players for a load: real accounts and real sessions, made in bulk, with enough of everything to trade.

What they begin with is put into the ledger, then the gate is shut and opens again as it does after a restart of
its store: it loads balances from the ledger, in a new epoch, and every engine restores its book.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts.models import User, nickname_fold
from trading.gate.client import gate
from trading.loadtest.flow import Traded
from trading.models import Holding, Listing, Market, Portfolio
from trading.recovery import gate_ensure_open
from trading.services import order_submit
from trading.wake import listings_wake

CASH_WON = 10**11
SHARES = 10**6
GAME_SECONDS = 15.0
GATE_SECONDS = 30.0


class LoadError(Exception):
    """The load cannot be put on this instance; the message says why."""


@dataclass(frozen=True, slots=True)
class Player:
    """A player who is logged in: what a browser would send with each request."""

    number: int
    user_id: int
    session_key: str
    csrf_token: str


def market_now(seconds_needed: float) -> Market:
    """Return the market that is trading, or trades soon; LoadError if it closes within `seconds_needed`."""
    deadline = time.monotonic() + GAME_SECONDS
    while (market := Market.objects.order_by("-pk").first()) is None:
        if time.monotonic() > deadline:
            raise LoadError("there is no game")
        time.sleep(0.1)
    left = market.closes_at / 1000 - time.time()
    if left < seconds_needed:
        raise LoadError(
            f"the game closes in {left:.0f} s, too soon for this load; start the instance with a longer "
            "GAME_CYCLE_SECONDS, or wait for the next game"
        )
    wait = market.opens_at / 1000 - time.time()
    if wait > 0:
        time.sleep(wait + 0.1)
    return market


def listings_chosen(market: Market, count: int) -> list[Traded]:
    """Return the cheapest listings of a market that are not halted."""
    rows = Listing.objects.filter(market=market, is_halted=False).order_by("base_price", "pk")[:count]
    chosen = [Traded(row.pk, row.symbol, row.base_price) for row in rows]
    if len(chosen) < count:
        raise LoadError(f"there are only {len(chosen)} listings that trade")
    return chosen


def players_create(run: str, count: int) -> list[Player]:
    """Create accounts that are logged in: rows of users and sessions as a login makes them, passwords aside."""
    password = make_password(None)
    names = [f"{run[:6]}{number:05d}" for number in range(count)]
    User.objects.bulk_create(
        [
            User(nickname=name, nickname_key=nickname_fold(name), email=None, password=password)
            for name in names
        ],
        batch_size=500,
    )
    users = {user.nickname: user for user in User.objects.filter(nickname__in=names)}
    with transaction.atomic():
        return [_logged_in(number, users[name]) for number, name in enumerate(names)]


def _logged_in(number: int, user: User) -> Player:
    session: Any = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return Player(number, user.pk, session.session_key, secrets.token_hex(16))


def players_endow(
    market: Market, listings: Sequence[Traded], players: Sequence[Player], *, shares: int = SHARES
) -> None:
    """Give each player cash, and shares of each listing, so that no order is refused for want of them."""
    with transaction.atomic():
        Portfolio.objects.bulk_create(
            [
                Portfolio(market=market, user_id=p.user_id, initial_cash=CASH_WON, cash=CASH_WON)
                for p in players
            ],
            batch_size=500,
        )
        Holding.objects.bulk_create(
            [
                Holding(
                    listing_id=listing.listing_id,
                    user_id=player.user_id,
                    granted=shares,
                    quantity=shares,
                    cost=shares * listing.base_price,
                )
                for player in players
                for listing in listings
            ],
            batch_size=500,
        )
    _gate_reload(market)


def offers_place(listings: Sequence[Traded], seller: Player, shares: int) -> None:
    """Have a player offer so many shares of each listing at its base price."""
    for listing in listings:
        order_submit(
            account=seller.user_id,
            client_order_id=f"offer-{seller.number}-{listing.symbol}",
            symbol=listing.symbol,
            side="sell",
            type="limit",
            price=listing.base_price,
            quantity=shares,
        )


def _gate_reload(market: Market) -> None:
    """Have the gate load the market from the ledger anew, as after a restart of its store."""
    gate().shut()
    deadline = time.monotonic() + GATE_SECONDS
    while not gate_ensure_open():
        if time.monotonic() > deadline:
            raise LoadError("the gate did not open again")
        listings_wake(market.listings.all())
        time.sleep(0.1)
