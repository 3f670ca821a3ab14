"""Tables: whose they are, what DynamoDB's refusals mean, and what is still busy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tasks.shared import names, tables
from tasks.shared.errors import DeletionProtected, NotOurs
from tasks.shared.request import complete
from tests.unit.tasks.fakes import StubbedClients, refusal
from tests.unit.tasks.scenarios import AWAY, HOME, TABLE, dynamodb, no_table, refuse, replica, table, table_arn, tags

LIMIT = "LimitExceededException"


@pytest.fixture
def aws() -> StubbedClients:
    return StubbedClients()


class TestQuota:
    @pytest.mark.parametrize(
        "text",
        [
            "Subscriber limit exceeded: There is a limit of 2500 tables per subscriber",
            "Failed to create replica: current TableMaxReadCapacityUnits value 40000",
            "",
        ],
    )
    def test_is_every_limit_that_does_not_clear_by_itself(self, text: str) -> None:
        """What does not say that it is about the moment is an account's quota."""
        error = tables.quota(refusal(LIMIT, text), "It cannot be made", AWAY)
        assert error
        assert "Raise the quota in eu-west-1 (Service Quotas > DynamoDB)" in error.remedy

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            (LIMIT, "Only 500 tables can be created, updated, or deleted simultaneously"),
            (LIMIT, "There can be up to 250 tables created simultaneously"),
            ("ThrottlingException", "limit"),
            ("ValidationException", "limit exceeded"),
        ],
    )
    def test_is_nothing_that_passes(self, code: str, text: str) -> None:
        """What clears by itself, and every other error, keeps AWS's name."""
        assert tables.quota(refusal(code, text), "It cannot be made", AWAY) is None


class TestRequireOurs:
    def test_reads_every_page_of_tags(self, aws: StubbedClients) -> None:
        """A table with many tags is ours wherever in them our tag stands."""
        first = {"Tags": [{"Key": "team", "Value": "x"}], "NextToken": "more"}
        second = {"Tags": [{"Key": names.OWNERSHIP_TAG, "Value": TABLE}]}
        aws.will(
            table(),
            dynamodb(HOME, "list_tags_of_resource", first, ResourceArn=table_arn(HOME)),
            dynamodb(HOME, "list_tags_of_resource", second, ResourceArn=table_arn(HOME), NextToken="more"),
        )
        assert tables.require_ours(aws, TABLE, HOME)

    def test_gives_nothing_where_there_is_nothing(self, aws: StubbedClients) -> None:
        """A missing table is no refusal."""
        aws.will(no_table())
        assert tables.require_ours(aws, TABLE, HOME) is None

    def test_does_not_hide_a_refusal(self, aws: StubbedClients) -> None:
        """Only a missing table is taken for one."""
        aws.will(refuse("dynamodb", HOME, "describe_table", "AccessDeniedException", "no"))
        with pytest.raises(Exception, match="AccessDeniedException"):
            tables.require_ours(aws, TABLE, HOME)

    @pytest.mark.parametrize("found", [{"team": "x"}, {names.OWNERSHIP_TAG: "orders2"}, {"meridian:Table": TABLE}])
    def test_refuses_what_lacks_our_tag(self, aws: StubbedClients, found: dict[str, str]) -> None:
        """The tag must be ours, to the letter, and name this table."""
        aws.will(table(), tags(HOME, **found))
        with pytest.raises(NotOurs):
            tables.require_ours(aws, TABLE, HOME)


@pytest.mark.parametrize("status", ["ACTIVE", "UPDATING", "ARCHIVED"])
def test_a_table_that_stands_leaves_no_room(aws: StubbedClients, status: str) -> None:
    """A table that neither comes nor goes nor is a member is in the way of a replica."""
    aws.will(table(AWAY, replica("sa-east-1"), status=status))
    with pytest.raises(NotOurs, match="it is no replica of orders in us-east-1"):
        tables.require_room(aws, TABLE, HOME, AWAY)


def test_unprotected_is_what_is_gone_or_never_was_protected(aws: StubbedClients) -> None:
    """Only Regions that hold the table back are named."""
    aws.will(no_table(HOME), table(AWAY))
    tables.require_unprotected(aws, TABLE, [HOME, AWAY])
    aws.will(table(HOME, DeletionProtectionEnabled=True), table(AWAY, DeletionProtectionEnabled=False))
    with pytest.raises(DeletionProtected) as held:
        tables.require_unprotected(aws, TABLE, [HOME, AWAY])
    assert "orders is protected from deletion in us-east-1. " in str(held.value)


def test_the_time_of_the_lock_is_told_in_utc() -> None:
    """Whatever time zone boto3 gives, the message is in UTC, a day after the replica was made."""
    made = datetime(2026, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert "until 2026-11-22 04:30Z at the latest" in str(tables.locked(TABLE, HOME, "why", made))
    assert "until 2026-11-21 23:30Z" in str(tables.locked(TABLE, HOME, "why", made.replace(tzinfo=UTC)))


def test_busy_indexes_are_named_with_their_status() -> None:
    """An index in any state but ACTIVE holds a replica change back."""
    indexes = [{"IndexName": name, "IndexStatus": status} for name, status in (("a", "ACTIVE"), ("b", "DELETING"))]
    description: Any = {"GlobalSecondaryIndexes": indexes}
    assert tables.busy_indexes(description) == ["index b DELETING"]
    without: Any = {}
    assert tables.busy_indexes(without) == []


def test_tags_of_a_request_hold_ours_once() -> None:
    """The ownership tag is added to the request's own."""
    request = complete(
        {
            "table": TABLE,
            "regions": [HOME],
            "attribute_definitions": {"id": "S"},
            "key_schema": {"id": "HASH"},
            "tags": {"team": "x"},
        }
    )
    assert tables.tag_list(request) == [{"Key": "team", "Value": "x"}, {"Key": names.OWNERSHIP_TAG, "Value": TABLE}]
