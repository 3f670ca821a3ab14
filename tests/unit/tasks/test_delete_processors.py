"""DeleteProcessors: a stack of ours goes, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.delete_processors import delete_processors
from tests.unit.tasks.scenarios import Scenario, busy, looped, play, ready
from tests.unit.tasks.stacks import NAME, no_stack, stack, stack_deleted

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

SCENARIOS = [
    *(
        Scenario(
            f"A stack that is {status} goes, by the role that made it",
            looped(),
            [stack(status), stack_deleted()],
            ready("DELETE_IN_PROGRESS"),
        )
        for status in ("UPDATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED")
    ),
    Scenario("A stack that is gone is left as it is", looped(), [no_stack()], ready("GONE")),
    Scenario("So is one that CloudFormation remembers", looped(), [stack("DELETE_COMPLETE")], ready("GONE")),
    Scenario(
        "A stack that is going is left as it is", looped(), [stack("DELETE_IN_PROGRESS")], ready("DELETE_IN_PROGRESS")
    ),
    Scenario(
        "A stack that is being changed is waited for",
        looped(),
        [stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")],
        busy("stack of orders (UPDATE_COMPLETE_CLEANUP_IN_PROGRESS)"),
    ),
    Scenario(
        "A stack without our tag is left as it is",
        looped(),
        [stack("CREATE_COMPLETE", tags={"team": "MARKED"})],
        raises="NotOurs",
        says=[f"A CloudFormation stack named {NAME} exists in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_delete_processors(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(delete_processors, scenario, aws)
