"""The request: what a person asks for, checked and completed.

``definitions/request.schema.json`` gives its shape, its limits and its defaults; ``request_rules`` what a schema
cannot say. Whoever reads a request elsewhere reads its completed form.
"""

from __future__ import annotations

import hashlib
import json
from itertools import islice
from typing import Any, Literal, NotRequired, TypedDict, cast

from tasks.shared import request_rules, request_schema
from tasks.shared.errors import RequestInvalid
from tasks.shared.problems import MOST_PROBLEMS, Problem

DEEPEST = 20  # a request is five levels deep


class Projection(TypedDict):
    """``non_key_attributes`` exactly where ``projection_type`` is INCLUDE."""

    projection_type: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    non_key_attributes: NotRequired[list[str]]


class Index(TypedDict):
    index_name: str
    key_schema: dict[str, str]
    projection: Projection


class PointInTimeRecovery(TypedDict):
    """``recovery_period_in_days`` exactly where ``enabled``."""

    enabled: bool
    recovery_period_in_days: NotRequired[int]


class TimeToLive(TypedDict):
    attribute_name: str


class Kinesis(TypedDict):
    """``shard_count`` exactly where ``stream_mode`` is PROVISIONED; ``shard_level_metrics`` are Kinesis MetricsName."""

    stream_mode: Literal["PROVISIONED", "ON_DEMAND"]
    shard_count: NotRequired[int]
    retention_period_hours: int
    shard_level_metrics: list[str]
    approximate_creation_date_time_precision: Literal["MICROSECOND", "MILLISECOND"]


ChangeKind = Literal["INSERT", "MODIFY", "REMOVE", "EXPIRE"]
StreamSource = Literal["DYNAMODB_STREAM", "KINESIS"]


class Entity(TypedDict):
    """Exactly one of ``begins_with`` and ``equals``."""

    attribute: str
    begins_with: NotRequired[str]
    equals: NotRequired[str]


class Condition(TypedDict):
    """Which changes a rule is for."""

    entity: Entity
    when: list[ChangeKind]
    changed: str | None
    becomes: list[str]
    direction: Literal["ANY", "INCREASE", "DECREASE"]


class Field(TypedDict):
    value: Literal["ITEM", "NEW", "OLD", "TIME"]
    attribute: str | None
    after: str


class EventRule(Condition):
    source: str
    detail_type: str
    detail: dict[str, Field]


class MetricRule(Condition):
    metric: str
    value: Literal["COUNT", "ATTRIBUTE", "DIFFERENCE"]
    attribute: str | None
    unit: Literal["None", "Count", "Seconds", "Milliseconds", "Bytes", "Percent"]
    dimensions: dict[str, str]


class EventSourceMapping(TypedDict):
    starting_position: Literal["TRIM_HORIZON", "LATEST"]
    batch_size: int
    maximum_batching_window_in_seconds: int
    parallelization_factor: int
    bisect_batch_on_function_error: bool
    maximum_retry_attempts: int
    maximum_record_age_in_seconds: int
    tumbling_window_in_seconds: int
    function_response_types: list[Literal["ReportBatchItemFailures"]]


class Changes(TypedDict):
    """``event_bus`` is None for the name that names.event_bus gives."""

    source: StreamSource
    event_bus: str | None
    create_event_bus: bool
    rules: list[EventRule]
    event_source_mapping: EventSourceMapping


class Analytics(TypedDict):
    namespace: str
    rules: list[MetricRule]
    event_source_mapping: EventSourceMapping


class ReplicatorDestination(TypedDict):
    table: str
    region: str


class Transform(TypedDict):
    """Applied in this order; key attributes stay as they are."""

    drop: list[str]
    rename: dict[str, str]
    add: dict[str, str | int | bool]


class Conflict(TypedDict):
    rule: Literal["LAST_WRITER", "HIGHEST_VERSION"]
    attribute: str


class Replicator(TypedDict):
    source: StreamSource
    destination: ReplicatorDestination
    entity: Entity | None
    transform: Transform
    conflict: Conflict
    event_source_mapping: EventSourceMapping


class Processors(TypedDict):
    changes: Changes | None
    analytics: Analytics | None
    replicator: Replicator | None


class Alarms(TypedDict):
    email: str | None
    iterator_age_seconds: int
    duration_percent: int
    unreplicated_seconds: int
    replication_latency_seconds: int
    throttled_events: int


class Schedule(TypedDict):
    """``silence_seconds`` is None for what ``schedules.silence_seconds`` derives."""

    schedule_expression: str
    schedule_expression_timezone: str
    maximum_retry_attempts: int
    maximum_event_age_in_seconds: int
    silence_seconds: int | None


class Validation(TypedDict):
    deadline_seconds: int
    streaming_deadline_seconds: int
    poll_seconds: int
    schedule: Schedule | None


