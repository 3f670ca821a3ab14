"""What an audit may be asked for, and how far back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from meridian.audit.asked import Asked, moment
from tasks.shared.errors import Refused

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
PAGE = Path("page.html")


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({"execution": "x"}, "execution"),
        ({"execution": "x", "html": PAGE, "jsonl": Path("-"), "full": True}, "execution"),
        ({"execution": "x", "last_good": True}, "last_good"),
        ({"execution": "x", "last_good": True, "json": True}, "last_good"),
        ({"table": "orders", "since": "1d", "full": True, "json": True}, "table"),
        ({"diff": ("a", "b"), "json": True}, "diff"),
        ({"verify": True, "json": True}, "verify"),
    ],
)
def test_ways(options: dict[str, Any], way: str) -> None:
    """Each way to ask takes its own options."""
    assert Asked(**options).way() == way


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {},
            "Nothing to audit is given. Give an EXECUTION, --table NAME, --diff A B or --verify. Nothing was written.",
        ),
        ({"last_good": True}, "Nothing to audit is given."),
        ({"execution": "x", "table": "t"}, "EXECUTION and --table do not go together."),
        ({"table": "t", "diff": ("a", "b"), "verify": True}, "--table and --diff and --verify do not go together."),
        ({"execution": "x", "since": "1d"}, "An EXECUTION takes no --since. Nothing was written."),
        (
            {"execution": "x", "json": True},
            "An EXECUTION takes no --json. Nothing was written. Use --jsonl FILE; - is stdout.",
        ),
        ({"execution": "x", "last_good": True, "html": PAGE}, "--last-good takes no --html."),
        ({"table": "t", "html": PAGE, "jsonl": PAGE}, "--table takes no --html and no --jsonl."),
        ({"table": "t", "last_good": True}, "--table takes no --last-good."),
        ({"diff": ("a", "b"), "full": True}, "--diff takes no --full."),
        ({"verify": True, "since": "1d"}, "--verify takes no --since."),
        (
            {"execution": "x", "html": PAGE, "jsonl": PAGE},
            "--html and --jsonl name the same file. Nothing was written.",
        ),
        ({"execution": "x", "html": Path("-"), "jsonl": Path("-")}, "--html and --jsonl name the same file."),
    ],
)
def test_refused(options: dict[str, Any], sentence: str) -> None:
    """What contradicts itself is refused in one sentence."""
    with pytest.raises(Refused) as refused:
        Asked(**options).way()
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    ("since", "seconds_ago"),
    [
        (None, 30 * 86_400),
        ("90s", 90),
        ("15m", 900),
        ("12h", 43_200),
        ("30d", 30 * 86_400),
        (" 2w ", 14 * 86_400),
        ("2026-11-20", 36 * 3_600),
        ("2026-11-21T11:00:00", 3_600),
        ("2026-11-21T11:00:00+01:00", 7_200),
        ("2026-11-21T11:00:00Z", 3_600),
        ("999999d", NOW),
    ],
)
def test_moment(since: str | None, seconds_ago: float) -> None:
    """A span back, or a moment; what names no time zone is UTC."""
    assert moment(since, NOW) == NOW - seconds_ago


@pytest.mark.parametrize(
    "since", ["", "d", "3", "3y", "-3d", "1.5h", "yesterday", "2026-13-01", "\x1b[2J", "9" * 99 + "d"]
)
def test_no_moment(since: str) -> None:
    """Anything else is refused, and echoed harmlessly."""
    with pytest.raises(Refused, match="is no time to look back to") as refused:
        moment(since, NOW)
    assert "\x1b" not in str(refused.value)


def test_ahead() -> None:
    """What lies ahead is refused."""
    with pytest.raises(Refused, match="lies ahead"):
        moment("2027-01-01", NOW)
