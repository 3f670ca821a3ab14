"""DynamoDB stream (or Kinesis) to EventBridge: business events, as the rules of the request say.

Every event carries a deterministic id, the Region, the item's origin, and the record's own time. Delivery is at least
once: what is published again has the same id. A validation's probes become events of their own and meet no rule.
"""

from __future__ import annotations

import os
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from processors.shared import batches, logs, values
from processors.shared.clients import client
from processors.shared.config import config
from processors.shared.event_bus import TOO_MANY_BYTES, EventBus, size
from processors.shared.ids import event_id
from processors.shared.records import Malformed
from processors.shared.rules import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from processors.shared.config import Config, EventRule, Field
    from processors.shared.event_bus import Entry
    from processors.shared.records import Change, Probe

PROBE_SOURCE, PROBE_DETAIL_TYPE = "meridian.validation", "Probe"

# API Reference, PutEvents: whole numbers that JSON may hold.
LEAST_INTEGER, GREATEST_INTEGER = -(2**63), 2**63 - 1


@cache
def bus() -> EventBus:
    """The bus that EVENT_BUS names; not kept while it is missing."""
    return EventBus(os.environ["EVENT_BUS"], client("events"))


def changes(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Publish what the batch says, up to the first record that cannot be, and answer its sequence number."""
    document = config()
    batch = batches.read(event, document)
    entries, sequences, malformed = _entries(batch, document)
    refusal, published = None, 0
    if entries:
        outcome = bus().publish(entries, context.get_remaining_time_in_millis)
        refusal, published = outcome.refusal, outcome.published
    failed = sequences[published] if refusal else malformed.sequence if malformed else None
    logs.report("changes", records=batch.records, failed=failed, reason=refusal or malformed, published=published)
    return batches.answer(event, failed)


def _entries(batch: batches.Batch, document: Config) -> tuple[list[Entry], list[str], Malformed | None]:
    """Entries, for each the sequence number of its record, and the record at which they end early."""
    entries: list[Entry] = []
    sequences: list[str] = []
    for change in batch.changes:
        made = list(entries_of(change, document))
        if any(size(entry) >= TOO_MANY_BYTES for entry in made):
            return entries, sequences, Malformed(change.sequence, "an event of it would be larger than 1 MB")
        entries += made
        sequences += [change.sequence] * len(made)
    return entries, sequences, batch.malformed


def entries_of(change: Change, document: Config) -> Iterator[Entry]:
    """PutEvents entries: one for a probe, else one for each rule that matches."""
    if change.probe:
        yield _entry(change, PROBE_SOURCE, PROBE_DETAIL_TYPE, _probe_detail(change, change.probe, document))
        return
    processor = document["processors"]["changes"]
    for place, rule in enumerate(processor["rules"] if processor else []):
        if matches(change, rule):
            yield _entry(change, rule["source"], rule["detail_type"], _detail(change, rule, place, document))


def _entry(change: Change, source: str, detail_type: str, detail: dict[str, Any]) -> Entry:
    entry = {"Time": change.time, "Source": source, "DetailType": detail_type, "Detail": values.as_json(detail)}
    return {**entry, "Resources": [change.table_arn]} if change.table_arn else entry


def _probe_detail(change: Change, probe: Probe, document: Config) -> dict[str, Any]:
    return {
        "table": document["table"],
        "run": probe.run,
        "step": probe.step,
        "origin": probe.origin,
        "region": change.region,
        "id": event_id(change, (PROBE_SOURCE, PROBE_DETAIL_TYPE), document),
    }


def _detail(change: Change, rule: EventRule, place: int, document: Config) -> dict[str, Any]:
    """The rule's members, without those that have no value, and what every event carries."""
    members = {name: _member(change, field) for name, field in rule["detail"].items() if _has(change, field)}
    identity = (rule["source"], rule["detail_type"], str(place))
    meridian = {
        "id": event_id(change, identity, document),
        "table": document["table"],
        "region": change.region,
        "origin": change.origin(document["origin_attribute"]),
        "time": change.timestamp,
        "change": change.kind,
    }
    return {**members, "meridian": meridian}


def _has(change: Change, field: Field) -> bool:
    return field["value"] == "TIME" or field["attribute"] in _image(change, field)


def _member(change: Change, field: Field) -> Any:
    if field["value"] == "TIME":
        return change.timestamp
    value = values.plain(_image(change, field)[field["attribute"] or ""])
    return value.removeprefix(field["after"]) if isinstance(value, str) else _portable(value)


def _image(change: Change, field: Field) -> values.Image:
    return {"ITEM": change.item, "NEW": change.new, "OLD": change.old}[field["value"]] or {}


def _portable(value: Any) -> Any:
    """Whole numbers that EventBridge does not hold become text, so that no digit is lost and no event is refused."""
    if isinstance(value, dict):
        return {name: _portable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_portable(one) for one in value]
    if isinstance(value, Decimal) and not LEAST_INTEGER <= value <= GREATEST_INTEGER and _is_whole(value):
        return format(value, "f")
    return value


def _is_whole(value: Decimal) -> bool:
    return value == value.to_integral_value()
