"""Streams: the newest state of a table's destination, in whatever order its entries come."""

from __future__ import annotations

from itertools import permutations

import pytest

from tasks.shared import streams
from tests.unit.tasks.fakes import StubbedClients
from tests.unit.tasks.scenarios import AWAY, STREAM, TABLE, destinations, no_stream, no_table, stream_arn, table


@pytest.fixture
def aws() -> StubbedClients:
    return StubbedClients()


@pytest.mark.parametrize("live", streams.LIVE)
def test_a_live_entry_wins_then_a_failed_one(aws: StubbedClients, live: str) -> None:
    """Entries of earlier tries linger for minutes and never hide the present one."""
    for entries in permutations(["DISABLED", "ENABLE_FAILED", live]):
        for statuses, newest in ((entries, live), ([one for one in entries if one != live], "ENABLE_FAILED")):
            aws.will(table(AWAY), destinations(AWAY, *((status, STREAM) for status in statuses)))
            found = streams.destination(aws, TABLE, AWAY)
            assert found
            assert found["DestinationStatus"] == newest


def test_only_our_own_stream_counts(aws: StubbedClients) -> None:
    """A stream whose name only ends or begins like ours is somebody else's."""
    foreign = [f"x{STREAM}", f"{STREAM}2", f"x/{STREAM}2"]
    aws.will(table(AWAY), destinations(AWAY, *(("ACTIVE", name) for name in foreign)))
    assert streams.destination(aws, TABLE, AWAY) is None
    aws.will(destinations(AWAY, ("ACTIVE", STREAM), ("DISABLED", "old"), ("DISABLING", "other")))
    assert streams.other_destination(aws, TABLE, AWAY) == stream_arn(AWAY, "other")


@pytest.mark.parametrize("status", ["CREATING", "DELETING"])
def test_a_table_that_comes_or_goes_is_asked_nothing_more(aws: StubbedClients, status: str) -> None:
    """Its Region answers DescribeTable only."""
    aws.will(table(AWAY, status=status))
    assert streams.destination(aws, TABLE, AWAY) is None
    aws.assert_used_up()


def test_what_is_not_there_is_nothing(aws: StubbedClients) -> None:
    """A missing table has no destination, and a missing stream no description and no owner."""
    aws.will(no_table(AWAY), no_stream(), no_stream())
    assert streams.destination(aws, TABLE, AWAY) is None
    assert streams.describe(aws, TABLE, AWAY) is None
    assert streams.require_ours(aws, TABLE, AWAY) is None
