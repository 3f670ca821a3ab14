"""Read the execution's short input and the deployment record behind it.

Changes nothing; may run any number of times. Every workflow but provision begins here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from tasks.shared import record, regions, timeouts
from tasks.shared.errors import RequestInvalid
from tasks.shared.task import ARTIFACTS, RECORD, REQUESTS, STARTED_BY, allow, task
from tasks.shared.waiting import now, timestamp

if TYPE_CHECKING:
    from tasks.shared.clients import Clients
    from tasks.shared.request import Request


FAILURES = ("", "delete", "keep")
OPTIONAL = ("confirm", "failures")
NAME = re.compile(r"[a-zA-Z0-9_.-]{1,255}")  # of a table or a Region; a slash would lead to another's parameters
MOST_PROBLEMS = 10


class Event(TypedDict):
    """``expects`` names the members that the workflow's input may have, ``table`` first."""

    input: Any  # what the execution was started with
    expects: list[str]


class Reply(TypedDict):
    table: str
    region: str
    confirm: str
    failures: str
    alone: bool  # whether no other workflow started this one
    home: str
    request: Request
    regions: list[str]  # complete
    pending: list[str]  # recorded, not yet complete
    timeouts: dict[str, int]
    began: str


@task(
    allow("ssm:GetParameter", "ssm:GetParametersByPath", on=RECORD),
    allow("s3:GetObject", on=REQUESTS),
    allow("s3:ListBucket", on=ARTIFACTS),  # without it S3 does not tell a missing object from a forbidden one
    timeout_seconds=30,
)
def load_deployment(event: Event, aws: Clients) -> Reply:
    """Give what the record holds; ``RequestInvalid`` for a wrong input, ``DeploymentNotFound`` without a record."""
    given = _checked(event["input"], event["expects"])
    home = regions.here()
    found = record.load(aws, home, given["table"])
    return {
        "table": given["table"],
        "region": given.get("region", ""),
        "confirm": given.get("confirm", ""),
        "failures": given.get("failures", ""),
        "alone": STARTED_BY not in event["input"],
        "home": home,
        "request": found["request"],
        "regions": [region for region, stage in found["stages"].items() if stage == "ACTIVE"],
        "pending": [region for region, stage in found["stages"].items() if stage != "ACTIVE"],
        "timeouts": timeouts.of(found["request"]),
        "began": timestamp(now()),
    }


def _checked(given: Any, expects: list[str]) -> dict[str, str]:
    example = "{" + ", ".join(f'"{name}": "..."' for name in expects) + "}"
    if not isinstance(given, dict):
        raise RequestInvalid("The input is no JSON object", remedy=f"Start the workflow with {example}.")
    problems = [f"`{name[:40]}` is not known" for name in given if name not in (*expects, STARTED_BY)][:MOST_PROBLEMS]
    problems += [
        f"`{name}` is missing or not a name"
        for name in expects
        if name not in OPTIONAL and not (isinstance(given.get(name), str) and NAME.fullmatch(given[name]))
    ]
    if given.get("failures", "") not in FAILURES:
        problems.append("`failures` is neither delete nor keep")
    if problems:
        raise RequestInvalid(f"The input is wrong: {'; '.join(problems)}", remedy=f"Start the workflow with {example}.")
    return {name: str(given[name]) for name in expects if name in given}
