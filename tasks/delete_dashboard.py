"""Delete the table's CloudWatch dashboard.

May run twice. Touches only a dashboard that says it is ours (tasks/shared/dashboard.py); somebody else's stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from tasks.shared import dashboard, names
from tasks.shared.task import DASHBOARD, allow, task

if TYPE_CHECKING:
    from tasks.shared.clients import Clients


class Event(TypedDict):
    table: str
    home: str


class Reply(TypedDict):
    """``deleted`` says whether there was one of ours."""

    dashboard: str
    deleted: bool


@task(allow("cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", on=DASHBOARD), timeout_seconds=30)
def delete_dashboard(event: Event, aws: Clients) -> Reply:
    deleted = dashboard.delete(aws, event["home"], event["table"])
    return {"dashboard": names.dashboard(event["table"]), "deleted": deleted}
