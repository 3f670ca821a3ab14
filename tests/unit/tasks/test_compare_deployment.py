"""CompareDeployment: a request is held against what stands, and nothing is touched."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tasks.compare_deployment import compare_deployment
from tasks.shared.request import complete
from tests.unit.tasks.destinations import COPY, MARKS, REPLICATED, missing, stands, tagged
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    REQUEST,
    STREAM,
    THIRD,
    Scenario,
    destinations,
    dynamodb,
    no_table,
    once,
    ours,
    play,
    replica,
    ssm,
    table,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients


def keys(**schema: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in schema.items()]


def types(**attributes: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()]


SHAPE: dict[str, Any] = {
    "KeySchema": keys(orderId="HASH", customerId="RANGE"),
    "AttributeDefinitions": types(customerId="S", orderId="S"),
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}
INDEXED = complete(
    {
        "table": "orders",
        "regions": [HOME],
        "attribute_definitions": {"id": "S", "at": "N", "by": "S"},
        "key_schema": {"id": "HASH", "at": "RANGE"},
        "global_secondary_indexes": [
            {
                "index_name": "GSI1",
                "key_schema": {"by": "HASH", "at": "RANGE"},
                "projection": {"projection_type": "INCLUDE", "non_key_attributes": ["one", "two"]},
            }
        ],
        "local_secondary_indexes": [{"index_name": "LSI1", "key_schema": {"id": "HASH", "by": "RANGE"}}],
        "table_class": "STANDARD_INFREQUENT_ACCESS",
        "kinesis": {},
    }
)


INDEXED_SHAPE: dict[str, Any] = {
    "KeySchema": keys(id="HASH", at="RANGE"),
    "AttributeDefinitions": types(at="N", by="S", id="S"),
    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
    "TableClassSummary": {"TableClass": "STANDARD_INFREQUENT_ACCESS"},
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "GSI1",
            "IndexStatus": "ACTIVE",
            "KeySchema": keys(by="HASH", at="RANGE"),
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["two", "one"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {"IndexName": "LSI1", "KeySchema": keys(id="HASH", by="RANGE"), "Projection": {"ProjectionType": "ALL"}}
    ],
}


# Of a replicator's destination: what it is, how it is told, and its description.
OTHER_KEYS: list[tuple[str, str, dict[str, Any]]] = [
    ("another key", "customerId (S)", {"KeySchema": keys(customerId="HASH")}),
    (
        "a key of another type",
        "orderId (S), customerId (N)",
        {"AttributeDefinitions": types(orderId="S", customerId="N", at="S")},
    ),
]


def recorded(*regions: str, place: str = HOME) -> Answer:
    """The record in ``place`` knows these Regions."""
    values = [json.dumps({"region": region, "stage": "ACTIVE"}) for region in regions]
    found = [{"Name": f"/meridian/orders/{index}", "Value": value} for index, value in enumerate(values)]
    answer = ssm("get_parameters_by_path", {"Parameters": found}, Path="/meridian/orders")
    return replace(answer, region=place)


def time_to_live(status: str = "DISABLED", attribute: str = "") -> Answer:
    description = {"TimeToLiveStatus": status, **({"AttributeName": attribute} if attribute else {})}
    return dynamodb(HOME, "describe_time_to_live", {"TimeToLiveDescription": description}, TableName="orders")


def wanting(**change: Any) -> Any:
    return once(request={**REQUEST, **change})


def refused(claim: str, sentence: str, *, shape: Any = None, **change: Any) -> Scenario:
    """A request that differs from the table in one thing is refused with one sentence."""
    live = ours(replica(), **{**SHAPE, **(shape or {})})
    return Scenario(
        claim,
        wanting(**change),
        [*live, recorded(HOME, AWAY)],
        raises="ChangeRefused",
        says=[f"orders cannot be changed so: {sentence}. Nothing was changed."],
    )


SCENARIOS = [
    Scenario("Nothing stands yet", once(), [no_table(), no_table(AWAY), recorded()], {"missing": [HOME, AWAY]}),
    Scenario(
        "A table that is as the request says misses nothing",
        once(),
        [*ours(replica(), **SHAPE), recorded(HOME, AWAY)],
        {"missing": []},
    ),
    Scenario(
        "A Region that the table is not in is missing",
        once(),
        [*ours(**SHAPE), no_table(AWAY), recorded(HOME)],
        {"missing": [AWAY]},
    ),
    Scenario(
        "Indexes of both kinds, classes and projections are compared whatever their order",
        once(request=INDEXED),
        [*ours(**INDEXED_SHAPE), recorded(HOME)],
        {"missing": []},
    ),
    Scenario(
        "A replica that is still going away is only missing",
        once(),
        [*ours(**SHAPE), table(AWAY, status="DELETING"), recorded()],
        {"missing": [AWAY]},
    ),
    Scenario(
        "A home table that is still being made is compared, though it answers DescribeTable only",
        once(request={**REQUEST, "kinesis": None}),
        [table(status="CREATING", **SHAPE), no_table(AWAY), recorded(HOME), table(status="CREATING")],
        {"missing": [AWAY]},
    ),
    Scenario(
        "A table that is recorded in another of its Regions has its home there",
        once(),
        [*ours(replica(), **SHAPE), recorded(), recorded(AWAY, HOME, place=AWAY)],
        raises="ChangeRefused",
        says=["orders has its home in eu-west-1", "Start provision in eu-west-1, with eu-west-1 first"],
    ),
    Scenario(
        "A table whose record is lost is taken up again",
        once(),
        [*ours(replica(), **SHAPE), recorded(), recorded(place=AWAY)],
        {"missing": []},
    ),
    Scenario(
        "A foreign home table is in the way",
        once(),
        [table(), tags(HOME, team="MARKED")],
        raises="NotOurs",
        says=["A table named orders exists in us-east-1: it lacks the tag meridian:table=orders"],
    ),
    Scenario(
        "A foreign table in a replica's Region is in the way",
        once(),
        [*ours(**SHAPE), table(AWAY)],
        raises="NotOurs",
        says=["A table named orders exists in eu-west-1: it is no replica of orders in us-east-1"],
    ),
    Scenario(
        "A member that the request drops is refused with the sentence that names remove-region",
        once(),
        [*ours(replica(), replica(THIRD), **SHAPE), recorded(HOME, AWAY)],
        raises="ChangeRefused",
        says=[
            (
                "orders cannot be changed so: ap-southeast-1 is a Region of the table and not in the request; "
                "remove-region "
                'takes it away ({"table": "orders", "region": "ap-southeast-1", "confirm": "ap-southeast-1"}). '
                "Nothing was changed."
            )
        ],
    ),
    Scenario(
        "A Region that is only recorded is not dropped in silence either",
        once(),
        [no_table(), no_table(AWAY), recorded(HOME, THIRD)],
        raises="ChangeRefused",
        says=["ap-southeast-1 is a Region of the table and not in the request"],
    ),
    refused(
        "Another key schema is refused",
        "key_schema is orderId HASH and cannot become orderId HASH, customerId RANGE",
        shape={"KeySchema": keys(orderId="HASH")},
    ),
    refused(
        "Another type of an attribute is refused",
        "attribute_definitions is customerId S, orderId N and cannot become orderId S, customerId S",
        shape={"AttributeDefinitions": types(customerId="S", orderId="N")},
    ),
    refused(
        "An index that the request does not name is refused",
        "global_secondary_indexes is GSI1 orderId HASH ALL and cannot become none",
        shape={
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "GSI1",
                    "IndexStatus": "ACTIVE",
                    "KeySchema": keys(orderId="HASH"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ]
        },
    ),
    refused(
        "A table with provisioned capacity is refused",
        "billing_mode is PROVISIONED and cannot become PAY_PER_REQUEST",
        shape={"BillingModeSummary": {"BillingMode": "PROVISIONED"}},
    ),
    refused(
        "Another table class is refused",
        "table_class is STANDARD and cannot become STANDARD_INFREQUENT_ACCESS",
        table_class="STANDARD_INFREQUENT_ACCESS",
    ),
    refused(
        "Another stream view type is refused",
        "stream_view_type is NEW_AND_OLD_IMAGES and cannot become KEYS_ONLY",
        stream_view_type="KEYS_ONLY",
    ),
    refused(
        "A table without a stream is refused",
        "stream_view_type is None and cannot become NEW_AND_OLD_IMAGES",
        shape={"StreamSpecification": {"StreamEnabled": False}},
    ),
    Scenario(
        "The same TTL attribute is no change",
        wanting(time_to_live={"attribute_name": "expiresAt"}),
        [*ours(replica(), **SHAPE), recorded(HOME), time_to_live("ENABLED", "expiresAt")],
        {"missing": []},
    ),
    Scenario(
        "Another TTL attribute takes two steps",
        wanting(time_to_live={"attribute_name": "endsAt"}),
        [*ours(replica(), **SHAPE), recorded(HOME), time_to_live("ENABLING", "expiresAt")],
        raises="ChangeRefused",
        says=[
            "time_to_live.attribute_name is expiresAt and cannot become endsAt in one step: DynamoDB takes up to an h"
        ],
    ),
    Scenario(
        "A stream that the request drops is not deleted in silence",
        wanting(kinesis=None),
        [
            *ours(replica(), **SHAPE),
            recorded(HOME, AWAY),
            table(AWAY),
            destinations(AWAY, ("ACTIVE", STREAM)),
            table(),
            destinations(HOME, ("DISABLED", STREAM)),
        ],
        raises="ChangeRefused",
        says=["kinesis is on in eu-west-1; provision does not delete streams"],
    ),
    Scenario(
        "A foreign destination and one that was switched off are no streaming of ours",
        wanting(kinesis=None),
        [
            *ours(replica(), **SHAPE),
            recorded(HOME, AWAY),
            table(AWAY),
            destinations(AWAY, ("DISABLED", STREAM), ("ACTIVE", "another")),
            table(),
            destinations(HOME),
        ],
        {"missing": []},
    ),
    Scenario(
        "A replica that is still CREATING answers DescribeTable only and is asked nothing else",
        wanting(kinesis=None),
        [
            *ours(replica(status="CREATING"), status="UPDATING", **SHAPE),
            recorded(HOME, AWAY),
            table(AWAY, status="CREATING"),
            table(),
            destinations(HOME),
        ],
        {"missing": []},
    ),
    Scenario(
        "A replicator's tables that are missing are made later",
        once(request=REPLICATED),
        [*ours(replica(), **SHAPE), recorded(HOME), missing(MARKS), missing(COPY)],
        {"missing": []},
    ),
    Scenario(
        "A destination with the table's key is used, whoever made it",
        once(request=REPLICATED),
        [*ours(replica(), **SHAPE), recorded(HOME), stands(MARKS), tagged(MARKS), stands(COPY)],
        {"missing": []},
    ),
    *(
        Scenario(
            f"A destination with {what} is refused before anything is made",
            once(request=REPLICATED),
            [no_table(), no_table(AWAY), recorded(), stands(MARKS, "CREATING"), stands(COPY, **shape)],
            raises="ChangeRefused",
            says=[
                (
                    "orders cannot be changed so: the replicator's destination orders-copy in ap-southeast-1 has the "
                    f"key {has} and cannot hold items with the key orderId (S), customerId (S); name another table "
                    "under processors.replicator.destination. Nothing was changed."
                )
            ],
        )
        for what, has, shape in OTHER_KEYS
    ),
    Scenario(
        "Marks that somebody else made are in the way before anything is made",
        once(request=REPLICATED),
        [no_table(), no_table(AWAY), recorded(), stands(MARKS), tagged(MARKS, team="MARKED")],
        raises="NotOurs",
        says=[f"A table named {MARKS} exists in ap-southeast-1"],
    ),
    Scenario(
        "Every reason is given at once",
        wanting(regions=[HOME], table_class="STANDARD_INFREQUENT_ACCESS", time_to_live={"attribute_name": "endsAt"}),
        [*ours(replica(), **SHAPE), recorded(HOME), time_to_live("ENABLED", "expiresAt")],
        raises="ChangeRefused",
        says=["eu-west-1 is a Region of the table", "; table_class is STANDARD", "; time_to_live.attribute_name is"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_compare_deployment(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(compare_deployment, scenario, aws)
