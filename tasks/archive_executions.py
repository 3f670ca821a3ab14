"""Write every closed execution of our state machines to the archive, once, and list it in the manifest of the day.

May run any number of times, and beside another execution: what is listed is not written again. A crash between a file
and its manifest leaves a file that the next look finds again, and lists. Executions that run are left for later.
Takes nothing away, and reads no table: what our workflows are given and give holds no item.
"""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared import buckets, names, regions
from tasks.shared.archive import MOST_LOOKS, Archived
from tasks.shared.archive_chain import Chain
from tasks.shared.archive_files import OPEN, Definitions, Store, archive
from tasks.shared.pace import Paced
from tasks.shared.tables import code
from tasks.shared.task import ANY, ARCHIVE, ARCHIVE_HEAD, ARCHIVE_OBJECTS, EXECUTIONS, MACHINES, allow, task

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

    from tasks.shared.archive import File
    from tasks.shared.clients import Clients

TIMEOUT_SECONDS = 900  # the longest that Lambda knows
# An event may hold 256 KB (Step Functions, service quotas), and a page of events is in memory several times.
MEMORY_MB = 1_024
STORAGE_MB = 5_120  # of /tmp, for a history: as much as PutObject takes at once
WORK_SECONDS = 600  # of it; the execution that is read last has the rest
PAGE = 1_000  # executions, the most that ListExecutions gives
MOST_FORGOTTEN = 100  # that are named
TAG = {"key": "meridian:stack", "value": "control"}  # of our state machines (meridian/template.py)
# ListExecutions may not show yet what ended just now ("eventually consistent"), so the last hour is listed again.
OVERLAP_SECONDS = 3_600


class Event(TypedDict):
    bucket: str
    archived: Archived


class Reply(Archived):
    status: Literal["BUSY", "READY"]
    wait_seconds: int


@task(
    allow("states:ListStateMachines", on=ANY),
    allow("states:ListExecutions", "states:ListTagsForResource", on=MACHINES),
    allow(
        "states:DescribeExecution",
        "states:DescribeStateMachineForExecution",
        "states:GetExecutionHistory",
        on=EXECUTIONS,
    ),
    allow("s3:ListBucket", "s3:ListBucketVersions", on=ARCHIVE),
    allow("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", on=ARCHIVE_OBJECTS),
    allow("ssm:GetParameter", "ssm:GetParameterHistory", "ssm:PutParameter", on=ARCHIVE_HEAD),
    timeout_seconds=TIMEOUT_SECONDS,
    memory_mb=MEMORY_MB,
    storage_mb=STORAGE_MB,
)
def archive_executions(event: Event, aws: Clients) -> Reply:
    """Answer READY when every state machine is gone through, or with the last look; BUSY before."""
    look = _Look(event, aws)
    try:
        look.work()
    except Exception:
        if look.has_written:
            look.commit()  # what is written is worth its line, and the next try begins behind it
        raise
    look.commit()
    done = look.archived
    if done["remaining"] and done["looks"] < MOST_LOOKS:
        return {**done, "status": "BUSY", "wait_seconds": look.paced.wait_seconds}
    return {**done, "token": "", "status": "READY", "wait_seconds": 0}


