"""Every name we give, derived in one place.

A table's name may hold dots and underscores that other services refuse, and may be as long as 255
characters. A derived name is a readable slug and a hash of the whole, so that ``my_table.v2`` and
``my-table-v2`` never meet.
"""

from __future__ import annotations

import hashlib
import re

PREFIX = "meridian"
OWNERSHIP_TAG = "meridian:table"
CONTROL_STACK = PREFIX
ARCHIVE_HEAD = f"/{PREFIX}-archive/head"  # SSM parameter of the newest manifest of the archive
ARCHIVE_ACKNOWLEDGED = f"/{PREFIX}-archive/acknowledged"  # a person's SSM parameter: breaks that were looked into

STREAM_NAME_LIMIT = 128  # Kinesis CreateStream.StreamName
EXECUTION_NAME_LIMIT = 80  # Step Functions StartExecution.name
BUCKET_NAME_LIMIT = 63  # Amazon S3, rules for general purpose bucket names
FUNCTION_NAME_LIMIT = 64  # Lambda CreateFunction.FunctionName
ROLE_NAME_LIMIT = 64  # IAM CreateRole.RoleName
SCHEDULE_GROUP_NAME_LIMIT = 64  # EventBridge Scheduler CreateScheduleGroup.Name
LONGEST_REGION = 14  # ap-southeast-1; ap-northeast-1

PROCESSORS = ("changes", "analytics", "replicator")
SCHEDULED = "scheduled"  # alias of the state machines that schedules start
VALIDATE_SCHEDULE = "validate"  # the schedule in a table's group


def derived(table: str, limit: int) -> str:
    """Slug and hash of ``table`` in at most ``limit`` characters of ``[a-z0-9-]``."""
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", table.lower()).strip("-")
    return f"{slug[: limit - len(digest) - 1].strip('-')}-{digest}".lstrip("-")


def stream(table: str) -> str:
    """Kinesis stream of ``table``, the same in every Region."""
    return f"{PREFIX}-{derived(table, STREAM_NAME_LIMIT - len(PREFIX) - 1)}"


def region_stack(table: str) -> str:
    """CloudFormation stack of the table's processors, the same in every Region (at most 128)."""
    return f"{PREFIX}-{derived(table, 64)}"


def event_bus(table: str) -> str:
    """EventBridge bus of the table's events where the request names none."""
    return f"{PREFIX}-{derived(table, 64)}"


def probe_rule(table: str) -> str:
    """EventBridge rule that brings the events of probes to the probe queue."""
    return f"{PREFIX}-{derived(table, 48)}-probes"


def probe_queue(table: str) -> str:
    """SQS queue in which a validation finds the events of its probes (at most 80)."""
    return f"{PREFIX}-{derived(table, 48)}-probes"


def processor_function(table: str, processor: str) -> str:
    """Lambda function of ``changes``, ``analytics`` or ``replicator``, the same in every Region."""
    return f"{PREFIX}-{derived(table, FUNCTION_NAME_LIMIT - len(PREFIX) - len(processor) - 2)}-{processor}"


def processor_role(table: str, processor: str, region: str) -> str:
    """Role of a processor. Roles belong to no Region, so the name holds one."""
    room = ROLE_NAME_LIMIT - len(PREFIX) - len(processor) - LONGEST_REGION - 3
    return f"{PREFIX}-{derived(table, room)}-{processor}-{region}"


def deduplication_table(table: str) -> str:
    """DynamoDB table in which analytics remembers what it has counted."""
    return f"{PREFIX}-{derived(table, 64)}-counted"


def marks_table(table: str) -> str:
    """DynamoDB table beside the replicator's destination: which items were made or removed when."""
    return f"{PREFIX}-{derived(table, 64)}-marks"


def code_bucket(account: str, region: str) -> str:
    """Bucket of the processors' code and configuration in one Region, for all tables (at most 63)."""
    return f"{PREFIX}-code-{account}-{region}"


def code_prefix(table: str) -> str:
    """Where in a code bucket the objects of ``table`` lie."""
    return f"{derived(table, 64)}/"


def failure_bucket(table: str, account: str, region: str) -> str:
    """Bucket of the records that the processors gave up on, of one table in one Region (at most 63)."""
    room = BUCKET_NAME_LIMIT - len(PREFIX) - len(account) - LONGEST_REGION - 3
    return f"{PREFIX}-{derived(table, room)}-{account}-{region}"


def dashboard(table: str) -> str:
    """CloudWatch dashboard of ``table``. Dashboards belong to no Region."""
    return f"{PREFIX}-{derived(table, 64)}"


def processors_log_group(table: str) -> str:
    """Log group of the processors, the same in every Region."""
    return f"/{PREFIX}/{derived(table, 64)}/processors"


def schedule_group(table: str) -> str:
    """EventBridge Scheduler group of the table's schedules, in the home Region."""
    return f"{PREFIX}-{derived(table, SCHEDULE_GROUP_NAME_LIMIT - len(PREFIX) - 1)}"


def schedule_queue(table: str) -> str:
    """SQS queue of the validations that EventBridge Scheduler could not start (at most 80)."""
    return f"{PREFIX}-{derived(table, 48)}-schedule"


def scheduled_alias(state_machine: str) -> str:
    """ARN of the alias through which schedules start the state machine of this ARN."""
    return f"{state_machine}:{SCHEDULED}"


def execution(workflow: str, table: str, request_id: str) -> str:
    """Name of an execution that a person starts. Children get none: a used name is taken for 90 days.

    ``table`` is empty for a workflow of no table.
    """
    if not table:
        return f"{workflow}-{request_id}"
    room = EXECUTION_NAME_LIMIT - len(workflow) - len(request_id) - 2
    return f"{workflow}-{derived(table, room)}-{request_id}"


def function(task: str) -> str:
    """Lambda function of the task module ``task``: ``add_replica`` is ``meridian-add-replica``."""
    return f"{PREFIX}-{task.replace('_', '-')}"


def state_machine(workflow: str) -> str:
    """Step Functions state machine of ``workflow``."""
    return f"{PREFIX}-{workflow}"


def artifact_bucket(account: str, region: str) -> str:
    """Bucket of the code, the template and the accepted requests in the home Region (at most 63)."""
    return f"{PREFIX}-artifacts-{account}-{region}"


def archive_bucket(account: str, region: str) -> str:
    """Bucket of the histories of closed executions, in the home Region (at most 63)."""
    return f"{PREFIX}-archive-{account}-{region}"


def deployment_parameter(table: str) -> str:
    """SSM parameter of the deployment record."""
    return f"/{PREFIX}/{table}"


def region_parameter(table: str, region: str) -> str:
    """SSM parameter that makes ``region`` a member of the deployment.

    One parameter a Region: SSM cannot change a value conditionally, and Regions are added side by side.
    """
    return f"{deployment_parameter(table)}/{region}"


def request_prefix(table: str) -> str:
    """Where in the artifact bucket the accepted requests of ``table`` lie, under their hash."""
    return f"requests/{derived(table, 64)}/"
