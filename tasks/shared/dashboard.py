"""The table's CloudWatch dashboard, and how ours is known.

It is ours if its first widget says so: that comes and goes with the body in one call, and is what the CloudWatch API
Reference (PutDashboard) advises for dashboards made by a program. A tag is no such sign: PutDashboard takes tags only
since botocore 1.43.2 of May 2026, and what a Lambda runtime has may be older.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from tasks.shared import names, tables

if TYPE_CHECKING:
    from tasks.shared.clients import Clients

NOT_FOUND = ("DashboardNotFoundError", "ResourceNotFound")  # the shape's name, and the code that CloudWatch answers


def mark(table: str) -> str:
    """What the first widget of our dashboard says."""
    return f"`{names.OWNERSHIP_TAG}={table}`"


def is_ours(body: str, table: str) -> bool:
    """Whether the first widget of a DashboardBody holds our mark."""
    try:
        first = json.loads(body)["widgets"][0]["properties"]["markdown"]
    except (IndexError, KeyError, TypeError, ValueError):
        return False
    return mark(table) in str(first)


def find(aws: Clients, home: str, table: str) -> str | None:
    """DashboardBody of the dashboard that has the table's name, or ``None``."""
    try:
        return aws.cloudwatch(home).get_dashboard(DashboardName=names.dashboard(table))["DashboardBody"]
    except ClientError as error:
        if tables.code(error) not in NOT_FOUND:
            raise
        return None


def delete(aws: Clients, home: str, table: str) -> bool:
    """Delete our dashboard; gives whether there was one. Somebody else's stays."""
    found = find(aws, home, table)
    if found is None or not is_ours(found, table):
        return False
    try:
        aws.cloudwatch(home).delete_dashboards(DashboardNames=[names.dashboard(table)])
    except ClientError as error:
        if tables.code(error) not in NOT_FOUND:
            raise
        return False  # it went between the two calls
    return True
