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
