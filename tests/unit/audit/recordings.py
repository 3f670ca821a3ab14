"""Recorded and hand-made histories as a source gives them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.fold import fold
from meridian.audit.source import ExecutionUnknown
from meridian.bundle import ROOT
from tests.unit.histories import arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit, Step
    from meridian.audit.source import Event, Listed
    from tests.unit.histories import History

HISTORIES = ROOT / "tests/fixtures/histories"


class Recorded:
    """A source of everything that was recorded under one story, ``moto-good`` for example."""

    def __init__(self, story: str) -> None:
        self.files: dict[str, list[dict[str, Any]]] = {}
        for path in sorted(HISTORIES.glob(f"{story}-[0-9]*.jsonl")):
            rows = [json.loads(row) for row in path.read_text().splitlines()]
            self.files[rows[0]["description"]["executionArn"]] = rows
        self.first = next(iter(self.files))

    def describe(self, arn: str) -> dict[str, Any]:
        if arn not in self.files:
            raise ExecutionUnknown(arn)
        return dict(self.files[arn][0]["description"])

    def events(self, arn: str) -> Iterator[Event]:
        return iter(self.files[arn][1:])

    def definition(self, arn: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.files[arn][0]["definition"]
        return found

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        raise AssertionError((workflow, since))


def events(history: History) -> Iterator[Event]:
    """Hand-made events with numbers as timestamps."""
    return ({**event, "timestamp": event["timestamp"].timestamp()} for event in history.events)


def audited(history: History, name: str | None = None, **description: Any) -> Audit:
    return fold(name or arn("provision"), description, events(history))


def step(audit: Audit, name: str) -> Step:
    """Last stay in the state ``name``."""
    return next(one for one in reversed(audit.steps) if one.name == name)


def outcomes(audit: Audit) -> dict[str, str]:
    """How the last stay in each state ended."""
    return {one.name: one.outcome.value for one in audit.steps}
