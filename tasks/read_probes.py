"""Look once, in every Region, for what the other Regions wrote.

Changes nothing; may run any number of times. One BatchGetItem a Region reads all probes there.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared import probes
from tasks.shared.probes import Written
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import LONGEST_WAIT_SECONDS, now

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

# The first looks follow each other at once: they are what the measured latency is made of.
LOOKS_AT_ONCE = 60


class Event(TypedDict):
    table: str
    request: Request
    regions: list[str]
    probes: Written


class Reply(Written):
    """``seen[origin][reader]`` holds ``latency_ms``, once seen, and ``not_before_ms``, the last look that saw nothing.

    Both count from the moment the origin had accepted the write, so the true latency lies between them.
    """

    status: Literal["BUSY", "READY"]
    wait_seconds: int


@task(allow("dynamodb:BatchGetItem", on=TABLE))
def read_probes(event: Event, aws: Clients) -> Reply:
    """Answer READY when every Region has seen every other's write, or when the request's deadline has passed."""
    written, readers = event["probes"], event["regions"]
    clients = {region: aws.dynamodb(region) for region in readers}
    seen = {origin: dict(written["seen"].get(origin, {})) for origin in readers}
    with ThreadPoolExecutor(max_workers=max(len(readers), 1)) as pool:
        looks = dict(zip(readers, pool.map(lambda reader: _look(clients[reader], event), readers), strict=True))
    for origin, reader in probes.pairs(readers):
        before, look = seen[origin].setdefault(reader, {}), looks[reader]
        if look and "latency_ms" not in before:
            seen[origin][reader] = _judge(written, origin, look, before)
    missing = any("latency_ms" not in pair for pairs in seen.values() for pair in pairs.values())
    elapsed = int((now() - datetime.fromisoformat(written["began"])).total_seconds())
    validation, count = event["request"]["validation"], written["looks"] + 1
    left = max(validation["deadline_seconds"] - elapsed, 0)
    wait = min(max(validation["poll_seconds"], elapsed // 10), LONGEST_WAIT_SECONDS, left)
    return {
        **written,
        "seen": seen,
        "looks": count,
        "status": "BUSY" if missing and left else "READY",
        "wait_seconds": 0 if count < LOOKS_AT_ONCE else wait,
    }


class Look(TypedDict):
    """What one Region held: the step of each origin's probe, and when it was asked and had answered."""

    steps: dict[str, str]
    asked_at: int
    answered_at: int


def _look(dynamodb: DynamoDBClient, event: Event) -> Look | None:
    """Ask one Region for all probes, or give ``None`` where it left some keys out, as a throttled table does."""
    request, run, table = event["request"], event["probes"]["run"], event["table"]
    asked_at = time.time_ns() // 1_000_000
    answer = dynamodb.batch_get_item(
        RequestItems={
            table: {
                "Keys": [probes.key(request, run, origin) for origin in event["regions"]],
                "ConsistentRead": True,  # the Region's own newest state, so that only replication is measured
                "ProjectionExpression": "#origin, #marker, #step",
                "ExpressionAttributeNames": {"#origin": probes.ORIGIN, "#marker": probes.MARKER, "#step": probes.STEP},
            }
        }
    )
    if answer.get("UnprocessedKeys"):  # an item that was not read is not an item that is gone
        return None
    found: list[Any] = answer["Responses"].get(table, [])
    ours = [item for item in found if item.get(probes.MARKER, {}).get("S") == run]
    return {
        "steps": {item[probes.ORIGIN]["S"]: item[probes.STEP]["S"] for item in ours},
        "asked_at": asked_at,
        "answered_at": time.time_ns() // 1_000_000,
    }


def _judge(written: Written, origin: str, look: Look, before: dict[str, Any]) -> dict[str, int]:
    step = look["steps"].get(origin)
    arrived = step is None if written["step"] == "delete" else step == written["step"]
    if arrived:
        # Looks and writes may run on machines whose clocks differ a little.
        latency = max(look["answered_at"] - written["written_at"][origin], before.get("not_before_ms", 0))
        return {**before, "latency_ms": latency}
    return {**before, "not_before_ms": max(look["asked_at"] - written["written_at"][origin], 0)}
