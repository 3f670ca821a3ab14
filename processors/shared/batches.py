"""A batch as Lambda gives it, and the answer that says how far it was processed.

Lambda takes the lowest sequence number of ``batchItemFailures`` as its checkpoint and delivers everything from there
again (Developer Guide, "Configuring partial batch response"). So a batch is read up to its first bad record, and what
follows that record comes again: a later change of an item never overtakes an earlier one.

A batch is split at that number. Where it is the first record's there is nothing to split off, and the neighbours of a
bad record would be given up on with it. So then the invocation fails instead, which Lambda halves the batch for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from processors.shared.records import Change, Malformed, change_of, sequence_of

if TYPE_CHECKING:
    from processors.shared.config import Config


class NothingProcessed(Exception):
    """The first of several records could not be processed. The message says which, and nothing of its content."""


@dataclass(frozen=True)
class Batch:
    """The changes in the order of the shard, up to the first record that is ``malformed``, if one is."""

    changes: list[Change]
    malformed: Malformed | None
    records: int


def read(event: dict[str, Any], config: Config) -> Batch:
    """All records of ``event``; none at the end of a tumbling window."""
    records = event.get("Records") or []
    changes: list[Change] = []
    for record in records:
        try:
            changes.append(change_of(record, config))
        except Malformed as malformed:
            return Batch(changes, malformed, len(records))
    return Batch(changes, None, len(records))


def failures(sequence: str | None) -> dict[str, Any]:
    """Success for None; else the first record that was not processed, and with it all that follow."""
    return {"batchItemFailures": [] if sequence is None else [{"itemIdentifier": sequence}]}


def answer(event: dict[str, Any], sequence: str | None) -> dict[str, Any]:
    """``failures``, and in a tumbling window also its state, which Lambda wants back. May raise NothingProcessed."""
    records = event.get("Records") or []
    if sequence is not None and len(records) > 1 and sequence in ("", sequence_of(records[0])):
        raise NothingProcessed(f"Record {sequence or 'without a sequence number'} is the first that failed")
    state = {"state": event.get("state", {})} if "window" in event else {}
    return {**failures(sequence), **state}
