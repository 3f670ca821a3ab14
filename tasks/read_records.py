"""Look once, in every Region's Kinesis stream, for the records of what this run wrote there.

Changes nothing; may run any number of times. All shards are read, each from where the last look came to.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import names, probes, shards, streaming
from tasks.shared.streaming import Looked, Looking, Records
from tasks.shared.task import STREAM, allow, task
from tasks.shared.waiting import now

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

    from tasks.shared.clients import Clients

SHARDS_AT_ONCE = 4  # of one Region
MOST_BEHIND = 20  # shards of a Region whose own positions are carried to the next look
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
    start: Records = {"from_ms": shards.milliseconds(streaming.since(event["streaming"])), "behind": {}, "found": {}}
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
    stream, run = names.stream(event["table"]), event["streaming"]["run"]
    found = {step: dict(ids) for step, ids in before["found"].items()}
    behind: dict[str, int] = {}
    # Before the shards are listed: what comes into a shard that is born later has come after this moment.
    tip_ms = shards.milliseconds(now() - timedelta(seconds=streaming.CLOCKS_APART_SECONDS))
    until = time.monotonic() + LOOK_SECONDS

    def read(shard: str) -> tuple[list[Any], int | None]:
        from_ms = before["behind"].get(shard, before["from_ms"])
        if time.monotonic() >= until:
            return [], from_ms
        return shards.read(kinesis, stream, shard, from_ms, run.encode())

    listed = shards.listed(kinesis, stream, min([before["from_ms"], *before["behind"].values()]))
    random.shuffle(listed)  # where one look cannot read them all, the next one begins with others
    with ThreadPoolExecutor(max_workers=SHARDS_AT_ONCE) as pool:
        for shard, (records, reached_ms) in zip(listed, pool.map(read, listed), strict=True):
            behind.update({} if reached_ms is None else {shard: reached_ms})
            for step, identity, arrived_ms in _own(records, run, region):
                found.setdefault(step, {}).setdefault(identity, arrived_ms)
    return {**_positions(max(tip_ms, before["from_ms"]), behind), "found": found}


class Positions(TypedDict):
    from_ms: int
    behind: dict[str, int]


def _positions(tip_ms: int, behind: dict[str, int]) -> Positions:
    """Where the next look reads on. Of many shards that are behind, those least behind share the common position."""
    ordered = sorted(behind, key=behind.__getitem__)
    shared = [behind[shard] for shard in ordered[MOST_BEHIND:]]
    return {"from_ms": min([tip_ms, *shared]), "behind": {shard: behind[shard] for shard in ordered[:MOST_BEHIND]}}


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
