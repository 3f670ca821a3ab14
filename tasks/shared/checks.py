"""The checks of a validation, each with the words that say how it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypedDict

from tasks.shared import probes, streaming

if TYPE_CHECKING:
    from tasks.shared.probes import Written
    from tasks.shared.request import Request
    from tasks.shared.streaming import Streaming


class Check(TypedDict):
    """One ordered pair and step: put, update or delete; or a Region's own writes: record, metric, event or one_event.

    Latencies are milliseconds from the accepted write; see ReadProbes.
    """

    check: str
    origin: str
    reader: str
    passed: bool
    latency_ms: int | None
    not_before_ms: int | None


class Judged(NamedTuple):
    check: Check
    failure: str  # how it failed, should it have


class Seen(TypedDict):
    """What one Region's streaming showed of the Region's own writes; ``None`` where the request makes no such thing.

    ``metrics`` is what analytics counted there, and ``events`` are all of this run that came to the Region's queue.
    Latencies are those of the put.
    """

    records: int | None
    record_latency_ms: int | None
    events: int | None
    event_latency_ms: int | None
    metrics: int | None


class Result(TypedDict):
    """What a validation found. ``latency_ms[origin][reader]`` is that of the put.

    ``pending`` are Regions recorded but not complete. What broke off has shown nothing of the streaming.
    """

    table: str
    regions: list[str]
    pending: list[str]
    passed: int
    failed: int
    checks: list[Check]
    latency_ms: dict[str, dict[str, int | None]]
    streaming: dict[str, Seen]


class Verdict(Result):
    """``failure`` says what failed or broke off, and ``remedy`` what to do; both are empty where all is well."""

    home: str
    failure: str
    remedy: str


def replication(steps: list[Written], regions: list[str]) -> list[Judged]:
    """Each step of each ordered pair of Regions."""
    return [_pair(written, origin, reader) for written in steps for origin, reader in probes.pairs(regions)]


def _pair(written: Written, origin: str, reader: str) -> Judged:
    pair = written["seen"].get(origin, {}).get(reader, {})
    check: Check = {
        "check": written["step"],
        "origin": origin,
        "reader": reader,
        "passed": "latency_ms" in pair,
        "latency_ms": pair.get("latency_ms"),
        "not_before_ms": pair.get("not_before_ms"),
    }
    return Judged(check, f"{reader} did not see the {written['step']} from {origin}")


class Behind(NamedTuple):
    """What was looked for behind the table, and what was found."""

    request: Request
    regions: list[str]
    put: Written
    found: Streaming

    def seen(self, region: str) -> Seen:
        kinds = streaming.wanted(self.request)
        records = self._records(region)
        arrived_ms = min(records.get("put", {}).values(), default=None)
        return {
            "records": sum(map(len, records.values())) if "records" in kinds else None,
            "record_latency_ms": self._latency(region, arrived_ms),
            "events": self._events(region) if "events" in kinds else None,
            "event_latency_ms": self._latency(region, self.found["events"]["sent_ms"].get(region)),
            "metrics": self.found["metrics"].get(region, 0) if "metrics" in kinds else None,
        }

    def judged(self) -> list[Judged]:
        judges = {"records": (self._record,), "metrics": (self._metric,), "events": (self._event, self._one_event)}
        return [
            judge(region)
            for kind in streaming.wanted(self.request)
            for judge in judges[kind]
            for region in self.regions
        ]

    def _record(self, region: str) -> Judged:
        found = self._records(region)
        missing = [step for step in streaming.STEPS if step not in found]
        latency = self.seen(region)["record_latency_ms"]
        return _own(
            "record", region, missing, latency, f"{region} did not see the Kinesis record of its {_and(missing)}"
        )

    def _metric(self, region: str) -> Judged:
        counted = self.found["metrics"].get(region, 0)
        missing = ["metric"] if counted < streaming.LEAST_COUNTED else []
        text = f"{region} counted {counted} instead of {streaming.LEAST_COUNTED} in the metric {streaming.METRIC}"
        return _own("metric", region, missing, None, text)

    def _event(self, region: str) -> Judged:
        place, events = self.regions.index(region), self.found["events"]
        missing = [step for step in streaming.STEPS if place not in streaming.seen_in(events, region, step)]
        latency = self.seen(region)["event_latency_ms"]
        return _own("event", region, missing, latency, f"{region} did not see the event of its {_and(missing)}")

    def _one_event(self, region: str) -> Judged:
        """One event per write: one id, in the Regions that publish the write and in no other."""
        events, expected = self.found["events"], streaming.expected_in(self.request, self.regions, region)
        wrong = []
        for step in streaming.STEPS:
            count, places = len(events["ids"].get(region, {}).get(step, {})), streaming.seen_in(events, region, step)
            if count != 1 or places != expected:
                where = _and([self.regions[place] for place in sorted(places)])
                wrong.append(f"{step}: {count} in {where}" if count else f"{step}: none")
        return _own(
            "one_event", region, wrong, None, f"the writes from {region} are not one event each ({', '.join(wrong)})"
        )

    def _events(self, region: str) -> int:
        place, steps = self.regions.index(region), self.found["events"]["ids"].values()
        return sum(place in places for by_step in steps for ids in by_step.values() for places in ids.values())

    def _records(self, region: str) -> dict[str, dict[str, int]]:
        return self.found["records"][region]["found"] if region in self.found["records"] else {}

    def _latency(self, region: str, arrived_ms: int | None) -> int | None:
        """Never negative: the clocks of two services differ a little, and the write is timed after its answer."""
        return None if arrived_ms is None else max(arrived_ms - self.put["written_at"].get(region, arrived_ms), 0)


def _own(name: str, region: str, missing: list[str], latency_ms: int | None, failure: str) -> Judged:
    check: Check = {
        "check": name,
        "origin": region,
        "reader": region,
        "passed": not missing,
        "latency_ms": latency_ms,
        "not_before_ms": None,
    }
    return Judged(check, failure)


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
