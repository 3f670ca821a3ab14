"""Whether a value is one that DynamoDB could have written, so that whoever reads it later cannot fail on it."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Developer Guide, "Supported data types": magnitudes from 1E-130 to 9.99...E+125.
LEAST_EXPONENT, GREATEST_EXPONENT = -130, 125
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def check(value: object) -> None:
    """Raise ``ValueError``, without content, for what is no attribute value."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError("an attribute value does not hold exactly one type")
    ((kind, content),) = value.items()
    if kind not in _CHECKS:
        raise ValueError("an attribute value has an unknown type")
    _CHECKS[kind](content)


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
        raise ValueError("a binary is no base64 text")  # noqa: TRY004  # told as a wrong value
    try:
        base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a binary is no base64 text") from None


def _boolean(content: object) -> None:
    if not isinstance(content, bool):
        raise ValueError("a value of type BOOL or NULL is neither true nor false")  # noqa: TRY004  # told as a wrong value


def _each(inner: Callable[[object], None]) -> Callable[[object], None]:
    def outer(content: object) -> None:
        if not isinstance(content, list):
            raise ValueError("a set or list is no array")  # noqa: TRY004  # told as a wrong value
        for one in content:
            inner(one)

    return outer


def _members(content: object) -> None:
    if not isinstance(content, dict):
        raise ValueError("a map is no object")  # noqa: TRY004  # told as a wrong value
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
