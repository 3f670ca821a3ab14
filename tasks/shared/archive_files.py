"""Write one closed execution into the archive: what it was, and every event of its history, a line each.

The same execution is the same bytes whenever it is written, so that what a crash left behind can be taken over.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from tasks.shared.archive import canonical, definition_key, file_key
from tasks.shared.tables import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from tasks.shared.archive import File
    from tasks.shared.pace import Paced

IN_MEMORY_BYTES = 1_048_576  # of a history; what is more lies in Lambda's /tmp
EVENTS_A_PAGE = 500  # half of what GetExecutionHistory gives: of 256 KB each they are 128 MB
OPEN = ("PENDING_REDRIVE", "RUNNING")
# What DescribeExecution says of an ended execution and changes as time passes: it may be redriven for 14 days.
PASSING = ("ResponseMetadata", "redriveStatus", "redriveStatusReason")
EXISTS = ("ConditionalRequestConflict", "PreconditionFailed")
SETTLED_SECONDS = 10.0  # starts "within a few seconds" of UpdateStateMachine may run either (API Reference)


@dataclass
class Definitions:
    """Which definition an execution ran, asked of Step Functions once a version; each is stored under its SHA-256.

    Not longer than for a look: a state machine that was deleted and made again counts its versions from 1 again.

    An execution that was started without a version ran the machine as it was: between an update and the start of an
    execution that still ran what the update brought, every execution ran that.
    """

    store: Store
    paced: Paced
    of_version: dict[str, str] = field(default_factory=dict)
    spans: dict[str, list[tuple[float, float, str]]] = field(default_factory=dict)

    def of(self, description: dict[str, Any]) -> str:
        """SHA-256 of the definition that the execution ran."""
        version, machine = description.get("stateMachineVersionArn", ""), description["stateMachineArn"]
        started = description["startDate"].timestamp()
        if version in self.of_version:
            return self.of_version[version]
        spans = self.spans.setdefault(machine, [])
        for updated, until, sha256 in spans:
            if not version and updated + SETTLED_SECONDS <= started <= until:
                return sha256
        found = self.paced.call("describe_state_machine_for_execution", executionArn=description["executionArn"])
        sha256 = self.store.put_definition(found["definition"])
        if version:
            self.of_version[version] = sha256
        else:
            spans.append((found["updateDate"].timestamp(), started, sha256))
        return sha256


class Store:
    """The objects of the archive's bucket."""

    def __init__(self, s3: S3Client, bucket: str, account: str) -> None:
        self._s3 = s3
        self._ours: Any = {"Bucket": bucket, "ExpectedBucketOwner": account}

    def put_definition(self, definition: str) -> str:
        """Store a definition where it is not there yet, and give its SHA-256."""
        body = definition.encode()
        digest = hashlib.sha256(body)
        self.put(definition_key(digest.hexdigest()), body, digest.digest(), "application/json")
        return digest.hexdigest()

    def put(self, key: str, body: bytes | IO[bytes], sha256: bytes, content_type: str) -> None:
        """Put an object unless it is there with this content already."""
        checksum = base64.b64encode(sha256).decode()
        check = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
        given: Any = {"Key": key, "ContentType": content_type, **check, **self._ours}
        try:
            self._s3.put_object(Body=body, IfNoneMatch="*", **given)
        except self._s3.exceptions.ClientError as error:
            if code(error) not in EXISTS:
                raise
            if self._checksum(key) != checksum:  # no manifest lists it: of another's making, or just being written
                if not isinstance(body, bytes):
                    body.seek(0)
                self._s3.put_object(Body=body, **given)

    def _checksum(self, key: str) -> str:
        try:
            return self._s3.head_object(Key=key, ChecksumMode="ENABLED", **self._ours).get("ChecksumSHA256", "")
        except self._s3.exceptions.ClientError as error:
            if code(error) not in ("404", "NoSuchKey", "NotFound"):
                raise
            return ""


def archive(paced: Paced, store: Store, definitions: Definitions, arn: str) -> File | None:
    """Write the execution's file and give its line of the manifest; None if it runs, or was redriven meanwhile.

    Raises ClientError ExecutionDoesNotExist where Step Functions has forgotten it.
    """
    described = paced.call("describe_execution", executionArn=arn)
    if described["status"] in OPEN:
        return None
    described = {key: value for key, value in described.items() if key not in PASSING}
    definition = definitions.of(described)
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        spooled = _Lines(spool)
        spooled.write({"record": "execution", "description": described, "definition": definition})
        redrives = 0
        for event in _events(paced, arn):
            spooled.write(event)
            redrives += event["type"] == "ExecutionRedriven"
        if redrives > described.get("redriveCount", 0):
            return None
        line = _line(described, definition, spooled)
        spool.seek(0)
        store.put(line["key"], spool, spooled.sha256.digest(), "application/x-ndjson")
    return line


def _events(paced: Paced, arn: str) -> Iterator[dict[str, Any]]:
    query: dict[str, Any] = {"executionArn": arn, "maxResults": EVENTS_A_PAGE}
    while True:
        page = paced.call("get_execution_history", **query)
        yield from page["events"]
        if not page.get("nextToken"):
            return
        query["nextToken"] = page["nextToken"]


class _Lines:
    """JSON Lines, with their SHA-256 and size on the way."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256, self.bytes, self.lines = hashlib.sha256(), 0, 0

    def write(self, document: Any) -> None:
        line = canonical(document) + b"\n"
        self._file.write(line)
        self.sha256.update(line)
        self.bytes += len(line)
        self.lines += 1


def _line(described: dict[str, Any], definition: str, written: _Lines) -> File:
    machine = described["stateMachineArn"].rpartition(":")[2]
    stopped, redrive_count = described["stopDate"].timestamp(), described.get("redriveCount", 0)
    return {
        "key": file_key(machine, described["name"], stopped, redrive_count),
        "sha256": written.sha256.hexdigest(),
        "bytes": written.bytes,
        "events": written.lines - 1,  # the first is the execution itself
        "execution": described["executionArn"],
        "machine": machine,
        "status": described["status"],
        "started": round(described["startDate"].timestamp(), 3),
        "stopped": round(stopped, 3),
        "redrive_count": redrive_count,
        "table": _table(described.get("input")),
        "alias": described.get("stateMachineAliasArn", ""),
        "version": described.get("stateMachineVersionArn", ""),
        "definition": definition,
    }


def _table(given: str | None) -> str:
    """The table that the input of one of our workflows names."""
    try:
        document = json.loads(given or "{}")
    except ValueError:
        return ""
    table = document.get("table") if isinstance(document, dict) else None
    return table if isinstance(table, str) else ""
