"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meridian.audit.files import require_writable, write
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator


def broken() -> Iterator[str]:
    yield "half"
    raise LookupError


def test_write(tmp_path: Path) -> None:
    """A new file holds all parts, and nothing else is left beside it."""
    write(tmp_path / "page.html", ("a", "é"))
    assert (tmp_path / "page.html").read_text() == "aé"
    assert len(list(tmp_path.iterdir())) == 1


def test_overwrite(tmp_path: Path) -> None:
    """An earlier file is replaced, through a link too."""
    kept = tmp_path / "kept"
    kept.write_text("old")
    (tmp_path / "link").symlink_to(kept)
    write(tmp_path / "link", ("new",))
    assert (kept.read_text(), (tmp_path / "link").is_symlink()) == ("new", True)


def test_broken_off(tmp_path: Path) -> None:
    """Where the writing breaks off the earlier file is as it was."""
    (tmp_path / "page").write_text("old")
    with pytest.raises(LookupError):
        write(tmp_path / "page", broken())
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_half_a_character(tmp_path: Path) -> None:
    """What JSON may hold and UTF-8 may not does not stop the writing."""
    write(tmp_path / "page", ("a\ud800b",))
    assert (tmp_path / "page").read_text() == "a?b"


def test_directory(tmp_path: Path) -> None:
    """A directory is refused before anything is read."""
    with pytest.raises(Refused, match="is a directory"):
        require_writable(tmp_path)


def test_no_name() -> None:
    """An empty name, as of a variable that is not set, is told as that."""
    with pytest.raises(Refused, match="has no name"):
        require_writable(Path())


def test_no_directory(tmp_path: Path) -> None:
    """A file in a directory that is not there is refused before anything is read."""
    with pytest.raises(Refused, match="There is no directory"):
        require_writable(tmp_path / "none" / "page.html")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_not_permitted(tmp_path: Path) -> None:
    """Where one may not write, a sentence says so."""
    tmp_path.chmod(0o500)
    with pytest.raises(Refused, match="Permission denied"):
        write(tmp_path / "page.html", ("a",))


def test_cannot_be_written(tmp_path: Path) -> None:
    """A name that the file system does not take is refused with its reason."""
    with pytest.raises(Refused, match="cannot be written: File name too long"):
        write(tmp_path / ("x" * 300), ("a",))


def test_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """A dash is stdout."""
    require_writable(Path("-"))
    write(Path("-"), ("a", "b"))
    assert capsys.readouterr().out == "ab"
