"""Where histories are read from: Step Functions, or the archive where Step Functions has forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meridian.audit.model import Outcome

Event = dict[str, Any]  # of GetExecutionHistory as AWS's JSON has it: ``timestamp`` is seconds since 1970


class ExecutionUnknown(LookupError):
    """The source holds no such execution."""


@dataclass(frozen=True)
class Listed:
    """An execution in a list. ``table`` is empty where the list does not know it."""

    arn: str
    status: Outcome
    started: float
    stopped: float | None = None
    version_arn: str = ""
    alias_arn: str = ""
    redrive_count: int = 0
    table: str = ""
    source: str = "Step Functions"


class Source(Protocol):
    """Reads executions. All raise ``ExecutionUnknown``, and ClientError for what else AWS refuses."""

    def describe(self, arn: str) -> Mapping[str, Any]:
        """DescribeExecution's answer; dates are seconds since 1970."""

    def events(self, arn: str) -> Iterator[Event]:
        """Every event, the oldest first, page by page."""

    def definition(self, arn: str) -> dict[str, Any] | None:
        """The definition that the execution ran, or None where it is not to be had."""

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        """Executions of a workflow started at or after ``since``, in no order."""
