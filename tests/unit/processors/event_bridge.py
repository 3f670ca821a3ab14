"""EventBridge as PutEvents shows it: entries are taken one by one, and some may be refused."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from processors.shared.event_bus import MOST_ENTRIES, TOO_MANY_BYTES, size

if TYPE_CHECKING:
    from collections.abc import Callable

Entry = dict[str, Any]


class NotFound(Exception):
    """ResourceNotFoundException of DescribeEventBus."""


class EventBridge:
    """Takes what ``refuse`` does not give an error code for, and notes every call."""

    def __init__(
        self, refuse: Callable[[Entry], str | None] = lambda _: None, buses: tuple[str, ...] = ("shop",)
    ) -> None:
        self.refuse, self.buses = refuse, buses
        self.described: list[str] = []
        self.calls: list[list[Entry]] = []
        self.taken: list[Entry] = []
        self.errors: list[Exception] = []  # the next calls fail with these
        self.exceptions = SimpleNamespace(ResourceNotFoundException=NotFound)
        self.meta = SimpleNamespace(region_name="eu-west-1")

    def describe_event_bus(self, *, Name: str) -> dict[str, str]:  # noqa: N803  # as boto3 has it
        self.described.append(Name)
        if Name not in self.buses:
            raise NotFound
        return {"Name": Name}

    def put_events(self, *, Entries: list[Entry]) -> dict[str, Any]:  # noqa: N803
        """Refuses, as AWS does, a call beyond the limits."""
        assert 0 < len(Entries) <= MOST_ENTRIES
        assert sum(map(size, Entries)) < TOO_MANY_BYTES
        assert {entry["EventBusName"] for entry in Entries} <= set(self.buses)
        self.calls.append(Entries)
        if self.errors:
            raise self.errors.pop(0)
        answers = [self._answer(entry) for entry in Entries]
        return {"FailedEntryCount": sum("ErrorCode" in one for one in answers), "Entries": answers}

    @property
    def details(self) -> list[dict[str, Any]]:
        """Details of what was taken, in order."""
        return [json.loads(entry["Detail"]) for entry in self.taken]

    def _answer(self, entry: Entry) -> dict[str, str]:
        code = self.refuse(entry)
        if code:
            return {"ErrorCode": code, "ErrorMessage": "secret"}
        self.taken.append(entry)
        return {"EventId": str(len(self.taken))}


class Refusals:
    """Refuses the entries of these names, each so many times; -1 is always."""

    def __init__(self, **times: int) -> None:
        self.times = times
        self.code = "ThrottlingException"

    def __call__(self, entry: Entry) -> str | None:
        left = self.times.get(name_of(entry), 0)
        self.times[name_of(entry)] = left - 1 if left > 0 else left
        return self.code if left else None


def name_of(entry: Entry) -> str:
    """What the test calls an entry: its detail's ``name``."""
    return str(json.loads(entry["Detail"]).get("name", ""))
