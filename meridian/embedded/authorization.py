"""Which resource a call is authorized on, where MiniStack does not find it and asks for ``*`` instead.

What is asked of a version or an alias of a state machine is authorized on the state machine; which it is, is a
condition key (Step Functions Developer Guide, "Authorization for versions and aliases").
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from meridian.embedded.internals import find, replace

if TYPE_CHECKING:
    from collections.abc import Mapping

EXTRACT = "ministack.core.iam_actions:extract_resource_arn"
ACTION = "ministack.core.iam_actions:extract_iam_action"
CONDITION_KEY = "ministack.core.iam_evaluator:_resolve_condition_key"

_namespace: ContextVar[str | None] = ContextVar("_namespace", default=None)  # that the present PutMetricData is for
_qualifier: ContextVar[str | None] = ContextVar("_qualifier", default=None)  # version or alias of a state machine


def install() -> None:
    extract, resolve = find(EXTRACT), find(CONDITION_KEY)

    def resource_of(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = extract(service, method, path, headers, body, *rest)
        region, account = rest[-2:]
        if headers.get("x-amz-target", "").endswith(".DescribeEventBus"):  # MiniStack takes its Name for a rule's
            return f"arn:aws:events:{region}:{account}:event-bus/{json.loads(body)['Name']}"
        if service == "scheduler":
            return _scheduled(path, _parameters(body, rest[0]), f"{region}:{account}")
        if service == "monitoring":
            _namespace.set(_parameters(body, rest[0]).get("Namespace"))
        if found == "*" and service in _NAMED:
            found = _NAMED[service](_parameters(body, rest[0]), f"{region}:{account}") or "*"
        return _unqualified(found) if service == "states" else found

    def value_of(key: str, context: Any) -> Any:
        told = _TOLD.get(key.lower())
        return told.get() if told else resolve(key, context)

    name = find(ACTION)

    def action_of(*request: Any) -> str | None:
        """SQS authorizes its batch calls as the single one (Developer Guide, "Amazon SQS API permissions")."""
        action: str | None = name(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    replace(ACTION, action_of)
    replace(EXTRACT, resource_of)
    replace(CONDITION_KEY, value_of)


def _parameters(body: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
    """What the call was given, in whichever of AWS's protocols."""
    try:
        return dict(json.loads(body)) if body else _first_values(query)
    except ValueError:  # a form, which MiniStack has read already
        return _first_values(query)


def _first_values(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[0] if isinstance(value, list) else value for name, value in query.items()}


def _table(call: dict[str, Any], _: str) -> str:
    """Tags and resource policies name the table by its ARN."""
    return str(call.get("ResourceArn") or "")


def _parameter(call: dict[str, Any], place: str) -> str:
    """Lists of names are authorized one by one; ours lie under one path, so the first stands for all."""
    name = call.get("Path") or next(iter(call.get("Names") or []), "")
    return f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}" if name else ""


def _dashboard(call: dict[str, Any], place: str) -> str:
    """Dashboards are of no Region; a list of them is authorized like its first."""
    names = call.get("DashboardNames") or [call.get("DashboardNames.member.1", "")]
    name = call.get("DashboardName") or names[0]
    return f"arn:aws:cloudwatch::{place.partition(':')[2]}:dashboard/{name}" if name else ""


def _stream(call: dict[str, Any], _: str) -> str:
    """GetRecords names its stream by nothing but the shard iterator."""
    position = find("ministack.services.kinesis:_shard_iterators").get(call.get("ShardIterator"))
    stream = find("ministack.services.kinesis:_streams").get(position["stream"]) if position else None
    return str(stream["StreamARN"]) if stream else ""


def _scheduled(path: str, call: dict[str, Any], place: str) -> str:
    """A schedule lies in its group, of which MiniStack sees nothing; lists are of no resource."""
    kind, _, name = path.strip("/").partition("/")
    if kind == "tags":
        return unquote(name)
    if not name:
        return "*"
    group = call.get("GroupName") or call.get("groupName") or "default"
    return f"arn:aws:scheduler:{place}:" + (
        f"schedule/{group}/{name}" if kind == "schedules" else f"schedule-group/{name}"
    )


def _machine(call: dict[str, Any], _: str) -> str:
    """Tags, versions, aliases and Map runs are named by members of their own."""
    names = ("resourceArn", "stateMachineAliasArn", "stateMachineVersionArn", "mapRunArn")
    return str(next((call[name] for name in names if name in call), ""))


def _unqualified(arn: str) -> str:
    """The state machine's ARN, of a version's or an alias'."""
    machine, _, qualifier = arn.rpartition(":")
    is_qualified = ":stateMachine:" in machine
    _qualifier.set(qualifier if is_qualified else None)
    return machine if is_qualified else arn


_NAMED = {"dynamodb": _table, "kinesis": _stream, "monitoring": _dashboard, "ssm": _parameter, "states": _machine}
_TOLD = {"cloudwatch:namespace": _namespace, "states:statemachinequalifier": _qualifier}
