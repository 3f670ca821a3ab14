"""Check a request and complete it with its defaults.

Changes nothing; may run any number of times. What stands in AWS under the table's name is compared by
CompareDeployment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import regions, timeouts
from tasks.shared import request as requests
from tasks.shared.errors import RequestInvalid
from tasks.shared.task import ANY, STARTED_BY, allow, task
from tasks.shared.waiting import now, timestamp

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


class Event(TypedDict):
    document: Any  # what the execution was started with
    execution: dict[str, Any]


class Reply(TypedDict):
    """What the rest of provision works on. ``timeouts`` are seconds, one a child workflow."""

    table: str
    home: str
    request: Request
    regions: list[str]
    timeouts: dict[str, int]
    began: str


@task(allow("ec2:DescribeRegions", on=ANY), timeout_seconds=30)
def validate_request(event: Event, aws: Clients) -> Reply:
    """Complete the request; ``RequestInvalid`` lists every problem at once."""
    document = event["document"]
    if isinstance(document, dict):
        document = {key: value for key, value in document.items() if key != STARTED_BY}
    request = requests.complete(document)
    home = requests.home(request)
    _require_here(home)
    replicator = request["processors"]["replicator"]
    others = [replicator["destination"]["region"]] if replicator else []
    regions.require_enabled(aws, home, [*request["regions"], *others])
    return {
        "table": request["table"],
        "home": home,
        "request": request,
        "regions": request["regions"],
        "timeouts": timeouts.of(request),
        "began": timestamp(now()),
    }


def _require_here(home: str) -> None:
    here = regions.here()
    if home != here:
        raise RequestInvalid(
            f"The first Region of the request is {home}, and these workflows run in {here}",
            remedy=f"Start provision in {home} (`deploy.py up --region {home}` installs it there), "
            f"or put {here} first under `regions`.",
        )
