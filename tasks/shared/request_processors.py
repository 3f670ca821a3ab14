"""Rules about the processors and what they read, which join several members of a request.

What one event or metric rule may say is in ``request_events``, the replicator's own in ``request_replicator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared import request_events, request_replicator
from tasks.shared.problems import Problem, a_mapping, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.shared.request_keys import Document

RESERVED = "meridian:"  # attributes of probes
AWS_BUSES = "aws."
DEFAULT_BUS = "default"
BOTH_IMAGES = "NEW_AND_OLD_IMAGES"
BATCH_WITHOUT_WINDOW = 10  # Lambda: a greater BatchSize needs MaximumBatchingWindowInSeconds
DYNAMODB_STREAM_SECONDS = 86_400  # DynamoDB Streams keeps a record for 24 hours
OLDEST = 604_800  # Lambda: MaximumRecordAgeInSeconds


def given(document: Document) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, member and source of each processor that is wanted, whatever its shape."""
    for name, processor in a_mapping(document.get("processors")).items():
        if isinstance(processor, dict) and name in ("changes", "analytics", "replicator"):
            yield name, processor, "KINESIS" if name == "analytics" else processor.get("source", "DYNAMODB_STREAM")


def _sources(document: Document) -> Iterator[Problem]:
    if document.get("kinesis") is not None:
        return
    for name, _, source in given(document):
        if name == "analytics":
            yield Problem(
                ("processors", name), "reads Kinesis, and there is no stream; add `kinesis: {}`, or remove it."
            )
        elif source == "KINESIS":
            yield Problem(
                ("processors", name, "source"),
                "is KINESIS, and there is no stream; add `kinesis: {}`, or use DYNAMODB_STREAM.",
            )


def _one_reader(document: Document) -> Iterator[Problem]:
    """DynamoDB Developer Guide, "Change data capture for DynamoDB Streams": one process a shard on a global table."""
    stream = ", and `kinesis: {}`" if document.get("kinesis") is None else ""
    if {name for name, _, source in given(document) if source == "DYNAMODB_STREAM"} == {"changes", "replicator"}:
        yield Problem(
            ("processors", "replicator", "source"),
            "reads the DynamoDB stream, and so does changes; a global table's stream takes one reader, since a second "
            f"is throttled and slows replication; write `source: KINESIS` in one of the two{stream}.",
        )


def _images(document: Document) -> Iterator[Problem]:
    view = document.get("stream_view_type", BOTH_IMAGES)
    readers = [name for name, _, source in given(document) if source == "DYNAMODB_STREAM"]
    if view in ("NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY") and readers:
        yield Problem(
            ("stream_view_type",),
            f"is {view}, and {readers[0]} needs both images of an item; use {BOTH_IMAGES}, or let it read "
            "`source: KINESIS`, which always has both.",
        )


def _mappings(document: Document) -> Iterator[Problem]:
    for name, processor, source in given(document):
        mapping = a_mapping(processor.get("event_source_mapping"))
        kept = _kept_seconds(document, source)
        path = ("processors", name, "event_source_mapping")
        if _number(mapping, "batch_size", 100) > BATCH_WITHOUT_WINDOW and _number(mapping, _WINDOW, 1) == 0:
            yield Problem(
                (*path, _WINDOW),
                f"is 0, and Lambda wants a window where batch_size is more than {BATCH_WITHOUT_WINDOW}; use 1 or more.",
            )
        if _number(mapping, _TUMBLING, 0) > 0 and _number(mapping, "parallelization_factor", 1) > 1:
            yield Problem(
                (*path, _TUMBLING), "goes only with a parallelization_factor of 1; use 0, or remove that factor."
            )
        if kept <= _number(mapping, _AGE, 0) <= OLDEST:
            yield Problem(
                (*path, _AGE),
                f"is {mapping[_AGE]}, and the stream keeps a record for {kept} seconds: older ones vanish before they "
                "reach the failure bucket; use less.",
            )


_WINDOW, _TUMBLING = "maximum_batching_window_in_seconds", "tumbling_window_in_seconds"
_AGE = "maximum_record_age_in_seconds"


def _kept_seconds(document: Document, source: str) -> int:
    if source != "KINESIS":
        return DYNAMODB_STREAM_SECONDS
    return 3600 * max(24, _number(a_mapping(document.get("kinesis")), "retention_period_hours", 24))


def _number(members: dict[str, Any], name: str, default: int) -> int:
    """The whole number that was written, or the default where there is none or something else."""
    value = members.get(name, default)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _event_bus(document: Document) -> Iterator[Problem]:
    changes = a_mapping(a_mapping(document.get("processors")).get("changes"))
    bus, path = changes.get("event_bus"), ("processors", "changes")
    if isinstance(bus, str) and bus.lower().startswith(AWS_BUSES):
        yield Problem((*path, "event_bus"), f"the prefix `{AWS_BUSES}` is reserved; choose another name.")
    if bus == DEFAULT_BUS and changes.get("create_event_bus", True) is True:
        yield Problem(
            (*path, "create_event_bus"),
            "the bus `default` is there in every Region and cannot be made; write `create_event_bus: false`, or name "
            "another bus.",
        )


def _origin(document: Document) -> Iterator[Problem]:
    name, path = document.get("origin_attribute"), ("origin_attribute",)
    if not isinstance(name, str):
        return
    kind = a_mapping(document.get("attribute_definitions")).get(name)
    if name in a_mapping(document.get("key_schema")):
        yield Problem(path, f"{shown(name)} is a key, which no later write can change; name another attribute.")
    elif name == a_mapping(document.get("time_to_live")).get("attribute_name"):
        yield Problem(path, f"{shown(name)} holds the time to live, a number; name another attribute.")
    elif kind in ("N", "B"):
        yield Problem(path, f"{shown(name)} has type {kind}, and a Region's name is text; name an attribute of type S.")
    if name.startswith(RESERVED):
        yield Problem(path, f"the prefix `{RESERVED}` is reserved for probes; choose another name.")


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _sources,
    _one_reader,
    _images,
    _mappings,
    _event_bus,
    _origin,
    *request_events.RULES,
    *request_replicator.RULES,
)
