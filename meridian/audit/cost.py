"""What an execution cost in Step Functions: its state transitions, and those of its children."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meridian.audit.model import Audit

# AWS Step Functions pricing, Standard Workflows in us-east-1; some Regions cost up to half as much again, and the first
# 4,000 transitions of a month are free. An estimate: only the bill knows discounts.
USD_PER_THOUSAND_TRANSITIONS = 0.025


def transitions(audit: Audit) -> int:
    """State transitions of an execution and all it started."""
    return sum(one.transitions for one in audit.tree())


def usd(audit: Audit) -> float:
    """List price of ``transitions`` in USD."""
    return transitions(audit) * USD_PER_THOUSAND_TRANSITIONS / 1_000
