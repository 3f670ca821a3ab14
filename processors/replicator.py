"""DynamoDB stream (or Kinesis) to another table: selected items, transformed, by a conflict rule.

What comes out, whatever comes twice, late or in disorder:

- A put is written only where the destination has no such item, or one whose conflict attribute is lower and of the same
  type. The attribute is read under its name after the transformation. Of two equal ones the first stays, and an item
  that stands there without the attribute is left.
- A removal, TTL's too, deletes only what is no newer than the item that was removed.
- An item that leaves the filter is deleted, and one that enters it is put: the destination is the selection.
- A mark beside the destination says, for 35 days, when the life of an item last began or ended. What is older than the
  mark is no longer written, so no late or repeated record brings an item back. Within one stream the stream's own order
  decides what is older; between the streams of several Regions, which share no clock, the conflict attribute does.
- So a repeated record changes nothing. Where the conflict attribute rises with every write, over a removal and the next
  insert too, any order ends with the newest. Where it starts again after a removal, what one DynamoDB stream delivers
  (in order, with repeats) comes out right; disorder, as of Kinesis or of several Regions, may not.

Two tables may replicate to each other. A copy that nobody has changed since (processors/shared/transform.py) is not
sent back to where it came from. Removals always are: there they find nothing or something newer, and only leave a mark,
which keeps a late record from bringing the item back. In such a pair the conflict attribute must rise over a removal
too, or the removal's echo takes away an item that was just inserted again. Even a copy that is not known for one, as
where a pair is not set up alike, ends where it finds itself: versions that are equal are not written.

A record without the conflict attribute, or one that DynamoDB refuses, fails for good, and with it what follows in the
batch comes again (processors/shared/batches.py). Probes of validations stay where they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from processors.shared import batches, logs
from processors.shared.clients import client
from processors.shared.config import config
from processors.shared.copies import Copy, Step, Tables, actions, copy_of
from processors.shared.records import Malformed
from processors.shared.transactions import Transactions
from processors.shared.transform import is_copy, marked, selected, transformed
from processors.shared.values import canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from processors.shared.config import Config, Replicator
    from processors.shared.records import Change
    from processors.shared.values import AttributeValue, Image

COMPARABLE = {"LAST_WRITER": ("N", "S"), "HIGHEST_VERSION": ("N",)}


@dataclass
class Outcome:
    """Of a batch: what was written or not, in items, and by its place each record that failed."""

    written: int = 0
    superseded: int = 0
    failed: dict[int, Malformed] = field(default_factory=dict)


def replicator(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Bring the batch to the destination, up to the first record that fails, and answer its sequence number."""
    document = config()
    batch = batches.read(event, document)
    steps, malformed = _steps(batch, document)
    outcome = _write(steps, batch, document, lambda: context.get_remaining_time_in_millis() / 1000)
    reason = outcome.failed[min(outcome.failed)] if outcome.failed else malformed
    failed = reason.sequence if reason else None
    written, superseded = outcome.written, outcome.superseded
    logs.report(
        "replicator", records=batch.records, failed=failed, reason=reason, written=written, superseded=superseded
    )
    return batches.answer(event, failed)


def _steps(batch: batches.Batch, document: Config) -> tuple[dict[str, list[Step]], Malformed | None]:
    """The steps of each item, and the record at which they end early."""
    steps: dict[str, list[Step]] = {}
    for position, change in enumerate(batch.changes):
        try:
            step = step_of(change, position, document)
        except Malformed as malformed:
            return steps, malformed
        if step:
            steps.setdefault(canonical(change.keys), []).append(step)
    return steps, batch.malformed


def step_of(change: Change, position: int, document: Config) -> Step | None:
    """What ``change`` means for the destination, or None. ``Malformed`` if it cannot be compared."""
    wanted = _wanted(document)
    destination = wanted["destination"]
    if change.probe or (change.new and is_copy(change.new, _place(destination["table"], destination["region"]))):
        return None
    before, after = selected(change, wanted["entity"])
    if not before and not after:
        return None
    image = transformed((change.new if after else change.old) or {}, wanted["transform"], document["key_schema"])
    return Step(
        kind="END" if not after else "CHANGE" if before else "BEGIN",
        position=position,
        keys=change.keys,
        image=marked(image, _place(document["table"], document["home"])),
        version=_version(image, wanted, change.sequence),
        region=change.region,
        moment=change.moment,
    )


def _version(image: Image, wanted: Replicator, sequence: str) -> AttributeValue:
    version = image.get(wanted["conflict"]["attribute"])
    if not version or not version.keys() & set(COMPARABLE[wanted["conflict"]["rule"]]):
        raise Malformed(sequence, "the conflict attribute is missing, or of a type that the rule does not compare")
    return version


def _write(
    steps: dict[str, list[Step]], batch: batches.Batch, document: Config, seconds_left: Callable[[], float]
) -> Outcome:
    """Each item's steps as one write. Where that is refused, its last step failed, and those before it are written."""
    outcome = Outcome()
    if not steps:
        return outcome
    wanted = _wanted(document)
    attribute, tables = wanted["conflict"]["attribute"], _tables(document)
    transactions = Transactions(client("dynamodb", wanted["destination"]["region"]), seconds_left)
    copies = {item: copy_of(of_item) for item, of_item in steps.items()}
    while copies:
        results = transactions.write([actions(copy, attribute, tables) for copy in copies.values()])
        left: dict[str, Copy | None] = {}
        for (item, copy), result in zip(copies.items(), results, strict=True):
            if result == "DONE":
                outcome.written += 1
            elif result == "SUPERSEDED":
                left[item] = copy.rest
                outcome.superseded += copy.rest is None
            else:
                refused = result == "REFUSED"
                first = copy.final.position if refused else min(step.position for step in steps[item])
                reason = "DynamoDB refuses the item" if refused else "DynamoDB was too busy"
                outcome.failed[first] = Malformed(batch.changes[first].sequence, reason)
                steps[item] = [step for step in steps[item] if step.position < first]
                left[item] = copy_of(steps[item]) if steps[item] else None
        copies = {item: copy for item, copy in left.items() if copy}
    return outcome


def _tables(document: Config) -> Tables:
    destination = _wanted(document)["destination"]
    source, place = (document["table"], document["home"]), (destination["table"], destination["region"])
    return Tables(destination["table"], os.environ["MARKS_TABLE"], f"{_place(*source)} {_place(*place)}")


def _wanted(document: Config) -> Replicator:
    return cast("Replicator", document["processors"]["replicator"])


def _place(table: str, region: str) -> str:
    return f"{table}/{region}"