class _Look:
    """One run of the task; ``archived`` is what is done so far."""

    def __init__(self, event: Event, aws: Clients) -> None:
        home, account, bucket = regions.here(), buckets.account(), event["bucket"]
        self.archived = copy.deepcopy(event["archived"])
        self.archived["looks"] += 1
        self.paced = Paced(aws.step_functions(home))
        self._chain = Chain(aws.s3(home), aws.ssm(home), bucket, account)
        self._store = Store(aws.s3(home), bucket, account)
        self._definitions = Definitions(self._store, self.paced)
        self._files: list[File] = []
        self._ends = time.monotonic() + WORK_SECONDS

    def work(self) -> None:
        """Go through the lists of executions until all is archived, or the time or the calls of a look are used up."""
        done = self.archived
        if done["looks"] == 1:
            done["remaining"] = self._machines()
        self._chain.refresh(self._names())
        while done["remaining"] and not self._is_over:
            page = self._page(done["remaining"][0])
            opened = self._archive(page["executions"])
            if opened is None:
                return
            done["open"] += opened
            self._turn(page)

    def commit(self) -> None:
        """List in the manifest what this look has written."""
        self._chain.add(self._files, self.archived["since"], self._names())
        self.archived["breaks"] += self._chain.breaks

    @property
    def has_written(self) -> bool:
        return bool(self._files)

    @property
    def _is_over(self) -> bool:
        return self.paced.is_spent or time.monotonic() > self._ends

    def _names(self) -> list[str]:
        return [_name(machine) for machine in self.archived["remaining"]]

    def _machines(self) -> list[str]:
        """ARNs of our state machines: the name may be anybody's, the tag is the control stack's."""
        query: dict[str, Any] = {"maxResults": PAGE}
        found: list[str] = []
        while True:
            page = self.paced.call("list_state_machines", **query)
            ours = (one for one in page["stateMachines"] if one["name"].startswith(f"{names.PREFIX}-"))
            found += [one["stateMachineArn"] for one in ours if self._is_ours(one["stateMachineArn"])]
            if not page.get("nextToken"):
                return found
            query["nextToken"] = page["nextToken"]

    def _is_ours(self, machine: str) -> bool:
        return TAG in self.paced.call("list_tags_for_resource", resourceArn=machine)["tags"]

    def _page(self, machine: str) -> dict[str, Any]:
        """The page of the machine's list that is worked on; one without executions where there is no such machine."""
        done = self.archived
        given = {"nextToken": done["token"]} if done["token"] else {}
        if not given:
            done["listed"] = time.time()
        try:
            page: dict[str, Any] = self.paced.call("list_executions", stateMachineArn=machine, maxResults=PAGE, **given)
        except self.paced.refused as error:
            if code(error) == "StateMachineDoesNotExist":
                return {"executions": []}
            if code(error) != "InvalidToken":  # it is good for 24 hours; a redrive may come later
                raise
            done["token"] = ""
            return self._page(machine)
        return page

    def _archive(self, executions: list[ExecutionListItemTypeDef]) -> int | None:
        """Archive those of a page that are not yet; how many still run, or None if the look is over before its end."""
        opened = 0
        for one in executions:
            if self._is_over:
                return None
            if one["status"] in OPEN:
                opened += 1
            elif not self._is_archived(one):
                opened += self._write(one["executionArn"])
        return opened

    def _is_archived(self, one: ExecutionListItemTypeDef) -> bool:
        return self._chain.holds(one) or one["executionArn"] in self.archived["forgotten"]

    def _write(self, arn: str) -> bool:
        """Write one execution; whether it is open again."""
        try:
            file = archive(self.paced, self._store, self._definitions, arn)
        except self.paced.refused as error:
            if code(error) != "ExecutionDoesNotExist":
                raise
            if len(self.archived["forgotten"]) < MOST_FORGOTTEN:
                self.archived["forgotten"].append(arn)
            return False
        if file:
            self._files.append(file)
            self.archived["files"] += 1
            self.archived["events"] += file["events"]
            self.archived["bytes"] += file["bytes"]
        return file is None

    def _turn(self, page: dict[str, Any]) -> None:
        """Go on to the next page, or to the next machine where all that follows is archived.

        What has ended is listed by its end, the last first, and what runs by its start or redrive (Step Functions API
        Reference, ListExecutions).
        """
        done, name = self.archived, _name(self.archived["remaining"][0])
        ended = [one["stopDate"].timestamp() for one in page["executions"] if one["status"] not in OPEN]
        done["token"] = page.get("nextToken", "")
        if not done["token"] or (ended and max(ended) < self._chain.since.get(name, 0.0)):
            done["token"] = ""
            done["since"][name] = max(self._chain.since.get(name, 0.0), done["listed"] - OVERLAP_SECONDS)
            done["remaining"] = done["remaining"][1:]


def _name(machine: str) -> str:
    return machine.rpartition(":")[2]
