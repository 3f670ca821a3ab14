"""The replicator: what it takes along, what it writes in which case, and what it leaves to another try."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from processors.shared.batches import NothingProcessed
from processors.shared.clients import LONGEST_CALL_SECONDS
from processors.shared.values import canonical
from tests.unit.processors.fake_dynamodb import as_text, cancelled, refused
from tests.unit.processors.records import NOON, REGION, TABLE, TTL_IDENTITY, item, kinesis_record, number, probe
from tests.unit.processors.replication import (
    COPY,
    MARKS,
    PLACE,
    Context,
    Replication,
    inserted,
    modified,
    removed,
    replicating,
    without_mark,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ONE, TWO, THREE, NINE = (item(version=version) for version in (1, 2, 3, 9))
ORDERS = {"attribute": "PK", "begins_with": "ORDER#"}


@pytest.fixture
def replication() -> Replication:
    """A replicator of all items, by version."""
    return Replication()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, which take no time."""
    made: list[float] = []
    monkeypatch.setattr("processors.shared.transactions.time.sleep", made.append)
    return made


@pytest.fixture
def halfway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance is always in the middle."""
    monkeypatch.setattr("processors.shared.transactions.random.uniform", lambda low, high: (low + high) / 2)


# ------------------------------------------------------------------------------------------------------ what goes along


def test_types_pass_through_untouched(replication: Replication) -> None:
    """Sets, binaries, lists, maps, null, and numbers of 38 digits arrive as they left."""
    rich = item(
        version=1,
        digits={"N": "12345678901234567890123456789012345678"},
        small={"N": "1E-130"},
        numbers={"NS": ["3", "1.5", "-2"]},
        texts={"SS": ["b", "a"]},
        binary={"B": "AAH/"},
        binaries={"BS": ["AQ==", "Ag=="]},
        nothing={"NULL": True},
        no={"BOOL": False},
        nested={"L": [{"M": {"deep": {"B": "AQ=="}, "deeper": {"BS": ["Ag=="]}}}, {"N": "0.10"}]},
    )
    assert replication(inserted(rich)) == []
    assert replication.copies == [rich]
    stored = replication.dynamodb.tables[COPY][canonical(item())]
    assert stored["binary"] == {"B": b"\x00\x01\xff"}, "boto3 encodes bytes once more"
    assert stored["nested"]["L"][0]["M"]["deeper"] == {"BS": [b"\x02"]}


def test_a_record_of_kinesis_arrives_the_same(replication: Replication) -> None:
    """Kinesis carries binaries encoded twice; the destination holds them once."""
    replication(kinesis_record(None, item(version=1, binary={"B": "AAH/"})))
    assert replication.copies == [item(version=1, binary={"B": "AAH/"})]


def test_attributes_are_dropped_renamed_and_added() -> None:
    """The transformation takes one version of the schema to the next, and leaves the keys."""
    transform = {
        "drop": ["note", "PK"],
        "rename": {"amount": "total", "SK": "other", "by": "SK", "one": "two", "two": "one", "missing": "found"},
        "add": {"schemaVersion": 2, "kind": "order", "open": True, "PK": "no"},
    }
    replication = Replication(replicating(transform=transform))
    replication(inserted(item(version=1, note="MARKED", amount={"N": "9.90"}, by="MARKED", one="1", two="2")))
    added = {"schemaVersion": {"N": "2"}, "kind": {"S": "order"}, "open": {"BOOL": True}}
    assert replication.copies == [item(version=1, total={"N": "9.90"}, two="1", one="2") | added]


def test_a_new_name_takes_the_place_of_an_old_attribute() -> None:
    """What is renamed wins over what had that name."""
    replication = Replication(replicating(transform={"drop": [], "rename": {"amount": "total"}, "add": {}}))
    replication(inserted(item(version=1, amount="new", total="old")))
    assert replication.copies == [item(version=1, total="new")]


def test_versions_are_compared_under_their_new_name() -> None:
    """The conflict attribute is the destination's."""
    transform = {"drop": [], "rename": {"v": "version"}, "add": {}}
    replication = Replication(replicating(transform=transform))
    replication(inserted(item(v=1)))
    replication(modified(item(v=1), item(v=2)))
    replication(removed(item(v=1), 3))
    assert replication.copies == [item(version=2)]


