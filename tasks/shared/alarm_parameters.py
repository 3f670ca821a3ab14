"""The region stack's parameters for alarms, in the units of the metrics, since CloudFormation cannot reckon."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.shared.request import Alarms


def alarm_parameters(alarms: Alarms | None, timeout_seconds: int) -> dict[str, str]:
    """Name to value; ``timeout_seconds`` is that of a processor. Without ``alarms`` they are switched off."""
    if alarms is None:
        return {"Alarms": "OFF"}
    milliseconds = {
        "IteratorAgeMilliseconds": alarms["iterator_age_seconds"] * 1000,
        "DurationMilliseconds": timeout_seconds * 10 * alarms["duration_percent"],
        "UnreplicatedMilliseconds": alarms["unreplicated_seconds"] * 1000,
        "ReplicationLatencyMilliseconds": alarms["replication_latency_seconds"] * 1000,
    }
    return {
        "Alarms": "ON",
        "AlarmEmail": alarms["email"] or "",
        **{name: str(value) for name, value in milliseconds.items()},
        "ThrottledEvents": str(alarms["throttled_events"]),
    }
