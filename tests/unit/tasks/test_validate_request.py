"""ValidateRequest: whatever provision was started with becomes a complete request, or one clear refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared import timeouts
from tasks.shared.request import complete
from tasks.shared.task import STARTED_BY
from tasks.validate_request import validate_request
from tests.unit.tasks.fakes import Answer
from tests.unit.tasks.scenarios import AWAY, EXECUTION, HOME, Scenario, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

DOCUMENT: dict[str, Any] = {
    "table": "orders",
    "regions": [HOME, AWAY],
    "attribute_definitions": {"orderId": "S"},
    "key_schema": {"orderId": "HASH"},
}
REQUEST = complete(DOCUMENT)


def started(document: Any) -> Any:
    """Event of the first state, whatever the execution was started with."""
    return {"document": document, "execution": {"Id": EXECUTION}, "state": {"Name": "ValidateRequest"}}


def regions(**status: str) -> Answer:
    """DescribeRegions answers; keys are written with underscores."""
    listed = [{"RegionName": name.replace("_", "-"), "OptInStatus": value} for name, value in status.items()]
    return Answer("ec2", HOME, "describe_regions", {"Regions": listed}, params={"AllRegions": True})


OPEN = regions(us_east_1="opt-in-not-required", eu_west_1="opted-in")

SCENARIOS = [
    Scenario(
        "A request is completed with its defaults, its home and the time of every child",
        started(DOCUMENT),
        [OPEN],
        {
            "table": "orders",
            "home": HOME,
            "request": REQUEST,
            "regions": [HOME, AWAY],
            "timeouts": timeouts.of(REQUEST),
        },
    ),
    Scenario("A complete request stays as it is", started(REQUEST), [OPEN], {"request": REQUEST}),
    Scenario(
        "What a parent execution adds is not part of the request",
        started({**DOCUMENT, STARTED_BY: "parent"}),
        [OPEN],
        {"request": REQUEST},
    ),
    Scenario(
        "Every problem is told at once, before AWS is asked",
        started({**DOCUMENT, "table": "o", "key_schema": {"orderId": "RANGE"}}),
        raises="RequestInvalid",
        says=["table", "key_schema"],
    ),
    *(
        Scenario(
            f"An input that is no object is refused like any other request ({document!r})",
            started(document),
            raises="RequestInvalid",
        )
        for document in ("orders", ["orders"], None, 5)
    ),
    Scenario(
        "A request whose home is elsewhere is told where to start it",
        started({**DOCUMENT, "regions": [AWAY, HOME]}),
        raises="RequestInvalid",
        says=[
            (
                "The first Region of the request is eu-west-1, and these workflows run in us-east-1. Start "
                "provision in "
                "eu-west-1 (`deploy.py up --region eu-west-1` installs it there), or put us-east-1 first "
                "under `regions`."
            )
        ],
    ),
    Scenario(
        "Every Region that the account has not enabled is named",
        started({**DOCUMENT, "regions": [HOME, AWAY, "ap-east-1"]}),
        [regions(us_east_1="opt-in-not-required", eu_west_1="not-opted-in")],
        raises="RequestInvalid",
        says=["Not enabled in this account: eu-west-1, ap-east-1. Enable it", "Nothing was created."],
    ),
    Scenario(
        "A refusal of AWS keeps its name",
        started(DOCUMENT),
        [refuse("ec2", HOME, "describe_regions", "UnauthorizedOperation", "You are not authorized")],
        raises="UnauthorizedOperation",
        says=["AWS refused DescribeRegions in us-east-1: You are not authorized. Mend that first."],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_validate_request(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(validate_request, scenario, aws)


def test_the_input_that_was_given_is_not_changed(aws: StubbedClients) -> None:
    """Completing works on a copy."""
    given = {**DOCUMENT, STARTED_BY: "parent"}
    aws.will(OPEN)
    validate_request.run(started(given), aws)
    assert given == {**DOCUMENT, STARTED_BY: "parent"}