def test_only_the_selection_goes_along() -> None:
    """What the filter does not take is neither put nor deleted, and costs no call."""
    replication = Replication(replicating(entity=ORDERS))
    other = item("USER#1", version=1)
    assert replication(inserted(other), modified(other, item("USER#1", version=2)), removed(other)) == []
    assert replication.dynamodb.calls == []


def test_an_item_comes_and_goes_as_it_enters_and_leaves_the_filter() -> None:
    """The destination is the selection: leaving it is a removal there, entering it an insert."""
    replication = Replication(replicating(entity={"attribute": "state", "equals": "open"}))
    states = [item(version=version, state=state) for version, state in enumerate(("new", "open", "shut", "open"))]
    seen = []
    for number_, (old, new) in enumerate(pairwise(states)):
        replication(modified(old, new, number_ + 1))
        seen.append(replication.copies)
    assert seen == [[states[1]], [], [states[3]]]
    replication(modified(states[0], states[1], 1))
    assert replication.copies == [states[3]]


def test_an_item_that_leaves_the_filter_needs_a_version_only_before() -> None:
    """What is compared is the item as it was in the selection."""
    replication = Replication(replicating(entity={"attribute": "state", "equals": "open"}))
    before = item(version=1, state="open")
    assert replication(inserted(before), modified(before, item(state="shut"))) == []
    assert replication.copies == []


def test_probes_stay_where_they_are(replication: Replication) -> None:
    """A validation's item has no version and is no failure either, not even as it goes."""
    assert replication(inserted(probe()), modified(probe(), probe("update")), removed(probe("update"))) == []
    assert replication.dynamodb.calls == []


def test_the_destination_is_asked_in_its_own_region(replication: Replication) -> None:
    """Not in the stream's."""
    replication(inserted(ONE))
    assert replication.regions == [PLACE]
    assert REGION != PLACE


# ----------------------------------------------------------------------------------------------------- which write wins


def test_an_older_put_does_not_overwrite(replication: Replication) -> None:
    """A late record is superseded, which is no failure."""
    replication(inserted(NINE, 9))
    assert replication(modified(ONE, TWO, 2)) == []
    assert replication.copies == [NINE]


def test_an_equal_version_does_not_overwrite(replication: Replication) -> None:
    """The rule is strict, so a repeated record writes nothing."""
    replication(inserted(item(version=1, by="first")))
    replication(modified(ONE, item(version=1, by="second")))
    assert replication.copies == [item(version=1, by="first")]


def test_numbers_are_compared_as_numbers(replication: Replication) -> None:
    """10 is more than 9, in the batch and in the destination, at any size."""
    replication(inserted(NINE), modified(NINE, item(version=10)))
    assert replication.copies == [item(version=10)]
    replication(modified(item(version=10), item(version={"N": "1E+2"}), 3))
    assert replication.copies == [item(version={"N": "1E+2"})]


def test_the_last_writer_may_tell_its_time_as_text() -> None:
    """LAST_WRITER takes ISO 8601 as well as a number."""
    replication = Replication(replicating(rule="LAST_WRITER", attribute="at"))
    early, late = item(at="2026-11-21T09:59:59Z"), item(at="2026-11-21T10:00:00Z")
    replication(inserted(late))
    replication(modified(early, item(at="2026-11-21T09:59:59.5Z"), 2))
    assert replication.copies == [late]


def test_a_standing_item_without_a_version_is_left(replication: Replication) -> None:
    """Somebody else wrote it, without the conflict attribute or with one of another type."""
    for standing in (item(by="somebody"), item(version="text")):
        replication.dynamodb.put(COPY, standing)
        assert replication(inserted(ONE)) == []
        assert replication.copies == [standing]


