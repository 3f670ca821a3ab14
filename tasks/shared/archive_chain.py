"""The manifests of an archive, each of which names the one before it, and the head that names the newest.

Every write of a manifest is conditional on what was read, so that executions beside each other lose nothing. What is
read is believed only if the head, or the manifest behind it, names it with its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared.archive import (
    MOST_FILES,
    Manifest,
    canonical,
    day,
    file_key,
    fits,
    is_manifest,
    manifest_key,
    place,
    reference,
)
from tasks.shared.archive_head import read_head, read_heads
from tasks.shared.archive_manifests import Manifests, Read
from tasks.shared.errors import Failed
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

    from tasks.shared.archive import Break, File, Head, Reference

KEPT_SECONDS = 100 * 86_400  # Step Functions forgets an execution 90 days after its end
OVERLAP_SECONDS = 86_400  # between the clock of Step Functions and that of Lambda, and then some
MOST_TRIES = 10  # to write a manifest that others write too
MOST_READS = 5  # of a newest manifest that does not fit the head: another execution may be writing it
LOST = ("ConditionalRequestConflict", "NoSuchKey", "PreconditionFailed")  # another execution was faster


class Chain:
    """The manifests of one bucket, as far as they matter to a run: ``archived`` are the keys of their files.

    ``breaks`` were met here, and are in the manifests.
    """

    def __init__(self, s3: S3Client, ssm: SSMClient, bucket: str, account: str) -> None:
        self._s3, self._ssm = s3, ssm
        self._ours: Any = {"Bucket": bucket, "ExpectedBucketOwner": account}
        self._manifests = Manifests(s3, self._ours)
        self._taken: set[str] = set()  # keys at which something lies
        self._break: Break | None = None  # met, and not in a manifest yet
        self.newest: Read | None = None
        self.archived: set[str] = set()
        self.breaks: list[Break] = []

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
        """Read the manifests that may hold executions which these machines still list."""
        self._find_newest()
        self.archived.clear()
        ended = min((self.since.get(machine, 0.0) for machine in machines), default=0.0)
        first = day(max(ended, time.time() - KEPT_SECONDS) - OVERLAP_SECONDS)
        read = self.newest
        while read:
            self.archived.update(file["key"] for file in read.manifest["files"])
            read = self._before(read, first)

    def _before(self, read: Read, first: str) -> Read | None:
        """The manifest that this one names, unless it is of a day before ``first``."""
        wanted = read.manifest["predecessor"]
        if not wanted or not is_manifest(wanted["key"]) or place(wanted["key"])[0] < first:
            return None
        if place(wanted["key"]) >= place(read.reference["key"]):  # not of our making
            return None
        return self._manifests.proven(wanted) or self._manifests.current(wanted["key"])

    def _find_newest(self) -> None:
        """Read what the head names, also where somebody altered or removed it; what no version proves, as it is."""
        last, self._break = None, None
        for _ in range(MOST_READS):
            keys = self._manifests.listed()
            self._taken = set(keys)
            head = read_head(self._ssm)
            if head and head["key"]:  # what is newer, nobody of us wrote: the head is said before a manifest is written
                keys = [key for key in keys if place(key) <= place(head["key"])]
            found = self._manifests.current(max(keys, key=place)) if keys else None
            self.newest = found
            if self._fits(head, found):
                return
            if last == (head, found):
                break
            last = (head, found)
        good = next(filter(None, map(self._manifests.proven, _named(head))), None)
        self.newest = good or found
        self._break = {
            "head": head,
            "found": found.reference if found else None,
            "kept": good.reference if good else None,
        }

    def _fits(self, head: Head | None, found: Read | None) -> bool:
        is_there = found.reference if found else None
        if head and head["settled"] and is_there == reference(head):
            return True
        return fits(is_there, read_heads(self._ssm) if head else [])

    def add(self, files: list[File], since: dict[str, float], machines: Iterable[str]) -> None:
        """List these files, each that is not listed yet, and with them how far the machines are archived."""
        machines = list(machines)
        for _ in range(MOST_TRIES):
            # A list that grows while it is read in pages may show the same execution on two of them.
            new = list({file["key"]: file for file in files if file["key"] not in self.archived}.values())
            if not new and not self._break:
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
        breaks = [self._break] if self._break else []
        if newest is None:
            self._begin(self._free(today, 1), files, since, breaks)
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
        key = self._free(today, 1) if today > date else self._free(date, number + 1)
        self._begin(key, files, self._later(since), breaks)

    def _free(self, date: str, number: int) -> str:
        """The first key from there on at which nothing lies: a manifest that somebody added is left to a person."""
        while manifest_key(date, number) in self._taken:
            number += 1
        return manifest_key(date, number)

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
        condition = {"IfMatch": self.newest.etag} if self.newest.etag else {"IfNoneMatch": "*"}
        self._put(self.newest.reference["key"], manifest, condition)

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
        self.newest = Read(written, answer["ETag"], manifest)
        self._manifests.learn(self.newest)
        self.archived.update(file["key"] for file in manifest["files"])
        self._taken.add(key)
        if self._break:
            self.breaks.append(self._break)
            self._break = None

    def _say(self, head: Head) -> None:
        self._ssm.put_parameter(Name=names.ARCHIVE_HEAD, Value=canonical(head).decode(), Type="String", Overwrite=True)


def _named(head: Head | None) -> list[Reference]:
    """What a head names as the newest manifest, and what before; nothing where it was spoiled."""
    named = [reference(head), head["before"]] if head and head["key"] else []
    return [one for one in named if one]
