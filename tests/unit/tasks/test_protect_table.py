"""ProtectTable: tags, recovery, TTL and deletion protection are brought to what the request says, by Region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.protect_table import protect_table
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    OWNED,
    REQUEST,
    TABLE,
    Ago,
    Scenario,
    busy,
    dynamodb,
    looped,
    no_table,
    play,
    ready,
    refuse,
    table,
    table_arn,
    tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients


def wanting(region: str = AWAY, **change: Any) -> Any:
    return looped(region, request={**REQUEST, **change})


def tagged(region: str = AWAY) -> Answer:
    return tags(region, team="MARKED", **OWNED)


def recovery(region: str = AWAY, status: str = "ENABLED", days: int = 35) -> Answer:
    """DescribeContinuousBackups answers."""
    point_in_time = {"PointInTimeRecoveryStatus": status, **({"RecoveryPeriodInDays": days} if days else {})}
    description = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": point_in_time}
    return dynamodb(
        region, "describe_continuous_backups", {"ContinuousBackupsDescription": description}, TableName=TABLE
    )


def update_recovery(region: str = AWAY, **specification: Any) -> Answer:
    return dynamodb(
        region, "update_continuous_backups", TableName=TABLE, PointInTimeRecoverySpecification=specification
    )


def time_to_live(status: str = "DISABLED", attribute: str = "") -> Answer:
    """DescribeTimeToLive answers, in the home Region."""
    description = {"TimeToLiveStatus": status, **({"AttributeName": attribute} if attribute else {})}
    return dynamodb(HOME, "describe_time_to_live", {"TimeToLiveDescription": description}, TableName=TABLE)


def update_time_to_live(attribute: str, *, enabled: bool) -> Answer:
    specification = {"Enabled": enabled, "AttributeName": attribute}
    return dynamodb(HOME, "update_time_to_live", TableName=TABLE, TimeToLiveSpecification=specification)


EXPIRES: dict[str, Any] = {"time_to_live": {"attribute_name": "expiresAt"}}

SCENARIOS = [
    Scenario(
        "A replica that is as the request says is left as it is",
        looped(),
        [table(AWAY), tagged(), recovery()],
        ready(""),
    ),
    Scenario(
        "The home table is asked for its TTL too",
        looped(HOME),
        [table(), tagged(HOME), recovery(HOME), time_to_live()],
        ready(""),
    ),
    Scenario(
        "A table that is changing is waited for",
        looped(),
        [table(AWAY, status="UPDATING")],
        busy("orders (UPDATING)"),
    ),
    Scenario(
        "A table that does not show yet is waited for", looped(), [no_table(AWAY)], busy("orders (not there yet)")
    ),
    Scenario(
        "A new replica gets every tag, because none is copied",
        looped(),
        [
            table(AWAY),
            dynamodb(AWAY, "list_tags_of_resource", {"Tags": []}, ResourceArn=table_arn(AWAY)),
            dynamodb(
                AWAY,
                "tag_resource",
                ResourceArn=table_arn(AWAY),
                Tags=[{"Key": "team", "Value": "MARKED"}, {"Key": "meridian:table", "Value": TABLE}],
            ),
            recovery(),
        ],
        ready(""),
    ),
    Scenario(
        "Only tags that differ are written, and what somebody else added stays",
        looped(),
        [
            table(AWAY),
            tags(AWAY, team="another", cost="1", **OWNED),
            dynamodb(AWAY, "tag_resource", ResourceArn=table_arn(AWAY), Tags=[{"Key": "team", "Value": "MARKED"}]),
            recovery(),
        ],
        ready(""),
    ),
    *(
        Scenario(
            f"Recovery that is {status} over {days} days becomes that of the request",
            looped(),
            [
                table(AWAY),
                tagged(),
                recovery(status=status, days=days),
                update_recovery(PointInTimeRecoveryEnabled=True, RecoveryPeriodInDays=35),
            ],
            ready(""),
        )
        for status, days in (("DISABLED", 0), ("ENABLED", 7))
    ),
    Scenario(
        "Recovery that is not wanted is switched off",
        wanting(point_in_time_recovery={"enabled": False, "recovery_period_in_days": 35}),
        [table(AWAY), tagged(), recovery(), update_recovery(PointInTimeRecoveryEnabled=False)],
        ready(""),
    ),
    Scenario(
        "Recovery that is not wanted and off is left as it is",
        wanting(point_in_time_recovery={"enabled": False, "recovery_period_in_days": 35}),
        [table(AWAY), tagged(), recovery(status="DISABLED", days=0)],
        ready(""),
    ),
    Scenario(
        "TTL is switched on in the home Region",
        wanting(HOME, **EXPIRES),
        [table(), tagged(HOME), recovery(HOME), time_to_live(), update_time_to_live("expiresAt", enabled=True)],
        ready(""),
    ),
    *(
        Scenario(
            f"TTL that is {status} is left as it is",
            wanting(HOME, **EXPIRES),
            [table(), tagged(HOME), recovery(HOME), time_to_live(status, "expiresAt")],
            ready(""),
        )
        for status in ("ENABLING", "ENABLED")
    ),
    Scenario(
        "TTL that is not wanted is switched off",
        looped(HOME),
        [
            table(),
            tagged(HOME),
            recovery(HOME),
            time_to_live("ENABLED", "expiresAt"),
            update_time_to_live("expiresAt", enabled=False),
        ],
        ready(""),
    ),
    Scenario(
        "A replica gets its TTL from the home Region",
        wanting(AWAY, **EXPIRES),
        [table(AWAY), tagged(), recovery()],
        ready(""),
    ),
    *(
        Scenario(
            f"Deletion protection becomes {wanted}",
            wanting(deletion_protection=wanted),
            [
                table(AWAY, DeletionProtectionEnabled=not wanted),
                tagged(),
                recovery(),
                dynamodb(AWAY, "update_table", TableName=TABLE, DeletionProtectionEnabled=wanted),
            ],
            ready(""),
        )
        for wanted in (True, False)
    ),
    *(
        Scenario(
            f"What passes by itself is waited for ({code})",
            wanting(deletion_protection=True),
            [
                table(AWAY),
                tagged(),
                recovery(),
                refuse("dynamodb", AWAY, "update_table", code, "not yet"),
            ],
            busy("its turn to change orders (not yet)"),
        )
        for code in ("ResourceInUseException", "ResourceNotFoundException")
    ),
    *(
        Scenario(
            f"Recovery that is still being switched on, or not known everywhere, is waited for ({code})",
            looped(),
            [table(AWAY), tagged(), refuse("dynamodb", AWAY, "describe_continuous_backups", code, "not yet")],
            busy("its turn to change orders (not yet)"),
        )
        for code in ("ContinuousBackupsUnavailableException", "TableNotFoundException")
    ),
    *(
        Scenario(
            f"TTL that changed within the hour, or since the look, is waited for ({text})",
            wanting(HOME, **EXPIRES),
            [
                table(),
                tagged(HOME),
                recovery(HOME),
                time_to_live("DISABLING", "expiresAt"),
                refuse("dynamodb", HOME, "update_time_to_live", "ValidationException", text),
            ],
            busy(f"its turn to change orders ({text})"),
        )
        for text in (
            "Time to live has been modified multiple times within a fixed interval",
            "TimeToLive is already enabled",
        )
    ),
    Scenario(
        "A refusal that nobody foresaw keeps AWS's name",
        looped(),
        [table(AWAY), refuse("dynamodb", AWAY, "list_tags_of_resource", "AccessDeniedException", "not authorized")],
        raises="AccessDeniedException",
        says=["not authorized"],
    ),
    Scenario(
        "Waiting for the table ends with the deadline",
        looped(began=Ago(601), deadline_seconds=600),
        [table(AWAY, status="UPDATING")],
        raises="DeadlineExceeded",
        says=["Waited 601 s for orders (UPDATING) in eu-west-1"],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_protect_table(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(protect_table, scenario, aws)
