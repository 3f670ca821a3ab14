"""How far a batch is read, and the answer to it."""

from __future__ import annotations

from typing import Any

import pytest

from processors.shared import batches
from tests.unit.processors.records import carried, configuration, event, item, kinesis_record, number, stream_record

CONFIG = configuration()


def test_changes_come_in_the_order_of_the_shard() -> None:
    """As the records do."""
    read = batches.read(event(*(stream_record(None, item(), sequence=n) for n in (1, 2, 3))), CONFIG)

    assert [change.sequence for change in read.changes] == [number(1), number(2), number(3)]
    assert (read.malformed, read.records) == (None, 3)


def test_reading_stops_at_the_first_malformed_record() -> None:
    """What follows it comes again, so that nothing overtakes."""
    records = [kinesis_record(None, item(), sequence=1), carried(b"{", 2), kinesis_record(None, item(), sequence=3)]

    read = batches.read(event(*records, carried(b"{", 4)), CONFIG)

    assert [change.sequence for change in read.changes] == [number(1)]
    assert read.malformed
    assert (read.malformed.sequence, read.records) == (number(2), 4)


def test_success_is_an_empty_list() -> None:
    """Which Lambda takes for a batch that is done."""
    assert batches.failures(None) == {"batchItemFailures": []}


@pytest.mark.parametrize("sequence", [number(4), ""])
def test_a_failure_is_one_sequence_number(sequence: str) -> None:
    """The empty one is Lambda's word for the whole batch."""
    assert batches.failures(sequence) == {"batchItemFailures": [{"itemIdentifier": sequence}]}


@pytest.mark.parametrize("empty", [{}, {"Records": []}, {"Records": None}])
def test_an_event_without_records_is_done(empty: dict[str, Any]) -> None:
    """A tumbling window may end without any."""
    assert batches.read(empty, CONFIG) == batches.Batch([], None, 0)


@pytest.mark.parametrize(
    ("members", "state"), [({}, {}), ({"state": {"count": 1}}, {"count": 1}), ({"isFinalInvokeForWindow": True}, {})]
)
def test_a_tumbling_window_gets_its_state_back(members: dict[str, Any], state: dict[str, Any]) -> None:
    """Also where the batch failed."""
    window = {"window": {"start": "2026-11-21T12:00:00Z", "end": "2026-11-21T12:01:00Z"}, **members}

    assert batches.answer(window, None) == {"batchItemFailures": [], "state": state}
    assert batches.answer(window, "5") == {"batchItemFailures": [{"itemIdentifier": "5"}], "state": state}


def test_without_a_window_there_is_no_state() -> None:
    """Lambda's ordinary answer."""
    assert batches.answer(event(), None) == {"batchItemFailures": []}
