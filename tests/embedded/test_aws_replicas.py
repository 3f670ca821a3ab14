"""Global tables of the embedded AWS: adding and removing Regions."""

from __future__ import annotations

from typing import Any

import pytest

from meridian.embedded import Delays, start
from tests.embedded.aws_calls import (
    HOME,
    Client,
    add_replica,
    change_replica,
    client_of,
    make_table,
    refusal,
    replicas,
    status,
    until,
)

AWAY, THIRD = "eu-west-1", "ap-southeast-1"


def test_a_new_replica_is_creating_for_a_while(client: Client, table: str) -> None:
    """The entry and the table there are CREATING, the source is UPDATING until after both are ACTIVE."""
    changed = change_replica(client, table, "Create", AWAY)
    assert changed["TableStatus"] == "UPDATING"
    assert changed["Replicas"] == [{"RegionName": AWAY, "ReplicaStatus": "CREATING"}]
    assert (replicas(client, table), status(client, table, AWAY)) == ({AWAY: "CREATING"}, "CREATING")
    until(lambda: replicas(client, table), {AWAY: "ACTIVE"})
    assert status(client, table) == "UPDATING"
    until(lambda: status(client, table, AWAY), "ACTIVE")
    until(lambda: status(client, table), "ACTIVE")


def test_each_member_sees_the_others(client: Client, global_table: str) -> None:
    """Replicas leaves out the Region that is asked, and shows a new one to every member."""
    change_replica(client, global_table, "Create", THIRD)
    assert replicas(client, global_table) == {AWAY: "ACTIVE", THIRD: "CREATING"}
    assert replicas(client, global_table, AWAY) == {HOME: "ACTIVE", THIRD: "CREATING"}


def test_a_replica_that_is_creating_serves_nothing(client: Client, table: str) -> None:
    """A replica that is CREATING answers DescribeTable only; the source goes on serving."""
    change_replica(client, table, "Create", AWAY)
    assert refusal(client("dynamodb", AWAY).scan, TableName=table)[0] == "ResourceNotFoundException"
    assert refusal(client("dynamodb", AWAY).delete_table, TableName=table)[0] == "ResourceInUseException"
    client("dynamodb").put_item(TableName=table, Item={"id": {"S": "1"}})


@pytest.mark.parametrize("region", [HOME, AWAY])
def test_one_change_at_a_time(client: Client, global_table: str, region: str) -> None:
    """While a Region is being added, every member refuses another change."""
    change_replica(client, global_table, "Create", THIRD)
    code, message = refusal(change_replica, client, global_table, "Create", "eu-central-1", region)
    assert code == "ResourceInUseException"
    assert message.endswith(f"Table is being updated: {global_table}")
    code, _ = refusal(client("dynamodb", region).update_table, TableName=global_table, DeletionProtectionEnabled=True)
    assert code == "ResourceInUseException"


def test_the_source_keeps_some_settings_open(client: Client, table: str) -> None:
    """While a Region is being added, tags and recovery of the source can change, time to live cannot."""
    change_replica(client, table, "Create", AWAY)
    dynamodb = client("dynamodb")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "orders"}])
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    wanted = {"Enabled": True, "AttributeName": "expiresAt"}
    code, _ = refusal(dynamodb.update_time_to_live, TableName=table, TimeToLiveSpecification=wanted)
    assert code == "ResourceInUseException"


def test_a_replica_holds_what_was_there(client: Client, table: str) -> None:
    """A new replica holds the items that the table had."""
    client("dynamodb").put_item(TableName=table, Item={"id": {"S": "1"}})
    add_replica(client, table, AWAY)
    assert client("dynamodb", AWAY).scan(TableName=table)["Count"] == 1


