"""LoadDeployment: a short input becomes what the workflow works on."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.response import StreamingBody

from tasks.load_deployment import load_deployment
from tasks.shared import timeouts
from tasks.shared.request import canonical
from tasks.shared.task import STARTED_BY
from tests.unit.tasks.scenarios import (
    AWAY,
    EXECUTION,
    HOME,
    RECORD,
    REQUEST,
    THIRD,
    Scenario,
    parameter,
    play,
    refuse,
    s3,
    stages,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

BUCKET, KEY = "meridian-artifacts", "requests/orders-1/2.json"
POINTER = json.dumps({"request": f"s3://{BUCKET}/{KEY}"})
EXAMPLE = 'Start the workflow with {"table": "...", "region": "...", "confirm": "..."}.'


class Body(StreamingBody):
    """A body that can be read by every test that replays the scenario."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), len(content))
        self._content = content

    def read(self, amt: int | None = None) -> bytes:  # noqa: ARG002  # as the parent's
        return self._content


def started(given: Any, *expects: str) -> dict[str, Any]:
    """Event of the first state, whatever the execution was started with."""
    expected = list(expects or ("table", "region", "confirm"))
    return {"input": given, "expects": expected, "execution": {"Id": EXECUTION}, "state": {"Name": "LoadDeployment"}}


def stored() -> list[Answer]:
    return [parameter(RECORD, POINTER), s3("get_object", {"Body": Body(canonical(REQUEST))}, Bucket=BUCKET, Key=KEY)]


def refused(claim: str, given: Any, says: str) -> Scenario:
    return Scenario(claim, started(given), raises="RequestInvalid", says=[says, EXAMPLE])


SCENARIOS = [
    Scenario(
        "A table's name is enough",
        started({"table": "orders"}, "table"),
        [*stored(), stages(us_east_1="ACTIVE", eu_west_1="ACTIVE")],
        {
            "table": "orders",
            "region": "",
            "confirm": "",
            "home": HOME,
            "request": REQUEST,
            "regions": [HOME, AWAY],
            "pending": [],
            "timeouts": timeouts.of(REQUEST),
        },
    ),
    Scenario(
        "Region and confirmation are given on, and what a parent adds is not minded",
        started({"table": "orders", "region": AWAY, "confirm": AWAY, STARTED_BY: "parent"}),
        [*stored(), stages(us_east_1="ACTIVE", eu_west_1="ACTIVE")],
        {"region": AWAY, "confirm": AWAY},
    ),
    Scenario(
        "A Region that was added later follows those of the request, and home comes first",
        started({"table": "orders"}, "table"),
        [*stored(), stages(ap_southeast_1="ACTIVE", us_east_1="ACTIVE", eu_west_1="PLANNED")],
        {
            "request": {**REQUEST, "regions": [HOME, AWAY, THIRD]},
            "regions": [HOME, THIRD],
            "pending": [AWAY],
        },
    ),
    Scenario(
        "A Region that was removed is no member any more",
        started({"table": "orders"}, "table"),
        [*stored(), stages(us_east_1="ACTIVE")],
        {"request": {**REQUEST, "regions": [HOME]}, "regions": [HOME], "pending": []},
    ),
    Scenario(
        "A cleanup that broke off when the Regions were forgotten can begin again",
        started({"table": "orders"}, "table"),
        [*stored(), stages()],
        {"request": {**REQUEST, "regions": [HOME]}, "regions": [], "pending": []},
    ),
    Scenario(
        "A table that nobody recorded is told with what to do",
        started({"table": "odrers"}, "table"),
        [parameter("/meridian/odrers")],
        raises="DeploymentNotFound",
        says=[
            (
                "No deployment of a table 'odrers' is recorded in us-east-1. Start provision with its request first, "
                "or check the name and the home Region."
            )
        ],
    ),
    Scenario(
        "A bucket that refuses keeps AWS's name",
        started({"table": "orders"}, "table"),
        [parameter(RECORD, POINTER), refuse("s3", HOME, "get_object", "AccessDenied", "denied")],
        raises="AccessDenied",
        says=["AWS refused GetObject in us-east-1: denied. Mend that first."],
    ),
    refused("A missing Region is told", {"table": "orders"}, "The input is wrong: `region` is missing or not a name. "),
    refused(
        "Everything that is wrong is told at once",
        {"tabel": "orders", "region": 5},
        "wrong: `tabel` is not known; `table` is missing or not a name; `region` is missing or not a name. ",
    ),
    *(
        refused(
            f"A name that would lead to another table's parameters is refused ({table!r})",
            {"table": table, "region": AWAY},
            "The input is wrong: `table` is missing or not a name. ",
        )
        for table in ("orders/us-east-1", "../orders", "", "or ders", "örders", "orders\n", "o" * 256)
    ),
    *(
        refused(f"An input that is no object is refused ({given!r})", given, "The input is no JSON object. ")
        for given in ("orders", ["orders"], None, 5)
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_load_deployment(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(load_deployment, scenario, aws)


def test_a_message_stays_short_whatever_was_given(aws: StubbedClients) -> None:
    """An input of a thousand wrong members does not fill the execution's error."""
    given = {f"{'member' * 20}{number}": "" for number in range(1_000)}
    with pytest.raises(Exception, match="The input is wrong") as raised:
        load_deployment.run({"input": given, "expects": ["table"]}, aws)
    assert len(str(raised.value)) < 1_000
