"""Calls of Step Functions at less than half the rate that AWS refills, so that the other half is everybody else's.

A task never sleeps: it makes the calls of some seconds at once, out of the bucket that AWS keeps for bursts, and
answers with the seconds to wait until as many may be made again.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# Half of what a Region refills a second, of the smaller Regions where they differ (Step Functions Developer Guide,
# service quotas, "Quotas related to API action throttling"). 1 a second is assumed where the guide names none.
CALLS_A_SECOND = {
    "list_state_machines": 0.5,
    "list_tags_for_resource": 0.5,
    "list_executions": 1.0,
    "describe_execution": 5.0,
    "get_execution_history": 10.0,
    "describe_state_machine_for_execution": 0.5,
}
LOOK_SECONDS = 30  # of calls at once, at that rate: 150 DescribeExecution, of a bucket of 250


class Paced:
    """Counts its calls."""

    def __init__(self, states: SFNClient) -> None:
        self._states = states
        self.refused = states.exceptions.ClientError
        self._calls: Counter[str] = Counter()

    def call(self, operation: str, **parameters: Any) -> Any:
        """Call an operation of Step Functions by the name of boto3's method."""
        self._calls[operation] += 1
        return getattr(self._states, operation)(**parameters)

    @property
    def wait_seconds(self) -> int:
        """How long these calls take at our rate."""
        return ceil(max((count / CALLS_A_SECOND[name] for name, count in self._calls.items()), default=0))

    @property
    def is_spent(self) -> bool:
        return self.wait_seconds >= LOOK_SECONDS
