"""The log of a processor: one structured line an invocation, of counts and sequence numbers, never of content."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from processors.shared.records import Malformed


@cache
def logger() -> Logger:
    """Powertools' Logger, made once; POWERTOOLS_SERVICE_NAME is its service."""
    return Logger()


def report(
    processor: str, *, records: int, failed: str | None, reason: Malformed | str | None = None, **counts: int
) -> None:
    """What became of a batch.

    ``failed`` is the first sequence number that was not processed, and ``reason`` a malformed record or an error code.
    """
    level = logger().info if failed is None else logger().warning
    level(processor, extra={"records": records, **counts, "failed": failed, "reason": str(reason) if reason else None})
