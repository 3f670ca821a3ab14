"""The manifests of an archive, each of which names the one before it, and the head that names the newest.

Every write of a manifest is conditional on what was read, so that executions beside each other lose nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared.archive import (
    MANIFESTS,
    MOST_FILES,
    canonical,
    day,
    file_key,
    fits,
    is_manifest,
    manifest_key,
    place,
    reference,
)
from tasks.shared.errors import Failed
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

    from tasks.shared.archive import File, Head, Manifest, Reference

KEPT_SECONDS = 100 * 86_400  # Step Functions forgets an execution 90 days after its end
OVERLAP_SECONDS = 86_400  # between the clock of Step Functions and that of Lambda, and then some
MOST_TRIES = 10  # to write a manifest that others write too
LOST = ("ConditionalRequestConflict", "NoSuchKey", "PreconditionFailed")  # another execution was faster


@dataclass(frozen=True)
class Read:
    """A manifest as it is in the bucket."""

    reference: Reference
    etag: str
    manifest: Manifest


class Chain:
    """The manifests of one bucket, as far as they matter to a run: ``archived`` are the keys of their files."""

    def __init__(self, s3: S3Client, ssm: SSMClient, bucket: str, account: str) -> None:
        self._s3, self._ssm = s3, ssm
        self._ours: Any = {"Bucket": bucket, "ExpectedBucketOwner": account}
        self._etags: dict[str, str] = {}
        self.newest: Read | None = None
        self.archived: set[str] = set()

    @property
    def since(self) -> dict[str, float]:
        """Whatever ended before that second is archived, by the name of its state machine."""
        return self.newest.manifest["since"] if self.newest else {}

    def holds(self, execution: ExecutionListItemTypeDef) -> bool:
        """Whether a closed execution, as ListExecutions has it, is archived."""
        machine, stopped = execution["stateMachineArn"].rpartition(":")[2], execution["stopDate"].timestamp()
        key = file_key(machine, execution["name"], stopped, execution.get("redriveCount", 0))
        return stopped < self.since.get(machine, 0.0) or key in self.archived

    def refresh(self, machines: Iterable[str]) -> None:
        """Read what is new of the manifests that may hold executions which these machines still list."""
        listed = self._listed()
        self.newest = None
        if listed:
            self._learn(self._read(max(listed, key=place)))
        ended = min((self.since.get(machine, 0.0) for machine in machines), default=0.0)
        first = day(max(ended, time.time() - KEPT_SECONDS) - OVERLAP_SECONDS)
        for key, etag in listed.items():
            if place(key)[0] >= first and self._etags.get(key) != etag:
                self._learn(self._read(key))

    def add(self, files: list[File], since: dict[str, float], machines: Iterable[str]) -> None:
        """List these files, each that is not listed yet, and with them how far the machines are archived."""
        machines = list(machines)
        for _ in range(MOST_TRIES):
            # A list that grows while it is read in pages may show the same execution on two of them.
            new = list({file["key"]: file for file in files if file["key"] not in self.archived}.values())
            if not new:
                return
            try:
                self._append(new, since)
            except self._s3.exceptions.ClientError as error:
                if code(error) not in LOST:
                    raise
                self.refresh(machines)
            else:
                return
        raise Failed("The manifest of today could not be written", why="other executions write it again and again")

    def _append(self, files: list[File], since: dict[str, float]) -> None:
        newest, today = self.newest, day(time.time())
        breaks = self._breaks()
        if newest is None:
            self._begin(manifest_key(today, 1), files, since, breaks)
            return
        date, number = place(newest.reference["key"])
        closed = newest.manifest["closed"]
        if date >= today and not closed and len(newest.manifest["files"]) + len(files) <= MOST_FILES:
            merged = {"files": [*newest.manifest["files"], *files], "since": self._later(since)}
            self._replace({**merged, "breaks": [*newest.manifest["breaks"], *breaks]})
            return
        if not closed:
            self._replace({"closed": True, "breaks": [*newest.manifest["breaks"], *breaks]})
            breaks = []
        # A clock that is behind that of another execution must not make an older day the newest.
        key = manifest_key(today, 1) if today > date else manifest_key(date, number + 1)
        self._begin(key, files, self._later(since), breaks)

    def _later(self, since: dict[str, float]) -> dict[str, float]:
        """Of each machine the later: another execution, which began later, may be done already."""
        return {machine: max(since.get(machine, 0.0), self.since.get(machine, 0.0)) for machine in since | self.since}

    def _begin(self, key: str, files: list[File], since: dict[str, float], breaks: list[Any]) -> None:
        before = self.newest.reference if self.newest else None
        of_manifest: Manifest = {
            "date": place(key)[0],
            "predecessor": before,
            "files": files,
            "since": since,
            "closed": False,
            "breaks": breaks,
        }
        self._put(key, of_manifest, {"IfNoneMatch": "*"})

    def _replace(self, changed: dict[str, Any]) -> None:
        assert self.newest  # noqa: S101  # only called where there is one
        manifest: Any = {**self.newest.manifest, **changed}
        self._put(self.newest.reference["key"], manifest, {"IfMatch": self.newest.etag})

    def _put(self, key: str, manifest: Manifest, condition: dict[str, Any]) -> None:
        body = canonical(manifest)
        digest = hashlib.sha256(body)
        written: Reference = {"key": key, "sha256": digest.hexdigest()}
        head: Head = {**written, "before": self.newest.reference if self.newest else None, "settled": False}
        self._say(head)  # before it is done, so that a crash between the two is no break of the chain
        answer = self._s3.put_object(
            Key=key,
            Body=body,
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            **condition,
            **self._ours,
        )
        self._say({**head, "settled": True})
        self._learn(Read(written, answer["ETag"], manifest))

    def _say(self, head: Head) -> None:
        self._ssm.put_parameter(Name=names.ARCHIVE_HEAD, Value=canonical(head).decode(), Type="String", Overwrite=True)

    def _breaks(self) -> list[Any]:
        """What to note where the newest manifest is not what the head says. Archiving goes on; the note stays."""
        found = self.newest.reference if self.newest else None
        head = read_head(self._ssm)
        if head and head["settled"] and found == reference(head):
            return []
        if fits(found, read_heads(self._ssm) if head else []):
            return []
        return [{"head": head, "found": found}]

    def _listed(self) -> dict[str, str]:
        """ETag of every manifest, by its key."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Prefix=MANIFESTS, **self._ours)
        found = ((one.get("Key", ""), one.get("ETag", "")) for page in pages for one in page.get("Contents", []))
        return {key: etag for key, etag in found if is_manifest(key)}

    def _read(self, key: str) -> Read:
        answer = self._s3.get_object(Key=key, **self._ours)
        body = answer["Body"].read()
        return Read({"key": key, "sha256": hashlib.sha256(body).hexdigest()}, answer["ETag"], json.loads(body))

    def _learn(self, read: Read) -> None:
        self._etags[read.reference["key"]] = read.etag
        self.archived.update(file["key"] for file in read.manifest["files"])
        if self.newest is None or place(read.reference["key"]) >= place(self.newest.reference["key"]):
            self.newest = read


def read_head(ssm: SSMClient) -> Head | None:
    """What the SSM parameter says, or None where there is none."""
    try:
        found = ssm.get_parameter(Name=names.ARCHIVE_HEAD)["Parameter"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return _head(found.get("Value", ""))


def read_heads(ssm: SSMClient) -> list[Head]:
    """What it said before, too, the newest first: the last 100 versions."""
    try:
        pages = list(ssm.get_paginator("get_parameter_history").paginate(Name=names.ARCHIVE_HEAD))
    except ssm.exceptions.ParameterNotFound:
        return []
    found = [one for page in pages for one in page["Parameters"]]
    return [_head(one.get("Value", "")) for one in sorted(found, key=lambda one: -one.get("Version", 0))]


def _head(value: str) -> Head:
    """What a version of the parameter says; one that somebody overwrote with anything else fits no manifest."""
    try:
        said = json.loads(value)
        return {name: said[name] for name in ("key", "sha256", "before", "settled")}  # type: ignore[return-value]
    except (ValueError, TypeError, KeyError):
        return {"key": "", "sha256": "", "before": {"key": "", "sha256": ""}, "settled": True}
