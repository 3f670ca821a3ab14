"""Sources of histories that are made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.audit.model import Outcome
from meridian.audit.source import ExecutionUnknown, Listed
from tests.unit.audit.samples import START, execution_arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.source import Event
    from tests.unit.histories import History

VALIDATE = "validate-orders-1c168adb-0000000{}"  # as names.execution makes it


def events(history: History, started: float) -> list[Event]:
    """A hand-made history as a source gives it, moved to where it shall begin."""
    begun = history.events[0]["timestamp"].timestamp() - started
    return [{**event, "timestamp": event["timestamp"].timestamp() - begun} for event in history.events]


class FakeSource:
    """Knows what was put into it, and remembers what it was asked."""

    def __init__(self, name: str = "Step Functions") -> None:
        self.name = name
        self.described: list[str] = []
        self.listed: dict[str, list[Listed]] = {}
        self.descriptions: dict[str, dict[str, Any]] = {}
        self.histories: dict[str, list[Event]] = {}

    def put(
        self,
        workflow: str,
        name: str,
        given: Any,
        status: Outcome = Outcome.SUCCEEDED,
        *,
        started: float = START,
        seconds: float = 5.0,
        table: str = "",
        history: History | None = None,
        **more: Any,
    ) -> str:
        """Know one more execution, and give its ARN."""
        arn = execution_arn(workflow, name)
        stopped = None if status is Outcome.RUNNING else started + seconds
        description = {"executionArn": arn, "status": status.value, "startDate": started, "input": json.dumps(given)}
        description |= {"source": self.name, **({} if stopped is None else {"stopDate": stopped}), **more}
        self.descriptions[arn] = description
        listed = Listed(arn, status, started, stopped, table=table, source=self.name)
        self.listed.setdefault(workflow, []).insert(0, listed)
        if history:
            history.end(status.value.capitalize(), len(history.events))
            self.histories[arn] = events(history, started)
        return arn

    def describe(self, arn: str) -> dict[str, Any]:
        self.described.append(arn)
        return dict(self._known(self.descriptions, arn))

    def events(self, arn: str) -> Iterator[Event]:
        self._known(self.descriptions, arn)
        yield from self.histories.get(arn, [])

    def definition(self, arn: str) -> dict[str, Any] | None:
        self._known(self.descriptions, arn)
        return {"Comment": self.name}

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        yield from (one for one in self._known(self.listed, workflow) if one.started >= since)

    def _known(self, holder: dict[str, Any], key: str) -> Any:
        if key not in holder:
            raise ExecutionUnknown(key)
        return holder[key]
