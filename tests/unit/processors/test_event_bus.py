"""PutEvents: calls are full, only refused entries go again, and order holds between calls."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from processors.shared import event_bus
from processors.shared.clients import client
from processors.shared.event_bus import RESERVE_MILLISECONDS, EventBus, EventBusMissing, Outcome, calls, size
from tests.unit.processors.event_bridge import EventBridge, Refusals, name_of

LIMIT = 1_048_576


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


def entry(name: str = "", **members: Any) -> dict[str, Any]:
    return {"Source": "s", "DetailType": "d", "Detail": json.dumps({"name": name}), **members}


def entries(count: int) -> list[dict[str, Any]]:
    return [entry(f"e{number}") for number in range(count)]


def sized(total: int) -> dict[str, Any]:
    """An entry of so many bytes."""
    bare = {"Source": "s", "DetailType": "d", "Detail": ""}
    return {**bare, "Detail": "x" * (total - size(bare))}


def names(some: list[dict[str, Any]]) -> list[str]:
    return [name_of(one) for one in some]


def plenty() -> int:
    return 60_000


def client_error(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "secret"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutEvents")


def test_size_is_as_eventbridge_counts_it() -> None:
    """Time is 14 bytes, texts are UTF-8, and the bus's name does not count."""
    counted = {
        "Time": 0,
        "Source": "é",
        "DetailType": "ab",
        "Detail": "{}",
        "Resources": ["arn", "ü"],
        "EventBusName": "x",
    }

    assert size(counted) == 14 + 2 + 2 + 2 + 3 + 2


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_calls_fill_to_ten_entries(count: int, expected: list[int]) -> None:
    """No call more than needed."""
    assert [len(call) for call in calls(entries(count))] == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([LIMIT - 101, 100], [2]),
        ([LIMIT - 100, 100], [1, 1]),
        ([LIMIT - 1], [1]),
        ([500_000, 500_000, 500_000], [2, 1]),
        ([100, LIMIT - 1, 100], [1, 1, 1]),
    ],
)
def test_calls_stay_below_a_megabyte(sizes: list[int], expected: list[int]) -> None:
    """Together less than 1,048,576 bytes, not as many."""
    assert [len(call) for call in calls([sized(one) for one in sizes])] == expected


@given(st.lists(st.integers(2, 99), max_size=60))
def test_calls_keep_every_entry_in_order(sizes: list[int]) -> None:
    """Within both limits, and never two calls where one would do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_bus, "TOO_MANY_BYTES", 100)
        made = [[size(one) for one in call] for call in calls([sized(one) for one in sizes])]

    assert [one for call in made for one in call] == sizes
    assert all(len(call) <= 10 and sum(call) < 100 for call in made)
    assert all(len(one) == 10 or sum(one) + other[0] >= 100 for one, other in pairwise(made))


def test_everything_is_published_in_order() -> None:
    """To the bus that was asked for."""
    bridge = EventBridge()

    assert EventBus("shop", bridge).publish(entries(25), plenty) == Outcome(25, None)
    assert names(bridge.taken) == names(entries(25))
    assert [len(call) for call in bridge.calls] == [10, 10, 5]


def test_only_refused_entries_go_again(pauses: list[float]) -> None:
    """After a short pause, in their order, before the next call."""
    bridge = EventBridge(Refusals(e3=1, e7=2))

    assert EventBus("shop", bridge).publish(entries(12), plenty) == Outcome(12, None)
    assert [names(call) for call in bridge.calls] == [names(entries(10)), ["e3", "e7"], ["e7"], ["e10", "e11"]]
    assert len(pauses) == 2
    assert 0.05 <= pauses[0] <= 0.1
    assert 0.1 <= pauses[1] <= 0.2


def test_nothing_overtakes_an_entry_that_stays_refused() -> None:
    """What lies before it is published, no later call is made, and tries have an end."""
    bridge = EventBridge(Refusals(e3=-1, e5=1))

    assert EventBus("shop", bridge).publish(entries(30), plenty) == Outcome(3, "ThrottlingException")
    assert set(names(bridge.taken)) == set(names(entries(10))) - {"e3"}
    assert len(bridge.calls) == 5


@pytest.mark.parametrize("code", ["MalformedDetail", "NotAuthorizedForSourceException", "AccessDeniedException", "New"])
def test_what_does_not_pass_is_not_tried_again(code: str, pauses: list[float]) -> None:
    """Lambda's retries and the failure bucket are for it."""
    refusals = Refusals(e3=-1)
    refusals.code = code
    bridge = EventBridge(refusals)

    assert EventBus("shop", bridge).publish(entries(30), plenty) == Outcome(3, code)
    assert (len(bridge.calls), pauses) == (1, [])


