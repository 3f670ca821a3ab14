"""A situation, what AWS answers in it, and what the task does with that. As data, so that other tests replay it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tasks.shared import names
from tasks.shared.errors import MeridianError, under_its_own_name
from tasks.shared.request import complete
from tasks.shared.waiting import now, timestamp
from tests.unit.tasks.fakes import ACCOUNT, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.shared.task import Task
    from tests.unit.tasks.fakes import StubbedClients

TABLE, HOME, AWAY, THIRD = "orders", "us-east-1", "eu-west-1", "ap-southeast-1"
EXECUTION = f"arn:aws:states:{HOME}:{ACCOUNT}:execution:meridian-add-region:1"
STREAM = names.stream(TABLE)
OWNED = {names.OWNERSHIP_TAG: TABLE}

# What meridian/template.py sets for every function.
ENVIRONMENT = {
    "ACCOUNT_ID": ACCOUNT,
    "ARCHIVE_LOCK_DAYS": "0",
    "ARTIFACT_BUCKET": "meridian-artifacts",
    "CODE_SHA256": "c0de" * 16,
    "LOG_RETENTION_DAYS": "30",
    "PROCESSOR_BOUNDARY_ARN": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "REGION_STACK_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/region-stack",
    "SCHEDULED_VALIDATE_ARN": f"arn:aws:states:{HOME}:{ACCOUNT}:stateMachine:meridian-validate:scheduled",
    "SCHEDULER_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/scheduler",
}

REQUEST: Any = complete(
    {
        "table": TABLE,
        "regions": [HOME, AWAY],
        "attribute_definitions": {"orderId": "S", "customerId": "S"},
        "key_schema": {"orderId": "HASH", "customerId": "RANGE"},
        "tags": {"team": "MARKED"},
        "kinesis": {},
    }
)


@dataclass(frozen=True)
class Ago:
    """A moment so many seconds before the test runs."""

    seconds: float = 0


@dataclass(frozen=True)
class Scenario:
    """``claim`` is what is shown. ``reply`` lists the members that count; ``raises`` is the error's name."""

    claim: str
    event: Mapping[str, Any]
    answers: Sequence[Answer] = ()
    reply: Mapping[str, Any] = field(default_factory=dict)
    raises: str = ""
    says: Sequence[str] = ()

    def __str__(self) -> str:
        return self.claim

    def moment(self) -> dict[str, Any]:
        """The event as it is at this moment."""
        return {
            key: timestamp(now() - timedelta(seconds=value.seconds)) if isinstance(value, Ago) else value
            for key, value in self.event.items()
        }


def play(task: Task[Any, Any], scenario: Scenario, aws: StubbedClients) -> None:
    """Run the task once: it must make exactly these calls and end as the scenario says."""
    aws.will(*scenario.answers)
    if scenario.raises:
        with pytest.raises((MeridianError, ClientError)) as raised:
            task.run(scenario.moment(), aws)
        error = under_its_own_name(raised.value, "") if isinstance(raised.value, ClientError) else raised.value
        assert isinstance(error, MeridianError)
        assert type(error).__name__ == scenario.raises
        for part in scenario.says:
            assert part in str(error)
        assert error.remedy
        assert str(error).endswith(error.remedy)
    else:
        reply = task.run(scenario.moment(), aws)
        assert {key: reply[key] for key in scenario.reply} == scenario.reply
    aws.assert_used_up()


def looped(region: str = AWAY, **more: Any) -> Any:
    """Event of a task in a wait loop."""
    return {
        "table": TABLE,
        "home": HOME,
        "region": region,
        "request": REQUEST,
        "began": Ago(),
        "deadline_seconds": 86_400,
        "poll_seconds": 15,
        "execution": {"Id": EXECUTION},
        "state": {"Name": "State"},
        **more,
    }


def once(region: str = AWAY, **more: Any) -> Any:
    """Event of a task that runs once."""
    return {
        "table": TABLE,
        "home": HOME,
        "region": region,
        "request": REQUEST,
        "execution": {"Id": EXECUTION},
        "state": {"Name": "State"},
        **more,
    }


def ready(detail: str) -> dict[str, Any]:
    return {"status": "READY", "detail": detail, "wait_seconds": 0}


def busy(detail: str) -> dict[str, Any]:
    return {"status": "BUSY", "detail": detail}