def test_a_removed_replica_goes_step_by_step(client: Client, global_table: str) -> None:
    """The source is ACTIVE first, then the entry goes, then the table in the other Region."""
    changed = change_replica(client, global_table, "Delete", AWAY)
    assert changed["TableStatus"] == "UPDATING"
    assert changed["Replicas"] == [{"RegionName": AWAY, "ReplicaStatus": "DELETING"}]
    assert status(client, global_table, AWAY) == "DELETING"
    until(lambda: status(client, global_table), "ACTIVE")
    assert replicas(client, global_table) == {AWAY: "DELETING"}
    until(lambda: replicas(client, global_table), {})
    again = refusal(change_replica, client, global_table, "Create", AWAY)
    assert "already existed as tables" in again[1]
    until(lambda: status(client, global_table, AWAY), "GONE")
    assert "GlobalTableVersion" not in client("dynamodb").describe_table(TableName=global_table)["Table"]


def test_a_region_can_come_back(client: Client, global_table: str) -> None:
    """A Region that was removed can be added again."""
    change_replica(client, global_table, "Delete", AWAY)
    until(lambda: status(client, global_table, AWAY), "GONE")
    add_replica(client, global_table, AWAY)
    assert replicas(client, global_table) == {AWAY: "ACTIVE"}


def test_a_protected_replica_stays(client: Client, global_table: str) -> None:
    """A replica with deletion protection is not removed; the protection of the source is its own."""
    client("dynamodb", AWAY).update_table(TableName=global_table, DeletionProtectionEnabled=True)
    until(lambda: status(client, global_table, AWAY), "ACTIVE")
    until(lambda: status(client, global_table), "ACTIVE")
    code, message = refusal(change_replica, client, global_table, "Delete", AWAY)
    assert (code, "protected against deletion" in message) == ("ValidationException", True)
    assert client("dynamodb").describe_table(TableName=global_table)["Table"]["DeletionProtectionEnabled"] is False


def test_a_member_may_delete_its_own_table(client: Client, global_table: str) -> None:
    """DeleteTable in a member takes it out of the group, and the others see it go."""
    client("dynamodb", AWAY).delete_table(TableName=global_table)
    assert replicas(client, global_table) == {AWAY: "DELETING"}
    assert refusal(client("dynamodb").delete_table, TableName=global_table)[0] == "ResourceInUseException"
    until(lambda: status(client, global_table, AWAY), "GONE")
    assert replicas(client, global_table) == {}


@pytest.mark.parametrize(
    ("updates", "text"),
    [
        (
            [{"Create": {"RegionName": THIRD}}, {"Create": {"RegionName": "eu-central-1"}}],
            "more than one create or delete replica actions not allowed",
        ),
        ([{"Create": {"RegionName": HOME}}], "Cannot add or delete the local region through ReplicaUpdates."),
        ([{"Delete": {"RegionName": HOME}}], "Cannot add or delete the local region through ReplicaUpdates."),
        ([{"Create": {"RegionName": "xx-nowhere-1"}}], "Supported regions"),
        ([{"Create": {"RegionName": "EU-WEST-1"}}], "Supported regions"),
        ([{"Create": {"RegionName": "me-south-1"}}], "region is disabled"),
        ([{"Delete": {"RegionName": THIRD}}], "one or more replicas were not part of the global table"),
        ([{"Update": {"RegionName": THIRD}}], "one or more replicas were not part of the global table"),
        ([{"Update": {"RegionName": AWAY}}], "There are no actions specified in the Replica Update Action"),
    ],
)
def test_a_wrong_replica_update_is_refused(
    client: Client, settled: str, updates: list[dict[str, Any]], text: str
) -> None:
    """What AWS does not accept in ReplicaUpdates is refused in its words, and changes nothing."""
    code, message = refusal(client("dynamodb").update_table, TableName=settled, ReplicaUpdates=updates)
    assert code == "ValidationException"
    assert text in message
    assert (status(client, settled), replicas(client, settled)) == ("ACTIVE", {AWAY: "ACTIVE"})


def test_a_replica_update_comes_alone(client: Client, settled: str) -> None:
    """ReplicaUpdates together with another change are refused."""
    code, _ = refusal(
        client("dynamodb").update_table,
        TableName=settled,
        DeletionProtectionEnabled=True,
        ReplicaUpdates=[{"Create": {"RegionName": THIRD}}],
    )
    assert code == "ValidationException"


