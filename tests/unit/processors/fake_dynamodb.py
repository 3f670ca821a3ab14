"""DynamoDB in memory, as far as the replicator calls it: conditional transactions, and what a stream says of them."""

from __future__ import annotations

import base64
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from processors.shared.values import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from processors.shared.values import Image

COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
}


class FakeDynamoDB:
    """Tables by name, each with its key. ``refusals`` answer the next calls, before anything is looked at."""

    def __init__(self, keys: Mapping[str, Sequence[str]]) -> None:
        self._keys = keys
        self.tables: dict[str, dict[str, Image]] = {name: {} for name in keys}
        self.written: list[tuple[str, Image | None, Image | None]] = []  # table, old image, new image
        self.calls: list[list[dict[str, Any]]] = []
        self.refusals: list[Exception | None] = []
        self.rejects: Callable[[Image], bool] = lambda _: False  # for what DynamoDB finds invalid

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803  # boto3's name
        self.calls.append(TransactItems)
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal:
            raise refusal
        assert len(TransactItems) <= 100
        wanted = [(kind, part) for action in TransactItems for kind, part in action.items()]
        assert len({self._place(part) for _, part in wanted}) == len(wanted), "an item may be named once"
        if any(self.rejects(part.get("Item", {})) for _, part in wanted):
            raise refused("ValidationException")
        reasons = ["None" if self._holds(part) else "ConditionalCheckFailed" for _, part in wanted]
        if set(reasons) != {"None"}:
            raise cancelled(*reasons)
        for kind, part in wanted:
            self._apply(kind, part)

    def items(self, table: str) -> list[Image]:
        """As a stream would write them, binaries in base64, in the order of their keys."""
        return [as_text(item) for _, item in sorted(self.tables[table].items())]

    def put(self, table: str, image: Image) -> None:
        """An application's write."""
        self._apply("Put", {"TableName": table, "Item": image})

    def delete(self, table: str, key: Image) -> None:
        """An application's delete."""
        self._apply("Delete", {"TableName": table, "Key": key})

    def _place(self, part: dict[str, Any]) -> tuple[str, str]:
        name, image = part["TableName"], part.get("Item") or part["Key"]
        return name, canonical(as_text({attribute: image[attribute] for attribute in self._keys[name]}))

    def _holds(self, part: dict[str, Any]) -> bool:
        name, key = self._place(part)
        item = self.tables[name].get(key, {})
        names, values = part["ExpressionAttributeNames"], part["ExpressionAttributeValues"]
        expression = part["ConditionExpression"]
        used = set(re.findall(r"[#:]\w+", expression))
        assert used == {*names, *values}, "DynamoDB refuses names and values that no expression uses"
        return any(
            all(_true(clause, names, values, item) for clause in re.sub(r"^\((.*)\)$", r"\1", either).split(" AND "))
            for either in expression.split(" OR ")
        )

    def _apply(self, kind: str, part: dict[str, Any]) -> None:
        if kind == "ConditionCheck":
            return
        name, key = self._place(part)
        old, new = self.tables[name].pop(key, None), part.get("Item") if kind == "Put" else None
        if new is not None:
            self.tables[name][key] = new
        if old != new:  # a write that changes nothing is in no stream
            self.written.append((name, old and as_text(old), new and as_text(new)))


def _true(clause: str, names: dict[str, str], values: dict[str, Any], item: Image) -> bool:
    absent = re.fullmatch(r"attribute_not_exists\((#\w+)\)", clause)
    if absent:
        return names[absent[1]] not in item
    name, operator, value = clause.split()
    if names[name] not in item:
        return operator == "<>"
    (one_type, one), (other_type, other) = (next(iter(found.items())) for found in (item[names[name]], values[value]))
    if one_type != other_type:
        return operator == "<>"
    return COMPARES[operator](*((Decimal(one), Decimal(other)) if one_type == "N" else (one, other)))


def as_text(value: Any) -> Any:
    """A part of an item with its binaries in base64, as in a stream's record."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: as_text(one) for name, one in value.items()}
    return [as_text(one) for one in value] if isinstance(value, list) else value


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "MARKED"}}, "TransactWriteItems")


def cancelled(*reasons: str) -> ClientError:
    """The refusal of a transaction, with one reason an action."""
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "MARKED"},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(answer, "TransactWriteItems")
