"""Check that a Region may be removed, before anything is taken away.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import streams, tables
from tasks.shared.errors import ChangeRefused, ConfirmationMissing, DeploymentNotFound
from tasks.shared.task import STREAM, TABLE, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

STREAM_STAYS = (
    "Nothing was removed in that Region. If its owner can do without it, have it removed and start again; if it must "
    "stay, remove the rest by hand, as docs/workflows.md tells under remove-region. Do not give it that tag: it would "
    "be deleted."
)


class Event(TypedDict):
    table: str
    home: str
    region: str
    confirm: str
    request: Request


class Reply(TypedDict):
    region: str


@task(
    allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE),
    allow("kinesis:DescribeStreamSummary", "kinesis:ListTagsForStream", on=STREAM),
    timeout_seconds=30,
)
def check_removal(event: Event, aws: Clients) -> Reply:
    """Refuse the home Region, a Region that is not a member, a missing confirmation, and deletion protection."""
    table, home, region = event["table"], event["home"], event["region"]
    if region == home:
        raise ChangeRefused(
            f"{region} is the home Region of {table}",
            remedy="It goes last, with the table: start cleanup if you want that.",
        )
    live = tables.require_ours(aws, table, home)
    member = bool(live and tables.replica(live, region))
    if region not in event["request"]["regions"] and not member:
        raise DeploymentNotFound(
            f"{region} is not a Region of {table}",
            remedy=f"Its Regions are {', '.join(event['request']['regions'])}.",
        )
    if event["confirm"] != region:
        raise ConfirmationMissing(
            f"remove-region deletes the copy of {table} and its Kinesis stream in {region}",
            remedy=f'Start it with "confirm": "{region}" if you want that. Nothing was removed.',
        )
    tables.require_unprotected(aws, table, [region] if member else [])
    streams.require_ours(aws, table, region, remedy=STREAM_STAYS)
    return {"region": region}
