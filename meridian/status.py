"""How a deployment stands: what each Region has, beside what the recorded request says."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from meridian import processor_status, results
from meridian.commandline import DONE, WRONG, data
from meridian.inputs import named_table
from meridian.refusals import sentence
from tasks.configure_stream import ALL_METRICS
from tasks.shared import record, streams, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from meridian.processor_status import Mapping, Stack
    from meridian.session import Session
    from tasks.shared.clients import Clients
    from tasks.shared.request import Kinesis, Request

MISSING, OFF, ACTIVE = "missing", "off", "ACTIVE"


class Aspect(NamedTuple):
    """One thing about a Region, in words that can be compared. ``short`` says it where all is well."""

    name: str
    found: str
    wanted: str
    short: str = ""

    @property
    def differs(self) -> bool:
        return self.found != self.wanted

    @property
    def shown(self) -> str:
        return self.found if self.differs else self.short or self.found


@dataclass(frozen=True)
class RegionStatus:
    region: str
    role: str  # home or replica
    aspects: tuple[Aspect, ...]
    stack: Stack | None = None
    mappings: tuple[Mapping, ...] = ()

    def differences(self) -> list[str]:
        enabled = processor_status.ENABLED
        mappings = [Aspect(f"mapping of {one.processor}", one.state, enabled) for one in self.mappings]
        return [
            f"{self.region}: {aspect.name} is {aspect.found}, and should be {aspect.wanted}"
            for aspect in (*self.aspects, *mappings)
            if aspect.differs
        ]

    def as_json(self) -> dict[str, Any]:
        processors = {one.processor: {"mapping": one.state, "last_result": one.last_result} for one in self.mappings}
        aspects = {aspect.name: aspect.found for aspect in self.aspects}
        return {"region": self.region, "role": self.role, **aspects, "processors": processors}


@dataclass(frozen=True)
class Status:
    """``strangers`` are replicas that the record does not name."""

    table: str
    home: str
    regions: tuple[RegionStatus, ...]
    strangers: tuple[str, ...]

    def differences(self) -> list[str]:
        unknown = [f"{region}: is a replica, and the record does not name it" for region in self.strangers]
        return [sentence for region in self.regions for sentence in region.differences()] + unknown

    def as_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "home": self.home,
            "healthy": not self.differences(),
            "regions": [one.as_json() for one in self.regions],
            "differences": self.differences(),
        }


def show(session: Session, table: str, *, as_json: bool) -> int:
    """Print how ``table`` stands; the exit code says whether it is as the recorded request says."""
    found = status(session, session.home, named_table(table))
    if as_json:
        print(json.dumps(found.as_json()))
    else:
        results.show_status(data(), found)
    return WRONG if found.differences() else DONE


def status(aws: Clients, home: str, table: str) -> Status:
    """Ask every member Region. Raises ``DeploymentNotFound`` where nothing is recorded in ``home``."""
    recorded = record.load(aws, home, table)
    request, stages = recorded["request"], recorded["stages"]
    at_home = tables.describe(aws.dynamodb(home), table)
    members = request["regions"]
    with ThreadPoolExecutor(max(1, len(members))) as pool:
        found = pool.map(lambda region: _region(aws, request, at_home, region, str(stages.get(region, ""))), members)
    strangers = sorted(set(tables.replica_regions(at_home)) - set(members))
    return Status(table, home, tuple(_with_versions(request, list(found))), tuple(strangers))


def _with_versions(request: Request, regions: list[RegionStatus]) -> Iterator[RegionStatus]:
    """What runs in a Region can be judged only beside the others."""
    wanted = processor_status.wanted_version(request, [one.stack for one in regions if one.stack])
    for one in regions:
        if one.stack and one.stack.changed:
            version = Aspect("version", one.stack.version, wanted, one.stack.code[: processor_status.SHOWN])
            yield replace(one, aspects=(*one.aspects, version))
        else:
            yield one


def _region(
    aws: Clients, request: Request, at_home: TableDescriptionTypeDef | None, region: str, stage: str
) -> RegionStatus:
    home = request["regions"][0]
    aspects = [Aspect("record", stage or MISSING, ACTIVE)]
    if region != home:
        entry = tables.replica(at_home, region) if at_home else None
        aspects.append(Aspect("replica", str((entry or {}).get("ReplicaStatus", MISSING)), ACTIVE))
    try:
        there = at_home if region == home else tables.describe(aws.dynamodb(region), request["table"])
        aspects += _table(aws, request, region, there)
        aspects += _streaming(aws, request, region)
    except (BotoCoreError, ClientError) as error:
        aspects.append(Aspect("table", f"unknown ({sentence(error)})", ACTIVE))
    known = RegionStatus(region, "home" if region == home else "replica", tuple(aspects))
    return _with_processors(aws, request, known)


def _with_processors(aws: Clients, request: Request, known: RegionStatus) -> RegionStatus:
    try:
        stack = processor_status.stack(aws, request["table"], known.region)
        mappings = processor_status.mappings(aws, request, known.region)
    except (BotoCoreError, ClientError) as error:
        unknown = Aspect("stack", f"unknown ({sentence(error)})", processor_status.COMPLETE)
        return replace(known, aspects=(*known.aspects, unknown))
    aspects = [Aspect("stack", stack.status, processor_status.COMPLETE)]
    if stack.failures == MISSING and mappings:  # without a processor there is none to be
        aspects.append(Aspect("failure bucket", MISSING, "there"))
    elif stack.failures and stack.failures != MISSING:
        aspects.append(Aspect("failures", stack.failures, stack.failures))
    return replace(known, aspects=(*known.aspects, *aspects), stack=stack, mappings=tuple(mappings))


def _table(aws: Clients, request: Request, region: str, there: TableDescriptionTypeDef | None) -> Iterator[Aspect]:
    yield Aspect("table", there["TableStatus"] if there else MISSING, ACTIVE)
    if there is None:
        return
    dynamodb = aws.dynamodb(region)
    indexes = [*request["global_secondary_indexes"], *request["local_secondary_indexes"]]
    yield Aspect("indexes", _indexes(there), _names(index["index_name"] for index in indexes), str(len(indexes)))
    view = there.get("StreamSpecification", {}).get("StreamViewType", OFF)
    yield Aspect("stream", view, request["stream_view_type"], "on")
    yield _recovery(dynamodb.describe_continuous_backups(TableName=request["table"]), request)
    yield _time_to_live(dynamodb.describe_time_to_live(TableName=request["table"]), request)
    present = tables.tags(dynamodb, there["TableArn"])
    lacking = _names(tag["Key"] for tag in tables.tag_list(request) if present.get(tag["Key"]) != tag["Value"])
    yield Aspect("tags", "complete" if lacking == "none" else f"without {lacking}", "complete", "all")
    protected = there.get("DeletionProtectionEnabled", False)
    yield Aspect("protection", _switch(protected), _switch(request["deletion_protection"]))


def _indexes(there: TableDescriptionTypeDef) -> str:
    found: list[Any] = [*there.get("GlobalSecondaryIndexes", []), *there.get("LocalSecondaryIndexes", [])]
    states = {index["IndexName"]: index.get("IndexStatus", ACTIVE) for index in found}
    return _names(name if state == ACTIVE else f"{name} {state}" for name, state in states.items())


def _recovery(answer: Any, request: Request) -> Aspect:
    found = answer["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
    on = found.get("PointInTimeRecoveryStatus") == "ENABLED"
    wanted = request["point_in_time_recovery"]
    return Aspect(
        "recovery",
        f"{found.get('RecoveryPeriodInDays')} days" if on else OFF,
        f"{wanted['recovery_period_in_days']} days" if wanted["enabled"] else OFF,
        f"{wanted['recovery_period_in_days']} d" if wanted["enabled"] else OFF,
    )


def _time_to_live(answer: Any, request: Request) -> Aspect:
    found = answer["TimeToLiveDescription"]
    on = found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    wanted = request["time_to_live"]
    attribute = wanted["attribute_name"] if wanted else OFF
    return Aspect("ttl", found["AttributeName"] if on else OFF, attribute, _switch(bool(wanted)))


def _streaming(aws: Clients, request: Request, region: str) -> Iterator[Aspect]:
    wanted = request["kinesis"]
    live = streams.describe(aws, request["table"], region)
    if wanted:
        yield Aspect("kinesis", _stream(live) if live else MISSING, _wanted_stream(wanted), ACTIVE)
    elif live:
        yield Aspect("kinesis", str(live["StreamStatus"]), OFF)
    found = streams.destination(aws, request["table"], region) or {}
    state = str(found.get("DestinationStatus", MISSING))
    precision = found.get("ApproximateCreationDateTimePrecision")
    if wanted:
        should = wanted["approximate_creation_date_time_precision"]
        yield Aspect("destination", f"{state} {precision}" if precision else state, f"{ACTIVE} {should}", ACTIVE)
    elif state in streams.LIVE:
        yield Aspect("destination", state, OFF)


def _stream(live: Any) -> str:
    mode = live.get("StreamModeDetails", {}).get("StreamMode", "PROVISIONED")
    metrics = {metric for one in live["EnhancedMonitoring"] for metric in one.get("ShardLevelMetrics", [])}
    capacity = "on demand" if mode == "ON_DEMAND" else f"{live['OpenShardCount']} shards"
    return f"{live['StreamStatus']}, {capacity}, {live['RetentionPeriodHours']} h, {_metrics(metrics)}"


def _wanted_stream(wanted: Kinesis) -> str:
    capacity = "on demand" if wanted["stream_mode"] == "ON_DEMAND" else f"{wanted['shard_count']} shards"
    return f"{ACTIVE}, {capacity}, {wanted['retention_period_hours']} h, {_metrics(set(wanted['shard_level_metrics']))}"


def _metrics(metrics: set[str]) -> str:
    if "ALL" in metrics or metrics >= ALL_METRICS:
        return "all metrics"
    return f"metrics {' '.join(sorted(metrics))}" if metrics else "no metrics"


def _names(found: Any) -> str:
    return ", ".join(sorted(found)) or "none"


def _switch(on: bool) -> str:
    return "on" if on else OFF
