"""The record: what is written is read back, and two tables never see each other's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.shared import names, record
from tasks.shared.errors import DeploymentNotFound
from tasks.shared.request import complete, digest
from tests.unit.tasks.fakes import MotoClients, emptied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.shared.request import Request

BUCKET, HOME = "meridian-artifacts", "us-east-1"
REGIONS = [
    HOME,
    *("us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"),
    *("ap-south-1", "ap-southeast-1", "ap-northeast-1", "sa-east-1"),
]


@pytest.fixture
def aws() -> Iterator[MotoClients]:
    with emptied():
        clients = MotoClients()
        clients.s3(HOME).create_bucket(Bucket=BUCKET)
        yield clients


def requested(table: str = "orders", regions: list[str] | None = None, **more: Any) -> Request:
    document = {
        "table": table,
        "regions": regions or [HOME, "eu-west-1"],
        "attribute_definitions": {"id": "S"},
        "key_schema": {"id": "HASH"},
    }
    return complete({**document, **more})


def saved(aws: MotoClients, request: Request) -> None:
    record.save(aws, BUCKET, request)
    for region in request["regions"]:
        record.save_stage(aws, HOME, request["table"], region, "PLANNED")


def standing(aws: MotoClients) -> tuple[set[str], set[str]]:
    """Every parameter and every object that there is."""
    found = aws.ssm(HOME).get_paginator("get_parameters_by_path").paginate(Path="/", Recursive=True)
    parameters = {str(one.get("Name")) for page in found for one in page["Parameters"]}
    listed = aws.s3(HOME).list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return parameters, {str(one.get("Key")) for one in listed}


def test_what_is_saved_is_loaded(aws: MotoClients) -> None:
    """The request comes back as accepted, with its Regions in its own order."""
    request = requested(regions=REGIONS, tags={"team": "örders"})
    saved(aws, request)
    record.save_stage(aws, HOME, "orders", "sa-east-1", "ACTIVE")
    found = record.load(aws, HOME, "orders")
    assert found["request"] == request
    assert list(found["stages"]) == REGIONS
    assert found["stages"]["sa-east-1"] == "ACTIVE"
    assert found["stages"]["us-east-2"] == "PLANNED"


def test_a_parameter_is_ours_by_its_tag(aws: MotoClients) -> None:
    """Everything that is made carries the ownership tag from its first moment."""
    saved(aws, requested())
    for name in standing(aws)[0]:
        listed = aws.ssm(HOME).list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        assert listed == [{"Key": names.OWNERSHIP_TAG, "Value": "orders"}]


def test_a_parameter_holds_less_than_it_may(aws: MotoClients) -> None:
    """Whatever the size of the request, the record is a pointer far below 4,096 characters."""
    wide = {f"attribute{number}": "S" for number in range(20)}
    indexes = [{"index_name": f"GSI{number}", "key_schema": {f"attribute{number}": "HASH"}} for number in range(20)]
    request = requested(
        "o" * 255, attribute_definitions={"id": "S", **wide}, global_secondary_indexes=indexes, tags={"t": "v" * 256}
    )
    saved(aws, request)
    value = aws.ssm(HOME).get_parameter(Name=names.deployment_parameter("o" * 255))["Parameter"].get("Value", "")
    assert len(value) < 1_000
    assert record.load(aws, HOME, "o" * 255)["request"] == request


def test_a_region_that_is_forgotten_is_no_member(aws: MotoClients) -> None:
    """The request that is loaded has the Regions that stand, not those it was accepted with."""
    saved(aws, requested(regions=REGIONS))
    record.forget_region(aws, HOME, "orders", "us-east-2")
    record.forget_region(aws, HOME, "orders", "us-east-2")
    expected = [region for region in REGIONS if region != "us-east-2"]
    assert record.load(aws, HOME, "orders")["request"]["regions"] == expected


def test_tables_with_names_alike_keep_apart(aws: MotoClients) -> None:
    """One table's record is neither read nor forgotten with another's."""
    alike = ["orders", "orders.v2", "orders-v2", "orders_v2", "ORDERS"]
    for table in alike:
        saved(aws, requested(table))
    assert set(record.stages(aws, HOME, "orders")) == {HOME, "eu-west-1"}
    record.forget(aws, BUCKET, HOME, "orders")
    with pytest.raises(DeploymentNotFound):
        record.load(aws, HOME, "orders")
    for table in alike[1:]:
        assert record.load(aws, HOME, table)["request"] == requested(table)


def test_nothing_is_left_of_what_is_forgotten(aws: MotoClients) -> None:
    """All Regions, the record and every request that was ever accepted go, and nothing else."""
    aws.s3(HOME).put_object(Bucket=BUCKET, Key="code/1.zip", Body=b"code")
    aws.ssm(HOME).put_parameter(Name="/another/orders", Value="theirs", Type="String")
    saved(aws, requested(regions=REGIONS))
    saved(aws, requested(regions=REGIONS, tags={"team": "orders"}))
    record.forget(aws, BUCKET, HOME, "orders")
    assert standing(aws) == ({"/another/orders"}, {"code/1.zip"})


def test_a_request_that_is_gone_is_told(aws: MotoClients) -> None:
    """A record whose request was deleted says so, and that provision records it again."""
    saved(aws, requested())
    (key,) = standing(aws)[1]
    aws.s3(HOME).delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(DeploymentNotFound, match=r"The accepted request of orders is gone from s3://.*Start provision"):
        record.load(aws, HOME, "orders")


def test_an_equal_request_is_one_object(aws: MotoClients) -> None:
    """Requests that differ in the order of their members only have one hash and lie in one place."""
    request = requested()
    assert record.save(aws, BUCKET, request) == digest(request)
    assert record.save(aws, BUCKET, complete(dict(reversed(request.items())))) == digest(request)
    assert len(standing(aws)[1]) == 1
