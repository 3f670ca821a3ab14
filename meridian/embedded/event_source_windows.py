"""Tumbling windows: records of one stretch of time go to a function together with the state that it left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.event_source_failures import as_time

if TYPE_CHECKING:
    from meridian.embedded.event_source_records import Record


class Window:
    """The window that a shard is in; ``seconds`` 0 is none, and then everything is in it."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._start: float | None = None
        self._state: Any = {}

    def admits(self, record: Record) -> bool:
        """Whether a record belongs to the open window; the first one opens it."""
        if not self.seconds:
            return True
        start = record.created // self.seconds * self.seconds
        if self._start is None:
            self._start = start
        return self._start == start

    def ended(self, now: float) -> bool:
        return self._start is not None and now >= self._start + self.seconds

    def close(self) -> None:
        self._start, self._state = None, {}

    def keep(self, answer: Any) -> None:
        """Take over the state that a function answered."""
        if self.seconds and isinstance(answer, dict):
            self._state = answer.get("state", self._state)

    def of_event(self, shard: str, stream: str, *, final: bool) -> dict[str, Any]:
        """What an event has beside its records."""
        if self._start is None:
            return {}
        return {
            "window": {"start": as_time(self._start), "end": as_time(self._start + self.seconds)},
            "state": self._state,
            "shardId": shard,
            "eventSourceARN": stream,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": False,
        }