def test_a_table_of_that_name_is_not_adopted(client: Client, table: str) -> None:
    """A Region that has a table of that name already cannot be added."""
    make_table(client, table, AWAY)
    until(lambda: status(client, table, AWAY), "ACTIVE")
    _, message = refusal(change_replica, client, table, "Create", AWAY)
    assert "because one or more replicas already existed as tables" in message


def test_a_table_that_is_not_there_gets_no_replica(client: Client) -> None:
    """Adding a Region to a table that does not exist says so."""
    assert refusal(change_replica, client, "absent", "Create", AWAY)[0] == "ResourceNotFoundException"


def test_a_provisioned_table_is_not_replicated(client: Client) -> None:
    """A provisioned table without autoscaling cannot get a replica."""
    name, throughput = "provisioned", {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    make_table(client, name, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    until(lambda: status(client, name), "ACTIVE")
    _, message = refusal(change_replica, client, name, "Create", AWAY)
    assert message.endswith("Table write capacity should either be Pay-Per-Request or AutoScaled.")


def test_some_settings_are_synchronized(client: Client, global_table: str) -> None:
    """Time to live and indexes set in one Region are set in the others."""
    here, there = client("dynamodb"), client("dynamodb", AWAY)
    here.update_time_to_live(
        TableName=global_table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"}
    )
    index = {
        "IndexName": "byOther",
        "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "other")]
    here.update_table(
        TableName=global_table, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[{"Create": index}]
    )
    described = there.describe_table(TableName=global_table)["Table"]
    assert [(each["IndexName"], each["IndexStatus"]) for each in described["GlobalSecondaryIndexes"]] == [
        ("byOther", "CREATING")
    ]
    until(lambda: status(client, global_table, AWAY), "ACTIVE")
    live = there.describe_time_to_live(TableName=global_table)["TimeToLiveDescription"]
    assert live == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expiresAt"}


def test_other_settings_are_not_synchronized(client: Client, table: str) -> None:
    """Tags, recovery, deletion protection and streaming of the source are not copied to a replica."""
    dynamodb = client("dynamodb")
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
    until(lambda: status(client, table), "ACTIVE")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "orders"}])
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    add_replica(client, table, AWAY)
    away = client("dynamodb", AWAY)
    described = away.describe_table(TableName=table)["Table"]
    backups = away.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    assert described["DeletionProtectionEnabled"] is False
    assert away.list_tags_of_resource(ResourceArn=described["TableArn"])["Tags"] == []
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"
    assert away.describe_kinesis_streaming_destination(TableName=table)["KinesisDataStreamDestinations"] == []


def test_a_stream_of_a_global_table_stays_on(client: Client, settled: str) -> None:
    """A global table's stream is on in every Region, each with its own ARN, and cannot be switched off."""
    arns = {
        client("dynamodb", region).describe_table(TableName=settled)["Table"]["LatestStreamArn"].split(":")[3]
        for region in (HOME, AWAY)
    }
    assert arns == {HOME, AWAY}
    code, message = refusal(
        client("dynamodb").update_table, TableName=settled, StreamSpecification={"StreamEnabled": False}
    )
    assert (code, message) == ("ValidationException", "Disabling Stream is not allowed for a Global Table replica")


def test_a_source_is_locked_while_its_replicas_stand() -> None:
    """With the source lock, a Region that seeded a replica goes only after that replica has gone."""
    quick = Delays(table=0, replica=0, replica_delete=0.1, update=0)
    with start(quick, source_lock_seconds=3600) as running:
        client = client_of(running)
        make_table(client, "orders")
        change_replica(client, "orders", "Create", AWAY)
        _, message = refusal(client("dynamodb").delete_table, TableName="orders")
        assert "acted as a source region for new replica(s) being added to the table in the last 24 hours" in message
        assert "24 hours" in refusal(change_replica, client, "orders", "Delete", HOME, AWAY)[1]
        change_replica(client, "orders", "Delete", AWAY)
        until(lambda: status(client, "orders", AWAY), "GONE")
        client("dynamodb").delete_table(TableName="orders")
        until(lambda: status(client, "orders"), "GONE")
