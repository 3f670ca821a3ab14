"""Saved Logs Insights queries, which MiniStack does not know: their API and their CloudFormation type."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find
from meridian.embedded.services import (
    Answer,
    Handler,
    RefusedByAws,
    Request,
    answer,
    content,
    page,
    refusal,
    region,
    wrap,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.embedded.states_cloudformation import Made, Properties

HANDLERS = "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS"
MEMBERS = {"Name": "name", "QueryString": "queryString", "LogGroupNames": "logGroupNames"}

_saved: dict[tuple[str, str], dict[str, Any]] = {}  # by Region and id


def install() -> None:
    wrap("logs", _handle)
    find(HANDLERS)["AWS::Logs::QueryDefinition"] = {"create": _create, "update": _update, "delete": _delete}


def _handle(handler: Handler) -> Handler:
    async def handle(*parts: Any) -> Answer:
        request = Request(*parts)
        operation = OPERATIONS.get(request.operation)
        if operation is None:
            return await handler(*request)
        try:
            return answer(operation(content(request.body)))
        except RefusedByAws as error:
            return refusal(error)
        except KeyError as error:
            return refusal(RefusedByAws("InvalidParameterException", f"{request.operation} needs {error}."))

    return handle


def put(data: dict[str, Any]) -> dict[str, Any]:
    """PutQueryDefinition: a new one, or with an id another content of that one."""
    given = data.get("queryDefinitionId")
    if given:
        _require(given)
    key = (region(), given or str(uuid.uuid4()))
    _saved[key] = {
        "queryLanguage": data.get("queryLanguage", "CWLI"),
        "queryDefinitionId": key[1],
        "name": data["name"],
        "queryString": data["queryString"],
        "lastModified": int(time.time() * 1000),
        "logGroupNames": data.get("logGroupNames", []),
    }
    return {"queryDefinitionId": key[1]}


def describe(data: dict[str, Any]) -> dict[str, Any]:
    prefix = data.get("queryDefinitionNamePrefix", "")
    found = [one for (where, _), one in _saved.items() if where == region() and one["name"].startswith(prefix)]
    shown, token = page(sorted(found, key=lambda one: str(one["name"])), data)
    return {"queryDefinitions": shown, **({"nextToken": token} if token else {})}


def delete(data: dict[str, Any]) -> dict[str, Any]:
    _require(data["queryDefinitionId"])
    del _saved[region(), data["queryDefinitionId"]]
    return {"success": True}


def _require(identifier: str) -> None:
    if (region(), identifier) not in _saved:
        raise RefusedByAws("ResourceNotFoundException", f"Query definition {identifier} does not exist.")


OPERATIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "DeleteQueryDefinition": delete,
    "DescribeQueryDefinitions": describe,
    "PutQueryDefinition": put,
}


def _asked(properties: Properties) -> dict[str, Any]:
    return {member: properties[name] for name, member in MEMBERS.items() if name in properties}


def _create(_logical: str, properties: Properties, _stack: str) -> Made:
    identifier = put(_asked(properties))["queryDefinitionId"]
    return identifier, {"QueryDefinitionId": identifier}


def _update(identifier: str, _old: Properties, new: Properties, _stack: str) -> Made:
    put(_asked(new) | {"queryDefinitionId": identifier})
    return identifier, {"QueryDefinitionId": identifier}


def _delete(identifier: str, _properties: Properties) -> None:
    _saved.pop((region(), identifier), None)
