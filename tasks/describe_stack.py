"""Look once whether the stack of the table's processors is complete, or gone, in one Region.

Changes nothing; may run any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.shared import names, region_stack
from tasks.shared.errors import START_AGAIN, StackFailed
from tasks.shared.task import STACK, allow, task
from tasks.shared.waiting import Looked, Looped, busy, ready

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

    from tasks.shared.clients import Clients

COMPLETE = ("CREATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_COMPLETE")


class Event(Looped):
    """``wanted`` is GONE, or the revision that a complete stack shall show."""

    table: str
    region: str
    wanted: str


@task(allow("cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks", on=STACK), timeout_seconds=30)
def describe_stack(event: Event, aws: Clients) -> Looked:
    """Answer READY when the stack is as wanted; ``StackFailed`` with AWS's reason if CloudFormation gave up."""
    table, region, gone = event["table"], event["region"], event["wanted"] == "GONE"
    stack = region_stack.describe(aws, table, region)
    status = stack["StackStatus"] if stack else "GONE"
    if gone == (stack is None) and (stack is None or _as_wanted(stack, event["wanted"])):
        return ready(status)
    # Complete with another revision: it is about to be changed, or another execution has changed it since.
    if region_stack.busy(status) or status in COMPLETE or (gone and status != "DELETE_FAILED"):
        return busy(event, f"stack of {table} ({status})", region)
    why = region_stack.reason(aws, stack) if stack else "somebody deleted it"
    raise StackFailed(
        f"The stack {names.region_stack(table)} is {status}",
        where=region,
        why=why,
        remedy=f"{_in_the_way(why)}{'' if gone else _left(status)}{START_AGAIN} A redrive would only look again.",
    )


def _as_wanted(stack: StackTypeDef, revision: str) -> bool:
    """Complete, or rolled back by an earlier try, with the very revision that is wanted now."""
    complete = stack["StackStatus"] in COMPLETE or stack["StackStatus"].endswith("ROLLBACK_COMPLETE")
    return complete and region_stack.shown_revision(stack) == revision


def _in_the_way(why: str) -> str:
    """EventBridge deletes no bus that has rules, and consumers' rules are not ours to delete."""
    return "Remove the rules on the bus that are not Meridian's. " if "has rules" in why else ""


def _left(status: str) -> str:
    kept = "The processors run on as they did before. " if status == "UPDATE_ROLLBACK_COMPLETE" else ""
    return f"{kept}Remove the cause. "
