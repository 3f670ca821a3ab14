"""One Change from a record of either stream, and nothing of its content in an error."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from processors.shared.records import Malformed, Probe, change_of
from tests.unit.processors.records import (
    NOON,
    TABLE,
    TABLE_ARN,
    TTL_IDENTITY,
    carried,
    change,
    configuration,
    item,
    kinesis_record,
    number,
    probe,
    stream_record,
)

CONFIG = configuration()
EVERYTHING = item(
    amount={"N": "10.50"},
    picture={"B": "AAE="},
    thumbnails={"BS": ["AA==", "AQ=="]},
    more={"M": {"inner": {"L": [{"B": "AAE="}, {"NULL": True}]}}},
)


@pytest.mark.parametrize(
    ("old", "new", "kind"), [(None, item(), "INSERT"), (item(), item(a=1), "MODIFY"), (item(), None, "REMOVE")]
)
def test_a_stream_record_becomes_a_change(old: Any, new: Any, kind: str) -> None:
    """Images, key, table, Region and time come from the record."""
    made = change_of(stream_record(old, new, sequence=7), CONFIG)

    assert (made.kind, made.old, made.new, made.sequence) == (kind, old, new, number(7))
    assert (made.region, made.table, made.table_arn) == ("eu-west-1", TABLE, TABLE_ARN)
    assert made.keys == {"PK": {"S": "ORDER#1"}, "SK": {"S": "DETAILS"}}
    assert made.time == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert made.item == (new or old)


def test_both_streams_give_the_same_change() -> None:
    """Only what Kinesis does not know differs: its own sequence number, the table's ARN, and so the moment."""
    streamed = change_of(stream_record(item(), EVERYTHING), CONFIG)
    carried_ = change_of(kinesis_record(item(), EVERYTHING), CONFIG)

    same = ("event_id", "kind", "region", "table", "keys", "old", "new", "time")
    assert [getattr(carried_, name) for name in same] == [getattr(streamed, name) for name in same]
    assert (carried_.table_arn, carried_.moment) == ("", streamed.moment.partition(".")[0])


@pytest.mark.parametrize(
    ("precision", "fraction"), [("MICROSECOND", "123456"), ("MILLISECOND", "123000"), (None, "123000")]
)
def test_the_time_of_a_kinesis_record_has_the_precision_it_says(precision: str | None, fraction: str) -> None:
    """Milliseconds where it says nothing."""
    made = change_of(kinesis_record(None, item(), microseconds=NOON * 10**6 + 123_456, precision=precision), CONFIG)

    assert made.timestamp == f"2026-11-21T12:00:00.{fraction}Z"


def test_the_time_of_a_stream_record_may_be_a_float() -> None:
    """Lambda writes seconds as 1.795E9."""
    assert change(None, item(), seconds=float(NOON)).timestamp == "2026-11-21T12:00:00.000000Z"


def test_moments_order_the_changes_of_a_second() -> None:
    """Within a second the stream's sequence numbers decide, however many digits they have."""
    numbers = ["999", "1000", "400000000000000000000001"]
    records = [stream_record(None, item()) for _ in numbers]
    for record, sequence in zip(records, numbers, strict=True):
        record["dynamodb"]["SequenceNumber"] = sequence

    moments = [change_of(record, CONFIG).moment for record in records]

    assert moments == sorted(moments)
    assert {len(moment) for moment in moments} == {61}
    assert change(None, item(), seconds=NOON + 1, sequence=0).moment > moments[-1]


def test_a_removal_by_ttl_expires() -> None:
    """As the record says where TTL ran."""
    assert change(item(), None, identity=TTL_IDENTITY).kind == "EXPIRE"


@pytest.mark.parametrize("record", [stream_record, kinesis_record])
@pytest.mark.parametrize(
    ("expiry", "kind"),
    [
        ({"N": str(NOON)}, "EXPIRE"),
        ({"N": str(NOON - 1) + ".5"}, "EXPIRE"),
        ({"N": "1.7952E+9"}, "EXPIRE"),
        ({"N": str(NOON + 1)}, "REMOVE"),
        ({"N": str(NOON - 5 * 365 * 86_400 - 1)}, "REMOVE"),
        ({"N": "0"}, "REMOVE"),
        ({"S": str(NOON)}, "REMOVE"),
    ],
)
def test_a_replicated_removal_expires_if_its_time_had_come(record: Any, expiry: Any, kind: str) -> None:
    """It has no marker, so the TTL attribute decides: a number, not ahead of the record, not five years behind."""
    assert change_of(record(item(expiresAt=expiry), None), CONFIG).kind == kind


