"""A change of an item, from a record of either stream.

A DynamoDB stream gives its record as it is; Kinesis carries the same as JSON in base64, without a sequence number of
DynamoDB's own, with binaries encoded twice, and with a time in milliseconds or microseconds. Both become a ``Change``.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, cast

from processors.shared import values
from processors.shared.checks import check

if TYPE_CHECKING:
    from processors.shared.config import ChangeKind, Config
    from processors.shared.values import Image

PROBE, STEP, PROBE_ORIGIN = "meridian:probe", "meridian:step", "meridian:origin"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = {"SECOND": 1_000_000, "MILLISECOND": 1_000, "MICROSECOND": 1}
TIME_DIGITS, SEQUENCE_DIGITS = 20, 40  # SequenceNumber: API Reference, StreamRecord

# Developer Guide, "DynamoDB Streams and Time to Live": what the stream says where TTL itself removed the item.
EXPIRED_BY = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
# Developer Guide, "Using time to live": a time further in the past is left alone.
OLDEST_EXPIRY_SECONDS = 5 * 365 * 86_400

IMAGES = {"INSERT": ("Keys", "NewImage"), "MODIFY": ("Keys", "OldImage", "NewImage"), "REMOVE": ("Keys", "OldImage")}


class Malformed(Exception):
    """A record that no retry will mend. Its message has no content of the record; ``sequence`` says which it is."""

    def __init__(self, sequence: str, reason: str) -> None:
        super().__init__(f"Record {sequence or 'without a sequence number'}: {reason}")
        self.sequence = sequence


@dataclass(frozen=True)
class Probe:
    """An item that a validation wrote. ``step`` is put, update or delete; ``origin`` the Region that wrote it."""

    run: str
    step: str
    origin: str


@dataclass(frozen=True)
class Change:
    """One change of one item, with its images in DynamoDB JSON.

    ``sequence`` is that of Lambda's record, ``table_arn`` is empty where it came through Kinesis, ``time`` has
    microseconds and is in UTC, and ``moment`` is a text that orders the changes of an item that one stream carried.
    """

    sequence: str
    event_id: str
    kind: ChangeKind
    region: str
    table: str
    table_arn: str
    keys: Image
    old: Image | None
    new: Image | None
    time: datetime
    moment: str

    @property
    def item(self) -> Image:
        """The item as it is now, or as it was before it went."""
        return self.new or self.old or {}

    @property
    def timestamp(self) -> str:
        """``time`` in ISO 8601, always with six decimals, so that texts sort as times do."""
        return self.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def probe(self) -> Probe | None:
        """The validation's item that changed, or None for an application's."""
        if PROBE not in self.item:
            return None
        step = "delete" if self.new is None else self._text(STEP)
        return Probe(self._text(PROBE), step, self._text(PROBE_ORIGIN))

    def origin(self, attribute: str | None) -> str:
        """Region in which the item was last written, as ``attribute`` says; empty without it."""
        return self._text(attribute) if attribute else ""

    def _text(self, attribute: str) -> str:
        return str(self.item.get(attribute, {}).get("S", ""))


def change_of(record: Any, config: Config) -> Change:
    """The change in a Lambda ``record`` of aws:dynamodb or aws:kinesis. ``Malformed`` for anything else."""
    sequence, time_to_live = sequence_of(record), config["time_to_live"]
    expiry = time_to_live["attribute_name"] if time_to_live else None
    try:
        through_kinesis = record["eventSource"] == "aws:kinesis"
        source = _unpacked(record) if through_kinesis else record
        return _change(source, sequence, expiry, through_kinesis=through_kinesis)
    except KeyError as error:
        raise Malformed(sequence, f"{error.args[0]} is missing") from None
    except (ValueError, OverflowError) as error:
        raise Malformed(sequence, _reason(error)) from None
    except (TypeError, AttributeError, InvalidOperation, RecursionError):
        raise Malformed(sequence, "it has not the shape of a stream record") from None


def sequence_of(record: Any) -> str:
    """Lambda's sequence number of ``record``, or nothing, which answers for the whole batch."""
    for part, name in (("kinesis", "sequenceNumber"), ("dynamodb", "SequenceNumber")):
        if isinstance(record, dict) and isinstance(record.get(part), dict) and name in record[part]:
            return str(record[part][name])
    return ""


def _unpacked(record: dict[str, Any]) -> dict[str, Any]:
    """DynamoDB's record in a Kinesis record."""
    data = base64.b64decode(record["kinesis"]["data"], validate=True)
    return cast("dict[str, Any]", json.loads(data, parse_float=Decimal))


def _change(source: dict[str, Any], sequence: str, expiry: str | None, *, through_kinesis: bool) -> Change:
    body, name = source["dynamodb"], source["eventName"]
    if name not in IMAGES:
        raise ValueError("eventName is none of INSERT, MODIFY and REMOVE")
    keys, old, new = (
        _image(body, part, through_kinesis=through_kinesis) if part in IMAGES[name] else None
        for part in ("Keys", "OldImage", "NewImage")
    )
    microseconds = _microseconds(body, through_kinesis=through_kinesis)
    arn = "" if through_kinesis else source["eventSourceARN"].partition("/stream/")[0]
    return Change(
        sequence=sequence,
        event_id=source["eventID"],
        kind="EXPIRE" if name == "REMOVE" and _expired(source, old or {}, microseconds, expiry) else name,
        region=source["awsRegion"],
        table=source["tableName"] if through_kinesis else arn.partition("/")[2],
        table_arn=arn,
        keys=keys or {},
        old=old,
        new=new,
        time=EPOCH + timedelta(microseconds=microseconds),
        moment=f"{microseconds:0{TIME_DIGITS}}" + ("" if through_kinesis else f".{sequence:0>{SEQUENCE_DIGITS}}"),
    )


def _image(body: dict[str, Any], part: str, *, through_kinesis: bool) -> Image:
    if not body.get(part):
        raise ValueError(f"{part} is missing; the processors need stream view type NEW_AND_OLD_IMAGES")
    image = {"M": body[part]}
    check(image)
    return cast("Image", (values.once_decoded(image) if through_kinesis else image)["M"])


def _microseconds(body: dict[str, Any], *, through_kinesis: bool) -> int:
    """Since 1970. A DynamoDB stream counts seconds; Kinesis says so where it does not count milliseconds."""
    unit = body.get("ApproximateCreationDateTimePrecision", "MILLISECOND") if through_kinesis else "SECOND"
    if unit not in MICROSECONDS:
        raise ValueError("ApproximateCreationDateTimePrecision is unknown")
    return int(Decimal(str(body["ApproximateCreationDateTime"])) * MICROSECONDS[unit])


def _expired(source: dict[str, Any], old: Image, microseconds: int, attribute: str | None) -> bool:
    """Whether TTL removed the item: as the record says, or, replicated to another Region, as the item's time says.

    A replicated removal has no marker (Developer Guide, "DynamoDB Streams and Time to Live"). Whoever deletes an item
    after it has expired and before TTL comes is therefore taken for TTL.
    """
    identity = source.get("userIdentity") or {}
    if all(identity.get(name) == value for name, value in EXPIRED_BY.items()):
        return True
    expiry = values.number(old.get(attribute)) if attribute else None
    seconds = microseconds // 1_000_000
    return expiry is not None and seconds - OLDEST_EXPIRY_SECONDS <= expiry <= seconds


def _reason(error: ValueError | OverflowError) -> str:
    """Ours have no content; those of the parsers might."""
    return str(error) if type(error) is ValueError else "it is no base64 or JSON, or its time is none"
