"""Values of items in DynamoDB JSON, kept exact: numbers are never floats.

An attribute value is what a Lambda event holds: ``{"N": "10.5"}``, with a binary as base64 text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

AttributeValue = dict[str, Any]
Image = dict[str, AttributeValue]

# Differences and sums of any two numbers that DynamoDB holds (38 digits, 1E-130 to 1E+126) fit exactly.
EXACT = Context(prec=300)
LEAST_EXPONENT, GREATEST_EXPONENT = -130, 125
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")

TEXTS, NUMBERS, BINARIES = ("S", "SS"), ("N", "NS"), ("B", "BS")
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


def check(value: object) -> None:
    """Raise ``ValueError``, without content, for what is no attribute value, so that nothing later can fail on it."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("an attribute value does not hold exactly one type")
    kind, content = _parts(value)
    if kind not in _CHECKS:
        raise ValueError("an attribute value has an unknown type")
    _CHECKS[kind](content)


def once_decoded(value: AttributeValue) -> AttributeValue:
    """``value`` of a Kinesis record, whose binaries are base64 of base64, as a DynamoDB stream has it.

    Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB". ``ValueError`` where they are not.
    """
    kind, content = _parts(value)
    if kind == "B":
        return {kind: _inner(content)}
    if kind == "BS":
        return {kind: [_inner(one) for one in content]}
    if kind == "L":
        return {kind: [once_decoded(one) for one in content]}
    if kind == "M":
        return {kind: {name: once_decoded(one) for name, one in content.items()}}
    return value


def for_boto3(value: AttributeValue) -> AttributeValue:
    """``value`` as boto3's low-level client takes it: binaries as bytes, everything else untouched."""
    kind, content = _parts(value)
    if kind == "B":
        return {kind: _decoded(content)}
    if kind == "BS":
        return {kind: [_decoded(one) for one in content]}
    if kind == "L":
        return {kind: [for_boto3(one) for one in content]}
    if kind == "M":
        return {kind: {name: for_boto3(one) for name, one in content.items()}}
    return value


def _parts(value: AttributeValue) -> tuple[str, Any]:
    return next(iter(value.items()))


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _inner(text: str) -> str:
    inner = _decoded(text).decode("ascii")
    _binary(inner)
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


def _text(content: object) -> None:
    if not isinstance(content, str):
        raise ValueError("a value of type S is no text")  # noqa: TRY004  # content is wrong, not the caller
    try:
        content.encode()
    except UnicodeEncodeError:
        # From None, as the error would quote the text.
        raise ValueError("a text is no Unicode") from None


def _digits(content: object) -> None:
    if not isinstance(content, str) or not _NUMBER.fullmatch(content):
        raise ValueError("a value of type N is no number")
    exact = Decimal(content)
    if exact and not LEAST_EXPONENT <= exact.adjusted() <= GREATEST_EXPONENT:
        raise ValueError("a number is beyond what DynamoDB holds")


def _binary(content: object) -> None:
    if not isinstance(content, str):
        raise ValueError("a binary is no base64 text")  # noqa: TRY004
    try:
        _decoded(content)
    except (binascii.Error, ValueError):
        raise ValueError("a binary is no base64 text") from None


def _boolean(content: object) -> None:
    if not isinstance(content, bool):
        raise ValueError("a value of type BOOL or NULL is neither true nor false")  # noqa: TRY004


def _each(inner: Callable[[object], None]) -> Callable[[object], None]:
    def outer(content: object) -> None:
        if not isinstance(content, list):
            raise ValueError("a set or list is no array")  # noqa: TRY004
        for one in content:
            inner(one)

    return outer


def _members(content: object) -> None:
    if not isinstance(content, dict):
        raise ValueError("a map is no object")  # noqa: TRY004
    for name, value in content.items():
        _text(name)
        check(value)


_CHECKS: dict[str, Callable[[object], None]] = {
    "S": _text,
    "N": _digits,
    "B": _binary,
    "BOOL": _boolean,
    "NULL": _boolean,
    "SS": _each(_text),
    "NS": _each(_digits),
    "BS": _each(_binary),
    "L": _each(check),
    "M": _members,
}
