"""PublishDashboard: the dashboard shows what the request says, and is put only where it differs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.publish_dashboard import publish_dashboard
from tasks.shared import dashboard, names, widgets
from tasks.shared.request import complete
from tests.unit.tasks.fakes import Answer, MotoClients
from tests.unit.tasks.scenarios import AWAY, HOME, REQUEST, TABLE, Scenario, once, play, refuse

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

NAME = names.dashboard(TABLE)
MARK = dashboard.mark(TABLE)
ENDED = {"event_bus": "orders", "rules": []}
WATCHED: Any = complete({**REQUEST, "processors": {"changes": ENDED}})
NONE: Any = complete({**REQUEST, "dashboard": False})
UUIDS = {HOME: "11111111-1111-1111-1111-111111111111", AWAY: "22222222-2222-2222-2222-222222222222"}


def cloudwatch(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("cloudwatch", HOME, method, response or {}, params={"DashboardName": NAME, **params})


def found(body: str) -> Answer:
    return cloudwatch("get_dashboard", {"DashboardName": NAME, "DashboardBody": body})


def nothing() -> Answer:
    return refuse("cloudwatch", HOME, "get_dashboard", "ResourceNotFound", DashboardName=NAME)


def gone() -> Answer:
    return Answer("cloudwatch", HOME, "delete_dashboards", params={"DashboardNames": [NAME]})


def listed(region: str, *uuids: str) -> Answer:
    """ListEventSourceMappings of the changes processor."""
    asked = {"FunctionName": names.processor_function(TABLE, "changes")}
    answer = {"EventSourceMappings": [{"UUID": uuid} for uuid in uuids]}
    return Answer("lambda", region, "list_event_source_mappings", answer, params=asked)


def shown(request: Any, mappings: dict[str, dict[str, str]]) -> str:
    return widgets.as_text(widgets.body(request, mappings, MARK))


PLAIN = shown(REQUEST, {})
WITH_BOTH = shown(WATCHED, {region: {"changes": uuid} for region, uuid in UUIDS.items()})
WITH_ONE = shown(WATCHED, {HOME: {"changes": UUIDS[HOME]}})
FOREIGN = '{"widgets": []}'

SCENARIOS = [
    Scenario(
        "A table without processors gets a dashboard",
        once(),
        [nothing(), cloudwatch("put_dashboard", DashboardBody=PLAIN)],
        {"dashboard": NAME, "change": "put"},
    ),
    Scenario(
        "Each Region's mapping is found by the processor's function",
        once(request=WATCHED),
        [
            nothing(),
            *(listed(region, UUIDS[region]) for region in (HOME, AWAY)),
            cloudwatch("put_dashboard", DashboardBody=WITH_BOTH),
        ],
        {"change": "put"},
    ),
    Scenario(
        "A Region whose mapping is not there yet is shown without it",
        once(request=WATCHED),
        [
            nothing(),
            listed(HOME, UUIDS[HOME]),
            refuse("lambda", AWAY, "list_event_source_mappings", "ResourceNotFoundException"),
            cloudwatch("put_dashboard", DashboardBody=WITH_ONE),
        ],
        {"change": "put"},
    ),
    Scenario(
        "A dashboard of ours that shows something else is overwritten",
        once(),
        [found(WITH_BOTH), cloudwatch("put_dashboard", DashboardBody=PLAIN)],
        {"change": "put"},
    ),
    Scenario(
        "A dashboard that shows the same is not put again, however it is written",
        once(),
        [found(json.dumps(json.loads(PLAIN), indent=2))],
        {"change": "none"},
    ),
    Scenario(
        "A dashboard that does not say it is ours is left as it is",
        once(),
        [found(FOREIGN)],
        raises="NotOurs",
        says=[f"A dashboard named {NAME} exists", "dashboard: false"],
    ),
    Scenario(
        "Ours goes where the request wants none", once(request=NONE), [found(PLAIN), gone()], {"change": "deleted"}
    ),
    Scenario("None is wanted, and none is there", once(request=NONE), [nothing()], {"change": "none"}),
    Scenario("None is wanted, and somebody else's stays", once(request=NONE), [found(FOREIGN)], {"change": "none"}),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_publish_dashboard(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(publish_dashboard, scenario, aws)


def test_twice(moto: MotoClients) -> None:
    """On an AWS that holds state, the second run finds the dashboard of the first and puts nothing."""
    assert publish_dashboard.run(once(), moto)["change"] == "put"
    assert publish_dashboard.run(once(), moto)["change"] == "none"
    assert publish_dashboard.run(once(request=NONE), moto)["change"] == "deleted"
    assert publish_dashboard.run(once(request=NONE), moto)["change"] == "none"
