"""Results are drawn for the width of the terminal, without cutting off what tells one Region from another."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from meridian.results import show_status, show_validation
from meridian.status import Aspect, RegionStatus, Status

REGIONS = ("ap-southeast-1", "ap-southeast-2", "us-east-1")
ASPECTS = ("replica", "table", "indexes", "stream", "kinesis", "destination", "recovery", "ttl", "tags", "protection")


def drawn(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, _environ={})


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def status() -> Status:
    """Each aspect is as it should be, and says which one it is."""
    aspects = (Aspect("record", "ACTIVE", "ACTIVE"), *(Aspect(name, f"is {name}", f"is {name}") for name in ASPECTS))
    return Status("orders", "us-east-1", tuple(RegionStatus(region, "replica", aspects) for region in REGIONS), ())


@pytest.mark.parametrize("width", [40, 80, 120, 160])
def test_every_aspect_of_every_region_is_readable(width: int) -> None:
    """In whatever width, each Region's name and each of its aspects is there whole, on the Region's own lines."""
    console = drawn(width)
    show_status(console, status())
    found = lines(console)
    for region in REGIONS:
        whole = " ".join(line for line in found if line.startswith(region))
        assert all(f"is {name}" in whole for name in ASPECTS)
    assert all(len(line) <= width for line in found)


@pytest.mark.parametrize(("width", "lines_of_a_region"), [(160, 1), (80, 2)])
def test_a_region_has_one_line_where_there_is_room(width: int, lines_of_a_region: int) -> None:
    """A table is shared out among several only where a line is too short for it."""
    console = drawn(width)
    show_status(console, status())
    assert sum(line.startswith("us-east-1") for line in lines(console)) == lines_of_a_region


def test_a_wide_matrix() -> None:
    """Twenty Regions' latencies are all there on a terminal of 80 characters."""
    regions = [f"us-region-{number:02}" for number in range(20)]
    matrix = {origin: {reader: 100 + number for number, reader in enumerate(regions)} for origin in regions}
    console = drawn(80)
    show_validation(console, {"checks": [], "latency_ms": matrix, "passed": 380, "failed": 0})
    found = lines(console)
    first = " ".join(line for line in found if line.startswith("us-region-00"))
    assert all(str(latency) in first.split() for latency in range(101, 120))
    assert all(any(region in line for line in found if line.startswith("written in")) for region in regions)


def validated(**row: int | None) -> dict[str, object]:
    """A validation of two Regions, with what the streaming of both showed."""
    nothing = dict.fromkeys(("records", "record_latency_ms", "events", "event_latency_ms", "metrics"))
    checks = [
        {"check": name, "origin": "us-east-1", "reader": reader, "passed": True, "latency_ms": 7, "not_before_ms": None}
        for name, reader in (("put", "eu-west-1"), ("record", "us-east-1"), ("one_event", "us-east-1"))
    ]
    streaming = {region: {**nothing, **row} for region in ("us-east-1", "eu-west-1")}
    return {"checks": checks, "latency_ms": {}, "passed": 3, "failed": 0, "streaming": streaming}


def cells(console: Console, region: str) -> list[str]:
    """The last line that begins with the Region."""
    return [line for line in lines(console) if line.startswith(region)][-1].split()


def test_what_streaming_showed_is_a_line_for_each_region() -> None:
    """Records, events and counts stand beside each other, with the latencies of records and events."""
    console = drawn(80)
    show_validation(console, validated(records=3, record_latency_ms=120, events=9, event_latency_ms=1450, metrics=4))
    assert cells(console, "eu-west-1") == ["eu-west-1", "3", "120", "9", "1450", "4"]
    assert "What streaming showed" in lines(console)


def test_what_the_request_does_not_make_has_no_column() -> None:
    """A table that streams to Kinesis only shows its records only."""
    console = drawn(80)
    show_validation(console, validated(records=3, record_latency_ms=120))
    assert cells(console, "us-east-1") == ["us-east-1", "3", "120"]


def test_a_table_that_streams_nothing_has_no_such_table() -> None:
    """Neither a title nor an empty line is left of it."""
    console = drawn(80)
    show_validation(console, validated())
    assert not any("streaming" in line for line in lines(console))


def test_checks_of_streaming_are_no_checks_of_replication() -> None:
    """The first table has a line for each pair of Regions, and none for a Region and its own streaming."""
    console = drawn(80)
    show_validation(console, validated())
    found = lines(console)
    assert [line.split() for line in found if line.startswith("us-east-1")] == [["us-east-1", "eu-west-1", "7"]]
    assert not any("one_event" in line for line in found)
