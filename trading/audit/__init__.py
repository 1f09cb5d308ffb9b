"""Proof, from outside, that the ledger, the gate and the books agree; and the watch that closes a market if not."""

from trading.audit.checks import market_audit
from trading.audit.faults import Check

__all__ = ["Check", "market_audit"]
