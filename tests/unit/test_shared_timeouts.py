"""Timeouts: a parent never gives up on a child before the child's own error arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import timeouts
from workflows.add_region import add_region
from workflows.deploy_processors import deploy_processors
from workflows.remove_region import remove_region
from workflows.validate import validate

if TYPE_CHECKING:
    from tasks.shared.request import Request

DEFINITIONS = {
    "add_region": add_region().to_dict(),
    "deploy_processors": deploy_processors().to_dict(),
    "remove_region": remove_region().to_dict(),
    "validate": validate().to_dict(),
}

STREAMING_SECONDS = 7
SECONDS = st.integers(1, 86_400)
MEMBERS = (
    "table_seconds",
    "replica_seconds",
    "queue_seconds",
    "stream_seconds",
    "stack_seconds",
    "destination_seconds",
)
POLLING = st.fixed_dictionaries({"poll_seconds": st.integers(1, 300), **dict.fromkeys(MEMBERS, SECONDS)})


def request_with(polling: dict[str, int], deadline_seconds: int) -> Request:
    validation = {
        "deadline_seconds": deadline_seconds,
        "streaming_deadline_seconds": STREAMING_SECONDS,
        "poll_seconds": 1,
    }
    return cast("Request", {"polling": polling, "validation": validation})


def longest(definition: dict[str, Any], polling: dict[str, int], state: str | None = None) -> int:
    """Seconds that the loops of a machine may take, by their deadlines, along its longest way as a child."""
    name = state or definition["StartAt"]
    found = definition["States"][name]
    if found["Type"] == "Wait" or name == "RefreshRegions":  # counted already; only of what nothing started
        return 0
    member = found.get("Parameters", {}).get("deadline_seconds.$", "").removeprefix("$.request.polling.")
    given = request_with(polling, 60)
    own = timeouts.of(given)["deploy_processors"] if name == "DeployProcessors" and not member else 0
    own += polling.get(member, 0) + max((longest(branch, polling) for branch in found.get("Branches", [])), default=0)
    ways = [found.get("Next"), found.get("Default"), *(rule["Next"] for rule in found.get("Choices", []))]
    return own + max((longest(definition, polling, way) for way in ways if way), default=0)


@pytest.mark.parametrize("child", ["add_region", "deploy_processors", "remove_region"])
@given(polling=POLLING)
def test_a_child_has_the_time_of_all_its_loops(child: str, polling: dict[str, int]) -> None:
    """Every loop of the child may use its whole deadline, one after the other, and no more is waited."""
    allowed = timeouts.of(request_with(polling, 60))[child]
    assert allowed - timeouts.MARGIN_SECONDS == longest(DEFINITIONS[child], polling)


@given(deadline=SECONDS)
def test_a_validation_has_the_time_of_its_three_steps(deadline: int) -> None:
    """Put, update and delete may each use the whole deadline, and what follows them the streaming's."""
    polling = dict.fromkeys(("poll_seconds", *MEMBERS), 1)
    readers = [name for name in DEFINITIONS["validate"]["States"] if name.startswith("ReadProbes") and ":" not in name]
    allowed = timeouts.of(request_with(polling, deadline))["validate"]
    assert allowed - timeouts.MARGIN_SECONDS == len(readers) * deadline + STREAMING_SECONDS


def test_the_time_of_every_child_is_given() -> None:
    """Each child workflow that a parent waits for has its own time."""
    polling = dict.fromkeys(("poll_seconds", *MEMBERS), 1)
    assert set(timeouts.of(request_with(polling, 1))) == {*DEFINITIONS, "refresh_regions"}
