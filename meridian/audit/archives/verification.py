"""Prove that the archive is what was archived: nothing removed, altered, added or put back.

The head in SSM names the newest manifest with its SHA-256, each manifest its predecessor, and each line of a manifest
a file. So whoever changes an object of the bucket would have to change the parameter, too.
"""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from meridian.audit.archives import words
from meridian.audit.archives.bucket import Bucket
from tasks.shared import names
from tasks.shared.archive import (
    DEFINITIONS,
    MANIFESTS,
    Manifest,
    break_id,
    definition_key,
    fits,
    is_manifest,
    place,
    reference,
)
from tasks.shared.archive_head import read_acknowledged, read_heads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meridian.session import Session
    from tasks.shared.archive import Break, Head, Reference

THREADS = 8
LOOKS, BETWEEN_LOOKS_SECONDS = 3, 1.0  # an execution of the archive may be writing a manifest right now


@dataclass
class Verified:
    """What was checked, and a sentence for each problem. ``notes`` are no problems: days on which nothing was archived.

    ``bytes`` are those of the files.
    """

    bucket: str
    manifests: int = 0
    files: int = 0
    definitions: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(session: Session, *, sleep: Callable[[float], object] = time.sleep) -> Verified:
    """Check the whole archive of the session's home Region. Reads every byte of it once."""
    bucket = Bucket(session)
    return _Check(bucket, session.home, session.ssm(session.home), sleep).run()


