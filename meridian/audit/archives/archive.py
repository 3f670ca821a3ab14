"""Histories out of the archive, which Step Functions itself has forgotten. docs/archive.md tells what it holds."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from meridian.audit.archives.bucket import CHUNK_BYTES, Bucket
from meridian.audit.archives.verification import Verified, verify
from meridian.audit.archives.words import restore
from meridian.audit.model import Outcome
from meridian.audit.source import ExecutionUnknown, Listed
from tasks.shared import names
from tasks.shared.archive import MANIFESTS, day, definition_key, is_manifest, place
from tasks.shared.errors import MeridianError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.response import StreamingBody

    from meridian.audit.source import Event
    from meridian.session import Session
    from tasks.shared.archive import File

__all__ = ["Archive", "ArchiveAltered", "Verified", "verify"]

DAY_SECONDS = 86_400
FIRST_BYTES = 65_536  # read at once of a file of which one line is wanted


class ArchiveAltered(MeridianError):
    """An object of the archive is not what was archived."""


class Archive:
    """A ``Source`` over the archive of the session's home Region.

    The manifests are read from the newest on, each once, and only as far as what is asked for needs.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._bucket_found: Bucket | None = None
        self._unread: list[str] | None = None  # manifests, the newest last
        self._files: dict[str, File] = {}  # by ARN, of each execution its last end
        self._read_until = ""  # the day to which the manifests are read

    def describe(self, arn: str) -> Mapping[str, Any]:
        """DescribeExecution's answer as it was archived. Its file is checked only while all of it is read."""
        return dict(self._head(arn)["description"])

    def events(self, arn: str) -> Iterator[Event]:
        """Every event; ``ArchiveAltered`` at the end, or where a line is torn, if the file is not what was archived."""
        file = self._find(arn)
        digest = hashlib.sha256()
        for number, line in enumerate(self._open(file).iter_lines(CHUNK_BYTES, keepends=True)):
            digest.update(line)
            if number:
                yield self._parsed(file, line)
        if digest.hexdigest() != file["sha256"]:
            raise self._altered(file)

    def definition(self, arn: str) -> dict[str, Any] | None:
        sha256 = self._find(arn)["definition"]
        body = self._bucket.read(definition_key(sha256))
        if body is None or hashlib.sha256(body).hexdigest() != sha256:
            return None
        found = json.loads(body)
        return found if isinstance(found, dict) else None

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        """As Source has it; ExecutionUnknown where nothing is archived at all."""
        first = day(max(since, 0) - DAY_SECONDS) if since > DAY_SECONDS else ""
        while self._read_one(first):
            pass
        if not self._files and not self._read_until:
            raise ExecutionUnknown("Nothing is archived.")
        machine = names.state_machine(workflow)
        found = [one for one in self._files.values() if one["machine"] == machine and one["started"] >= since]
        for one in sorted(found, key=lambda one: one["started"], reverse=True):
            yield self._listed(one)

    @property
    def _bucket(self) -> Bucket:
        """Late: whoever finds all in Step Functions needs no right to the bucket."""
        self._bucket_found = self._bucket_found or Bucket(self._session)
        return self._bucket_found

    def _find(self, arn: str) -> File:
        while arn not in self._files and self._read_one(""):
            pass
        if arn not in self._files:
            raise ExecutionUnknown(f"{arn} is not archived.")
        return self._files[arn]

    def _read_one(self, first: str) -> bool:
        """Read the next older manifest, unless it is of a day before ``first``; whether there was one."""
        if self._unread is None:
            self._unread = sorted(filter(is_manifest, self._bucket.listed(MANIFESTS)), key=place)
        if not self._unread or place(self._unread[-1])[0] < first:
            return False
        key = self._unread.pop()
        self._read_until = place(key)[0]
        files: list[File] = json.loads(self._bucket.read(key) or b"{}").get("files", [])
        for file in sorted(files, key=lambda one: one["stopped"], reverse=True):
            self._files.setdefault(file["execution"], file)
        return True

    def _head(self, arn: str) -> dict[str, Any]:
        """The first line of the execution's file."""
        file = self._find(arn)
        body = self._open(file)
        line = next(body.iter_lines(FIRST_BYTES, keepends=True), b"")
        body.close()
        return self._parsed(file, line)

    def _open(self, file: File) -> StreamingBody:
        body = self._bucket.open(file["key"])
        if body is None:
            raise self._altered(file)
        return body

    def _parsed(self, file: File, line: bytes) -> dict[str, Any]:
        try:
            document = json.loads(line)
        except ValueError as error:
            raise self._altered(file) from error
        if not isinstance(document, dict):
            raise self._altered(file)
        return document

    def _altered(self, file: File) -> ArchiveAltered:
        return ArchiveAltered(
            f"{file['key']} is not what was archived",
            where=self._bucket.name,
            why=f"its SHA-256 should be {file['sha256']}",
            remedy=f"{restore(self._bucket, file)} `deploy.py audit --verify` checks all of the archive.",
        )

    def _listed(self, file: File) -> Listed:
        return Listed(
            arn=file["execution"],
            status=Outcome(file["status"]),
            started=file["started"],
            stopped=file["stopped"],
            version_arn=file["version"],
            alias_arn=file["alias"],
            redrive_count=file["redrive_count"],
            table=file["table"],
            source=f"s3://{self._bucket.name}/{file['key']}",
        )
