"""The replicator's two tables in its destination Region: the destination, and the marks beside it.

The destination may be anybody's, as long as its key is the table's own; one that Meridian made carries two tags, the
table's and its home Region's, because two tables of one name may have homes in different Regions. The marks tell when
an item was made or removed (processors/replicator.py) and are Meridian's alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared import names, tables
from tasks.shared import request as requests
from tasks.shared.errors import NotOurs

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients
    from tasks.shared.request import Replicator, Request

HOME_TAG = "meridian:home"
UNREADABLE = ("CREATING", "DELETING")  # whose a table is, its tags cannot tell then
MARKS_KEY, MARKS_TIME_TO_LIVE = "item", "expiresAt"


def replicator(request: Request) -> Replicator | None:
    return request["processors"]["replicator"]


def definition(request: Request, table: str) -> Any:
    """CreateTable's parameters for the destination: the table's key and nothing else of it."""
    return _definition(request, table, requests.key_attributes(request))


def marks_definition(request: Request) -> Any:
    """CreateTable's parameters for the marks."""
    return _definition(request, names.marks_table(request["table"]), [(MARKS_KEY, "S")])


def _definition(request: Request, table: str, key: list[tuple[str, str]]) -> Any:
    home_tag = {"Key": HOME_TAG, "Value": requests.home(request)}
    return {
        "TableName": table,
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in key],
        "KeySchema": [
            {"AttributeName": name, "KeyType": role}
            for (name, _), role in zip(key, ("HASH", "RANGE"), strict=False)  # a table without a sort key has one
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": [*tables.tag_list(request), home_tag],
    }


def ours(dynamodb: DynamoDBClient, live: TableDescriptionTypeDef, request: Request) -> bool:
    """Whether Meridian made it for this table with this home. Not to be asked of an ``UNREADABLE`` one."""
    found = tables.tags(dynamodb, live["TableArn"])
    return (found.get(names.OWNERSHIP_TAG), found.get(HOME_TAG)) == (request["table"], requests.home(request))


def wrong_key(request: Request, live: TableDescriptionTypeDef) -> str:
    """Why the table cannot be the destination, as one sentence without its end; empty where its key is right."""
    wanted = requests.key_attributes(request)
    kinds = {one["AttributeName"]: one["AttributeType"] for one in live["AttributeDefinitions"]}
    present = [
        (key["AttributeName"], str(kinds[key["AttributeName"]]))
        for key in sorted(live["KeySchema"], key=lambda key: key["KeyType"])
    ]
    if present == wanted:
        return ""
    return (
        f"the replicator's destination {live['TableName']} in {_place(live)} has the key {_text(present)} and cannot "
        f"hold items with the key {_text(wanted)}; name another table under processors.replicator.destination"
    )


def require_ours(dynamodb: DynamoDBClient, live: TableDescriptionTypeDef, request: Request) -> None:
    """``NotOurs`` for marks that Meridian did not make for this table with this home."""
    if not ours(dynamodb, live, request):
        raise NotOurs(
            f"A table named {live['TableName']} exists",
            where=_place(live),
            why=f"it lacks the tags {names.OWNERSHIP_TAG}={request['table']} and {HOME_TAG}={requests.home(request)}, "
            "so it holds no marks of this replicator",
            remedy="It is left as it is. Choose another destination Region, or remove that table yourself.",
        )


def problems(aws: Clients, request: Request) -> list[str]:
    """What is wrong with the destination that stands; ``NotOurs`` for marks that are not this table's."""
    wanted = replicator(request)
    if not wanted:
        return []
    dynamodb = aws.dynamodb(wanted["destination"]["region"])
    marks = tables.describe(dynamodb, names.marks_table(request["table"]))
    if marks and marks["TableStatus"] not in UNREADABLE:
        require_ours(dynamodb, marks, request)
    destination = tables.describe(dynamodb, wanted["destination"]["table"])
    wrong = wrong_key(request, destination) if destination else ""
    return [wrong] if wrong else []


def _place(live: TableDescriptionTypeDef) -> str:
    return live["TableArn"].split(":")[3]


def _text(key: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in key)