class Polling(TypedDict):
    poll_seconds: int
    stack_seconds: int
    table_seconds: int
    replica_seconds: int
    queue_seconds: int
    stream_seconds: int
    destination_seconds: int


class Request(TypedDict):
    """A completed request.

    ``regions`` begins with the home Region. ``attribute_definitions`` maps a name to S, N or B, and every
    ``key_schema`` maps a name to HASH or RANGE, in any order.
    """

    table: str
    regions: list[str]
    attribute_definitions: dict[str, str]
    key_schema: dict[str, str]
    global_secondary_indexes: list[Index]
    local_secondary_indexes: list[Index]
    billing_mode: Literal["PAY_PER_REQUEST"]
    table_class: Literal["STANDARD", "STANDARD_INFREQUENT_ACCESS"]
    stream_view_type: Literal["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"]
    point_in_time_recovery: PointInTimeRecovery
    time_to_live: TimeToLive | None
    deletion_protection: bool
    tags: dict[str, str]
    kinesis: Kinesis | None
    origin_attribute: str | None
    processors: Processors
    alarms: Alarms | None
    dashboard: bool
    validation: Validation
    polling: Polling


def complete(document: object, name: str = "The request") -> Request:
    """Check ``document`` and fill in its defaults. Completing a completed request changes nothing.

    ``RequestInvalid`` lists every problem, one a line, up to 50; ``name`` is what its first line calls the document.
    """
    found = problems(document)
    if found:
        raise _invalid(found, name)
    request = request_schema.completed(document)
    if not request["point_in_time_recovery"]["enabled"]:
        del request["point_in_time_recovery"]["recovery_period_in_days"]
    if request["kinesis"] and request["kinesis"]["stream_mode"] == "ON_DEMAND":
        del request["kinesis"]["shard_count"]
    return cast("Request", request)


def problems(document: object) -> list[str]:
    """What is wrong with ``document``, in its own order: one sentence each, with the path and the fix.

    Gives at most one more than 50, so that an endless list costs no endless time.
    """
    strange = _not_json(document)
    if strange:
        return [str(strange)]
    some = MOST_PROBLEMS + 1
    found = list(islice(request_schema.violations(document), some))
    if isinstance(document, dict):
        found += islice(request_rules.violations(document), some)
    return list(dict.fromkeys(str(one) for one in sorted(found, key=_position)))[:some]


def home(request: Request) -> str:
    """The Region the workflows run in, and the table's first."""
    return request["regions"][0]


def key_attributes(request: Request) -> list[tuple[str, str]]:
    """Name and type (S, N or B) of the table's partition key and, if it has one, its sort key, in this order."""
    names = sorted(request["key_schema"], key=request["key_schema"].__getitem__)
    return [(name, request["attribute_definitions"][name]) for name in names]


def canonical(request: Request) -> bytes:
    """The same bytes for the same request, however its author ordered and spaced it."""
    text = json.dumps(request, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def digest(request: Request) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(request)).hexdigest()


def _position(problem: Problem) -> tuple[int, list[tuple[bool, str | int]]]:
    """Members in the schema's order, and what lies in one of them in the order of its path."""
    members = list(request_schema.schema()["properties"])
    return (
        members.index(problem.member) if problem.member in members else -1,
        [(isinstance(step, str), step) for step in problem.path],
    )


def _not_json(document: object) -> Problem | None:
    """Whatever JSON cannot hold, and depth that would exhaust the interpreter's stack."""
    rest: list[tuple[Any, int]] = [(document, 0)]
    while rest:
        value, depth = rest.pop()
        if depth > DEEPEST:
            return Problem((), f"is nested more than {DEEPEST} levels deep; use the members that a request has.")
        if isinstance(value, dict):
            rest += [(part, depth + 1) for pair in value.items() for part in pair]
            if not all(isinstance(name, str) for name in value):
                return Problem((), "has a member whose name is not text; put the name in quotes.")
        elif isinstance(value, list):
            rest += [(part, depth + 1) for part in value]
        elif isinstance(value, str) and not _is_unicode(value):
            return Problem((), "holds half of a surrogate pair, which is no Unicode text; remove it.")
        elif not isinstance(value, (str, int, float, type(None))):
            return Problem((), f"holds a {type(value).__name__}; use text, numbers, true, false, null and lists.")
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(found: list[str], name: str) -> RequestInvalid:
    count = f"{len(found)} problem{'s' if len(found) > 1 else ''}"
    head = (
        f"{name} has {count}:"
        if len(found) <= MOST_PROBLEMS
        else f"{name} has more than {MOST_PROBLEMS} problems, among them:"
    )
    lines = "\n".join([head, *found[:MOST_PROBLEMS]])
    return RequestInvalid(lines.rstrip("."), remedy="\nNothing was created: correct the request, then start again.")
