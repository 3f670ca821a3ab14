"""Probes: keys of every shape that no other run, Region or item has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import probes
from tasks.shared.request import Request, complete

REGIONS = st.sampled_from(["us-east-1", "eu-west-1", "ap-southeast-1", "us-gov-west-1", "ap-northeast-3"])
EXECUTIONS = st.text(min_size=1, max_size=80)
KINDS = st.sampled_from(["S", "N", "B"])


def request_of(*kinds: str) -> Request:
    """A table whose HASH, and RANGE if there are two, have these types."""
    names = ["hash", "range"][: len(kinds)]
    document = {
        "table": "orders",
        "regions": ["us-east-1"],
        "attribute_definitions": dict(zip(names, kinds, strict=True)),
        "key_schema": dict(zip(names, ["HASH", "RANGE"], strict=False)),
    }
    return complete(document)


SHAPES = st.lists(KINDS, min_size=1, max_size=2)
REQUESTS: dict[tuple[str, ...], Request] = {}


def shaped(kinds: list[str]) -> Request:
    return REQUESTS.setdefault(tuple(kinds), request_of(*kinds))


@given(SHAPES, EXECUTIONS, EXECUTIONS, REGIONS, REGIONS)
def test_two_runs_or_regions_never_share_a_key(kinds: list[str], one: str, other: str, here: str, there: str) -> None:
    """Each attribute of the key tells run and Region apart by itself, whatever its type."""
    request = shaped(kinds)
    first, second = probes.key(request, probes.run_of(one), here), probes.key(request, probes.run_of(other), there)
    for name in first:
        assert (first[name] == second[name]) == ((one, here) == (other, there))


@given(SHAPES, EXECUTIONS, REGIONS)
def test_dynamodb_takes_the_key(kinds: list[str], execution: str, region: str) -> None:
    """A number has at most 38 digits, text and bytes stay far below 1,024, and HASH comes first."""
    key = probes.key(shaped(kinds), probes.run_of(execution), region)
    assert list(key) == ["hash", "range"][: len(kinds)]
    for (kind, value), wanted in zip([next(iter(one.items())) for one in key.values()], kinds, strict=True):
        assert kind == wanted
        limits: dict[str, Any] = {"S": lambda text: 0 < len(text.encode()) <= 64, "B": lambda data: 0 < len(data) <= 64}
        assert limits.get(kind, is_a_number)(value)


def is_a_number(text: str) -> bool:
    return len(Decimal(text).as_tuple().digits) <= 38 and text == str(Decimal(text)) and Decimal(text) < -(10**29)


@given(EXECUTIONS)
def test_a_run_keeps_its_name(execution: str) -> None:
    """A redriven execution has the id it had, and so its own probes."""
    assert probes.run_of(execution) == probes.run_of(execution)
    assert len(probes.run_of(execution)) == 16


@given(st.lists(REGIONS, min_size=1, unique=True))
def test_pairs_are_ordered_and_complete(regions: list[str]) -> None:
    """Every Region reads every other's; one alone reads its own."""
    pairs = probes.pairs(regions)
    assert len(set(pairs)) == len(pairs) == max(len(regions) * (len(regions) - 1), 1)
    assert all(origin != reader for origin, reader in pairs) or len(regions) == 1


def image(step: str, run: str = "r") -> dict[str, Any]:
    return {probes.MARKER: {"S": run}, probes.STEP: {"S": step}, probes.ORIGIN: {"S": "us-east-1"}}


def test_a_change_record_tells_its_step() -> None:
    """A put and an update are named in the new image; a removed probe is known by its old one."""
    told = {
        "put": {"NewImage": image("put")},
        "update": {"NewImage": image("update"), "OldImage": image("put")},
        "delete": {"OldImage": image("update")},
    }
    for step, change in told.items():
        assert probes.told_by(change, "r") == {"origin": "us-east-1", "step": step}


def test_a_change_of_another_item_tells_nothing() -> None:
    """Another run's probe, an application's item and a record without images are no probe of this run."""
    changes: list[dict[str, Any]] = [{"NewImage": image("put", "other")}, {"NewImage": {"id": {"S": "r"}}}, {}]
    for change in changes:
        assert probes.told_by(change, "r") is None
