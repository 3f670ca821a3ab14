from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from meridian.inventory import GLOBAL, REGIONAL, Inventory, Listing, Resource, difference, take
from meridian.results import show_difference

if TYPE_CHECKING:
    from meridian.session import Session

REGIONS = ["eu-west-1", "us-east-1"]


class FakeClient:
    """Answers each listing with what was put in ``found``; pages where botocore pages."""

    def __init__(self, service: str, region: str, found: dict[str, Any]) -> None:
        self.service, self.region, self.found = service, region, found

    def can_paginate(self, operation: str) -> bool:
        return operation != "list_archives"

    def get_paginator(self, operation: str) -> FakeClient:
        self.operation = operation
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [self.answer(self.operation)]

    def list_archives(self, NextToken: str = "") -> dict[str, Any]:  # noqa: N803  # boto3's name
        first = {"Archives": [{"ArchiveName": "one"}], "NextToken": "more"}
        return {"Archives": [{"ArchiveName": "two"}]} if NextToken else first

    def answer(self, operation: str) -> dict[str, Any]:
        answer = self.found.get(f"{self.service}.{operation}.{self.region}", {})
        if isinstance(answer, Exception):
            raise answer
        return cast("dict[str, Any]", answer)


class FakeSession:
    home = "us-east-1"

    def __init__(self, **found: Any) -> None:
        self.found = found

    def regions(self) -> list[str]:
        return REGIONS

    def client(self, service: str, region: str) -> FakeClient:
        return FakeClient(service, region, self.found)


def inventory(**found: Any) -> Inventory:
    return take(cast("Session", FakeSession(**found)))


def resources(*names: str) -> Inventory:
    found = frozenset(Resource("us-east-1", "sqs", "queue", name) for name in names)
    return Inventory(found, (), asked=1, regions=1)


class TestTake:
    def test_every_region(self) -> None:
        """A table is found in whichever Region it stands, under that Region's name."""
        tables = {"dynamodb.list_tables.eu-west-1": {"TableNames": ["orders"]}}
        assert Resource("eu-west-1", "dynamodb", "table", "orders") in inventory(**tables).resources

    def test_global_once(self) -> None:
        """What belongs to no Region is asked for once."""
        found = inventory(**{"s3.list_buckets.us-east-1": {"Buckets": [{"Name": "code"}]}})
        assert Resource("global", "s3", "bucket", "code") in found.resources
        assert found.asked == len(REGIONAL) * len(REGIONS) + len(GLOBAL)

    def test_pages(self) -> None:
        """A listing that botocore cannot page is read to its end too."""
        archives = {one.name for one in inventory().resources if one.kind == "archive"}
        assert archives == {"one", "two"}

    def test_schedules_of_one_name(self) -> None:
        """Schedules of one name in two groups are two."""
        arns = [f"arn:aws:scheduler:eu-west-1:123456789012:schedule/{group}/validate" for group in ("orders", "carts")]
        found = inventory(**{"scheduler.list_schedules.eu-west-1": {"Schedules": [{"Arn": arn} for arn in arns]}})
        assert {one.name for one in found.resources if one.kind == "schedule"} == set(arns)

    def test_failure_is_told(self) -> None:
        """A service that refuses is named with its Region, and never counted as empty."""
        refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListTopics")
        found = inventory(**{"sns.list_topics.eu-west-1": refused})
        (problem,) = found.unknown
        assert "sns" in problem
        assert "eu-west-1" in problem
        assert "AccessDenied" in problem


class TestDifference:
    def test_none(self) -> None:
        """The same resources before and after are no difference."""
        assert difference(resources("a"), resources("a")).none

    def test_both_ways(self) -> None:
        """What was left is told apart from what went missing."""
        found = difference(resources("kept", "gone"), resources("kept", "left"))
        assert [one.name for one in found.left] == ["left"]
        assert [one.name for one in found.missing] == ["gone"]
        assert not found.none

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_unknown(self, when: str) -> None:
        """One listing that failed, at either time, makes the answer unknown and not nothing."""
        failed = Inventory(frozenset(), ("sns did not answer",), asked=1, regions=1)
        pair = (failed, resources()) if when == "before" else (resources(), failed)
        found = difference(*pair)
        assert not found.none
        drawn = Console(file=(file := io.StringIO()), width=120)
        show_difference(drawn, pair[0], found)
        assert "Unknown how many resources are left" in file.getvalue()
        assert "0 resources left" not in file.getvalue()

    def test_shown(self) -> None:
        """A resource that was left is counted and named."""
        drawn = Console(file=(file := io.StringIO()), width=120)
        show_difference(drawn, resources(), difference(resources(), resources("left")))
        assert "1 resources left" in file.getvalue()
        assert "left: sqs queue left in us-east-1" in file.getvalue()


@pytest.mark.parametrize("listing", [*REGIONAL, *GLOBAL], ids=lambda listing: f"{listing.service}.{listing.operation}")
def test_listing(listing: Listing) -> None:
    """Each operation exists, and the first name in its path is a member of its answer."""
    client: Any = boto3.client(  # type: ignore[call-overload]  # the service is a variable
        listing.service, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    operation = client.meta.method_to_api_mapping[listing.operation]
    model = client.meta.service_model.operation_model(operation)
    first = listing.found.strip("[").partition("[")[0].partition(",")[0]
    assert first in model.output_shape.members
    assert set(listing.arguments) <= set(model.input_shape.members)
