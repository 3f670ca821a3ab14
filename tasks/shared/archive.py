"""The archive's words: where an object lies, what a manifest holds, and how far an execution of the archive has come.

executions/date=2026-11-21/machine=meridian-validate/<name>.jsonl   one closed execution
definitions/<sha256>.json                                          a state machine's definition
manifests/2026-11-21.json                                          the files archived on that day

What is in a manifest is archived. A manifest names the one before it with its SHA-256, and the SSM parameter
``names.ARCHIVE_HEAD`` names the newest, so that nothing can be taken away or altered without being missed.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any, TypedDict

MOST_LOOKS = 500  # of one execution, some 75,000 files; the next execution goes on (workflows/history.py)
MOST_FILES = 5_000  # in one manifest, some 3 MB; a day with more has a second one

EXECUTIONS, DEFINITIONS, MANIFESTS = "executions/", "definitions/", "manifests/"
MANIFEST = re.compile(rf"{MANIFESTS}(\d{{4}}-\d\d-\d\d)(?:\.(\d+))?\.json")
ENDS_AS_REDRIVEN = re.compile(r"\.redrive-\d+$")


class Reference(TypedDict):
    """An object and the SHA-256 of its content, in hexadecimal."""

    key: str
    sha256: str


class File(Reference):
    """One archived execution. Times are seconds since 1970; ``definition`` is the SHA-256 of the one that it ran.

    ``table`` is empty where its input names none, ``alias`` and ``version`` where it was started without.
    """

    bytes: int
    events: int
    execution: str
    machine: str
    status: str
    started: float
    stopped: float
    redrive_count: int
    table: str
    alias: str
    version: str
    definition: str


class Head(Reference):
    """The newest manifest, and what was the newest before. ``settled``: it is written, not only about to be."""

    before: Reference | None
    settled: bool


class Break(TypedDict):
    """What the archive found in the place of what the head names: somebody altered or removed a manifest.

    ``kept`` is the good one from which it went on, out of the bucket's versions; None where no version was good any
    more, and it went on from what it found.
    """

    head: Head | None
    found: Reference | None
    kept: Reference | None


class Manifest(TypedDict):
    """``closed``: the next manifest has been begun, and this one never changes again.

    ``since``: whatever ended before that second is archived, by the name of its state machine.
    """

    date: str
    predecessor: Reference | None
    files: list[File]
    since: dict[str, float]
    closed: bool
    breaks: list[Break]


class Archived(TypedDict):
    """How far an execution of the archive has come, handed from look to look.

    ``remaining`` are state machines that are not gone through yet, the first of them up to the page ``token`` of its
    list, which was begun at the second ``listed``. ``open`` executions still run; ``forgotten`` ones were listed by
    Step Functions, which then did not know them any more. ``breaks`` of the chain of manifests were met and noted.
    """

    looks: int
    remaining: list[str]
    token: str
    listed: float
    since: dict[str, float]
    files: int
    events: int
    bytes: int
    open: int
    forgotten: list[str]
    breaks: list[Break]


START: Archived = {
    "looks": 0,
    "remaining": [],
    "token": "",
    "listed": 0,
    "since": {},
    "files": 0,
    "events": 0,
    "bytes": 0,
    "open": 0,
    "forgotten": [],
    "breaks": [],
}


def file_key(machine: str, name: str, stopped: float, redrive_count: int) -> str:
    """Where an execution lies. A redriven one ends again, and is another file."""
    redriven = redrive_count or ENDS_AS_REDRIVEN.search(name)  # no name may look like another's redrive
    ending = f".redrive-{redrive_count}" if redriven else ""
    return f"{EXECUTIONS}date={day(stopped)}/machine={machine}/{name}{ending}.jsonl"


def definition_key(sha256: str) -> str:
    return f"{DEFINITIONS}{sha256}.json"


def manifest_key(date: str, number: int) -> str:
    """The first manifest of a day has no number."""
    return f"{MANIFESTS}{date}{f'.{number}' if number > 1 else ''}.json"


def place(key: str) -> tuple[str, int]:
    """Date and number of a manifest, which give the manifests their order; ``ValueError`` if it is none."""
    found = MANIFEST.fullmatch(key)
    if not found:
        raise ValueError(f"{key} is no manifest")
    return found[1], int(found[2] or 1)


def is_manifest(key: str) -> bool:
    return MANIFEST.fullmatch(key) is not None


def day(second: float) -> str:
    """The UTC day of a second since 1970, as in 2026-11-21."""
    return datetime.fromtimestamp(second, UTC).date().isoformat()


def canonical(document: Any) -> bytes:
    """The one way to write a document, so that equal documents are equal bytes. Times become seconds since 1970."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=_seconds).encode()


def _seconds(moment: Any) -> float:
    """A time as AWS's JSON has it, which boto3 made a datetime. Step Functions gives milliseconds."""
    if isinstance(moment, datetime):
        return round(moment.timestamp(), 3)
    raise TypeError(f"{type(moment).__name__} is no JSON")


def fits(found: Reference | None, heads: list[Head]) -> bool:
    """Whether the newest manifest is what the head says; ``heads`` are its versions, the newest first.

    The head is written before its manifest, and settled after it. So after a crash in between, the manifest may still
    be the one before. And where two executions wrote at once, only one of their manifests was accepted, and the head
    may name the other: then all that was said later was said of a manifest that had been replaced already.
    """
    if any(found == head["before"] for head in heads if head["settled"]):
        return False
    if not heads or found == heads[0]["before"]:
        return bool(heads) or found is None
    for number, head in enumerate(heads):
        if found == reference(head):
            replaced = [earlier["before"] for earlier in heads[number:]]
            return all(later["before"] in replaced for later in heads[:number])
    return False


def reference(one: Reference) -> Reference:
    return {"key": one["key"], "sha256": one["sha256"]}


def break_id(broken: Break) -> str:
    """By which somebody acknowledges a break (docs/archive.md)."""
    return hashlib.sha256(canonical(broken)).hexdigest()[:12]
