"""WriteProbes: the run's own probes are written in every Region, and nothing else is touched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared import probes
from tasks.shared.errors import ValidationFailed
from tasks.shared.request import complete
from tasks.write_probes import write_probes
from tests.unit.tasks.scenarios import AWAY, EXECUTION, HOME, REQUEST, TABLE, Scenario, dynamodb, play, refuse

if TYPE_CHECKING:
    from tasks.shared.request import Request
    from tests.unit.tasks.fakes import Answer, MotoClients, StubbedClients

RUN = probes.run_of(EXECUTION)
BEGAN = "2026-11-21T10:00:00.000Z"
TOMORROW = 1_795_255_200 + 86_400
CONDITION = "attribute_not_exists(#key) OR #marker = :run"
NAMES = {"#key": "orderId", "#marker": probes.MARKER}
VALUES = {":run": {"S": RUN}}


def event(step: str, *regions: str, request: Any = REQUEST) -> Any:
    return {
        "table": TABLE,
        "request": request,
        "regions": list(regions),
        "step": step,
        "began": BEGAN,
        "execution": {"Id": EXECUTION},
        "state": {"Name": "WriteProbes"},
    }


def key(region: str, request: Any = REQUEST) -> dict[str, Any]:
    return probes.key(request, RUN, region)


def put(region: str) -> Answer:
    item = {**key(region), probes.MARKER: {"S": RUN}, probes.STEP: {"S": "put"}, probes.ORIGIN: {"S": region}}
    return dynamodb(
        region,
        "put_item",
        TableName=TABLE,
        Item=item,
        ConditionExpression=CONDITION,
        ExpressionAttributeNames=NAMES,
        ExpressionAttributeValues=VALUES,
    )


def update(region: str) -> Answer:
    return dynamodb(
        region,
        "update_item",
        TableName=TABLE,
        Key=key(region),
        UpdateExpression="SET #step = :step",
        ConditionExpression="#marker = :run",
        ExpressionAttributeNames={"#step": probes.STEP, "#marker": probes.MARKER},
        ExpressionAttributeValues={":step": {"S": "update"}, **VALUES},
    )


def delete(region: str) -> Answer:
    return dynamodb(
        region,
        "delete_item",
        TableName=TABLE,
        Key=key(region),
        ConditionExpression=CONDITION,
        ExpressionAttributeNames=NAMES,
        ExpressionAttributeValues=VALUES,
    )


def taken(method: str, step: str, says: str) -> Scenario:
    """An item that is not this run's probe stands under its key in the other Region."""
    others = {"put": put, "update": update}[step](HOME)
    return Scenario(
        f"An item that is not this run's probe is left as it is ({step})",
        event(step, HOME, AWAY),
        [others, refuse("dynamodb", AWAY, method, "ConditionalCheckFailedException", "The conditional request failed")],
        raises="ValidationFailed",
        says=[
            (
                f"The probe of orders cannot be written ({step}) in eu-west-1: {says}. The item was left as it is. "
                "Start validate again: every run has keys of its own."
            )
        ],
    )


WHY = "the item under its key is not this run's probe, or the probe is gone"