def test_a_removal_deletes_what_is_no_newer(replication: Replication) -> None:
    """TTL's too."""
    replication(inserted(ONE), modified(ONE, TWO))
    replication(removed(TWO, identity=TTL_IDENTITY))
    assert replication.copies == []


def test_a_late_removal_leaves_a_newer_item(replication: Replication) -> None:
    """The item was inserted again in the meantime."""
    replication(inserted(THREE, 3))
    assert replication(removed(ONE, 2)) == []
    assert replication.copies == [THREE]


def test_a_late_record_does_not_bring_a_removed_item_back(replication: Replication) -> None:
    """The mark knows of the removal, though nothing stands in the destination any more."""
    replication(removed(TWO, 3))
    replication(inserted(ONE, 1))
    replication(modified(ONE, TWO, 2))
    assert replication.copies == []


def test_a_late_record_of_an_earlier_life_does_not_overwrite(replication: Replication) -> None:
    """Though its version is higher: versions started again, and the mark knows when."""
    replication(inserted(ONE, 5))
    assert replication(modified(THREE, NINE, 3), removed(NINE, 4)) == []
    assert replication.copies == [ONE]
    replication(removed(ONE, 6), inserted(ONE, 9))
    assert replication(inserted(THREE, 7)) == []
    assert replication(modified(THREE, NINE, 8)) == []
    assert replication.copies == [ONE]


def test_changes_of_one_moment_are_ordered_by_version(replication: Replication) -> None:
    """Kinesis may count in milliseconds, and promises no order within one."""
    replication(kinesis_record(None, ONE))
    replication(kinesis_record(ONE, TWO))
    assert replication.copies == [TWO]
    later = (NOON + 1) * 1_000_000
    replication(kinesis_record(None, NINE, microseconds=later), kinesis_record(TWO, None, microseconds=later))
    assert replication.copies == [NINE]


