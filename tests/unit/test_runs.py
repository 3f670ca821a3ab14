"""What is printed of an execution that ended."""

from __future__ import annotations

from typing import Any

from meridian.runs import shown, without_changes


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
