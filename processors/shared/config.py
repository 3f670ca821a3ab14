"""The configuration document: what a processor knows of the request. It lies in S3 under its hash.

The shapes are those of the completed request (``definitions/request.schema.json``), as far as processors read it.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Literal, NotRequired, TypedDict, cast

from processors.shared.clients import client

ChangeKind = Literal["INSERT", "MODIFY", "REMOVE", "EXPIRE"]


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


class Changes(TypedDict):
    rules: list[EventRule]


class Analytics(TypedDict):
    namespace: str
    rules: list[MetricRule]


class Destination(TypedDict):
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
    destination: Destination
    entity: Entity | None
    transform: Transform
    conflict: Conflict


class Processors(TypedDict):
    changes: Changes | None
    analytics: Analytics | None
    replicator: Replicator | None


class TimeToLive(TypedDict):
    attribute_name: str


class Config(TypedDict):
    """``home`` is the Region the workflows run in; ``key_schema`` maps a name to HASH or RANGE."""

    table: str
    home: str
    key_schema: dict[str, str]
    attribute_definitions: dict[str, str]
    origin_attribute: str | None
    time_to_live: TimeToLive | None
    processors: Processors


@cache
def config() -> Config:
    """The document that CONFIG_BUCKET and CONFIG_KEY name, loaded once a process: another document has another key."""
    answer = client("s3").get_object(Bucket=os.environ["CONFIG_BUCKET"], Key=os.environ["CONFIG_KEY"])
    return cast("Config", json.loads(answer["Body"].read()))
