"""What must be gone before the control stack may go: data is nobody's to lose by accident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from meridian.audit.archives.bucket import Bucket
from meridian.commandline import COMMAND
from tasks.shared import names
from tasks.shared.archive_chain import Chain
from tasks.shared.archive_files import OPEN
from tasks.shared.errors import Refused
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

    from meridian.session import Session


def deployments(ssm: SSMClient) -> list[str]:
    """Tables of which there is a deployment record in the client's Region, also an unfinished one."""
    path = f"/{names.PREFIX}"
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    found = {parameter.get("Name", "").split("/")[2] for page in pages for parameter in page["Parameters"]}
    return sorted(found)


def require_unused(ssm: SSMClient, states: SFNClient, machines: Iterable[str]) -> None:
    """``Refused`` while a table is deployed from here, or an execution of these state machines runs."""
    tables = deployments(ssm)
    if tables:
        home = ssm.meta.region_name
        run = f"{COMMAND} run cleanup"
        commands = "; ".join(f"`{run} --table {table} --confirm {table} --region {home}`" for table in tables)
        raise Refused(f"Still deployed from {home}: {', '.join(tables)}", remedy=f"Clean up first: {commands}.")
    running = [arn for machine in machines for arn in _running(states, machine)]
    if running:
        raise Refused(
            f"Still running in {states.meta.region_name}: {', '.join(running)}",
            remedy="Wait until it has ended, or stop it. Nothing was removed.",
        )


def _running(states: SFNClient, machine: str) -> list[str]:
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    return [execution["name"] for page in pages for execution in page["executions"]]


def histories_that_go(session: Session, machines: Iterable[str]) -> str:
    """A sentence on the executions that are not archived, whose histories go with their state machines; empty if none.

    Those of archive itself are not counted: the next one would archive them, and leave its own.
    """
    counted = [machine for machine in machines if not machine.endswith(f":{names.state_machine('archive')}")]
    go = "go with the state machines"
    try:
        count = sum(_not_archived(session, counted))
    except ClientError as error:
        return f"Histories that are not archived {go}. How many are not, could not be seen ({code(error)})."
    if not count:
        return ""
    before = f"`{COMMAND} run archive` would have kept them"
    return f"Executions that ended and are not archived: {count}. Their histories {go}; {before}."


def _not_archived(session: Session, machines: Sequence[str]) -> Iterator[bool]:
    """Whether each ended execution that the archive may lack is not in it."""
    bucket = Bucket(session)
    chain = Chain(session.s3(session.home), session.ssm(session.home), bucket.name, session.account)
    if bucket.exists():
        chain.refresh(machine.rpartition(":")[2] for machine in machines)
    for machine in machines:
        for page in session.states.get_paginator("list_executions").paginate(stateMachineArn=machine):
            ended = [one for one in page["executions"] if one["status"] not in OPEN]
            yield from (not chain.holds(one) for one in ended)
            since = chain.since.get(machine.rpartition(":")[2], 0.0)
            if ended and ended[0]["stopDate"].timestamp() < since:  # the last that ended is listed first
                break


def archive_that_stays(session: Session) -> str:
    """A sentence on the archive, which outlives the control stack; empty where there is none, or one may not look."""
    bucket = Bucket(session)
    try:
        there = bucket.exists()
    except ClientError:
        return ""
    stays = f"The archive stays: bucket {bucket.name}, and SSM parameter {names.ARCHIVE_HEAD} that proves it."
    return stays if there else ""
