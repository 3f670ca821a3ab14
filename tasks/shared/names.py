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

STREAM_NAME_LIMIT = 128  # Kinesis CreateStream.StreamName
EXECUTION_NAME_LIMIT = 80  # Step Functions StartExecution.name


def derived(table: str, limit: int) -> str:
    """Slug and hash of ``table`` in at most ``limit`` characters of ``[a-z0-9-]``."""
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", table.lower()).strip("-")
    return f"{slug[: limit - len(digest) - 1].strip('-')}-{digest}".lstrip("-")


def stream(table: str) -> str:
    """Kinesis stream of ``table``, the same in every Region."""
    return f"{PREFIX}-{derived(table, STREAM_NAME_LIMIT - len(PREFIX) - 1)}"


def execution(workflow: str, table: str, request_id: str) -> str:
    """Name of an execution that a person starts. Children get none: a used name is taken for 90 days."""
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
