"""Put the table's CloudWatch dashboard, or delete it where the request wants none.

May run any number of times: a dashboard that shows the same already is not put again. Touches only a dashboard that
says it is ours (tasks/shared/dashboard.py).
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal, TypedDict

from tasks.shared import dashboard, event_sources, names, region_parameters, widgets
from tasks.shared.errors import NotOurs
from tasks.shared.task import ANY, DASHBOARD, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    home: str
    request: Request


class Reply(TypedDict):
    """``dashboard`` is the name that the dashboard has, or would have."""

    dashboard: str
    change: Literal["none", "put", "deleted"]


@task(
    allow("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard", on=DASHBOARD),
    allow("lambda:ListEventSourceMappings", on=ANY),
)
def publish_dashboard(event: Event, aws: Clients) -> Reply:
    """``NotOurs`` where somebody else's dashboard has the name."""
    table, request, name = event["table"], event["request"], names.dashboard(event["table"])
    if not request["dashboard"]:
        deleted = dashboard.delete(aws, event["home"], table)
        return {"dashboard": name, "change": "deleted" if deleted else "none"}
    found = dashboard.find(aws, event["home"], table)
    if found and not dashboard.is_ours(found, table):
        raise NotOurs(
            f"A dashboard named {name} exists",
            why=f"its first widget does not say {dashboard.mark(table)}, so Meridian did not make it",
            remedy="It is left as it is. Rename it, or ask for no dashboard (`dashboard: false`), then start the "
            "workflow again.",
        )
    wanted = widgets.body(request, _mappings(aws, request), dashboard.mark(table))
    if found and json.loads(found) == wanted:
        return {"dashboard": name, "change": "none"}
    aws.cloudwatch(event["home"]).put_dashboard(DashboardName=name, DashboardBody=widgets.as_text(wanted))
    return {"dashboard": name, "change": "put"}


def _mappings(aws: Clients, request: Request) -> dict[str, dict[str, str]]:
    """Lambda counts lost records by the mapping's UUID, which only the Region knows."""
    wanted = [(region, one) for region in request["regions"] for one in region_parameters.on(request, region)]
    for region, _ in wanted:
        aws.lambda_(region)  # boto3 makes clients safely in one thread only
    with ThreadPoolExecutor(max_workers=len(request["regions"])) as pool:
        found = list(pool.map(lambda one: event_sources.mappings(aws, one[0], request["table"], one[1]), wanted))
    uuids: dict[str, dict[str, str]] = {region: {} for region in request["regions"]}
    for (region, processor), mappings in zip(wanted, found, strict=True):
        if mappings:
            uuids[region][processor] = mappings[0]["UUID"]
    return uuids
