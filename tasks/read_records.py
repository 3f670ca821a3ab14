"""Look once, in every Region's Kinesis stream, for the records of what this run wrote there.

Changes nothing; may run any number of times. All shards are read from the last look's position.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tasks.shared import names, probes, shards, streaming
from tasks.shared.streaming import Looked, Looking, Records
from tasks.shared.task import STREAM, allow, task

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

    from tasks.shared.clients import Clients

SHARDS_AT_ONCE = 4  # of one Region
LOOK_SECONDS = 40  # no shard is begun later in a look
ID_LENGTH = 8  # of the 32 digits of an eventID: enough to tell a handful of records apart


class Event(Looking):
    """All that it takes."""


@task(allow("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards", on=STREAM), timeout_seconds=90)
def read_records(event: Event, aws: Clients) -> Looked:
    """Answer READY when each Region's stream has shown put, update and delete of its own probe, or at the deadline."""
    if "records" not in streaming.wanted(event["request"]):
        return streaming.looked(event, busy=False)
    regions, before = event["regions"], event["streaming"]["records"]
    start: Records = {"from_ms": shards.milliseconds(streaming.since(event["streaming"])), "found": {}}
    clients = {region: aws.kinesis(region) for region in regions}

    def look(region: str) -> Records:
        return _look(clients[region], event, region, before.get(region, start))

    with ThreadPoolExecutor(max_workers=max(len(regions), 1)) as pool:
        after = dict(zip(regions, pool.map(look, regions), strict=True))
    return streaming.looked(event, busy=not all(map(_complete, after.values())), records=after)


def _complete(records: Records) -> bool:
    return all(step in records["found"] for step in streaming.STEPS)


def _look(kinesis: KinesisClient, event: Event, region: str, before: Records) -> Records:
    """Read what is new in one Region; what a step has shown is kept."""
    if _complete(before):
        return before
    stream, from_ms, run = names.stream(event["table"]), before["from_ms"], event["streaming"]["run"]
    found = {step: dict(ids) for step, ids in before["found"].items()}
    until = time.monotonic() + LOOK_SECONDS

    def read(shard: str) -> tuple[list[Any], int]:
        return shards.read(kinesis, stream, shard, from_ms, run.encode()) if time.monotonic() < until else ([], from_ms)

    listed = shards.listed(kinesis, stream, from_ms)
    random.shuffle(listed)  # where one look cannot read them all, the next one begins with others
    positions = []
    with ThreadPoolExecutor(max_workers=SHARDS_AT_ONCE) as pool:
        for records, position in pool.map(read, listed):
            positions.append(position)
            for step, identity, arrived_ms in _own(records, run, region):
                found.setdefault(step, {}).setdefault(identity, arrived_ms)
    return {"from_ms": min(positions, default=from_ms), "found": found}


def _own(records: list[Any], run: str, region: str) -> list[tuple[str, str, int]]:
    """Step, id and arrival of each record that tells of this run's probe from this Region."""
    found = []
    for record in records:
        change = json.loads(record["Data"])
        told = probes.told_by(change["dynamodb"], run)
        if told and told["origin"] == region:
            arrived_ms = shards.milliseconds(record["ApproximateArrivalTimestamp"])
            found.append((told["step"], change["eventID"][:ID_LENGTH], arrived_ms))
    return found
