"""How an audit is told: names, times and texts, made harmless, since whoever starts an execution may write anything."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meridian.audit.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meridian.audit.model import Audit, Payload

# What a terminal acts on (ECMA-48): a control sequence, and a string such as a link or a title. Other control
# characters go one by one.
SEQUENCE = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
# Nothing that begins another may lie in a string, or thousands of beginnings would take hours to look through.
STRING = r"(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
ESCAPES = re.compile(f"{SEQUENCE}|{STRING}")
MINUTE, HOUR, DAY = 60, 3_600, 86_400
BRIEF = 120  # characters of an input on its line
VERBS = {"Create": "created", "Delete": "deleted", "Remove": "deleted", "Deregister": "deleted"}  # all else changes
# Calls that leave the table, bucket, stream or queue itself as it is: of what in it, done what, and where.
CONTENTS = {
    "BatchWriteItem": ("items", "written", "to"),
    "PutItem": ("item", "put", "into"),
    "UpdateItem": ("item", "updated", "in"),
    "DeleteItem": ("item", "deleted", "from"),
    "TransactWriteItems": ("items", "written", "to"),
    "PutObject": ("object", "put", "into"),
    "DeleteObject": ("object", "deleted", "from"),
    "DeleteObjects": ("objects", "deleted", "from"),
    "PutRecord": ("record", "put", "into"),
    "PutRecords": ("records", "put", "into"),
    "DeleteMessage": ("message", "deleted", "from"),
    "DeleteMessageBatch": ("messages", "deleted", "from"),
}
ORDER = ("created", "written", "put", "changed", "updated", "deleted")  # in which they are counted
ENDED = {
    Outcome.SUCCEEDED: "succeeded",
    Outcome.CAUGHT: "failed, and was caught",
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.ABORTED: "was stopped",
    Outcome.RUNNING: "is running",
    Outcome.PENDING_REDRIVE: "waits to be redriven",
}


def plain(text: object) -> str:
    """One line without anything that a terminal acts on, that changes direction, or that does not show."""
    text = str(text)
    if not text.isprintable():
        text = "".join(_shown(character) for character in ESCAPES.sub("", text))
    return text.strip()


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co") else character


def paragraphs(text: str) -> str:
    """As ``plain``, but lines stay lines."""
    return "\n".join(plain(line) for line in text.splitlines())


def label(audit: Audit) -> str:
    """The workflow, and the Region that it works on: ``add-region eu-west-1``."""
    region = members(audit.input).get("region")
    return plain(f"{audit.workflow} {region if isinstance(region, str) else ''}")


def table(audit: Audit) -> str:
    """The table that the execution works on, as its input names it; empty where it does not."""
    return table_of(audit.input)


def table_of(given: Payload) -> str:
    name = members(given).get("table")
    return plain(name) if isinstance(name, str) else ""


def subject(audit: Audit) -> str:
    """``provision of orders``, ``add-region eu-west-1 of orders``."""
    return f"{label(audit)} of {table(audit)}" if table(audit) else label(audit)


def members(payload: Payload) -> dict[str, Any]:
    """Members of a JSON object; of one that was cut off, those before the cut."""
    try:
        document = json.loads(payload.text)
    except RecursionError:
        return {}
    except ValueError:
        return dict(_before_the_cut(payload.text)) if payload.text.lstrip().startswith("{") else {}
    return document if isinstance(document, dict) else {}


def _before_the_cut(text: str) -> Iterator[tuple[str, Any]]:
    decoder, place = json.JSONDecoder(), text.find("{") + 1
    following = ","
    try:
        while place and following == ",":
            key, place = decoder.raw_decode(text, _next(text, place))
            value, place = decoder.raw_decode(text, _next(text, _next(text, place) + 1))
            place = _next(text, place)
            following = text[place : place + 1]
            if not following or not isinstance(key, str):  # a number may go on behind the cut
                return
            yield key, value
            place += 1
    except (ValueError, RecursionError):
        return


def _next(text: str, place: int) -> int:
    """Place of the next character that is no white space."""
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def brief(payload: Payload) -> str:
    """A payload on one line, cut where it is long, and its size where it is cut."""
    text = plain(payload.text)
    if payload.truncated and not text:
        return "(not recorded)"
    if len(text) <= BRIEF and not payload.cut:
        return text
    return f"{text[:BRIEF]}… ({max(payload.size, len(payload.text)):,} characters)"


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 min 12 s``, ``2 h 5 min``, ``3 d 4 h``. Never negative: two clocks may differ."""
    if seconds is None:
        return "-"
    if round(seconds, 1) < 10:
        return f"{max(seconds, 0):.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for unit, name, smaller, of in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min"), (MINUTE, "min", 1, "s")):
        if whole >= unit:
            rest = whole % unit // smaller
            return f"{whole // unit} {name}" + (f" {rest} {of}" if rest else "")
    return f"{whole} s"


def span(seconds: float | None) -> str:
    """As ``duration``, and in milliseconds below a second, which on a timeline may be all there is."""
    return f"{seconds * 1_000:.0f} ms" if seconds is not None and 0 < seconds < 0.95 else duration(seconds)


def moment(when: float | None) -> str:
    """``2026-11-21 12:00:00Z``."""
    return "-" if when is None else f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M:%SZ}"


def counted(count: int, one: str, several: str = "") -> str:
    """``1 retry``, ``2 retries``."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def verb(operation: str) -> str:
    """What a call did to what its resource names: ``created``, ``changed``, ``deleted``, ``item deleted from``."""
    if operation in CONTENTS:
        return " ".join(CONTENTS[operation])
    return next((verb for start, verb in VERBS.items() if operation.startswith(start)), "changed")


def calls(operations: Iterable[str]) -> str:
    """How many calls did what: ``5 calls: 1 created, 1 deleted; items: 2 put, 1 deleted``."""
    groups: dict[str, Counter[str]] = {"": Counter()}
    for operation in operations:
        what, done, _ = CONTENTS.get(operation, ("", verb(operation), ""))
        groups.setdefault(f"{what.removesuffix('s')}s: " if what else "", Counter())[done] += 1
    told = [
        what + ", ".join(f"{of[done]:,} {done}" for done in sorted(of, key=ORDER.index))
        for what, of in groups.items()
        if of
    ]
    return f"{counted(sum(one.total() for one in groups.values()), 'call')}: {'; '.join(told)}"
