"""What is printed of an execution that ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from meridian import causes, executions, runs
from meridian.commandline import DONE, WRONG
from meridian.runs import shown, without_changes
from tasks.shared.archive import break_id


def bucket(region: str, kept: int, *, more: bool = False) -> dict[str, Any]:
    return {"bucket": f"failures-{region}", "kept": kept, "more": more}


def test_kept_buckets_are_named() -> None:
    """Of all Regions' failure buckets, the ones that hold records are told, with how many."""
    replicas = [{"removed": region, "failure_bucket": bucket(region, kept)} for region, kept in (("eu", 0), ("ap", 2))]
    found = shown("failure_buckets", {"home": bucket("us", 1000, more=True), "replicas": replicas})
    assert found == "failures-us keeps 1000+ objects, failures-ap keeps 2 objects"


def test_nothing_kept() -> None:
    """Buckets that went are no news."""
    assert shown("failure_bucket", bucket("eu", 0)) == "none kept"


def test_plain_members() -> None:
    """Lists are told with commas, all else as it is."""
    assert (shown("removed", ["eu", "us"]), shown("table", "orders")) == ("eu, us", "orders")


def test_calls_are_left_out() -> None:
    """The calls that tasks made are the audit's, not the result's, however deep they lie."""
    output = {
        "removed": ["eu"],
        "home": {"kept": 0, "changes": [{}]},
        "added": [{"region": "eu", "changes_left_out": 2}],
    }
    assert without_changes(output) == {"removed": ["eu"], "home": {"kept": 0}, "added": [{"region": "eu"}]}


def test_the_processor_of_changes_stays() -> None:
    """A processor of that name is part of a request, not a list of calls."""
    assert without_changes({"processors": {"changes": {"rules": []}}}) == {"processors": {"changes": {"rules": []}}}


def test_executions_that_run_are_explained() -> None:
    """What is open is not lost: the next archive takes it."""
    assert shown("open", 2) == "2 (still running: left for the next archive)"


REFERENCE: Any = {"key": "manifests/2026-11-21.json", "sha256": "0" * 64}
BREAK: Any = {"head": {**REFERENCE, "before": None, "settled": True}, "found": None, "kept": REFERENCE}


@pytest.mark.parametrize(("breaks", "code"), [([], DONE), ([BREAK], WRONG)])
def test_an_archive_that_met_a_break_ends_with_one(
    breaks: list[Any], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A monitor sees it, and a person is told what was altered, by its name, and where to go on."""
    ended = SimpleNamespace(workflow="archive", status="SUCCEEDED", output={"files": 1, "breaks": breaks})
    monkeypatch.setattr(executions, "require", lambda *_: None)
    monkeypatch.setattr(runs, "watch", lambda *_: ended)
    monkeypatch.setattr(causes, "cause_of", lambda _: None)
    session: Any = SimpleNamespace(states=None, options="")
    assert runs.finish(session, "arn") == code
    said = capsys.readouterr().err
    assert [line.split(": ")[0].split()[-1] for line in said.splitlines()] == [break_id(one) for one in breaks]
    assert ("manifests/2026-11-21.json, is not what was archived" in said) == bool(breaks)
