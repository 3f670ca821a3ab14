"""The replicator against a simple model: whatever the streams do, the destination ends as the source."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.processors.fake_dynamodb import FakeDynamoDB, refused
from tests.unit.processors.records import NOON, TABLE, item, stream_record
from tests.unit.processors.replication import COPY, MARKS, PLACE, Replication, replicating, without_mark

if TYPE_CHECKING:
    from processors.shared.values import Image

ITEMS, REGIONS, STATES = ("ORDER#1", "ORDER#2", "ORDER#3"), ("us-east-1", "eu-west-1"), ("open", "shut")
OPEN = {"attribute": "state", "equals": "open"}

# What an application does: to which item, in which Region and how many seconds after the last time there; None deletes.
DEEDS = st.lists(
    st.tuples(st.sampled_from(ITEMS), st.sampled_from([*STATES, None]), st.sampled_from(REGIONS), st.integers(0, 2)),
    max_size=14,
)


@dataclass
class Source:
    """A table, and the records of its streams. Versions rise over a removal, or start again at 1."""

    rising: bool
    items: dict[str, Image] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Image]] = field(default_factory=lambda: [{}])  # the table after so many records
    _versions: dict[str, int] = field(default_factory=dict)
    _clocks: dict[str, int] = field(default_factory=lambda: {REGIONS[0]: NOON, REGIONS[1]: NOON + 1})

    def does(self, name: str, state: str | None, region: str, seconds: int) -> None:
        old = self.items.pop(name, None)
        if state is not None:
            self._versions[name] = self._versions.get(name, 0) + 1 if self.rising or old else 1
            self.items[name] = item(name, version=self._versions[name], state=state)
        if old or state:
            self._clocks[region] += seconds
            sequence, clock = len(self.records), self._clocks[region]
            record = stream_record(old, self.items.get(name), sequence=sequence, seconds=clock, region=region)
            self.records.append(record)
            self.history.append(dict(self.items))

    def selection(self, position: int = -1) -> list[Image]:
        """What the destination shall hold after so many records."""
        return [image for _, image in sorted(self.history[position].items()) if image["state"] == {"S": "open"}]


def source(deeds: list[Any], *, rising: bool, regions: int = 2) -> Source:
    made = Source(rising)
    for name, state, region, seconds in deeds:
        made.does(name, state, region if regions > 1 else REGIONS[0], seconds)
    return made


def in_batches(records: list[dict[str, Any]], cuts: list[int]) -> list[list[dict[str, Any]]]:
    """Batches of the lengths in ``cuts``, each of one stream only."""
    batches: list[list[dict[str, Any]]] = []
    for _, of_stream in groupby(records, key=lambda record: record["awsRegion"]):
        left = list(of_stream)
        while left:
            length = cuts[len(batches) % len(cuts)]
            batches.append(left[:length])
            left = left[length:]
    return batches


CUTS = st.lists(st.integers(1, 8), min_size=1, max_size=5)


@settings(deadline=None, max_examples=150)
@given(DEEDS, st.data(), CUTS)
def test_rising_versions_converge_in_any_order(deeds: list[Any], data: st.DataObject, cuts: list[int]) -> None:
    """Shuffled, duplicated and repeated, from the streams of two Regions whose clocks differ: the newest stays."""
    app = source(deeds, rising=True)
    repeats = data.draw(st.lists(st.sampled_from(app.records), max_size=8)) if app.records else []
    replication = Replication(replicating(entity=OPEN))
    for batch in in_batches(data.draw(st.permutations(app.records + repeats)), cuts):
        assert replication(*batch) == []
    assert replication.copies == app.selection()


@settings(deadline=None, max_examples=150)
@given(DEEDS, st.data())
def test_restarting_versions_follow_one_stream_that_repeats_itself(deeds: list[Any], data: st.DataObject) -> None:
    """Batches in order, again and again from an earlier place: at no time is anything older there than it was."""
    app = source(deeds, rising=False, regions=1)
    replication, known = Replication(replicating(entity=OPEN)), 0
    while known < len(app.records):
        start = data.draw(st.integers(0, known))
        end = data.draw(st.integers(start + 1, len(app.records)))
        assert replication(*app.records[start:end]) == []
        known = max(known, end)
        assert replication.copies == app.selection(known)


# How many records come, and how many calls the function lives.
DEATHS = st.lists(st.tuples(st.integers(1, 14), st.integers(0, 4)), max_size=8)


@settings(deadline=None, max_examples=150)
@given(DEEDS, DEATHS)
def test_a_function_that_dies_between_its_calls_loses_nothing(deeds: list[Any], deaths: list[tuple[int, int]]) -> None:
    """Some of its writes were made; the batch comes again, cut in another way, and the end is the same."""
    app = source(deeds, rising=False, regions=1)
    replication, known = Replication(replicating(entity=OPEN)), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("processors.shared.transactions.MOST_ACTIONS", 2)  # an item a call
        for length, lives in deaths:
            replication.dynamodb.refusals = [*[None] * lives, refused("AccessDeniedException")]
            with contextlib.suppress(ClientError):
                assert replication(*app.records[known : known + length]) == []
                known += length
        replication.dynamodb.refusals = []
        assert replication(*app.records[known:]) == []
    assert replication.copies == app.selection()


# What happens to a pair: an application's deed at one of the two tables, or that table's stream moves on by some.
HAPPENINGS = st.lists(
    st.tuples(st.booleans(), st.sampled_from(ITEMS[:2]), st.sampled_from(["put", "update", "delete", "deliver"])),
    max_size=20,
)


class Side:
    """One table of a pair, in a Region of its own, with the other side's marks beside it."""

    def __init__(self, table: str, home: str, other: str, other_home: str) -> None:
        self.table, self.dynamodb, self.delivered = table, FakeDynamoDB({table: ("PK", "SK"), MARKS: ("item",)}), 0
        document: Any = replicating(destination={"table": other, "region": other_home})
        self.document: Any = {**document, "table": table, "home": home}

    def does(self, name: str, deed: str, version: int) -> None:
        standing = {image["PK"]["S"]: image for image in self.dynamodb.items(self.table)}
        if deed == "delete":
            self.dynamodb.delete(self.table, item(name))
        else:
            kept = standing.get(name, {}) if deed == "update" else {}  # an update keeps what makes a copy known
            self.dynamodb.put(self.table, {**kept, **item(name, version=version)})

    def deliver(self, to: Side, most: int) -> int:
        """Bring the next records of the stream to the other side, the last of those before once more."""
        stream = [(old, new) for table, old, new in self.dynamodb.written if table == self.table]
        start, end = max(0, self.delivered - 1), min(len(stream), self.delivered + most)
        records = [stream_record(*stream[place], sequence=place) for place in range(start, end)]
        moved, self.delivered = end - self.delivered, end
        assert Replication(self.document, to.dynamodb)(*records) == []
        return moved

    def items(self) -> list[Image]:
        return [without_mark(image) for image in self.dynamodb.items(self.table)]


@settings(deadline=None, max_examples=150)
@given(HAPPENINGS)
def test_two_tables_that_replicate_to_each_other_come_to_rest_and_agree(happenings: list[Any]) -> None:
    """Nothing goes round for ever, and whatever was written or deleted at the same time, both end alike."""
    sides = Side(TABLE, "us-east-1", COPY, PLACE), Side(COPY, PLACE, TABLE, "us-east-1")
    deeds = 0
    for number, (at_the_second, name, deed) in enumerate(happenings):
        side, other = sides[at_the_second], sides[not at_the_second]
        if deed == "deliver":
            side.deliver(other, most=2)
        else:
            deeds += 1
            side.does(name, deed, number + 1)
    moved = 1
    while moved:
        moved = sides[0].deliver(sides[1], 100) + sides[1].deliver(sides[0], 100)
    assert sides[0].items() == sides[1].items()
    # A deed is in the stream where it was done and at most once in the other; a crossed one may be undone in both.
    assert sum(side.delivered for side in sides) <= 4 * deeds
