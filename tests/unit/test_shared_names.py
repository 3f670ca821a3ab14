"""Names: distinct tables never meet, and every service takes every name."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.shared import names

TABLES = st.text(alphabet=string.ascii_letters + string.digits + "_.-", min_size=3, max_size=255)
REGIONS = st.sampled_from(["us-east-1", "ap-southeast-1", "us-gov-west-1", "ap-northeast-3"])
WORKFLOWS = st.sampled_from(["provision", "add-region", "validate", "remove-region", "cleanup"])
REQUEST_IDS = st.text(alphabet=string.hexdigits + "-", min_size=1, max_size=36)


def of(table: str) -> list[str]:
    """Every name that is made of a table's name."""
    return [
        names.stream(table),
        names.execution("provision", table, "1a2b3c"),
        names.deployment_parameter(table),
        names.region_parameter(table, "us-east-1"),
        names.request_prefix(table),
    ]


def test_names_that_look_alike_never_meet() -> None:
    """Dots, underscores and capitals are lost in the slug and kept apart by the hash."""
    alike = ["my_table.v2", "my-table-v2", "my.table_v2", "MY-TABLE-V2", "my--table-v2", "my-table-v2-"]
    for every in zip(*map(of, alike), strict=True):
        assert len(set(every)) == len(alike)


@given(TABLES, TABLES)
def test_distinct_tables_have_distinct_names(one: str, other: str) -> None:
    """Two tables share no name, whatever they are called."""
    if one != other:
        assert not set(of(one)) & set(of(other))


def test_a_name_is_always_the_same() -> None:
    """Names are derived, never stored, so another version must find what this one made."""
    assert of("My.Orders_v2") == [
        "meridian-my-orders-v2-a1a9ba3a",
        "provision-my-orders-v2-a1a9ba3a-1a2b3c",
        "/meridian/My.Orders_v2",
        "/meridian/My.Orders_v2/us-east-1",
        "requests/my-orders-v2-a1a9ba3a/",
    ]


def test_a_long_name_uses_all_the_room_there_is() -> None:
    """What is cut off a long name is only what the service cannot take."""
    assert len(names.stream("o" * 255)) == 128
    assert len(names.execution("add-region", "o" * 255, "1a2b3c")) == 80


@given(TABLES)
@example("___")
@example("a" * 255)
def test_kinesis_takes_the_stream(table: str) -> None:
    """StreamName is [a-zA-Z0-9_.-]+ of at most 128, and ours begins as the tasks' permissions do."""
    name = names.stream(table)
    assert re.fullmatch(r"meridian-[a-z0-9](-?[a-z0-9])*", name)
    assert len(name) <= 128


@given(WORKFLOWS, TABLES, REQUEST_IDS)
@example("provision", "___", "1")
def test_step_functions_takes_the_execution(workflow: str, table: str, request_id: str) -> None:
    """An execution's name is at most 80, ends in the request id, and its slug is never empty."""
    name = names.execution(workflow, table, request_id)
    assert len(name) <= 80
    assert name.endswith(f"-{request_id}")
    assert re.fullmatch(rf"{workflow}-[a-z0-9](-?[a-z0-9])*", name.removesuffix(f"-{request_id}"))


@given(TABLES, REGIONS)
def test_systems_manager_takes_the_parameters(table: str, region: str) -> None:
    """A parameter is a path of [a-zA-Z0-9_.-] below our prefix, and a Region's lies directly below the table's."""
    name = names.region_parameter(table, region)
    assert re.fullmatch(r"/meridian/[a-zA-Z0-9_.-]+/[a-z0-9-]+", name)
    assert name == f"{names.deployment_parameter(table)}/{region}"
    assert len(name) < 900  # 1,011 with the ARN before it


@given(TABLES)
@example("...")
def test_s3_takes_the_requests(table: str) -> None:
    """A key prefix holds safe characters only and fits well below 1,024 with the hash behind it."""
    prefix = names.request_prefix(table)
    assert re.fullmatch(r"requests/[a-z0-9](-?[a-z0-9])*/", prefix)
    assert len(prefix) < 100


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-1", "us-gov-west-1"])
def test_s3_takes_the_bucket(region: str) -> None:
    """A bucket's name is at most 63 of [a-z0-9-]."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", names.artifact_bucket("123456789012", region))


def test_functions_and_machines_are_named_as_their_modules() -> None:
    """Whoever reads the console finds the file."""
    assert names.function("add_replica") == "meridian-add-replica"
    assert names.state_machine("add-region") == "meridian-add-region"


@given(TABLES)
@example("a" * 255)
def test_the_scheduler_takes_the_group(table: str) -> None:
    """A schedule group's name is [0-9a-zA-Z-_.]+ of at most 64, and begins as the tasks' permissions do."""
    name = names.schedule_group(table)
    assert re.fullmatch(r"meridian-[a-z0-9](-?[a-z0-9])*", name)
    assert len(name) <= 64


@given(TABLES)
@example("a" * 255)
def test_sqs_takes_the_queue_of_a_schedule(table: str) -> None:
    """A queue's name is [a-zA-Z0-9_-]+ of at most 80, and is no probe queue's."""
    name = names.schedule_queue(table)
    assert re.fullmatch(r"meridian-[a-z0-9](-?[a-z0-9])*-schedule", name)
    assert len(name) <= 80


def test_an_execution_of_no_table() -> None:
    """Its name is that of its workflow, and what makes it unique."""
    assert names.execution("archive", "", "0123abcd") == "archive-0123abcd"


def test_the_archives_bucket_fits() -> None:
    """The longest Region leaves room, and no table's failure bucket can have that name."""
    name = names.archive_bucket("123456789012", "ap-northeast-1")
    assert name == "meridian-archive-123456789012-ap-northeast-1"
    assert len(name) <= 63
