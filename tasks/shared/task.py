"""The decorator that makes a task out of a function: its Lambda handler, permissions and timeout.

    @task(allow("dynamodb:UpdateTable", on=TABLE), timeout_seconds=60)
    def add_replica(event: Event, aws: Clients) -> Looked: ...

``tasks.add_replica.add_replica`` is then the Lambda handler, and ``add_replica.run(event, aws)`` the
plain function, for tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared import names
from tasks.shared.clients import Clients
from tasks.shared.errors import under_its_own_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Resources as CloudFormation's Fn::Sub writes them. One control stack serves any table in any Region.
TABLE = "arn:${AWS::Partition}:dynamodb:*:${AWS::AccountId}:table/*"
STREAM = "arn:${AWS::Partition}:kinesis:*:${AWS::AccountId}:stream/meridian-*"
PROBE_QUEUE = "arn:${AWS::Partition}:sqs:*:${AWS::AccountId}:meridian-*-probes"
# Whoever deletes a group must be allowed to delete whatever may be in it.
SCHEDULE = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/meridian-*/*"
SCHEDULE_GROUP = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/meridian-*"
SCHEDULE_QUEUE = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:meridian-*-schedule"
SCHEDULER_ROLE = "${SchedulerRole.Arn}"
RECORD = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/meridian/*"
RECORD_ANYWHERE = "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:parameter/meridian/*"
CODE = "arn:${AWS::Partition}:s3:::meridian-code-${AWS::AccountId}-*"
CODE_OBJECTS = f"{CODE}/*"
# The eight characters of names.derived tell the buckets of failures from Meridian's others.
FAILURES = (
    "arn:${AWS::Partition}:s3:::meridian-????????-${AWS::AccountId}-*",
    "arn:${AWS::Partition}:s3:::meridian-*-????????-${AWS::AccountId}-*",
)
FAILURE_OBJECTS = tuple(f"{bucket}/*" for bucket in FAILURES)
CODE_OF_TASKS = "arn:${AWS::Partition}:s3:::${ArtifactBucket}/code/*"
PROCESSORS = tuple(
    f"arn:${{AWS::Partition}}:lambda:*:${{AWS::AccountId}}:function:meridian-*-{one}" for one in names.PROCESSORS
)
STACK = "arn:${AWS::Partition}:cloudformation:*:${AWS::AccountId}:stack/meridian-*/*"
STACK_ROLE = "${RegionStackRole.Arn}"
REQUESTS = "arn:${AWS::Partition}:s3:::${ArtifactBucket}/requests/*"
ARTIFACTS = "arn:${AWS::Partition}:s3:::${ArtifactBucket}"
DASHBOARD = "arn:${AWS::Partition}:cloudwatch::${AWS::AccountId}:dashboard/meridian-*"  # of no Region
ARCHIVE = "arn:${AWS::Partition}:s3:::meridian-archive-${AWS::AccountId}-*"
ARCHIVE_OBJECTS = f"{ARCHIVE}/*"
ARCHIVE_HEAD = f"arn:${{AWS::Partition}}:ssm:${{AWS::Region}}:${{AWS::AccountId}}:parameter{names.ARCHIVE_HEAD}"
MACHINES = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:meridian-*"
EXECUTIONS = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:execution:meridian-*:*"
ANY = "*"

MEMORY_MB = 256  # twice the least, for the processor time that comes with it: importing boto3 is most of a cold start
STORAGE_MB = 512  # of /tmp: what Lambda gives for nothing

CHANGES = ("changes", "changes_left_out")  # members that are added to a reply
CHANGES_IN_REPLY = 50  # a state's output has 256 KiB, and an execution carries several replies

STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"  # a parent execution adds it to its child's input

Event = TypeVar("Event")
Reply = TypeVar("Reply")


@dataclass(frozen=True)
class Permission:
    """One statement of a task's role. ``condition`` is an IAM Condition block."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Any] | None = None


def allow(*actions: str, on: str | tuple[str, ...], when: Mapping[str, Any] | None = None) -> Permission:
    return Permission(actions, (on,) if isinstance(on, str) else on, when)


class Task(Generic[Event, Reply]):
    """A state's function. Calling it is what Lambda does."""

    def __init__(
        self,
        run: Callable[[Event, Clients], Reply],
        permissions: tuple[Permission, ...],
        timeout_seconds: int,
        memory_mb: int = MEMORY_MB,
        storage_mb: int = STORAGE_MB,
    ) -> None:
        self.run = run
        self.name = run.__name__
        self.permissions = permissions
        self.timeout_seconds = timeout_seconds
        self.memory_mb, self.storage_mb = memory_mb, storage_mb
        self.__doc__ = run.__doc__
        self._clients = Clients()
        self._logger: Logger | None = None

    def __call__(self, event: dict[str, Any], context: object) -> Reply:  # noqa: ARG002  # Lambda gives it
        """Run once for Lambda: errors of AWS keep AWS's names, and one structured line is logged."""
        aws, logger = self._clients, self._logger or Logger(service="meridian")
        self._logger = logger
        aws.changes.clear()
        outcome = "failed"
        try:
            reply = self.run(cast("Event", event), aws)
            outcome = str(reply.get("status", "done")) if isinstance(reply, dict) else "done"
            return _with_changes(reply, aws.changes)
        except (ClientError, BotoCoreError) as error:
            raise under_its_own_name(error, event.get("region") or event.get("home") or "") from error
        finally:
            logger.info(
                self.name,
                outcome=outcome,
                execution=event.get("execution", {}).get("Id"),
                state=event.get("state", {}).get("Name"),
                table=event.get("table"),
                region=event.get("region"),
                changes=list(aws.changes),
            )


def _with_changes(reply: Reply, changes: list[dict[str, str]]) -> Reply:
    """The reply with the calls that changed something, for the execution's history; nothing reads them there."""
    if not isinstance(reply, dict):
        return reply
    # A reply may go on from one of an earlier task, whose changes are told there.
    told = {name: value for name, value in reply.items() if name not in CHANGES}
    if changes:
        told["changes"] = changes[:CHANGES_IN_REPLY]
    if len(changes) > CHANGES_IN_REPLY:
        told["changes_left_out"] = len(changes) - CHANGES_IN_REPLY
    return cast("Reply", told)


def task(
    *permissions: Permission, timeout_seconds: int = 60, memory_mb: int = MEMORY_MB, storage_mb: int = STORAGE_MB
) -> Callable[[Callable[[Event, Clients], Reply]], Task[Event, Reply]]:
    """Make a ``Task`` of a function ``(event, aws) -> reply``; ``reply`` is JSON."""

    def make(run: Callable[[Event, Clients], Reply]) -> Task[Event, Reply]:
        return Task(run, permissions, timeout_seconds, memory_mb, storage_mb)

    return make
