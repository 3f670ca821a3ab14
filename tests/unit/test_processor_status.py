"""What status says of a Region's processors: stack, version, mappings, and what they gave up on."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from meridian import processor_status
from meridian.processor_status import Mapping, Stack
from meridian.results import show_status
from meridian.status import Aspect, RegionStatus, Status
from tasks.shared import configuration, names
from tasks.shared.request import complete
from tests.unit.tasks.fakes import ACCOUNT, Answer, StubbedClients
from tests.unit.tasks.scenarios import AWAY, HOME, OWNED, REQUEST, TABLE, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping as Dictionary

NAME = names.region_stack(TABLE)
BUCKET = names.failure_bucket(TABLE, ACCOUNT, AWAY)
CREATED, UPDATED = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
WATCHED: Any = complete({**REQUEST, "processors": {"changes": {}, "analytics": {"namespace": "Shop"}}})
RULES = PurePosixPath(configuration.key(REQUEST)).stem


@pytest.fixture
def aws() -> StubbedClients:
    return StubbedClients()


def described(status: str = "UPDATE_COMPLETE", tags: Dictionary[str, str] = OWNED) -> Answer:
    stack = {
        "StackName": NAME,
        "StackId": f"arn:aws:cloudformation:{AWAY}:{ACCOUNT}:stack/{NAME}/1",
        "StackStatus": status,
        "CreationTime": CREATED,
        "LastUpdatedTime": UPDATED,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
        "Parameters": [{"ParameterKey": "FailureBucket", "ParameterValue": BUCKET}],
        "Outputs": [
            {"OutputKey": "CodeSha256", "OutputValue": "c" * 64},
            {"OutputKey": "ConfigSha256", "OutputValue": RULES},
        ],
    }
    return Answer("cloudformation", AWAY, "describe_stacks", {"Stacks": [stack]})


def listed(count: int, *, more: bool = False) -> Answer:
    """ListObjectsV2 of what Lambda writes, asked of the bucket's owner."""
    asked = {"Bucket": BUCKET, "Prefix": "aws/lambda/", "MaxKeys": 1000, "ExpectedBucketOwner": ACCOUNT}
    answer = {"Contents": [{"Key": str(number)} for number in range(count)], "IsTruncated": more}
    return Answer("s3", AWAY, "list_objects_v2", answer, params=asked)


def mapping(processor: str, **found: str) -> Answer:
    asked = {"FunctionName": names.processor_function(TABLE, processor)}
    answer = {"EventSourceMappings": [{"UUID": "1" * 36, **found}] if found else []}
    return Answer("lambda", AWAY, "list_event_source_mappings", answer, params=asked)


@pytest.mark.parametrize(
    ("answer", "failures"), [(listed(0), "0"), (listed(12), "12"), (listed(1000, more=True), "1000+")]
)
def test_a_stack(aws: StubbedClients, answer: Answer, failures: str) -> None:
    """A stack tells its version and its last change, and its failure bucket is counted up to one page."""
    aws.will(described(), answer)
    found = processor_status.stack(aws, TABLE, AWAY)
    assert found == Stack("complete", "c" * 64, RULES, UPDATED, failures)
    assert found.version == f"code ccccccc, rules {RULES[:7]}"


def test_a_stack_that_failed(aws: StubbedClients) -> None:
    """A stack that is not well is shown under CloudFormation's word for it, and a bucket that is gone is missing."""
    aws.will(described("UPDATE_ROLLBACK_COMPLETE"), refuse("s3", AWAY, "list_objects_v2", "NoSuchBucket"))
    found = processor_status.stack(aws, TABLE, AWAY)
    assert (found.status, found.failures) == ("UPDATE_ROLLBACK_COMPLETE", "missing")


def test_no_stack(aws: StubbedClients) -> None:
    """A stack that is not there, and one that is not ours, are told apart; of neither is anything else asked."""
    gone = refuse("cloudformation", AWAY, "describe_stacks", "ValidationError", f"Stack with id {NAME} does not exist")
    aws.will(gone, described(tags={"team": "others"}))
    assert processor_status.stack(aws, TABLE, AWAY) == Stack("missing")
    assert processor_status.stack(aws, TABLE, AWAY) == Stack("not ours")


def test_mappings(aws: StubbedClients) -> None:
    """Each processor's mapping is shown in Lambda's own words, and one that is not there is missing."""
    aws.will(mapping("changes", State="Enabled", LastProcessingResult="OK"), mapping("analytics"))
    found = processor_status.mappings(aws, WATCHED, AWAY)
    assert found == [Mapping("changes", "Enabled", "OK"), Mapping("analytics", "missing", "")]


def test_the_wanted_version() -> None:
    """The newest code is that of the stack changed last; the rules are those of the recorded request."""
    old, new = Stack("complete", "a" * 64, RULES, CREATED), Stack("complete", "b" * 64, "d" * 64, UPDATED)
    assert processor_status.wanted_version(REQUEST, [old, new, Stack("missing")]) == f"code bbbbbbb, rules {RULES[:7]}"
    changed: Any = {**REQUEST, "origin_attribute": "origin"}
    assert processor_status.wanted_version(changed, [old]) != old.version
    assert processor_status.wanted_version(REQUEST, []) == f"code , rules {RULES[:7]}"


def status(*mappings: Mapping) -> Status:
    aspects = (Aspect("record", "ACTIVE", "ACTIVE"), Aspect("stack", "complete", "complete"))
    home = RegionStatus(HOME, "home", aspects, mappings=(Mapping("changes", "Enabled", "OK"),))
    return Status(TABLE, HOME, (home, RegionStatus(AWAY, "replica", aspects, mappings=mappings)), ())


def drawn(found: Status) -> list[str]:
    console = Console(file=io.StringIO(), width=120, _environ={})
    show_status(console, found)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_a_mapping_that_is_not_enabled_is_a_difference() -> None:
    """Status names the Region and the processor whose mapping reads nothing."""
    found = status(Mapping("changes", "Disabled", "PROBLEM: Function call failed"))
    difference = "eu-west-1: mapping of changes is Disabled, and should be Enabled"
    assert found.differences() == [difference]
    assert found.as_json()["healthy"] is False
    assert found.as_json()["regions"][1]["processors"] == {
        "changes": {"mapping": "Disabled", "last_result": "PROBLEM: Function call failed"}
    }
    assert "eu-west-1 changes Disabled PROBLEM: Function call failed" in drawn(found)
    assert difference in drawn(found)


def test_processors_have_a_table_of_their_own() -> None:
    """There is a line for each processor in each Region, below the Regions, and none where there are none."""
    lines = drawn(status(Mapping("changes", "Enabled", "")))
    assert lines[lines.index("Processors") + 2 :] == ["us-east-1 changes Enabled OK", "eu-west-1 changes Enabled -"]
    assert "Processors" not in drawn(
        Status(TABLE, HOME, (RegionStatus(HOME, "home", status().regions[0].aspects),), ())
    )
