"""The whole audit of one market: what `manage.py audit` shows and every test that trades ends with."""

from collections.abc import Iterator

from trading.audit.faults import Check, Fault, checks_of
from trading.audit.gate import GATE_CHECKS, gate_faults
from trading.audit.instant import NoInstantError, instant_read
from trading.audit.ledger import LEDGER_CHECKS, conservation_faults, listing_faults
from trading.gate.client import gate
from trading.models import Market, Portfolio
from trading.selectors.instant import one_instant

ACCOUNTS_A_SLICE = 1_000
ENTRIES_MAX = 1_000_000


def market_audit(market: Market | None = None) -> list[Check]:
    """Audit one market, the newest one by default: all of the ledger, and every account at the gate.

    A gate that does not serve the market (it recovers, or has forgotten a settled one) is not compared.
    """
    market = market or Market.objects.order_by("-pk").first()
    if market is None:
        return [Check("market", True, "there is no market yet")]
    try:
        names, faults = market_faults(market)
    except NoInstantError as error:
        return [Check("instant", False, str(error))]
    return checks_of(names, faults)


def market_faults(market: Market) -> tuple[list[str], list[Fault]]:
    """Return the names of the checks that were made and all that they found.

    Raises `NoInstantError` when the gate is too quick to be compared.
    """
    faults = ledger_faults(market)
    at_gate = list(_gate_slices(market))
    unique = {fault.key: fault for found in at_gate for fault in found}
    return [*LEDGER_CHECKS, *(GATE_CHECKS if at_gate else ())], [*faults, *unique.values()]


def ledger_faults(market: Market) -> list[Fault]:
    """Return what is wrong with the ledger alone, as of one instant."""
    with one_instant():
        listings = list(market.listings.order_by("pk"))
        found = conservation_faults(market, listings)
        for listing in listings:
            found += listing_faults(listing)
        return found


def _gate_slices(market: Market) -> Iterator[list[Fault]]:
    """Compare all accounts, a slice of them at each instant; nothing where the gate does not serve the market."""
    known = set(Portfolio.objects.filter(market=market).values_list("user_id", flat=True))
    users = sorted(known | gate().accounts_known(market.pk))
    while True:
        instant = instant_read(market, users[:ACCOUNTS_A_SLICE], with_orders=True, entries_max=ENTRIES_MAX)
        if instant is None:
            return
        yield gate_faults(instant, with_orders=True)
        users = users[max(1, len(instant.accounts)) :]
        if not users:
            return
