"""What a validation looks for behind the table: its writes' records, metrics and events, each in its own Region.

ReadRecords, ReadMetrics and ReadEvents fill one part each of the same document. None of them fails because something
was not seen: Summarize judges.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared.waiting import LONGEST_WAIT_SECONDS, now

if TYPE_CHECKING:
    from tasks.shared.request import Request

STEPS = ("put", "update", "delete")

# The names that processors/analytics.py counts probes under, with the table as the dimension Table.
NAMESPACE, METRIC = "Meridian/Processors", "Probes"
LEAST_COUNTED = len(STEPS)  # by analytics, in each Region; without an origin it counts the other Regions' writes, too

CLOCKS_APART_SECONDS = 10  # more than the clocks of two services differ


class Records(TypedDict):
    """One Region's stream: where the next look reads on, and by step each record's id and arrival.

    ``behind`` are the shards of which a look did not come to the tip; all others are read from ``from_ms``. Moments are
    milliseconds since 1970. The same record may come twice, with the same id.
    """

    from_ms: int
    behind: dict[str, int]
    found: dict[str, dict[str, int]]


class Events(TypedDict):
    """``ids[origin][step][id]`` are the Regions that had the event, by their place among the Regions.

    ``sent_ms[region]`` is when the event of the Region's own put came to its queue, in milliseconds since 1970.
    """

    ids: dict[str, dict[str, dict[str, list[int]]]]
    sent_ms: dict[str, int]


class Streaming(TypedDict):
    """``since`` is a moment before the first write, ``began`` that of the last step: the deadline counts from it."""

    run: str
    since: str
    began: str
    records: dict[str, Records]
    metrics: dict[str, int]
    events: Events


class Looking(TypedDict):
    """What each of the three tasks is given."""

    table: str
    request: Request
    regions: list[str]
    streaming: Streaming


class Looked(Streaming):
    """What each of the three tasks answers."""

    status: Literal["BUSY", "READY"]
    wait_seconds: int


def wanted(request: Request) -> tuple[str, ...]:
    """Which of records, metrics and events the request makes."""
    processors = request["processors"]
    by_kind = {"records": request["kinesis"], "metrics": processors["analytics"], "events": processors["changes"]}
    return tuple(kind for kind, maker in by_kind.items() if maker is not None)


def seen_in(events: Events, origin: str, step: str) -> set[int]:
    """Places of the Regions that had an event of this write."""
    return {place for places in events["ids"].get(origin, {}).get(step, {}).values() for place in places}


def expected_in(request: Request, regions: list[str], origin: str) -> set[int]:
    """Places of the Regions that publish a write from ``origin``: it alone, if items say where they were written."""
    return {regions.index(origin)} if request["origin_attribute"] else set(range(len(regions)))


def since(streaming: Streaming) -> datetime:
    """From when to read, so that no write is missed, whatever the clocks."""
    return datetime.fromisoformat(streaming["since"]) - timedelta(seconds=CLOCKS_APART_SECONDS)


def looked(event: Looking, *, busy: bool, **part: Any) -> Looked:
    """Answer with what has been seen: BUSY if there is more to wait for and the request's deadline has not passed."""
    validation, streaming = event["request"]["validation"], event["streaming"]
    elapsed = (now() - datetime.fromisoformat(streaming["began"])).total_seconds()
    left = max(validation["streaming_deadline_seconds"] - elapsed, 0)
    busy = busy and left > 0
    wait = min(max(validation["poll_seconds"], int(elapsed // 10)), LONGEST_WAIT_SECONDS, ceil(left))
    answer: Any = {**streaming, **part, "status": "BUSY" if busy else "READY", "wait_seconds": wait if busy else 0}
    return answer  # type: ignore[no-any-return]  # the part is one of its members