def test_marks_go_after_35_days(replication: Replication, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the attribute that the marks table expires by, in seconds; and they hold no content."""
    monkeypatch.setattr("processors.shared.copies.time.time", lambda: 1_000.5)
    replication(removed(item("ORDER#MARKED", version=2)))
    (mark,) = replication.dynamodb.items(MARKS)
    assert mark["expiresAt"] == {"N": str(1_000 + 35 * 86_400)}
    assert "MARKED" not in json.dumps(mark)


def test_another_destination_has_marks_of_its_own(replication: Replication) -> None:
    """A table that the request names later takes what the former one had removed."""
    replication(removed(TWO, 3))
    Replication(replicating(destination={"table": COPY, "region": "eu-north-1"}), replication.dynamodb)(
        inserted(ONE, 1)
    )
    assert replication.copies == [ONE]


def test_streams_of_two_regions_are_ordered_by_version(replication: Replication) -> None:
    """Their clocks and sequence numbers cannot be compared: a later life may seem earlier there."""
    replication(inserted(ONE, 1), removed(ONE, 2))
    assert replication(inserted(TWO, 1, region="ap-south-1", seconds=0)) == []
    assert replication.copies == [TWO]
    replication(inserted(ONE, 9, region="ap-south-1"))
    assert replication(removed(TWO, 3)) == []
    assert replication.copies == []
    replication(modified(ONE, TWO, 9, region="ap-south-1"))
    assert replication.copies == []


# ------------------------------------------------------------------------------------------------------- within a batch


def test_what_is_superseded_inside_the_batch_is_not_written(replication: Replication) -> None:
    """One item, one write, however often it changed."""
    records = [inserted(ONE, 1), *(modified(item(version=n), item(version=n + 1), n + 1) for n in range(1, 50))]
    replication(*records)
    assert replication.copies == [item(version=50)]
    assert [len(call) for call in replication.dynamodb.calls] == [2]


def test_a_removal_and_an_insert_in_one_batch(replication: Replication) -> None:
    """The new item stands, although its version starts again below that of the old one."""
    replication(inserted(NINE, 1))
    replication(removed(NINE, 2), inserted(ONE, 3))
    assert replication.copies == [ONE]
    replication(modified(ONE, TWO, 4), removed(TWO, 5), inserted(ONE, 6), modified(ONE, TWO, 7))
    assert replication.copies == [TWO]


def test_an_insert_and_a_removal_in_one_batch(replication: Replication) -> None:
    """Nothing is left, and the repeat finds nothing to do."""
    for _ in range(2):
        replication(inserted(ONE, 1), modified(ONE, TWO, 2), removed(TWO, 3))
        assert replication.copies == []


def test_a_repeated_batch_does_not_take_back_what_followed(replication: Replication) -> None:
    """A removal in the batch opens the way for a lower version only once, not again when the batch is repeated."""
    batch = [removed(NINE, 2), inserted(ONE, 3), modified(ONE, TWO, 4)]
    replication(inserted(NINE, 1))
    replication(*batch)
    replication(modified(TWO, THREE, 5))
    replication(*batch)
    assert replication.copies == [THREE]


def test_a_repeated_batch_brings_what_is_new_in_it(replication: Replication, caplog: pytest.LogCaptureFixture) -> None:
    """Its first records were applied before the function died; the item counts once, as written."""
    caplog.set_level("INFO", "meridian")
    replication(removed(NINE, 2), inserted(ONE, 3))
    replication(removed(NINE, 2), inserted(ONE, 3), modified(ONE, TWO, 4))
    assert replication.copies == [TWO]
    assert (vars(caplog.records[-1])["written"], vars(caplog.records[-1])["superseded"]) == (1, 0)


def test_disorder_inside_a_batch_is_put_right(replication: Replication) -> None:
    """Kinesis promises no order; the records' own moments do."""
    replication(inserted(NINE, 1))
    replication(modified(ONE, TWO, 4), inserted(ONE, 3), removed(NINE, 2))
    assert replication.copies == [TWO]


def test_no_call_per_record(replication: Replication) -> None:
    """An item takes two actions of the hundred that a transaction may have."""
    replication(*(inserted(item(f"ORDER#{n}", version=1), n) for n in range(120)))
    assert [len(call) for call in replication.dynamodb.calls] == [100, 100, 40]
    assert len(replication.copies) == 120


def test_a_transaction_stays_below_its_size(replication: Replication) -> None:
    """4 MB in all, counted in bytes of UTF-8 and not in characters."""
    replication(*(inserted(item(f"ORDER#{n}", version=1, text="\u00e9" * 190_000), n) for n in range(15)))
    assert [len(call) // 2 for call in replication.dynamodb.calls] == [10, 5]
    for call in replication.dynamodb.calls:
        assert len(json.dumps(as_text(call), ensure_ascii=False).encode()) < 4_200_000


# ----------------------------------------------------------------------------------------------------------- two tables


def test_a_copy_is_not_sent_back(replication: Replication) -> None:
    """What the other table's replicator wrote here stays here, until an application changes it."""
    replication(inserted(ONE))
    (copy,) = replication.dynamodb.items(COPY)
    back = Replication(other_way(), replication.dynamodb)
    assert back(inserted(copy)) == []
    assert replication.dynamodb.items(TABLE) == []
    back(modified(copy, {**copy, "version": {"N": "2"}}))
    (returned,) = replication.dynamodb.items(TABLE)
    assert without_mark(returned) == TWO
    assert returned["meridian:replicated"]["M"]["from"] == {"S": f"{COPY}/{PLACE}"}


def test_a_copy_goes_on_to_a_third_table(replication: Replication) -> None:
    """A chain of tables is no pair: only what would go back to where it came from stays."""
    replication(inserted(ONE))
    (copy,) = replication.dynamodb.items(COPY)
    on = Replication({**replicating(), "table": COPY, "home": PLACE})
    on(inserted(copy))
    assert on.copies == [ONE]


def other_way() -> Any:
    """The configuration of shop-copy, which replicates to shop in its home Region."""
    return {**replicating(destination={"table": TABLE, "region": "us-east-1"}), "table": COPY, "home": PLACE}


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "wrong", [item(), item(version="1"), item(version={"NULL": True}), item(version={"B": "AQ=="})]
)
def test_a_version_that_cannot_be_compared_fails_for_good(replication: Replication, wrong: Any) -> None:
    """The record is answered; what came before it is written, and what follows comes again."""
    records = [inserted(item("ORDER#0", version=1), 1), inserted(wrong, 2), inserted(item("ORDER#2", version=1), 3)]
    assert replication(*records) == [number(2)]
    assert replication.copies == [item("ORDER#0", version=1)]


def test_a_malformed_record_fails_for_good(replication: Replication) -> None:
    """It is known by its sequence number only."""
    broken = inserted(item(version={"N": "one"}), 2)
    assert replication(inserted(item("ORDER#0", version=1), 1), broken, inserted(ONE, 3)) == [number(2)]
    assert replication.copies == [item("ORDER#0", version=1)]


def test_a_refused_item_fails_alone(replication: Replication) -> None:
    """DynamoDB does not say which of a hundred is too large; the others are written all the same."""
    replication.dynamodb.rejects = lambda image: "large" in image
    records = [inserted(item(f"ORDER#{n}", version=1), n) for n in range(20)]
    records[7] = inserted(item("ORDER#7", version=1, large="x"), 7)
    assert replication(*records) == [number(7)]
    assert len(replication.copies) == 19


def test_a_refused_change_does_not_hide_the_one_before_it(replication: Replication) -> None:
    """The last change of the item that DynamoDB takes is written, and the first that it refuses is answered."""
    replication.dynamodb.rejects = lambda image: "large" in image
    large, larger = item(version=3, large="x"), item(version=4, large="xx")
    records = [inserted(ONE, 1), modified(ONE, TWO, 2), modified(TWO, large, 3), modified(large, larger, 4)]
    assert replication(*records) == [number(3)]
    assert replication.copies == [TWO]


def test_a_refused_change_that_was_superseded_in_the_batch_is_no_failure(replication: Replication) -> None:
    """It would not have been written anyway."""
    replication.dynamodb.rejects = lambda image: "large" in image
    large = item(version=2, large="x")
    assert replication(inserted(ONE, 1), modified(ONE, large, 2), modified(large, THREE, 3)) == []
    assert replication.copies == [THREE]


@pytest.mark.parametrize("reason", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_reason_that_no_retry_mends_fails_for_good(replication: Replication, reason: str) -> None:
    """A cancellation that names the action takes no search."""
    replication.dynamodb.refusals = [cancelled("None", "None", reason, "None")]
    assert replication(inserted(ONE, 1), inserted(item("ORDER#2", version=1), 2)) == [number(2)]
    assert replication.copies == [ONE]
    assert len(replication.dynamodb.calls) == 2


@pytest.mark.usefixtures("halfway")
@pytest.mark.parametrize(
    "held",
    [
        lambda: cancelled("TransactionConflict", "None"),
        lambda: cancelled("None", "ThrottlingError"),
        lambda: cancelled("ProvisionedThroughputExceeded", "None"),
        cancelled,
        lambda: refused("ThrottlingException"),
        lambda: refused("ProvisionedThroughputExceededException"),
        lambda: refused("InternalServerError"),
        lambda: ReadTimeoutError(endpoint_url="https://dynamodb"),
    ],
)
def test_what_passes_is_tried_again(
    replication: Replication, pauses: list[float], held: Callable[[], Exception]
) -> None:
    """After a pause of random length, whose limit doubles up to five seconds."""
    replication.dynamodb.refusals = [held() for _ in range(9)]
    assert replication(inserted(ONE)) == []
    assert replication.copies == [ONE]
    assert [2 * pause for pause in pauses] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


@pytest.mark.usefixtures("halfway")
def test_no_pause_is_longer_than_the_time_that_is_left(replication: Replication, pauses: list[float]) -> None:
    """The last try is still made before the function's end."""
    replication.dynamodb.refusals = [refused("ThrottlingException")]
    assert replication(inserted(ONE), context=Context(LONGEST_CALL_SECONDS + 0.015)) == []
    assert pauses == [pytest.approx(0.015, abs=0.001)]


def test_an_item_that_is_held_up_does_not_hold_up_the_others(replication: Replication, pauses: list[float]) -> None:
    """The rest of its transaction is written before the pause, and what is superseded is left out at once."""
    replication.dynamodb.put(COPY, NINE)
    replication.dynamodb.refusals = [
        cancelled(*["None"] * 2, "ConditionalCheckFailed", "None", "None", "TransactionConflict")
    ]
    others = [inserted(item(f"ORDER#{n}", version=1), n) for n in (0, 2)]
    assert replication(others[0], modified(ONE, TWO, 1), others[1]) == []
    assert [len(call) for call in replication.dynamodb.calls] == [6, 2, 2]
    assert len(replication.copies) == 3
    assert len(pauses) == 1


def test_without_time_the_first_unwritten_record_is_answered(replication: Replication) -> None:
    """What was not tried fails as a whole, and is no worse for it when it comes again."""
    records = [inserted(probe(), 1), inserted(ONE, 2), inserted(item("ORDER#2", version=1), 3)]
    assert replication(*records, context=Context(1)) == [number(2)]
    assert replication.dynamodb.calls == []
    assert replication(*records) == []


def test_throttling_that_does_not_pass_ends_with_the_time(
    replication: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item's earliest record is answered, so that none of its changes overtakes another."""
    context = Context(30)

    def two_seconds(_: float) -> None:
        context.seconds -= 2

    monkeypatch.setattr("processors.shared.transactions.time.sleep", two_seconds)
    first = cancelled("None", "None", "ThrottlingError", "None")
    replication.dynamodb.refusals = [first, None, *[refused("ThrottlingException")] * 100]
    records = [inserted(item("ORDER#0", version=1), 1), inserted(ONE, 2), modified(ONE, TWO, 3)]
    assert replication(*records, context=context) == [number(2)]
    assert replication.copies == [item("ORDER#0", version=1)]
    assert context.seconds < 10


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_an_error_that_is_nobodys_record_is_raised(replication: Replication, code: str) -> None:
    """The function fails, where its alarm sees it, and Lambda delivers the batch again."""
    replication.dynamodb.refusals = [refused(code)]
    with pytest.raises(ClientError, match=code):
        replication(inserted(ONE))


def test_the_log_has_counts_and_no_content(replication: Replication, caplog: pytest.LogCaptureFixture) -> None:
    """One line, with the sequence number of what failed."""
    replication.dynamodb.put(COPY, NINE)
    replication.dynamodb.rejects = lambda image: "large" in image
    records = [inserted(item("ORDER#MARKED", version=1), 1), modified(ONE, TWO, 2)]
    replication(*records, inserted(item("ORDER#3", version=1, large="MARKED"), 3))
    (line,) = caplog.records
    assert "MARKED" not in str(vars(line))
    counts = {name: vars(line)[name] for name in ("message", "records", "written", "superseded", "failed")}
    assert counts == {"message": "replicator", "records": 3, "written": 1, "superseded": 1, "failed": number(3)}
    assert vars(line)["reason"] == f"Record {number(3)}: DynamoDB refuses the item"


def test_the_first_record_fails_the_invocation_after_all_others_are_tried(
    replication: Replication, caplog: pytest.LogCaptureFixture
) -> None:
    """The line in the log says what was done, and what comes again with half of the batch changes nothing."""
    replication.dynamodb.rejects = lambda image: "large" in image
    large, other = inserted(item("ORDER#1", version=1, large="yes"), 1), inserted(item("ORDER#2", version=1), 2)
    with pytest.raises(NothingProcessed, match=number(1)):
        replication(large, other)
    (line,) = caplog.records
    assert [vars(line)[name] for name in ("records", "written", "failed")] == [2, 1, number(1)]
    written = [replication.dynamodb.items(table) for table in (COPY, MARKS)]
    assert (replication(large), replication(other)) == ([number(1)], [])
    assert [replication.dynamodb.items(table) for table in (COPY, MARKS)] == written
