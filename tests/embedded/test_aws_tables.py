"""DynamoDB tables of the embedded AWS: states that take time, and settings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.aws_calls import HOME, Client, make_table, refusal, status, until

INDEX = {
    "IndexName": "byOther",
    "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
ATTRIBUTES = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "other")]


def described(client: Client, name: str, region: str = HOME) -> dict[str, Any]:
    return dict(client("dynamodb", region).describe_table(TableName=name)["Table"])


def test_a_new_table_is_creating_for_a_while(client: Client) -> None:
    """A table is CREATING, then ACTIVE; meanwhile items and settings are refused."""
    dynamodb = client("dynamodb")
    assert make_table(client, "growing")["TableStatus"] == "CREATING"
    assert status(client, "growing") == "CREATING"
    put = refusal(dynamodb.put_item, TableName="growing", Item={"id": {"S": "1"}})
    assert put == ("ResourceNotFoundException", "Requested resource not found")
    code, message = refusal(dynamodb.delete_table, TableName="growing")
    assert code == "ResourceInUseException"
    assert message.endswith("Table is being created: growing")
    recovery = {"PointInTimeRecoveryEnabled": True}
    update = refusal(dynamodb.update_continuous_backups, TableName="growing", PointInTimeRecoverySpecification=recovery)
    assert update[0] == "ContinuousBackupsUnavailableException"
    until(lambda: status(client, "growing"), "ACTIVE")
    dynamodb.put_item(TableName="growing", Item={"id": {"S": "1"}})


def test_a_table_is_there_once(client: Client, table: str) -> None:
    """Creating a table that is there, or is being deleted, is refused."""
    assert refusal(make_table, client, table)[0] == "ResourceInUseException"
    client("dynamodb").delete_table(TableName=table)
    assert refusal(make_table, client, table)[0] == "ResourceInUseException"


def test_a_deleted_table_is_deleting_for_a_while(client: Client, table: str) -> None:
    """A table is DELETING, refuses another change, and is gone then."""
    dynamodb = client("dynamodb")
    assert dynamodb.delete_table(TableName=table)["TableDescription"]["TableStatus"] == "DELETING"
    assert status(client, table) == "DELETING"
    assert refusal(dynamodb.delete_table, TableName=table)[0] == "ResourceInUseException"
    assert refusal(dynamodb.scan, TableName=table)[0] == "ResourceNotFoundException"
    until(lambda: status(client, table), "GONE")
    assert refusal(dynamodb.delete_table, TableName=table)[0] == "ResourceNotFoundException"


def test_an_update_takes_its_time(client: Client, table: str) -> None:
    """After UpdateTable a table is UPDATING, serves items and refuses another change."""
    dynamodb = client("dynamodb")
    updated = dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)["TableDescription"]
    assert updated["TableStatus"] == "UPDATING"
    dynamodb.put_item(TableName=table, Item={"id": {"S": "1"}})
    code, message = refusal(dynamodb.update_table, TableName=table, DeletionProtectionEnabled=False)
    assert (code, message.rpartition(": ")[2]) == ("ResourceInUseException", table)
    until(lambda: status(client, table), "ACTIVE")
    assert refusal(dynamodb.delete_table, TableName=table)[0] == "ValidationException"


def test_a_new_index_is_creating_for_a_while(client: Client, table: str) -> None:
    """An index that is added is CREATING while its table is UPDATING."""
    client("dynamodb").update_table(
        TableName=table, AttributeDefinitions=ATTRIBUTES, GlobalSecondaryIndexUpdates=[{"Create": INDEX}]
    )

    def index_status() -> Any:
        return described(client, table)["GlobalSecondaryIndexes"][0]["IndexStatus"]

    assert index_status() == "CREATING"
    until(lambda: status(client, table), "ACTIVE")
    assert index_status() == "ACTIVE"


def test_one_index_is_added_at_a_time(client: Client, table: str) -> None:
    """Two indexes in one UpdateTable are refused."""
    updates = [{"Create": INDEX | {"IndexName": name}} for name in ("one", "two")]
    code, _ = refusal(
        client("dynamodb").update_table,
        TableName=table,
        AttributeDefinitions=ATTRIBUTES,
        GlobalSecondaryIndexUpdates=updates,
    )
    assert code == "LimitExceededException"


@pytest.mark.parametrize("enabled", [True, False])
def test_a_stream_is_not_switched_to_what_it_is(client: Client, table: str, enabled: bool) -> None:
    """Sending a stream specification that changes nothing is refused, as AWS does."""
    dynamodb = client("dynamodb")
    wanted: dict[str, Any] = {"StreamEnabled": enabled}
    if enabled:
        wanted["StreamViewType"] = "NEW_IMAGE"
        dynamodb.update_table(TableName=table, StreamSpecification=wanted)
        until(lambda: status(client, table), "ACTIVE")
    code, message = refusal(dynamodb.update_table, TableName=table, StreamSpecification=wanted)
    assert code == "ValidationException"
    assert f"Table already has {'an enabled' if enabled else 'a disabled'} stream" in message


def test_time_to_live_is_switched_once(client: Client, table: str) -> None:
    """Time to live is ENABLING, then ENABLED; the same again, or too soon, is refused."""
    dynamodb = client("dynamodb")
    wanted = {"Enabled": True, "AttributeName": "expiresAt"}

    def switch() -> Any:
        return dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=wanted)

    def state() -> Any:
        return dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]

    switch()
    assert state() == {"TimeToLiveStatus": "ENABLING", "AttributeName": "expiresAt"}
    assert refusal(switch)[1] == "Time to live has been modified multiple times within a fixed interval"
    until(lambda: state()["TimeToLiveStatus"], "ENABLED")
    assert refusal(switch) == ("ValidationException", "TimeToLive is already enabled")


def test_recovery_days_are_kept(client: Client, table: str) -> None:
    """RecoveryPeriodInDays is shown as it was set; 35 is the default."""
    dynamodb = client("dynamodb")

    def recovery(**wanted: Any) -> dict[str, Any]:
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True} | wanted
        )
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        return dict(backups["PointInTimeRecoveryDescription"])

    assert recovery()["RecoveryPeriodInDays"] == 35
    assert recovery(RecoveryPeriodInDays=7)["RecoveryPeriodInDays"] == 7
    assert recovery(RecoveryPeriodInDays=7)["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_table_may_be_named_by_its_arn(client: Client, table: str) -> None:
    """The ARN does for the name, also where the embedded AWS has a say."""
    arn = described(client, table)["TableArn"]
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=arn, DeletionProtectionEnabled=True)
    assert refusal(dynamodb.update_table, TableName=arn, DeletionProtectionEnabled=False)[0] == "ResourceInUseException"
