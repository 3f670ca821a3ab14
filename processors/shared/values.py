"""Values of items in DynamoDB JSON, kept exact: numbers are never floats.

An attribute value is what a Lambda event holds: ``{"N": "10.5"}``, with a binary as base64 text.
"""

from __future__ import annotations

import base64
import json
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from processors.shared.checks import check

if TYPE_CHECKING:
    from collections.abc import Callable

AttributeValue = dict[str, Any]
Image = dict[str, AttributeValue]

# Differences and sums of any two numbers that DynamoDB holds (38 digits, 1E-130 to 1E+126) fit exactly.
EXACT = Context(prec=300)
SETS = ("SS", "NS", "BS")


def number(value: AttributeValue | None) -> Decimal | None:
    """The number in ``value``; None for any other type, and for no value."""
    return Decimal(value["N"]) if value and "N" in value else None


def plain(value: AttributeValue) -> Any:
    """``value`` as JSON would have it: Decimal for a number, a sorted list for a set, base64 text for a binary."""
    kind, content = _parts(value)
    if kind == "N":
        return Decimal(content)
    if kind == "NS":
        return sorted(Decimal(one) for one in content)
    if kind in SETS:
        return sorted(content)
    if kind == "L":
        return [plain(one) for one in content]
    if kind == "M":
        return {name: plain(one) for name, one in content.items()}
    return None if kind == "NULL" else content


def as_json(value: Any) -> str:
    """JSON of what ``plain`` gives, numbers digit by digit: 1E+2 is 100, 10.50 stays. ``TypeError`` for a float."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{as_json(name)}:{as_json(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(as_json(one) for one in value) + "]"
    if isinstance(value, float):
        raise TypeError("A float is not exact; use Decimal.")
    return json.dumps(value, ensure_ascii=False)


def canonical(image: Image | None) -> str:
    """The same text for equal items: names and sets in order, 1.0 as 1. The type of a value counts."""
    if image is None:
        return "null"
    return json.dumps({name: _canonical(value) for name, value in image.items()}, sort_keys=True)


def equal(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    """Whether two values, or their absence, are the same to DynamoDB."""
    if one is None or other is None:
        return one is other
    return one == other or _canonical(one) == _canonical(other)


def once_decoded(value: AttributeValue) -> AttributeValue:
    """``value`` of a Kinesis record, whose binaries are base64 of base64, as a DynamoDB stream has it.

    Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB". ``ValueError`` where they are not.
    """
    return _with_binaries(value, _inner)


def for_boto3(value: AttributeValue) -> AttributeValue:
    """``value`` as boto3's low-level client takes it: binaries as bytes, everything else untouched."""
    return _with_binaries(value, base64.b64decode)


def _with_binaries(value: AttributeValue, convert: Callable[[str], Any]) -> AttributeValue:
    """``value`` with its binaries converted, at any depth."""
    kind, content = _parts(value)
    if kind == "B":
        return {kind: convert(content)}
    if kind == "BS":
        return {kind: [convert(one) for one in content]}
    if kind == "L":
        return {kind: [_with_binaries(one, convert) for one in content]}
    if kind == "M":
        return {kind: {name: _with_binaries(one, convert) for name, one in content.items()}}
    return value


def _parts(value: AttributeValue) -> tuple[str, Any]:
    return next(iter(value.items()))


def _inner(text: str) -> str:
    inner = base64.b64decode(text).decode("ascii")
    check({"B": inner})
    return inner


def _canonical(value: AttributeValue) -> list[Any]:
    kind, content = _parts(value)
    if kind == "N":
        return [kind, _shortest(content)]
    if kind == "NS":
        return [kind, sorted(_shortest(one) for one in content)]
    if kind in SETS:
        return [kind, sorted(content)]
    if kind == "L":
        return [kind, [_canonical(one) for one in content]]
    if kind == "M":
        return [kind, {name: _canonical(one) for name, one in content.items()}]
    return [kind, content]


def _shortest(digits: str) -> str:
    """One text for one number, however it is written."""
    exact = Decimal(digits)
    return str(exact.normalize(EXACT)) if exact else "0"
