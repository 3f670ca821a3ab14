"""What `redeliver` prints, and its exit code."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from meridian import redelivery, runs
from meridian.history import Execution
from tests.unit.histories import History, arn


def region(name: str = "us-east-1", **found: Any) -> dict[str, Any]:
    counts = {"objects": 0, "records": 0, "redelivered": 0, "failing": 0, "foreign": 0, "untried": 0, "missing": []}
    return {"region": name, **counts, **found}


def output(*regions: dict[str, Any], pending: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"table": "orders", "pending": list(pending), "total": {}, "redelivery": list(regions)}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "us-east-1: nothing to do"),
        ({"objects": 1, "records": 1, "redelivered": 1}, "us-east-1: 1 record redelivered"),
        (
            {"objects": 3, "records": 1_205, "redelivered": 1_200, "failing": 5, "untried": 2},
            "us-east-1: 1,200 records redelivered; 5 records still failing; 2 objects not tried",
        ),
        ({"objects": 1, "foreign": 1}, "us-east-1: 1 object left alone, by no processor of this table"),
        (
            {"objects": 1, "records": 2, "failing": 2, "missing": ["changes"]},
            "us-east-1: 2 records still failing; no changes function in this Region",
        ),
    ],
)
def test_lines(found: dict[str, Any], said: str) -> None:
    """A Region is one line that says what was done and what is left."""
    assert list(redelivery.lines(output(region(**found)))) == [said]


def test_pending() -> None:
    """A Region that is not complete is named, because nothing was done there."""
    console = Console(file=io.StringIO(), width=40)
    redelivery.show(console, output(region(), region("eu-west-1", redelivered=2), pending=("sa-east-1",)))
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "us-east-1: nothing to do",
        "eu-west-1: 2 records redelivered",
        "Not looked at, because not complete yet: sa-east-1.",
    ]


@pytest.mark.parametrize(
    ("found", "code"), [({}, 0), ({"redelivered": 5, "foreign": 1}, 0), ({"failing": 1}, 1), ({"untried": 1}, 1)]
)
def test_exit_code(found: dict[str, Any], code: int) -> None:
    """Records that are left make it 1; an object that is not ours does not."""
    history = History()
    execution = Execution(arn("redeliver"))
    execution.fold(history.end("Succeeded", 0, output=json.dumps(output(region(), region("eu-west-1", **found)))))
    assert runs.code(execution) == code