class _Check:
    def __init__(self, bucket: Bucket, home: str, ssm: Any, sleep: Callable[[float], object]) -> None:
        self._bucket, self._home, self._ssm, self._sleep = bucket, home, ssm, sleep
        self._found = Verified(bucket.name)
        self._acknowledged: frozenset[str] | None = None  # breaks, once it is asked for
        self._wanted: dict[str, str] = {}  # SHA-256 of every object that should be there

    def run(self) -> Verified:
        if not self._bucket.exists():
            if read_heads(self._ssm):
                self._problem(f"The bucket {self._bucket.name} is gone, and everything that was archived with it.")
            else:
                self._nothing(f"there is no bucket {self._bucket.name}")
            return self._found
        for key, manifest in self._chain():
            self._wanted_by(key, manifest)
        if not self._found.manifests and not self._found.problems:
            self._nothing(f"the bucket {self._bucket.name} holds no manifest")
        self._check_objects()
        self._check_surplus()
        return self._found

    def _nothing(self, why: str) -> None:
        """Whoever watches the archive of the wrong Region must not be told that all is well."""
        self._problem(
            f"Nothing is archived in {self._home}: {why}. Run archive, or give the home Region with --region."
        )

    def _problem(self, sentence: str) -> None:
        self._found.problems.append(sentence)

    def _chain(self) -> Iterator[tuple[str, Manifest]]:
        """Every manifest from the newest to the first, as it was archived as far as a version of it shows that."""
        wanted, after = self._newest(), ""
        while wanted:
            key = wanted["key"]
            manifest = self._proven(wanted)
            if manifest is None:
                key, manifest = self._unproven(wanted)
            if manifest is None:
                return
            self._note_gap(manifest["date"], after)
            after = manifest["date"]
            self._found.manifests += 1
            yield key, manifest
            wanted = manifest["predecessor"]
            if wanted and place(wanted["key"]) >= place(key):  # not of our making
                return

    def _newest(self) -> Reference | None:
        """The manifest that the head names."""
        for look in range(LOOKS):
            heads, listed = read_heads(self._ssm), self._listed()
            sha256 = self._bucket.sha256(listed[-1]) if listed else None
            found: Reference | None = {"key": listed[-1], "sha256": sha256} if sha256 else None
            if fits(found, heads):
                return found
            if look < LOOKS - 1:
                self._sleep(BETWEEN_LOOKS_SECONDS)
        if not heads:
            what = f"The SSM parameter {names.ARCHIVE_HEAD} is gone"
            self._problem(f"{what}, so nothing tells whether newer manifests were removed.")
            return found
        return self._named(heads[0], found)

    def _named(self, head: Head, found: Reference | None) -> Reference | None:
        """What the head names, or the one before, where the newest manifest is neither."""
        if head["key"]:
            for candidate in (reference(head), head["before"]):
                if candidate and self._bucket.version(candidate["key"], candidate["sha256"]):
                    if found and place(found["key"]) > place(candidate["key"]):
                        self._problem(f"{found['key']} is newer than the newest manifest, {candidate['key']}.")
                    return candidate
        self._problem(
            f"The SSM parameter {names.ARCHIVE_HEAD} names {head['key'] or 'nothing'} as the newest manifest, and no "
            "version of it that is still in the bucket is what was archived."
        )
        return found

    def _proven(self, wanted: Reference) -> Manifest | None:
        """The manifest as it was archived, of an older version if need be; None where none has that content."""
        body = self._bucket.read(wanted["key"])
        if body is None or hashlib.sha256(body).hexdigest() != wanted["sha256"]:
            self._problem(self._of_object(wanted, altered=body is not None))
            version = self._bucket.version(wanted["key"], wanted["sha256"])
            body = self._bucket.read(wanted["key"], version) if version else None
        manifest: Manifest | None = json.loads(body) if body is not None else None
        return manifest

    def _unproven(self, wanted: Reference) -> tuple[str, Manifest | None]:
        """The newest manifest up to that one that can be read, so that what is left is checked at least."""
        for key in reversed(self._listed()):
            if place(key) <= place(wanted["key"]):
                manifest = _parsed(self._bucket.read(key))
                if manifest:
                    self._problem(f"Nothing proves {key} and the manifests before it; they are checked as they are.")
                    return key, manifest
        return "", None

    def _of_object(self, wanted: Reference, *, altered: bool) -> str:
        what = "was altered" if altered else "was removed"
        return f"{wanted['key']} {what}. {words.restore(self._bucket, wanted)}"

    def _listed(self) -> list[str]:
        return sorted(filter(is_manifest, self._bucket.listed(MANIFESTS)), key=place)

    def _note_gap(self, earlier: str, later: str) -> None:
        if not later:
            return
        first, last = date.fromisoformat(earlier) + timedelta(days=1), date.fromisoformat(later) - timedelta(days=1)
        if first == last:
            self._found.notes.append(f"Nothing was archived on {first}.")
        elif first < last:
            self._found.notes.append(f"Nothing was archived from {first} to {last}.")

    def _wanted_by(self, key: str, manifest: Manifest) -> None:
        self._wanted[key] = ""  # checked already
        for broken in manifest["breaks"]:
            self._of_break(key, broken)
        for file in manifest["files"]:
            if self._wanted.setdefault(file["key"], file["sha256"]) != file["sha256"]:
                self._problem(f"{file['key']} is listed twice, with different hashes; once in {key}.")
            self._wanted.setdefault(definition_key(file["definition"]), file["definition"])
            self._found.bytes += file["bytes"]

    def _of_break(self, key: str, broken: Break) -> None:
        """A problem until somebody who looked into it says so; then it stays a note."""
        if self._acknowledged is None:
            self._acknowledged = read_acknowledged(self._ssm)
        id_ = break_id(broken)
        sentence = f"{key} tells of the break {id_}: {words.of_break(self._bucket, broken)}"
        if id_ in self._acknowledged:
            by = f"It was acknowledged: the history of the SSM parameter {names.ARCHIVE_ACKNOWLEDGED} tells by whom."
            self._found.notes.append(f"{sentence} {by}")
        else:
            self._problem(f"{sentence} {words.ACKNOWLEDGE.format(id=id_)}")

    def _check_objects(self) -> None:
        """Read every file and definition, some at a time."""
        wanted: list[Reference] = [{"key": key, "sha256": hash_} for key, hash_ in self._wanted.items() if hash_]
        with ThreadPoolExecutor(THREADS) as pool:
            found = pool.map(lambda one: self._bucket.sha256(one["key"]), wanted)
            for one, sha256 in zip(wanted, found, strict=True):
                if sha256 != one["sha256"]:
                    self._problem(self._of_object(one, altered=sha256 is not None))
        definitions = sum(one["key"].startswith(DEFINITIONS) for one in wanted)
        self._found.definitions, self._found.files = definitions, len(wanted) - definitions

    def _check_surplus(self) -> None:
        for key in self._bucket.listed():
            if key not in self._wanted:
                self._problem(f"{key} {_of_surplus(key)}")


def _parsed(body: bytes | None) -> Manifest | None:
    """A manifest that may be of anybody's making; None if it is none."""
    try:
        manifest: Manifest = json.loads(body or b"")
        return manifest if all(name in manifest for name in Manifest.__annotations__) else None
    except (ValueError, TypeError):
        return None


def _of_surplus(key: str) -> str:
    if is_manifest(key):
        return (
            "is a manifest that no other names: it was added, or put back. Nothing in it is believed; find out who "
            "wrote it, then delete it."
        )
    return (
        "is in no manifest: it was added, or an execution of the archive was cut off, or is at work; the next one "
        "lists what it wrote. If it is still here after that, find out who wrote it, then delete it."
    )
