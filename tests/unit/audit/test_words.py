"""Texts of histories made harmless, and times in words."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meridian.audit import words
from meridian.audit.model import Payload
from tests.unit.audit.samples import HOSTILE, payload


@given(st.text() | st.text(alphabet="\x1b[]0;m\x9b\x07\\P\x9d\u202e\n"))
def test_plain_is_one_line_that_shows(text: str) -> None:
    """Whatever a text holds, what is left of it is on one line and is no control character."""
    plain = words.plain(text)
    assert all(unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn") for one in plain)
    assert words.plain(plain) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://e\x07link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title", "]0;title"),  # hides nothing that follows
        ("a\r\nb\tc", "a  b c"),
        ("no\u202eon", "noon"),
        ("\x9b2Jgone", "gone"),
        ("[bold]kept[/]", "[bold]kept[/]"),
        ("日本 ü", "日本 ü"),
    ],
)
def test_plain(text: str, plain: str) -> None:
    """Escapes go whole, markup stays for the eye, and letters of any script stay."""
    assert words.plain(text) == plain


def test_plain_takes_no_time() -> None:
    """A cause of 32 KiB in which thousands of escapes begin, and none ends, is read at once."""
    began = time.process_time()
    for beginning in ("\x90", "\x9b", "\x1b]", "\x1b["):
        words.plain(beginning * (32_768 // len(beginning)))
    assert time.process_time() - began < 2


def test_paragraphs() -> None:
    """A message of several lines keeps them."""
    assert words.paragraphs("a\x1b[1m\n  b\x07") == "a\nb"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 s"),
        (-3.0, "0 s"),
        (0.04, "0 s"),
        (0.44, "0.4 s"),
        (9.99, "10 s"),
        (59.6, "1 min"),
        (192, "3 min 12 s"),
        (7_500, "2 h 5 min"),
        (86_400 * 3 + 3_600 * 4, "3 d 4 h"),
        (86_400.0, "1 d"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    """Two units at the most, and never a negative time."""
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"a"', '{"a":', "[" * 50_000, '{"a":' * 20_000, "nul", "{1: 2}", "{,}"]
)
def test_members_of_anything(text: str) -> None:
    """What is no JSON object has no members, and does no harm."""
    assert words.members(payload(text)) == {}


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.integers()), min_size=1),
    st.integers(min_value=0, max_value=200),
    st.sampled_from([None, 1]),
)
def test_members_before_a_cut(document: dict[str, object], cut: int, indent: int | None) -> None:
    """Of an object that was cut off anywhere, every member that is told is right."""
    text = json.dumps(document, indent=indent)
    found = words.members(Payload(text[:cut], len(text)))
    assert all(document[key] == value for key, value in found.items())


def test_table_before_a_cut() -> None:
    """The table is read from an input that was cut off behind it."""
    assert words.table_of(Payload('{"table": "orders", "regions": ["us-', 9_000)) == "orders"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (payload({"table": "orders"}), '{"table": "orders"}'),
        (Payload("", 0, truncated=True), "(not recorded)"),
        (payload("x" * 500), f"{'x' * 120}… (500 characters)"),
        (Payload("x" * 130, 9_000), f"{'x' * 120}… (9,000 characters)"),
    ],
)
def test_brief(given: Payload, text: str) -> None:
    """A long input is cut, with its size."""
    assert words.brief(given) == text


def test_hostile() -> None:
    """The hostile sample keeps its letters, and no effect."""
    assert words.plain(HOSTILE).startswith("<script>alert(1)</script>")
    assert "\x1b" not in words.plain(HOSTILE)
