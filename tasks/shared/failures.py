"""What Lambda leaves in a failure bucket: one object for each batch of records that it gave up on.

    aws/lambda/<mapping>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>     the key
    requestContext.functionArn                                             whose records they are
    payload                                                                the event, {"Records": [...]}, as text

Lambda Developer Guide, "Retain discarded batch records". Amazon S3 lists keys by mapping and shard; the moment in the
key gives the order over all of them, and stays when an object is written anew.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.shared import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectTypeDef

Record = dict[str, Any]

PREFIX = "aws/lambda/"
KEY = re.compile(r"(?P<shard>.+)/\d{4}/\d\d/\d\d/(?P<moment>\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d)-[^/]+")
MOMENT = "%Y-%m-%dT%H.%M.%S"
# Far more than a shard can fill in one second, so that what belongs together is never cut apart.
MOST_LISTED = 20_000
CHANGED_SINCE = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")


class Place(NamedTuple):
    """Where an object stands in the order of redelivery: by the second it was written in, then by shard."""

    moment: str
    shard: str
    key: str

    @property
    def group(self) -> str:
        """Objects of one shard and second; only what is in them tells which came first."""
        return f"{self.moment} {self.shard}"


@dataclass(frozen=True)
class Failure:
    """An object that Lambda wrote: ``records`` in order, those of the function named ``function``."""

    place: Place
    etag: str
    document: dict[str, Any]
    function: str
    records: list[Record]


class Bucket:
    """The failure bucket of one table in one Region. ``account`` must own it: its name can be foreseen."""

    def __init__(self, s3: S3Client, name: str, account: str) -> None:
        self._s3, self._name, self._account = s3, name, account

    def oldest(self, after: str) -> tuple[list[Place], int]:
        """The oldest objects behind the group ``after``, and how many there are; none where there is no bucket."""
        waiting = [0]
        places = heapq.nsmallest(MOST_LISTED, self._behind(after, waiting))
        return places, waiting[0]

    def _behind(self, after: str, waiting: list[int]) -> Iterator[Place]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=PREFIX, ExpectedBucketOwner=self._account
        )
        try:
            for page in pages:
                for found in page.get("Contents", []):
                    place = _place(found)
                    if place.group > after:
                        waiting[0] += 1
                        yield place
        except self._s3.exceptions.NoSuchBucket:
            return

    def read(self, place: Place) -> Failure | None:
        """What lies there, as a failure of no function where Lambda did not write it; ``None`` where it went since."""
        try:
            answer = self._s3.get_object(Bucket=self._name, Key=place.key, ExpectedBucketOwner=self._account)
        except self._s3.exceptions.NoSuchKey:
            return None
        return _failure(place, answer["ETag"], answer["Body"].read())

    def keep(self, failure: Failure, left: list[Record]) -> Failure | None:
        """Leave only ``left`` of an object, or nothing; ``None`` where another execution changed it since."""
        if not left:
            self._s3.delete_object(Bucket=self._name, Key=failure.place.key, ExpectedBucketOwner=self._account)
            return replace(failure, records=[])
        document = {**failure.document, "payload": json.dumps({"Records": left})}
        try:
            answer = self._s3.put_object(
                Bucket=self._name,
                Key=failure.place.key,
                Body=json.dumps(document).encode(),
                ContentType="application/json",
                IfMatch=failure.etag,
                ExpectedBucketOwner=self._account,
            )
        except self._s3.exceptions.ClientError as error:
            if tables.code(error) not in CHANGED_SINCE:
                raise
            return None
        return replace(failure, etag=answer["ETag"], records=left)


def _place(found: ObjectTypeDef) -> Place:
    key = str(found.get("Key"))
    match = KEY.fullmatch(key)
    if match:
        return Place(match["moment"], match["shard"], key)
    return Place(found["LastModified"].strftime(MOMENT), key.rpartition("/")[0], key)


def _failure(place: Place, etag: str, body: bytes) -> Failure:
    try:
        document = json.loads(body)
        arn, records = document["requestContext"]["functionArn"], json.loads(document["payload"])["Records"]
        if records and all(sequence(record) for record in records):
            return Failure(place, etag, document, arn.split(":")[6], records)
    except (ValueError, LookupError, TypeError, AttributeError):
        pass
    return Failure(place, etag, {}, "", [])


def sequence(record: Record) -> str:
    """Sequence number under which a function answers that it failed on the record."""
    kinesis = record.get("kinesis")
    return str(kinesis["sequenceNumber"] if kinesis else record["dynamodb"]["SequenceNumber"])


def item(failure: Failure, record: Record) -> str:
    """A hash that is equal for all records of one item at one function; a record that names none stands alone."""
    try:
        change = json.loads(base64.b64decode(record["kinesis"]["data"])) if "kinesis" in record else record
        of = json.dumps(change["dynamodb"]["Keys"], sort_keys=True)
    except (ValueError, KeyError, TypeError):
        of = f"{failure.place.key} {sequence(record)}"
    return hashlib.sha256(f"{failure.function} {of}".encode()).hexdigest()
