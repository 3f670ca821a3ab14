"""Look once whether the table is there, or gone, in one Region.

Changes nothing; may run any number of times. One task for every loop that waits for a table: the home Region's, a
replica's, and their going away.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from tasks.shared import tables
from tasks.shared.errors import START_AGAIN, ReplicaFailed, ReplicaUnhealthy, ReplicaVanished
from tasks.shared.task import TABLE, allow, task
from tasks.shared.waiting import Looked, Looped, busy, now, ready

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

    from tasks.shared.clients import Clients

# A Create that UpdateTable accepted shows at once; an entry may lag some 35 s behind its table.
VANISHED_AFTER_SECONDS = 60
# A replica goes within some four minutes, and its table some 35 s after its entry.
ALONE_AFTER_SECONDS = 600

PASSING = ("ACTIVE", "CREATING", "UPDATING", "DELETING", "not listed yet", "not there yet")
# Why a table or a replica is cut off, and what brings it back before DynamoDB drops the Region for good.
UNHEALTHY = {
    "ARCHIVING": "Make its KMS key usable again before it is archived",
    "INACCESSIBLE_ENCRYPTION_CREDENTIALS": "Make its KMS key usable again (enabled, with DynamoDB's grants)",
    "REGION_DISABLED": "Enable the Region in this account again",
    "REPLICATION_NOT_AUTHORIZED": "Remove the resource policy that denies AWSServiceRoleForDynamoDBReplication",
}


class Event(Looped):
    table: str
    home: str
    region: str
    wanted: Literal["ACTIVE", "GONE"]


@task(allow("dynamodb:DescribeTable", on=TABLE), timeout_seconds=30)
def describe_table(event: Event, aws: Clients) -> Looked:
    """Answer READY when the table is as wanted in ``region`` and, for a replica, in the home Region too.

    ``ReplicaFailed``, ``ReplicaVanished`` or ``ReplicaUnhealthy`` where waiting cannot help.
    """
    table, home, region = event["table"], event["home"], event["region"]
    at_home = tables.describe(aws.dynamodb(home), table)
    there = at_home if region == home else tables.describe(aws.dynamodb(region), table)
    look = _until_gone if event["wanted"] == "GONE" else _until_active
    waits_for = look(event, at_home, there)
    if not waits_for:
        return ready(event["wanted"])
    return busy(event, f"{table}: {', '.join(waits_for)}", region)


def _until_gone(
    event: Event, at_home: TableDescriptionTypeDef | None, there: TableDescriptionTypeDef | None
) -> list[str]:
    entry = tables.replica(at_home, event["region"]) if at_home else None
    if there and not entry and event["region"] != event["home"]:
        _require_not_alone(event, there)
    left = [f"replica {entry.get('ReplicaStatus')}"] if entry else []
    return left + ([f"table {there['TableStatus']}"] if there else [])


def _until_active(
    event: Event, at_home: TableDescriptionTypeDef | None, there: TableDescriptionTypeDef | None
) -> list[str]:
    """Ready is four things: the replica's entry, its table, its indexes, and the home table again.

    The home table is in use as well while DynamoDB changes it for the sake of another Region, which may take hours.
    """
    waits_for = []
    if event["region"] != event["home"]:
        entry = tables.replica(at_home, event["region"]) if at_home else None
        if entry is None:
            _require_not_vanished(event, at_home)
        status = str(entry.get("ReplicaStatus")) if entry else "not listed yet"
        _require_hope(f"The replica of {event['table']}", event["region"], status, _reason(entry))
        waits_for += [] if status == "ACTIVE" else [f"replica {status}"]
    for place, description in ((event["region"], there), (event["home"], at_home)):
        status = description["TableStatus"] if description else "not there yet"
        _require_hope(f"The table {event['table']}", place, status, _reason(description))
        settled = status == "ACTIVE" or (place == event["home"] and _serves_another(event, description))
        waits_for += [] if settled else [f"table {status} in {place}"]
    return list(dict.fromkeys(waits_for + (tables.busy_indexes(there) if there else [])))


def _serves_another(event: Event, at_home: TableDescriptionTypeDef | None) -> bool:
    """Whether the home table is UPDATING for another Region's replica: it takes one replica change at a time."""
    others = [entry for entry in (at_home or {}).get("Replicas", []) if entry.get("RegionName") != event["region"]]
    changing = any(entry.get("ReplicaStatus") in ("CREATING", "UPDATING", "DELETING") for entry in others)
    return bool(at_home and at_home["TableStatus"] == "UPDATING" and changing)


def _require_not_vanished(event: Event, at_home: TableDescriptionTypeDef | None) -> None:
    if at_home and at_home["TableStatus"] == "ACTIVE" and _elapsed(event) > VANISHED_AFTER_SECONDS:
        raise ReplicaVanished(
            f"DynamoDB accepted a replica of {event['table']} and did not make it",
            where=event["region"],
            why=f"{event['home']} is ACTIVE again and does not list it",
            remedy=f"{START_AGAIN} A redrive would only look again.",
        )


def _require_not_alone(event: Event, there: TableDescriptionTypeDef) -> None:
    """A replica that was cut off for 20 hours leaves the global table and stays, with its data, as a table."""
    if there["TableStatus"] == "ACTIVE" and _elapsed(event) > ALONE_AFTER_SECONDS:
        raise ReplicaFailed(
            f"{event['table']} is no replica any more and stands as a table of its own",
            where=event["region"],
            why=f"{event['home']} does not list it",
            remedy="Meridian does not delete it, because its data may be nowhere else. Save what you need, delete the "
            "table there yourself, then start the workflow again with the same input.",
        )


def _require_hope(what: str, where: str, status: str, why: str) -> None:
    """``ReplicaFailed`` or ``ReplicaUnhealthy`` for a status that waiting does not change."""
    what = f"{what} is {status}"
    if status == "CREATION_FAILED":
        raise ReplicaFailed(what, where=where, why=why, remedy=f"{START_AGAIN} The failed replica is replaced.")
    if status == "ARCHIVED":
        remedy = (
            "DynamoDB keeps its data in a backup. Take it away (remove-region; cleanup where it is the home Region), "
        )
        raise ReplicaFailed(what, where=where, why=why, remedy=f"{remedy}then start provision again.")
    if status in UNHEALTHY:
        remedy = f"{UNHEALTHY[status]}; after 20 hours DynamoDB drops the Region for good. {START_AGAIN}"
        raise ReplicaUnhealthy(what, where=where, why=why, remedy=remedy)
    if status not in PASSING:
        raise ReplicaUnhealthy(what, where=where, why=why, remedy=f"Meridian does not know this status. {START_AGAIN}")


def _reason(found: Any) -> str:
    """What DynamoDB says of a replica's or a table's status."""
    found = found or {}
    return str(found.get("ReplicaStatusDescription") or found.get("ArchivalSummary", {}).get("ArchivalReason", ""))


def _elapsed(event: Event) -> float:
    return (now() - datetime.fromisoformat(event["began"])).total_seconds()