def test_before_a_lasting_refusal_passing_ones_are_mended() -> None:
    """Those behind it come again anyway, so they are left."""
    codes = {"e2": ["InternalFailure"], "e5": ["MalformedDetail"], "e8": ["ThrottlingException"]}
    bridge = EventBridge(lambda one: codes[name].pop() if codes.get(name := name_of(one)) else None)

    assert EventBus("shop", bridge).publish(entries(10), plenty) == Outcome(5, "MalformedDetail")
    assert [names(call) for call in bridge.calls][1:] == [["e2"]]


@pytest.mark.parametrize(
    "error",
    [
        client_error("ThrottlingException"),
        client_error("InternalException", 500),
        client_error("502", 502),
        ReadTimeoutError(endpoint_url="https://events"),
    ],
)
def test_a_call_that_fails_in_passing_goes_again_whole(error: Exception) -> None:
    """Throttled, broken on their side, or lost on the way: then events may come twice, with one id."""
    bridge = EventBridge()
    bridge.errors = [error]

    assert EventBus("shop", bridge).publish(entries(10), plenty) == Outcome(10, None)
    assert len(bridge.calls) == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client_error("AccessDeniedException"), "AccessDeniedException"),
        (client_error("ValidationException"), "ValidationException"),
        (ParamValidationError(report="secret"), "ParamValidationError"),
    ],
)
def test_a_call_that_is_refused_ends_the_batch(error: Exception, code: str) -> None:
    """With AWS's code, and without the message, which may quote an event."""
    bridge = EventBridge()
    bridge.errors = [error]

    assert EventBus("shop", bridge).publish(entries(10), plenty) == Outcome(0, code)


def test_a_call_begins_only_if_there_is_time_for_it() -> None:
    """A batch that is cut off is answered in part; one that runs into the timeout would begin anew."""
    bridge = EventBridge()
    left = iter([RESERVE_MILLISECONDS, RESERVE_MILLISECONDS - 1])

    assert EventBus("shop", bridge).publish(entries(40), lambda: next(left)) == Outcome(20, "OutOfTime")
    assert len(bridge.taken) == 20


def test_the_first_call_is_always_made() -> None:
    """A batch that never began would come again and again."""
    assert EventBus("shop", EventBridge()).publish(entries(10), lambda: 0) == Outcome(10, None)


def test_tries_end_with_the_time() -> None:
    """The pause and a call must fit."""
    bridge = EventBridge(Refusals(e3=-1))

    assert EventBus("shop", bridge).publish(entries(10), lambda: RESERVE_MILLISECONDS) == Outcome(
        3, "ThrottlingException"
    )
    assert len(bridge.calls) == 1


def test_botocore_takes_the_calls_as_they_are() -> None:
    """And gives a bus that is missing the name that is caught."""
    events = client("events")
    sent = entry("e0", Time=datetime(2026, 11, 21, tzinfo=UTC), Resources=["arn:aws:dynamodb:eu-west-1:1:table/shop"])
    answer: Any = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
    with Stubber(events) as aws:
        aws.add_response("describe_event_bus", {}, {"Name": "shop"})
        aws.add_response("put_events", answer, {"Entries": [{**sent, "EventBusName": "shop"}]})
        aws.add_client_error("describe_event_bus", "ResourceNotFoundException")

        assert EventBus("shop", events).publish([sent], plenty) == Outcome(1, None)
        with pytest.raises(EventBusMissing):
            EventBus("shop", events)


def test_a_missing_bus_is_an_error_before_anything_is_lost() -> None:
    """EventBridge itself would answer success."""
    with pytest.raises(EventBusMissing, match="shop does not exist in eu-west-1"):
        EventBus("shop", EventBridge(buses=()))
