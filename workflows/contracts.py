"""What each task takes and gives, read from the types of its module.

A shape is what is known of a JSON document: the members that it has for certain, each with its own shape, or ``ANY``
where nothing is known of its inside. A text or a number has no members.
"""

from __future__ import annotations

import importlib
import re
import types
import typing
from functools import cache
from typing import Any, NotRequired

from tasks.shared import archive, checks, clients, probes, record, redelivery, request, streaming

ANY = None
Shape = dict[str, Any] | None

# Names that the task modules import for their types only.
NAMES = {
    "Archived": archive.Archived,
    "Clients": clients.Clients,
    "Request": request.Request,
    "Kinesis": request.Kinesis,
    "Progress": redelivery.Progress,
    "Result": checks.Result,
    "Stage": record.Stage,
    "Streaming": streaming.Streaming,
    "Verdict": checks.Verdict,
    "Written": probes.Written,
}

# Read by the decorator for the log line and the place of an error (tasks/shared/task.py).
LOGGED = frozenset({"execution", "home", "region", "state", "table"})


def task_of(resource: str) -> str:
    """Task module behind a Resource: ``${AddReplicaFunction}`` is ``add_replica``; an empty text if it is none."""
    found = re.fullmatch(r"\$\{(\w+)Function\}", resource)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", found[1]).lower() if found else ""


def machine_arn(workflow: str) -> str:
    """How a parent names a workflow's machine: ``add-region`` is ``${AddRegionStateMachine}``."""
    return f"${{{workflow.title().replace('-', '')}StateMachine}}"


@cache
def takes(task: str) -> frozenset[str]:
    """Members of the event that the task reads."""
    return frozenset(_hints(_run_hints(task)["event"]))


@cache
def gives(task: str) -> Shape:
    """Shape of what the task answers; ``ANY`` for a task that is not ours."""
    try:
        return shape_of(_run_hints(task)["return"])
    except ModuleNotFoundError:
        return ANY


def shape_of(hint: Any) -> Shape:
    """The members that a value of this type has for certain."""
    if typing.is_typeddict(hint):
        members = _hints(hint).items()
        return {key: shape_of(member) for key, member in members if typing.get_origin(member) is not NotRequired}
    kind = typing.get_origin(hint) or hint
    if kind in (typing.Union, types.UnionType):
        return meet(*(shape_of(one) for one in typing.get_args(hint)))
    return ANY if kind in (Any, dict, list) else {}


def meet(first: Shape, *others: Shape) -> Shape:
    """What is in all of them."""
    for other in others:
        if first is ANY or other is ANY:
            first = other if first is ANY else first
        else:
            first = {key: meet(first[key], other[key]) for key in first if key in other}
    return first


def _run_hints(task: str) -> dict[str, Any]:
    run = getattr(importlib.import_module(f"tasks.{task}"), task).run
    return typing.get_type_hints(run, localns=NAMES)


def _hints(typed_dict: Any) -> dict[str, Any]:
    """With extras: NotRequired is seen only here, because annotations are texts when the class is made."""
    return typing.get_type_hints(typed_dict, localns=NAMES, include_extras=True)
