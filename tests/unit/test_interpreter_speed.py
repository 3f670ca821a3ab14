"""The copies that the embedded interpreter makes in the place of ``deepcopy``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from meridian.embedded.interpreter_speed import copied


def test_a_copy_shares_nothing_that_can_change() -> None:
    """A change of the copy, however deep, leaves the original as it was."""
    original: dict[str, Any] = {"items": [{"tags": ["a"]}], "count": 1, "none": None}

    copy = copied(original)
    copy["items"][0]["tags"].append("b")

    assert original == {"items": [{"tags": ["a"]}], "count": 1, "none": None}


def test_what_json_cannot_say_is_copied_too() -> None:
    """A set or a tuple of lists inside, which only ``deepcopy`` knows, is a copy of its own as well."""
    original = {"pair": ([1], [2]), "names": {"a"}, "when": datetime(2026, 1, 1, tzinfo=UTC)}

    copy = copied(original)
    copy["pair"][0].append(3)
    copy["names"].add("b")

    assert original == {"pair": ([1], [2]), "names": {"a"}, "when": datetime(2026, 1, 1, tzinfo=UTC)}
