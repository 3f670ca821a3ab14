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


RECORDS = [kinesis_record(None, item(), sequence=n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("records", "sequence"),
    [(RECORDS[:1], number(1)), (RECORDS, number(2)), (RECORDS, number(3)), ([{}], "")],
    ids=["alone", "later", "last", "alone-without-a-number"],
)
def test_a_record_that_is_alone_or_has_good_ones_before_it_is_answered(records: list[Any], sequence: str) -> None:
    """Lambda goes on from there, and in the end gives up that record alone."""
    assert batches.answer(event(*records), sequence) == {"batchItemFailures": [{"itemIdentifier": sequence}]}


@pytest.mark.parametrize(
    ("records", "sequence"),
    [(RECORDS, number(1)), ([{}, *RECORDS], ""), ([RECORDS[0], {}, RECORDS[1]], "")],
    ids=["first", "first-without-a-number", "later-without-a-number"],
)
def test_where_nothing_can_be_split_off_the_invocation_fails(records: list[Any], sequence: str) -> None:
    """So that Lambda halves the batch, in a tumbling window too."""
    with pytest.raises(batches.NothingProcessed):
        batches.answer(event(*records), sequence)
    with pytest.raises(batches.NothingProcessed):
        batches.answer({**event(*records), "window": {}, "state": {"count": 1}}, sequence)


def test_the_error_says_which_record_it_was_and_nothing_of_its_content() -> None:
    """Lambda writes the message of an error into the log."""
    records = [stream_record(None, item("ORDER#SECRET"), sequence=n) for n in (1, 2)]
    with pytest.raises(batches.NothingProcessed) as raised:
        batches.answer(event(*records), number(1))
    with pytest.raises(batches.NothingProcessed) as nameless:
        batches.answer(event({"SECRET": "SECRET"}, *records), "")

    assert str(raised.value) == f"Record {number(1)} is the first that failed"
    assert str(nameless.value) == "Record without a sequence number is the first that failed"


def test_without_a_window_there_is_no_state() -> None:
    """Lambda's ordinary answer."""
    assert batches.answer(event(), None) == {"batchItemFailures": []}
