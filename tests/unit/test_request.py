"""A request is checked and completed: what comes out is whole, stable and the same for the same wish."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meridian.request import load, load_completed
from tasks.shared.request import Request, canonical, complete, digest, home, key_attributes, problems
from tests.unit.requests import SMALLEST, changed

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "definitions" / "examples").glob("*.yaml"))

names = st.text("abcXYZ019_.-", min_size=3, max_size=20)
seconds = st.integers(1, 3_600)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Requests that keep every rule, with any of the optional members."""
    attributes = draw(st.lists(st.text(min_size=1, max_size=40), min_size=2, max_size=6, unique=True))
    partition, sort, *others = attributes
    document: dict[str, Any] = {
        "table": draw(names),
        "regions": draw(
            st.lists(st.sampled_from(["us-east-1", "eu-west-1", "ap-south-1"]), min_size=1, unique=True),
        ),
        "attribute_definitions": {name: draw(st.sampled_from("SNB")) for name in attributes},
        "key_schema": {sort: "RANGE", partition: "HASH"},
        "global_secondary_indexes": [
            {"index_name": f"GSI{number}", "key_schema": {name: "HASH"}} for number, name in enumerate(others)
        ],
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "tags": st.dictionaries(names, names, max_size=5),
        "deletion_protection": st.booleans(),
        "kinesis": st.sampled_from([None, {}, {"stream_mode": "ON_DEMAND"}, {"shard_count": 3}]),
        "point_in_time_recovery": st.sampled_from([{}, {"enabled": False}, {"recovery_period_in_days": 7}]),
        "polling": st.fixed_dictionaries({}, optional={"poll_seconds": st.just(1), "table_seconds": seconds}),
    }
    return document | draw(st.fixed_dictionaries({}, optional=optional))


def read(path: Path) -> Request:
    return load_completed(path)


class TestComplete:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_accepts_every_example(self, path: Path) -> None:
        """An example request has no problem, and a home Region."""
        assert problems(load(path)) == []
        assert home(read(path)) == read(path)["regions"][0]

    def test_there_are_examples_of_the_usual_tables(self) -> None:
        """The examples are an e-commerce table, an orders table and a shop table."""
        assert [path.stem for path in EXAMPLES] == ["ecommerce", "orders", "shop"]

    @given(documents())
    @settings(max_examples=60, deadline=None)
    def test_changes_nothing_the_second_time(self, document: dict[str, Any]) -> None:
        """A completed request completes to itself, as the deployment record relies on."""
        request = complete(document)
        assert complete(request) == request

    @given(documents())
    @settings(max_examples=60, deadline=None)
    def test_survives_json(self, document: dict[str, Any]) -> None:
        """A request that went through Step Functions or S3 is the same request, to the byte."""
        request = complete(document)
        again: Request = json.loads(json.dumps(request))
        assert again == request
        assert complete(json.loads(canonical(request))) == request
        assert canonical(again) == canonical(request)

    def test_leaves_what_was_written_alone(self) -> None:
        """The author's document is not changed."""
        document = changed(kinesis={"stream_mode": "ON_DEMAND"})
        before = deepcopy(document)
        complete(document)
        assert document == before

    def test_keeps_what_was_written(self) -> None:
        """A member that was given keeps its value beside the defaults."""
        request = complete(changed(polling={"poll_seconds": 1}))
        assert request["polling"]["poll_seconds"] == 1
        assert request["polling"]["table_seconds"] == 1800

    def test_fills_in_whole_groups(self) -> None:
        """A group that is absent comes with all its defaults."""
        request = complete(SMALLEST)
        assert request["point_in_time_recovery"] == {"enabled": True, "recovery_period_in_days": 35}
        assert request["validation"] == {
            "deadline_seconds": 60,
            "streaming_deadline_seconds": 300,
            "poll_seconds": 2,
            "schedule": None,
        }
        assert request["stream_view_type"] == "NEW_AND_OLD_IMAGES"

    def test_does_not_stream_unasked(self) -> None:
        """Without `kinesis` there is no stream, which would cost money in every Region."""
        assert complete(SMALLEST)["kinesis"] is None

    def test_streams_with_defaults(self) -> None:
        """`kinesis: {}` is one shard for a day, without paid metrics."""
        assert complete(changed(kinesis={}))["kinesis"] == {
            "stream_mode": "PROVISIONED",
            "shard_count": 1,
            "retention_period_hours": 24,
            "shard_level_metrics": [],
            "approximate_creation_date_time_precision": "MICROSECOND",
        }

    def test_gives_no_shards_to_an_on_demand_stream(self) -> None:
        """Kinesis refuses a shard count for a stream that chooses its own."""
        kinesis = complete(changed(kinesis={"stream_mode": "ON_DEMAND"}))["kinesis"]
        assert kinesis is not None
        assert "shard_count" not in kinesis

    def test_gives_no_period_to_recovery_that_is_off(self) -> None:
        """A recovery period without recovery would say what is not so."""
        assert complete(changed(point_in_time_recovery={"enabled": False}))["point_in_time_recovery"] == {
            "enabled": False
        }

    def test_projects_all_attributes(self) -> None:
        """An index without a projection holds everything, as in the console."""
        index = {"index_name": "GSI1", "key_schema": {"ID": "HASH"}}
        request = complete(changed(global_secondary_indexes=[index]))
        assert request["global_secondary_indexes"][0]["projection"] == {"projection_type": "ALL"}

    def test_makes_whole_numbers_integers(self) -> None:
        """JSON may write 3 as 3.0; boto3 would refuse it."""
        kinesis = complete(changed(kinesis={"shard_count": 3.0}))["kinesis"]
        assert kinesis is not None
        assert isinstance(kinesis["shard_count"], int)

    def test_orders_members_as_the_schema_does(self) -> None:
        """However it was ordered, a completed request reads the same."""
        backwards = dict(reversed(SMALLEST.items()))
        assert list(complete(backwards)) == list(complete(SMALLEST))


class TestKeyAttributes:
    def test_begins_with_the_partition_key(self) -> None:
        """HASH comes before RANGE in whatever order they were written."""
        document = changed(
            key_schema={"at": "RANGE", "ID": "HASH"},
            attribute_definitions={"at": "N", "ID": "S"},
        )
        assert key_attributes(complete(document)) == [("ID", "S"), ("at", "N")]

    def test_takes_a_single_key(self) -> None:
        """A table may have a partition key only."""
        assert key_attributes(complete(SMALLEST)) == [("ID", "S")]


class TestCanonical:
    def test_is_the_same_for_the_same_request(self) -> None:
        """The order of members does not change the digest."""
        backwards = complete(dict(reversed(SMALLEST.items())))
        assert digest(backwards) == digest(complete(SMALLEST))

    def test_differs_for_another_home(self) -> None:
        """The order of Regions does, because the first is home."""
        one, other = changed(regions=["us-east-1", "eu-west-1"]), changed(regions=["eu-west-1", "us-east-1"])
        assert digest(complete(one)) != digest(complete(other))

    def test_is_compact_utf8(self) -> None:
        """Bytes are JSON with sorted names, no spaces, and letters as they are."""
        content = canonical(complete(changed(tags={"équipe": "commandes"})))
        assert '"tags":{"équipe":"commandes"}'.encode() in content
        assert b": " not in content
        assert json.loads(content)["table"] == "shop"


def test_importing_it_is_cheap() -> None:
    """A task that only reads a request does not pay for boto3 or for jsonschema."""
    script = "import sys, tasks.shared.request; print(*{'boto3', 'jsonschema', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)  # noqa: S603  # our own words
    assert done.stdout.strip() == ""