SCENARIOS = [
    Scenario(
        "Each Region gets a probe of its own",
        event("put", HOME, AWAY),
        [put(HOME), put(AWAY)],
        {"run": RUN, "step": "put", "seen": {}, "looks": 0},
    ),
    Scenario(
        "Each probe is updated in its own Region",
        event("update", HOME, AWAY),
        [update(HOME), update(AWAY)],
        {"step": "update"},
    ),
    Scenario(
        "Each probe is deleted in its own Region",
        event("delete", HOME, AWAY),
        [delete(HOME), delete(AWAY)],
        {"step": "delete"},
    ),
    taken("put_item", "put", WHY),
    taken("update_item", "update", WHY),
    Scenario(
        "Deleting leaves an item that is not this run's probe, and is no error, so that the rest is deleted",
        event("delete", HOME, AWAY),
        [delete(HOME), refuse("dynamodb", AWAY, "delete_item", "ConditionalCheckFailedException")],
        {"step": "delete"},
    ),
    Scenario(
        "Without a complete Region there is nothing to prove",
        event("put"),
        raises="ValidationFailed",
        says=["No Region of orders is complete. Start provision with its request again."],
    ),
    Scenario(
        "A refusal of AWS keeps its name and its Region",
        event("put", HOME, AWAY),
        [put(HOME), refuse("dynamodb", AWAY, "put_item", "ThrottlingException", "slow down")],
        raises="ThrottlingException",
        says=["AWS refused PutItem in eu-west-1: slow down. Start the workflow again"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_write_probes(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(write_probes, scenario, aws)


def test_the_time_of_a_write_is_that_of_its_own_region(aws: StubbedClients) -> None:
    """Every Region has the moment at which it had accepted its write, in milliseconds."""
    before = time.time_ns() // 1_000_000
    aws.will(put(HOME), put(AWAY))
    written_at = write_probes.run(event("put", HOME, AWAY), aws)["written_at"]
    assert set(written_at) == {HOME, AWAY}
    assert all(before <= moment <= time.time_ns() // 1_000_000 for moment in written_at.values())


def requested(keys: dict[str, str], types: dict[str, str], **more: Any) -> Request:
    return complete(
        {"table": TABLE, "regions": [HOME, AWAY], "key_schema": keys, "attribute_definitions": types, **more}
    )


SHAPES = [
    requested({"id": "HASH"}, {"id": kind}, time_to_live={"attribute_name": "expiresAt"}) for kind in ("S", "N", "B")
] + [
    requested({"id": "HASH", "at": "RANGE"}, {"id": one, "at": other})
    for one, other in (("S", "N"), ("N", "N"), ("B", "S"), ("S", "B"))
]


def made(aws: MotoClients, request: Request) -> None:
    """The table stands in both Regions."""
    types, schema = request["attribute_definitions"].items(), request["key_schema"].items()
    keys: Any = [{"AttributeName": name, "KeyType": kind} for name, kind in schema]
    attributes: Any = [{"AttributeName": name, "AttributeType": kind} for name, kind in types]
    for region in request["regions"]:
        aws.dynamodb(region).create_table(
            TableName=TABLE, KeySchema=keys, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
        )


def items(aws: MotoClients, region: str) -> list[Any]:
    return aws.dynamodb(region).scan(TableName=TABLE)["Items"]


def shape(request: Request) -> str:
    return "-".join(request["attribute_definitions"].values())


@pytest.mark.parametrize("request_", SHAPES, ids=shape)
class TestOnATable:
    def test_each_step_may_run_twice(self, moto: MotoClients, request_: Request) -> None:
        """Keys of every type and shape are taken; put, update and delete leave the same when repeated."""
        made(moto, request_)
        for step, left in (("put", ["put"]), ("update", ["update"]), ("delete", [])):
            for _ in range(2):
                write_probes.run(event(step, HOME, AWAY, request=request_), moto)
                for region in (HOME, AWAY):
                    assert [item[probes.STEP]["S"] for item in items(moto, region)] == left

    def test_a_probe_expires_where_the_table_has_ttl(self, moto: MotoClients, request_: Request) -> None:
        """A probe that nobody deleted goes by itself, a day after the run began."""
        made(moto, request_)
        write_probes.run(event("put", HOME, request=request_), moto)
        (probe,) = items(moto, HOME)
        assert probe.get("expiresAt") == ({"N": str(TOMORROW)} if request_["time_to_live"] else None)

    def test_a_put_that_is_tried_again_changes_nothing(self, moto: MotoClients, request_: Request) -> None:
        """The second try writes the same item, so that DynamoDB makes no second record of it."""
        made(moto, request_)
        found = []
        for _ in range(2):
            write_probes.run(event("put", HOME, request={**request_, "origin_attribute": "origin"}), moto)
            found.append(items(moto, HOME))
        assert found[0] == found[1]

    def test_items_of_others_are_not_touched(self, moto: MotoClients, request_: Request) -> None:
        """An application's items are the same after a whole run, also under the probe's own key."""
        made(moto, request_)
        theirs = [
            {**key(HOME, request_), "note": {"S": "MARKED"}},
            {**probes.key(request_, "another-run", HOME), probes.MARKER: {"S": "another-run"}},
        ]
        for item in theirs:
            moto.dynamodb(HOME).put_item(TableName=TABLE, Item=item)
        before = items(moto, HOME)
        for step in ("put", "update"):
            with pytest.raises(ValidationFailed) as raised:
                write_probes.run(event(step, HOME, AWAY, request=request_), moto)
            assert "MARKED" not in str(raised.value)
        write_probes.run(event("delete", HOME, AWAY, request=request_), moto)
        assert items(moto, HOME) == before
        assert items(moto, AWAY) == []


def test_the_key_is_the_key_also_where_it_is_the_ttl_attribute(moto: MotoClients) -> None:
    """A table whose sort key is its TTL attribute still finds its probes under their key."""
    request = requested(
        {"id": "HASH", "expiresAt": "RANGE"},
        {"id": "S", "expiresAt": "N"},
        time_to_live={"attribute_name": "expiresAt"},
    )
    made(moto, request)
    write_probes.run(event("put", HOME, request=request), moto)
    assert moto.dynamodb(HOME).get_item(TableName=TABLE, Key=key(HOME, request))["Item"]


@pytest.mark.parametrize("step", ["put", "update"])
def test_a_probe_carries_the_region_of_the_write(moto: MotoClients, step: str) -> None:
    """The Region's own filter on the origin attribute passes the probe, as it passes an application's item."""
    request = requested({"id": "HASH"}, {"id": "S"}, origin_attribute="writtenIn")
    made(moto, request)
    for one in ("put", step):
        write_probes.run(event(one, HOME, AWAY, request=request), moto)
    assert [items(moto, region)[0]["writtenIn"] for region in (HOME, AWAY)] == [{"S": HOME}, {"S": AWAY}]


def test_an_origin_attribute_that_is_a_key_is_the_region_too(moto: MotoClients) -> None:
    """Where the sort key names the Region, so does the probe's; the partition key keeps the runs apart."""
    request = requested({"id": "HASH", "writtenIn": "RANGE"}, {"id": "S", "writtenIn": "S"})
    request["origin_attribute"] = "writtenIn"
    made(moto, request)
    for step in ("put", "update"):
        write_probes.run(event(step, HOME, AWAY, request=request), moto)
    assert [items(moto, region)[0]["writtenIn"] for region in (HOME, AWAY)] == [{"S": HOME}, {"S": AWAY}]
    write_probes.run(event("delete", HOME, AWAY, request=request), moto)
    assert items(moto, HOME) + items(moto, AWAY) == []
