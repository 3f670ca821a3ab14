"""A request is read from YAML or JSON, or refused in a sentence with the place in the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from meridian.request import LARGEST_BYTES, load, load_completed
from tasks.shared.errors import RequestInvalid
from tests.unit.requests import SMALLEST

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.yaml"


READ: dict[str, tuple[str, object]] = {
    "text that YAML 1.1 takes for false": ("a: no", "no"),
    "an attribute type": ("a: N", "N"),
    "a country": ("a: NO", "NO"),
    "a date": ("a: 2026-01-01", "2026-01-01"),
    "a time of day": ("a: 12:30", "12:30"),
    "a hexadecimal number": ("a: 0x10", "0x10"),
    "a merge key": ("a: <<", "<<"),
    "a number with a zero in front": ("a: 010", 10),
    "a number": ("a: -3", -3),
    "a fraction": ("a: 1.5", 1.5),
    "true": ("a: true", True),
    "null": ("a: null", None),
    "nothing": ("a:", None),
    "a quoted number": ("a: '3'", "3"),
    "a list": ("a: [x, [y]]", ["x", ["y"]]),
    "a mapping": ("a: {1: x, true: y, ~: z}", {"1": "x", "true": "y", "~": "z"}),
    "JSON": ('{"a": {"b": [1, 2.5, null, false]}}', {"b": [1, 2.5, None, False]}),
    "JSON with tabs": ('{\n\t"a": "x"\n}', "x"),
    "JSON with a surrogate pair": (r'{"a": "\ud83d\ude00"}', "😀"),
    "YAML in braces": ("{a: x}", "x"),
    "a byte order mark": ("\ufeffa: x", "x"),
}

UNREADABLE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is empty, and a request is a mapping"),
    "a comment": (b"# orders\n", "is empty, and a request is a mapping"),
    "a list": (b"- table: orders", "holds a list, and a request is a mapping. Begin it with `table: NAME`"),
    "a word": (b"orders", "holds 'orders', and a request is a mapping"),
    "Latin-1": ("table: orders\ntags: {équipe: x}".encode("latin-1"), "is not UTF-8, in line 2. Save it as UTF-8"),
    "too much": (b"#" * (LARGEST_BYTES + 1), "is larger than 262,144 bytes"),
    "bad YAML": (
        b"table: orders\nregions: [a, b",
        "cannot be read as YAML: expected ',' or ']', but got '<stream end>'",
    ),
    "bad YAML, with the place": (b"table: a: b", "mapping values are not allowed here, in line 1, column 9"),
    "tabs": (b"polling:\n\tpoll_seconds: 1", "a tab is where spaces must be, in line 2, column 1"),
    "two documents": (
        b"a: 1\n---\nb: 2",
        "expected a single document in the stream, but found another document, in li",
    ),
    "a control character": (b'a: "\x00"', r"it holds the character '\x00'"),
    "bad JSON": (
        b'{"table": "orders",\n "regions" []}',
        "cannot be read as JSON: Expecting ':' delimiter, in line 2, col",
    ),
    "a member twice": (b"tags:\n  a: x\n  b: y\n  a: z", "the member 'a' is written twice, in line 4, column 3"),
    "a member twice in JSON": (b'{"tags": {"a": "x", "a": "z"}}', "the member 'a' is written twice"),
    "an alias": (b"a: &x [1]\nb: *x", "an alias (`*name`) is used; write the value itself, in line 2, column 4"),
    "aliases of aliases": (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "an alias (`*name`) is used"),
    "a tag": (b"a: !!python/object/apply:os.system [ls]", "a tag (`!name`) is used; leave it out, in line 1, column 4"),
    "a list as a name": (b"? [a]\n: b", "the name of a member is a list or a mapping"),
    "depth": (b"[" * 20_000, "it is nested too deeply"),
    "depth in JSON": (b'{"a":' * 20_000, "it is nested too deeply"),
    "a huge number": (b"a: " + b"9" * 5_000, "a number has more than 30 digits"),
    "a huge number in JSON": (b'{"a": ' + b"9" * 5_000 + b"}", "a number has more than 30 digits"),
}


class TestLoad:
    @pytest.mark.parametrize("case", READ)
    def test_reads_what_is_written(self, file: Path, case: str) -> None:
        """YAML is read as YAML 1.2 and JSON: what looks like text stays text."""
        content, value = READ[case]
        file.write_text(content, encoding="utf-8")
        found = load(file)
        assert found == {"a": value}
        assert type(found["a"]) is type(value)

    @pytest.mark.parametrize("case", UNREADABLE)
    def test_says_why_it_cannot_read(self, file: Path, case: str) -> None:
        """A file that is no request is refused by a short message that names it and the place in it."""
        content, sentence = UNREADABLE[case]
        file.write_bytes(content)
        with pytest.raises(RequestInvalid) as raised:
            load(file)
        assert str(raised.value).startswith(f"{file} ")
        assert sentence in str(raised.value)
        assert "\n" not in str(raised.value)
        assert len(str(raised.value)) < 300 + len(str(file))

    def test_says_that_there_is_no_file(self, file: Path) -> None:
        """A missing file is refused in the words of the operating system, and examples are named."""
        with pytest.raises(RequestInvalid, match=r"cannot be read: No such file or directory\. Examples are in"):
            load(file)

    def test_says_that_it_is_a_directory(self, tmp_path: Path) -> None:
        """A directory is refused likewise."""
        with pytest.raises(RequestInvalid, match="cannot be read: Is a directory"):
            load(tmp_path)


class TestLoadCompleted:
    def test_completes(self, file: Path) -> None:
        """A file with the required members gives a whole request."""
        file.write_text(json.dumps(SMALLEST), encoding="utf-8")
        assert load_completed(file)["polling"]["poll_seconds"] == 15

    def test_names_the_file(self, file: Path) -> None:
        """Problems are told of the file by its name."""
        file.write_text("table: orders", encoding="utf-8")
        with pytest.raises(RequestInvalid) as raised:
            load_completed(file)
        assert str(raised.value).startswith(f"{file} has 3 problems:\n")
