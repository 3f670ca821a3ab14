"""How a problem of a request is told: where it is, what is wrong and what to do, in one bounded sentence."""

from __future__ import annotations

import difflib
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

# Step Functions cuts an error's Cause at 32,768 characters; 50 of the longest sentences stay below that.
MOST_PROBLEMS = 50
LONGEST_ECHO = 40

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """``path`` leads to the member that is wrong; ``sentence`` goes on after its name."""

    path: Path
    sentence: str

    def __str__(self) -> str:
        return f"{place(self.path)}: {self.sentence}"

    @property
    def member(self) -> str | int:
        """The member of the request in which it lies, empty for the request itself."""
        return self.path[0] if self.path else ""


def place(path: Path) -> str:
    """Path as people write it: ``key_schema.orderId``, ``regions[1]``, ``tags['cost center']``."""
    steps = "".join(_step(part) for part in path)
    return steps.removeprefix(".") or "request"


def _step(part: str | int) -> str:
    if isinstance(part, str) and re.fullmatch(rf"[A-Za-z_][\w-]{{,{LONGEST_ECHO - 1}}}", part, re.ASCII):
        return f".{part}"
    return f"[{shown(part)}]"


def shown(value: object) -> str:
    """What somebody wrote, short and printable however long and strange it is."""
    if isinstance(value, str):
        escaped = repr(value[: LONGEST_ECHO + 1])[1:-1]
        return f"'{escaped}'" if len(escaped) <= LONGEST_ECHO else f"'{escaped[: LONGEST_ECHO - 1]}…'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 64 else "a number of more than 19 digits"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "a list" if isinstance(value, list) else "a mapping"


def closest(written: object, allowed: Iterable[str]) -> str:
    """The one of ``allowed`` that was probably meant, or an empty text. ``KeySchema`` means ``key_schema``."""
    if not isinstance(written, str):
        return ""
    names = {_plain(name): name for name in allowed}
    plain = _plain(written[: 2 * LONGEST_ECHO])

    def likeness(name: str) -> tuple[float, int]:
        """Where letters changed places, several names are equally like it; the beginning then decides."""
        alike = takewhile(lambda pair: pair[0] == pair[1], zip(name, plain, strict=False))
        return difflib.SequenceMatcher(None, name, plain).ratio(), len(list(alike))

    found = difflib.get_close_matches(plain, names, n=5)
    return names[max(found, key=likeness)] if found else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def a_mapping(value: object) -> dict[str, Any]:
    """``value``, or nothing where it is no mapping: its shape is then a problem of its own."""
    return value if isinstance(value, dict) else {}


def a_list(value: object) -> list[Any]:
    """``value``, or nothing where it is no list."""
    return value if isinstance(value, list) else []