def dynamodb(region: str, method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("dynamodb", region, method, response or {}, params=params or None)


def kinesis(region: str, method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("kinesis", region, method, response or {}, params=params or None)


def ssm(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("ssm", HOME, method, response or {}, params=params or None)


def s3(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("s3", HOME, method, response or {}, params=params or None)


def refuse(service: str, region: str, method: str, code: str, message: str = "not now", **params: Any) -> Answer:
    return Answer(service, region, method, error=(code, message), params=params or None)


def table_arn(region: str) -> str:
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{TABLE}"


def stream_arn(region: str, name: str = STREAM) -> str:
    return f"arn:aws:kinesis:{region}:{ACCOUNT}:stream/{name}"


def replica(region: str = AWAY, status: str = "ACTIVE", why: str = "") -> dict[str, Any]:
    """An entry of Replicas[]."""
    return {"RegionName": region, "ReplicaStatus": status, **({"ReplicaStatusDescription": why} if why else {})}


def table(region: str = HOME, *replicas: dict[str, Any], status: str = "ACTIVE", **more: Any) -> Answer:
    """DescribeTable answers with a table."""
    description = {"TableName": TABLE, "TableArn": table_arn(region), "TableStatus": status, **more}
    if replicas:
        description["Replicas"] = list(replicas)
    return dynamodb(region, "describe_table", {"Table": description}, TableName=TABLE)


def no_table(region: str = HOME) -> Answer:
    return refuse("dynamodb", region, "describe_table", "ResourceNotFoundException", "no such table", TableName=TABLE)


def tags(region: str = HOME, **found: str) -> Answer:
    """ListTagsOfResource answers with our tag, or with ``found``."""
    listed = [{"Key": key, "Value": value} for key, value in (found or OWNED).items()]
    return dynamodb(region, "list_tags_of_resource", {"Tags": listed}, ResourceArn=table_arn(region))


def ours(*replicas: dict[str, Any], status: str = "ACTIVE", **more: Any) -> list[Answer]:
    """The home table is there, and ours."""
    return [table(HOME, *replicas, status=status, **more), tags(HOME)]


def stream(region: str = AWAY, status: str = "ACTIVE", **more: Any) -> Answer:
    """DescribeStreamSummary answers with our stream."""
    summary = {
        "StreamName": STREAM,
        "StreamARN": stream_arn(region),
        "StreamStatus": status,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 24,
        "StreamCreationTimestamp": 0,
        "EnhancedMonitoring": [{}],
        "OpenShardCount": 1,
        **more,
    }
    return kinesis(region, "describe_stream_summary", {"StreamDescriptionSummary": summary}, StreamName=STREAM)


def no_stream(region: str = AWAY) -> Answer:
    code = "ResourceNotFoundException"
    return refuse("kinesis", region, "describe_stream_summary", code, "no such stream", StreamName=STREAM)


def stream_tags(region: str = AWAY, **found: str) -> Answer:
    """ListTagsForStream answers with our tag, or with ``found``, to whoever asks for all that a stream can have."""
    listed = [{"Key": key, "Value": value} for key, value in (found or OWNED).items()]
    answer = {"Tags": listed, "HasMoreTags": False}
    return kinesis(region, "list_tags_for_stream", answer, StreamName=STREAM, Limit=50)


def destinations(region: str, *found: tuple[str, str] | dict[str, Any]) -> Answer:
    """DescribeKinesisStreamingDestination answers with entries: status and stream name, or as they are."""
    entries = [
        entry if isinstance(entry, dict) else {"DestinationStatus": entry[0], "StreamArn": stream_arn(region, entry[1])}
        for entry in found
    ]
    response = {"TableName": TABLE, "KinesisDataStreamDestinations": entries}
    return dynamodb(region, "describe_kinesis_streaming_destination", response, TableName=TABLE)


RECORD = f"/meridian/{TABLE}"


def parameter(name: str, value: str = "") -> Answer:
    """GetParameter answers with ``value``, or that there is none."""
    if not value:
        return refuse("ssm", HOME, "get_parameter", "ParameterNotFound", Name=name)
    return ssm("get_parameter", {"Parameter": {"Name": name, "Value": value}}, Name=name)


def stages(**found: str) -> Answer:
    """GetParametersByPath answers with the stage of each Region; keys are written with underscores."""
    values = [{"region": region.replace("_", "-"), "stage": stage} for region, stage in found.items()]
    listed = [{"Name": f"{RECORD}/{value['region']}", "Value": json.dumps(value)} for value in values]
    return ssm("get_parameters_by_path", {"Parameters": listed}, Path=RECORD)


def made(name: str, value: str) -> Answer:
    """PutParameter makes a parameter, with its tag."""
    tag = [{"Key": names.OWNERSHIP_TAG, "Value": TABLE}]
    return ssm("put_parameter", Name=name, Value=value, Type="String", Tags=tag)


def overwritten(name: str, value: str) -> Answer:
    """PutParameter changes a parameter."""
    return ssm("put_parameter", Name=name, Value=value, Type="String", Overwrite=True)
