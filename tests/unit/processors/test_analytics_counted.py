"""The marks of what is counted, on moto and on the fake that the other tests use: both must say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from processors.shared import counted
from processors.shared.counted import SENDING_SECONDS, Counted, Marks, Taken

from .counting import COUNTED, Clock, Context, FakeDynamoDB, refusal, table
from .records import NOON, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock(NOON, Context())
    monkeypatch.setattr(counted, "time", made)
    return made


@pytest.fixture(params=["fake", "moto"])
def store(request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:  # noqa: ARG001
    """An empty table."""
    if request.param == "fake":
        yield Counted(FakeDynamoDB(), COUNTED)
        return
    monkeypatch.setattr(counted, "AT_ONCE", 1)  # moto takes one call at a time
    with mock_aws():
        dynamodb = boto3.client("dynamodb", region_name=REGION)
        table(dynamodb)
        yield Counted(dynamodb, COUNTED)


def look(store: Counted, *identities: str, seconds: float = 60) -> Marks:
    return store.look(identities, lambda: seconds)


def claimed(store: Counted, *identities: str) -> str:
    return store.claim(look(store, *identities).free)


def test_the_way_of_a_claim(store: Counted) -> None:
    """What is claimed, called and done is counted; what is not claimed is free."""
    claim = claimed(store, "a", "b")
    store.sending(claim)
    store.done(claim)
    assert look(store, "a", "b", "c") == Marks({"a", "b"}, {"c": ""}, set())


def test_sending_twice(store: Counted) -> None:
    """A call that was refused is made again under the same claim, and done may be written twice."""
    claim = claimed(store, "a")
    store.sending(claim)
    store.sending(claim)
    store.done(claim)
    store.done(claim)
    assert look(store, "a").counted == {"a"}


def test_abandoned_before_sending(store: Counted) -> None:
    """A claim that has not come to its call is taken over at once, and can go no further."""
    claim = claimed(store, "a")
    assert look(store, "a").free == {"a": claim}
    with pytest.raises(Taken):
        store.sending(claim)
    assert claimed(store, "a") != claim


def test_abandoned_by_itself(store: Counted, clock: Clock) -> None:
    """A claim that was refused is free at once."""
    claim = claimed(store, "a")
    store.sending(claim)
    store.abandon(claim)
    assert look(store, "a").free == {"a": claim}
    assert clock.slept == 0


def test_done_is_not_abandoned(store: Counted) -> None:
    """What is counted stays so."""
    claim = claimed(store, "a")
    store.sending(claim)
    store.done(claim)
    store.abandon(claim)
    assert look(store, "a").counted == {"a"}


def test_sending_is_waited_for(store: Counted, clock: Clock) -> None:
    """A claim in its call is waited for, and abandoned when it must be over; after that it is never done."""
    claim = claimed(store, "a")
    store.sending(claim)
    assert look(store, "a", seconds=SENDING_SECONDS - 1).busy == {"a"}
    assert look(store, "a").free == {"a": claim}
    assert clock.slept == pytest.approx(SENDING_SECONDS, abs=0.1)
    with pytest.raises(Taken):
        store.done(claim)


def test_one_of_two(store: Counted) -> None:
    """Of two that saw a change free, one has it, and the other none of what it wanted with it."""
    free = look(store, "a", "b").free
    first = store.claim({"a": free["a"]})
    with pytest.raises(Taken):
        store.claim(free)
    assert look(store, "a", "b").free == {"a": first, "b": ""}


def test_more_than_one_call(store: Counted) -> None:
    """More changes than one request takes are read and claimed in several."""
    identities = [str(number) for number in range(201)]
    claim = claimed(store, *identities)
    store.sending(claim)
    store.done(claim)
    assert look(store, *identities, "more") == Marks(set(identities), {"more": ""}, set())


class Reluctant(FakeDynamoDB):
    """Reads one key a call, and refuses each transaction at first."""

    def batch_get_item(self, RequestItems: Any) -> dict[str, Any]:  # noqa: N803
        keys = RequestItems[COUNTED]["Keys"]
        answer = super().batch_get_item({COUNTED: {"Keys": keys[:1]}})
        left: Any = {COUNTED: {"Keys": keys[1:]}} if keys[1:] else {}
        return {**answer, "UnprocessedKeys": left}

    def transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803
        if "TransactWriteItems" not in self.operations:
            self.operations.append("TransactWriteItems")
            error = refusal("TransactionCanceledException")
            error.response["CancellationReasons"] = [{"Code": "TransactionConflict"}]
            raise error
        super().transact_write_items(TransactItems)


def test_what_was_left_out(clock: Clock) -> None:
    """Keys that DynamoDB left unprocessed are asked for again, and a transaction in conflict is tried again."""
    store = Counted(Reluctant(), COUNTED)
    claim = claimed(store, "a", "b")
    store.sending(claim)
    store.done(claim)
    assert look(store, "a", "b", "c") == Marks({"a", "b"}, {"c": ""}, set())
    assert clock.slept > 0