def test_without_ttl_nothing_expires_by_its_time() -> None:
    """An attribute that only looks like a TTL decides nothing."""
    record = stream_record(item(expiresAt=1), None)

    assert change_of(record, configuration(time_to_live=None)).kind == "REMOVE"


def test_another_service_does_not_expire_an_item() -> None:
    """The marker is both: a service, and this one."""
    assert change(item(), None, identity={"type": "Service", "principalId": "other.amazonaws.com"}).kind == "REMOVE"


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [(None, probe("put"), "put"), (probe("put"), probe("update"), "update"), (probe("update"), None, "delete")],
)
def test_a_probe_is_known_in_every_step(old: Any, new: Any, step: str) -> None:
    """Its removal by the old image."""
    assert change(old, new).probe == Probe("run-1", step, "eu-west-1")


def test_an_application_s_item_is_no_probe() -> None:
    """Only the marker makes a probe, not the key."""
    assert change(None, item("meridian-probe#1")).probe is None


def test_the_origin_is_the_last_writer() -> None:
    """The new image's before the old one's, and nothing without the attribute."""
    made = change(item(writer="eu-west-1"), item(writer="us-east-1"))

    assert made.origin("writer") == "us-east-1"
    assert change(item(writer="eu-west-1"), None).origin("writer") == "eu-west-1"
    assert (made.origin(None), made.origin("absent"), change(None, item(writer=1)).origin("writer")) == ("", "", "")


def broken(**members: Any) -> dict[str, Any]:
    return {**stream_record(item(), item(a="secret"), sequence=5), **members}


def without(part: str) -> dict[str, Any]:
    record = broken()
    return {**record, "dynamodb": {name: value for name, value in record["dynamodb"].items() if name != part}}


def of_body(**members: Any) -> dict[str, Any]:
    return broken(dynamodb={**broken()["dynamodb"], **members})


@pytest.mark.parametrize(
    "record",
    [
        without("Keys"),
        without("NewImage"),
        without("OldImage"),
        without("ApproximateCreationDateTime"),
        of_body(NewImage={"secret": {"N": "secret"}}),
        of_body(NewImage=["secret"]),
        of_body(Keys={}),
        of_body(ApproximateCreationDateTime="secret"),
        of_body(ApproximateCreationDateTime=float("inf")),
        of_body(ApproximateCreationDateTime=float("nan")),
        of_body(ApproximateCreationDateTime=1e300),
        broken(eventName="secret"),
        broken(eventName=["secret"]),
        broken(userIdentity="secret", eventName="REMOVE"),
        broken(eventSourceARN=1),
        {name: value for name, value in broken().items() if name != "eventSource"},
        {name: value for name, value in broken().items() if name != "awsRegion"},
        carried(b"secret", 5),
        carried(b'{"secret": 1}', 5),
        carried(b"[]", 5),
        carried(b"\xff\xfe", 5),
        carried(b"[" * 100_000, 5),
        {**carried(b"", 5), "kinesis": {"sequenceNumber": number(5), "data": "secret!"}},
    ],
)
def test_a_malformed_record_is_told_by_its_sequence_number_only(record: Any) -> None:
    """Whatever is wrong, the error is Malformed, and quotes nothing of the record."""
    with pytest.raises(Malformed) as caught:
        change_of(record, CONFIG)

    assert caught.value.sequence == number(5)
    assert number(5) in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("record", [None, "secret", [], {}, {"dynamodb": None}, {"kinesis": "secret"}])
def test_what_is_no_record_has_no_sequence_number(record: Any) -> None:
    """Lambda then takes the whole batch for failed."""
    with pytest.raises(Malformed, match="without a sequence number") as caught:
        change_of(record, CONFIG)

    assert caught.value.sequence == ""


def test_a_stream_without_images_is_named_as_the_reason() -> None:
    """Who reads the log learns what to change."""
    record = stream_record(None, item())
    del record["dynamodb"]["NewImage"]

    with pytest.raises(Malformed, match=r"NewImage is missing; .* NEW_AND_OLD_IMAGES"):
        change_of(record, CONFIG)


def test_a_binary_encoded_once_in_kinesis_is_malformed() -> None:
    """What DynamoDB did not write is not guessed at."""
    record = kinesis_record(None, item())
    data = json.loads(base64.b64decode(record["kinesis"]["data"]))
    data["dynamodb"]["NewImage"]["picture"] = {"B": base64.b64encode(b"plain").decode()}

    with pytest.raises(Malformed, match="base64"):
        change_of(carried(json.dumps(data).encode()), CONFIG)
