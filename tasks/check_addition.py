"""Check that a Region can be added, before anything is made there.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import regions, tables
from tasks.shared import request as requests
from tasks.shared.errors import DeploymentNotFound, RequestInvalid
from tasks.shared.task import ANY, TABLE, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    home: str
    region: str
    request: Request


class Reply(TypedDict):
    """The request with the new Region among its ``regions``."""

    request: Request


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE),
    allow("ec2:DescribeRegions", on=ANY),
    timeout_seconds=30,
)
def check_addition(event: Event, aws: Clients) -> Reply:
    """``RequestInvalid`` for a Region that is unknown or not enabled, ``NotOurs`` for a table that is in the way."""
    table, home, region, request = event["table"], event["home"], event["region"], event["request"]
    if region not in regions.partitions():  # here, since the rules of a request would name a place in its list
        raise RequestInvalid(
            str(regions.unknown_region(("region",), region)).rstrip("."), remedy="Nothing was created."
        )
    members = request["regions"]
    request = requests.complete({**request, "regions": [*members, *([region] if region not in members else [])]})
    regions.require_enabled(aws, home, [region])
    live = tables.require_ours(aws, table, home)
    if live is None:
        raise DeploymentNotFound(
            f"The table {table} does not exist",
            where=home,
            remedy="Start provision with its request: it makes the table and adds every Region.",
        )
    if region != home and not tables.replica(live, region):
        tables.require_room(aws, table, home, region)  # one that is coming or going is waited for by AddReplica
    return {"request": request}
