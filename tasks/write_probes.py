"""Put, update or delete this run's probe in every Region.

Touches nothing but its own probes: each write is conditional on the run's marker. May run twice. Items expire by TTL
where the table has it, should nothing be left to delete them.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared import probes
from tasks.shared.errors import ValidationFailed
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import now, timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tasks.shared.clients import Clients
    from tasks.shared.probes import Written
    from tasks.shared.request import Request


class Event(TypedDict):
    table: str
    request: Request
    regions: list[str]
    step: Literal["put", "update", "delete"]
    began: str  # a moment before the put, the same whenever it is tried again
    execution: dict[str, Any]


@task(allow("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=TABLE))
def write_probes(event: Event, aws: Clients) -> Written:
    """Write side by side, so that one slow Region does not delay the clock of another."""
    if not event["regions"]:
        raise ValidationFailed(
            f"No Region of {event['table']} is complete", remedy="Start provision with its request again."
        )
    run = probes.run_of(event["execution"]["Id"])
    began = timestamp(now())
    clients = {region: aws.dynamodb(region) for region in event["regions"]}

    def write(region: str) -> int:
        try:
            _WRITES[event["step"]](clients[region], event, run, region)
        except clients[region].exceptions.ConditionalCheckFailedException as error:
            if event["step"] != "delete":  # what is not this run's need not go
                raise _not_ours(event, region) from error
        return time.time_ns() // 1_000_000

    with ThreadPoolExecutor(max_workers=max(len(clients), 1)) as pool:
        written_at = dict(zip(clients, pool.map(write, clients), strict=True))
    return {"run": run, "step": event["step"], "written_at": written_at, "seen": {}, "looks": 0, "began": began}


def _not_ours(event: Event, region: str) -> ValidationFailed:
    return ValidationFailed(
        f"The probe of {event['table']} cannot be written ({event['step']})",
        where=region,
        why="the item under its key is not this run's probe, or the probe is gone",
        remedy="The item was left as it is. Start validate again: every run has keys of its own.",
    )


def _put(dynamodb: DynamoDBClient, event: Event, run: str, region: str) -> None:
    key = probes.key(event["request"], run, region)
    item = {**key, probes.MARKER: {"S": run}, probes.STEP: {"S": "put"}, probes.ORIGIN: {"S": region}}
    origin_attribute, time_to_live = event["request"]["origin_attribute"], event["request"]["time_to_live"]
    if origin_attribute and origin_attribute not in key:
        item[origin_attribute] = {"S": region}
    if time_to_live and time_to_live["attribute_name"] not in key:
        # Not from now: a put that is tried again writes the same item, and so makes no second record.
        expires = datetime.fromisoformat(event["began"]).timestamp() + probes.LIFETIME_SECONDS
        item[time_to_live["attribute_name"]] = {"N": str(int(expires))}
    dynamodb.put_item(
        TableName=event["table"],
        Item=item,
        ConditionExpression="attribute_not_exists(#key) OR #marker = :run",
        ExpressionAttributeNames={"#key": next(iter(key)), "#marker": probes.MARKER},
        ExpressionAttributeValues={":run": {"S": run}},
    )


def _update(dynamodb: DynamoDBClient, event: Event, run: str, region: str) -> None:
    dynamodb.update_item(
        TableName=event["table"],
        Key=probes.key(event["request"], run, region),
        UpdateExpression="SET #step = :step",
        ConditionExpression="#marker = :run",
        ExpressionAttributeNames={"#step": probes.STEP, "#marker": probes.MARKER},
        ExpressionAttributeValues={":step": {"S": "update"}, ":run": {"S": run}},
    )


def _delete(dynamodb: DynamoDBClient, event: Event, run: str, region: str) -> None:
    key = probes.key(event["request"], run, region)
    dynamodb.delete_item(
        TableName=event["table"],
        Key=key,
        ConditionExpression="attribute_not_exists(#key) OR #marker = :run",
        ExpressionAttributeNames={"#key": next(iter(key)), "#marker": probes.MARKER},
        ExpressionAttributeValues={":run": {"S": run}},
    )


_WRITES = {"put": _put, "update": _update, "delete": _delete}
