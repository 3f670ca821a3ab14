"""What lies in a failure bucket, and processors that take records."""

from __future__ import annotations

import base64
import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tasks.shared import names
from tests.unit.tasks.fakes import ACCOUNT
from tests.unit.tasks.scenarios import AWAY, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]

BUCKET = names.failure_bucket(TABLE, ACCOUNT, AWAY)
CHANGES, ANALYTICS = (names.processor_function(TABLE, one) for one in ("changes", "analytics"))


class Body(StreamingBody):
    """A body that may be read by every test that replays a scenario."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), len(content))
        self._content = content

    def read(self, amt: int | None = None) -> bytes:  # noqa: ARG002  # always whole
        return self._content


def streamed(sequence: int, item: str = "MARKED", size: int = 0) -> Record:
    """A record of a DynamoDB stream."""
    body = {"Keys": {"orderId": {"S": item}}, "SequenceNumber": str(sequence), "NewImage": {"x": {"S": "x" * size}}}
    return {"eventSource": "aws:dynamodb", "eventID": str(sequence), "dynamodb": body}


def carried(sequence: int, item: str = "MARKED") -> Record:
    """A record of a Kinesis stream."""
    data = json.dumps({"dynamodb": {"Keys": {"orderId": {"S": item}}}}).encode()
    return raw(sequence, data)


def raw(sequence: int, data: bytes) -> Record:
    kinesis = {"sequenceNumber": str(sequence), "data": base64.b64encode(data).decode()}
    return {"eventSource": "aws:kinesis", "kinesis": kinesis}


def key(second: int = 0, shard: str = "shard-1", name: str = "1", day: int = 20) -> str:
    return f"aws/lambda/mapping/{shard}/2026/11/{day}/2026-11-{day}T10.00.{second:02}-{name}"


def document(*records: Record, function: str = CHANGES, qualifier: str = "") -> bytes:
    """An object as Lambda writes it."""
    arn = f"arn:aws:lambda:{AWAY}:{ACCOUNT}:function:{function}{qualifier}"
    context = {"functionArn": arn, "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1}
    payload = json.dumps({"Records": list(records)})
    return json.dumps({"requestContext": context, "version": "1.0", "payload": payload}).encode()


def payload(*records: Record) -> bytes:
    return json.dumps({"Records": list(records)}).encode()


def sequence(record: Record) -> str:
    return str(record["kinesis"]["sequenceNumber"] if "kinesis" in record else record["dynamodb"]["SequenceNumber"])


class NotFound(ClientError):
    """What boto3 makes of ResourceNotFoundException."""


class Processors:
    """Lambda with processors that stop at the first record that ``fails``, or die of one that ``kills`` them.

    They also die where the first of several fails (processors/shared/batches.py).
    """

    exceptions = SimpleNamespace(ClientError=ClientError, ResourceNotFoundException=NotFound)

    def __init__(self) -> None:
        self.fails: set[int] = set()
        self.kills: set[int] = set()
        self.absent: set[str] = set()
        self.busy = 0
        self.delivered: list[list[int]] = []
        self.done: list[int] = []
        self.functions: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        if FunctionName in self.absent:
            raise NotFound({"Error": {"Code": "ResourceNotFoundException"}}, "Invoke")
        if self.busy:
            self.busy -= 1
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        assert len(Payload) <= 6 * 1024 * 1024
        sequences = [int(sequence(record)) for record in json.loads(Payload)["Records"]]
        self.functions.append(FunctionName)
        self.delivered.append(sequences)
        self.meanwhile()
        if self.kills.intersection(sequences):
            return {"FunctionError": "Unhandled", "Payload": Body(b'{"errorMessage": "MARKED"}')}
        first = next((number for number in sequences if number in self.fails), None)
        self.done += sequences if first is None else sequences[: sequences.index(first)]
        if len(sequences) > 1 and first == sequences[0]:
            return {"FunctionError": "Unhandled", "Payload": Body(b'{"errorType": "NothingProcessed"}')}
        failures = [] if first is None else [{"itemIdentifier": str(first)}]
        return {"Payload": Body(json.dumps({"batchItemFailures": failures}).encode())}
