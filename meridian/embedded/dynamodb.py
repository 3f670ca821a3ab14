"""What the modules on DynamoDB share: which table a call names, what MiniStack holds of it, and refusals."""

from __future__ import annotations

import copy
from typing import Any, cast

from meridian.embedded.internals import find
from meridian.embedded.services import RefusedByAws, in_region

DYNAMODB = "ministack.services.dynamodb:"
IN_WORDS = {"CREATING": "created", "UPDATING": "updated", "DELETING": "deleted"}


def table_of(region: str, name: str) -> dict[str, Any] | None:
    """MiniStack's own record of a table, to read or to change."""
    with in_region(region):
        return cast("dict[str, Any] | None", find(f"{DYNAMODB}_tables").get(name))


def describe(region: str, name: str) -> dict[str, Any]:
    """Description of a table as MiniStack would give it, free to be changed."""
    with in_region(region):
        return cast("dict[str, Any]", copy.deepcopy(find(f"{DYNAMODB}_table_description")(name)))


def group(region: str, name: str) -> list[str]:
    """Every Region of the table, its own included."""
    return list(find(f"{DYNAMODB}_replica_group")(table_of(region, name) or {})) or [region]


def name_of(data: dict[str, Any]) -> str:
    """The table's name; AWS takes its ARN everywhere too."""
    return str(data.get("TableName") or "").rpartition("table/")[2]


def names_in(data: dict[str, Any]) -> set[str]:
    """Every table that a call names."""
    named = [data.get("TableName"), *(data.get("RequestItems") or {})]
    for action in data.get("TransactItems") or []:
        named += [part.get("TableName") for part in action.values()]
    resource = str(data.get("ResourceArn") or "")
    return {name_of({"TableName": name}) for name in [*named, resource if ":table/" in resource else None] if name}


def in_use(name: str, status: str) -> RefusedByAws:
    change = f"Table is being {IN_WORDS[status]}: {name}"
    return RefusedByAws("ResourceInUseException", f"Attempt to change a resource which is still in use: {change}")


def invalid(message: str) -> RefusedByAws:
    return RefusedByAws("ValidationException", f"One or more parameter values were invalid: {message}")
