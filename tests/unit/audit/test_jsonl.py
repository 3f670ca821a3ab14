"""An audit as JSON Lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from meridian.audit import jsonl
from meridian.bundle import ROOT
from tests.unit.audit import samples
from tests.unit.audit.samples import START

if TYPE_CHECKING:
    from meridian.audit.model import Audit

SAMPLES = (samples.provision, samples.failed, samples.running, samples.hostile)


def records(audit: Audit) -> list[dict[str, Any]]:
    return [json.loads(line) for line in jsonl.text(audit, START + 100)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.__name__)
def test_each_line_is_a_record(sample: Any) -> None:
    """Every line is ASCII and parses, whatever the execution holds."""
    for line in jsonl.text(sample()):
        assert line.isascii()
        assert line.count("\n") == 1
        assert json.loads(line)["record"] in ("execution", "step", "attempt", "change")


def test_nothing_is_lost() -> None:
    """Every execution, step, attempt and change is a record, those of children too."""
    audit = samples.provision()
    tree = list(audit.tree())
    steps = [step for one in tree for step in one.steps]
    assert Counter(record["record"] for record in records(audit)) == {
        "execution": len(tree),
        "step": len(steps),
        "attempt": sum(len(step.attempts) for step in steps),
        "change": sum(len(step.changes) for step in steps),
    }


@pytest.mark.parametrize("kind", ["execution", "step", "attempt", "change"])
def test_stable_members(kind: str) -> None:
    """Records of one kind have the same members in the same order, so that columns can be made of them."""
    shapes = {tuple(record) for sample in SAMPLES for record in records(sample()) if record["record"] == kind}
    assert len(shapes) == 1


def test_change() -> None:
    """A change says what was done in the words of the terminal and the page."""
    verbs = {one["verb"] for one in records(samples.provision()) if one["record"] == "change"}
    assert verbs == {"created", "changed", "item put into", "object put into"}


def test_belonging() -> None:
    """Steps name their execution and what lies around them; attempts and changes their step."""
    found = records(samples.provision())
    steps = {(one["execution"], one["step"]) for one in found if one["record"] == "step"}
    for one in found:
        if one["record"] == "step" and one["parent"] is not None:
            assert (one["execution"], one["parent"]) in steps
        elif one["record"] in ("attempt", "change"):
            assert (one["execution"], one["step"]) in steps


def test_execution() -> None:
    """An execution has its verdict, its failure in five answers, and what it cost."""
    whole = records(samples.failed())[0]
    assert whole["status"] == "FAILED"
    assert whole["failure"]["path"] == ["provision", "add-region eu-west-1", "CreateStream"]
    assert whole["starter"]["by"] == "deploy.py"
    assert whole["usd"] == pytest.approx(whole["transitions"] * 0.000025)
    assert whole["table"] == "orders"


def test_open_end() -> None:
    """What has not ended has no end and no duration, as null."""
    found = records(samples.running())
    (step,) = (one for one in found if one["record"] == "step" and one["outcome"] == "RUNNING")
    attempt = next(one for one in found if one["record"] == "attempt" and one["step"] == step["step"])
    assert (found[0]["stopped"], step["left"], step["seconds"], attempt["seconds"]) == (None, None, None, None)


def test_documented() -> None:
    """docs/audit.md names every member of every kind of record, and no other."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", (ROOT / "docs/audit.md").read_text(), re.MULTILINE)
    documented = {kind: set(re.findall(r"`(\w+)`", members)) for kind, members in rows}
    found: dict[str, set[str]] = {}
    for record in records(samples.failed()):
        inner = [member for name in ("failure", "starter") for member in record.get(name) or ()]
        found.setdefault(record["record"], set()).update({*record, *inner} - {"record"})
    found["execution"] |= {"when", "count"}
    assert documented == found
