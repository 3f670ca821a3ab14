"""Check that a table may be removed with all its data, and list what cleanup goes through.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import tables
from tasks.shared.errors import ConfirmationMissing
from tasks.shared.task import TABLE, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    home: str
    confirm: str
    request: Request


class Reply(TypedDict):
    """``replicas`` are the Regions to remove before the home Region: recorded, or found on the table."""

    replicas: list[str]


@task(allow("dynamodb:DescribeTable", "dynamodb:ListTagsOfResource", on=TABLE), timeout_seconds=60)
def confirm_cleanup(event: Event, aws: Clients) -> Reply:
    """``ConfirmationMissing``, ``NotOurs`` or ``DeletionProtected`` before anything is removed."""
    table, home = event["table"], event["home"]
    live = tables.require_ours(aws, table, home)
    members = list(dict.fromkeys([home, *event["request"]["regions"], *tables.replica_regions(live)]))
    if event["confirm"] != table:
        raise ConfirmationMissing(
            f"cleanup deletes {table} with all its data and streams in {', '.join(members)}{_copies(event['request'])}",
            remedy=f'Start it with "confirm": "{table}" if you want that. Nothing was removed.',
        )
    tables.require_unprotected(aws, table, [home, *tables.replica_regions(live)] if live else [])
    return {"replicas": [region for region in members if region != home]}


def _copies(request: Request) -> str:
    replicator = request["processors"]["replicator"]
    if replicator is None:
        return ""
    return ", and {table} in {region}, the replicator's destination, if Meridian made it".format(
        **replicator["destination"]
    )
