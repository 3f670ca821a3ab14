"""Write what an audit gives to a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from meridian.audit.asked import STDOUT
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def require_writable(file: Path | None) -> None:
    """Refuse, before a long history is read, what can never be written."""
    if file is None or file == STDOUT:
        return
    if not file.name and not file.root:  # Path("") is "."
        raise Refused("The file to write has no name", remedy="Name one. Nothing was written.")
    if file.is_dir():
        raise Refused(f"{file} is a directory", remedy="Name a file in it. Nothing was written.")
    if not file.parent.is_dir():
        raise Refused(f"There is no directory {file.parent}", remedy="Make it first. Nothing was written.")


def write(file: Path, parts: Iterable[str]) -> None:
    """Write ``parts``; an earlier file is replaced at once, when they are all there. ``-`` is stdout.

    ``Refused`` where the file cannot be written; the earlier one is then as it was.
    """
    parts = (part.encode("utf-8", "replace").decode() for part in parts)  # JSON may hold half a character
    if file == STDOUT:
        sys.stdout.writelines(parts)
        return
    try:
        if file.exists() and not file.is_file():  # a pipe or a terminal
            with file.open("w", encoding="utf-8") as opened:
                opened.writelines(parts)
        else:
            _replace(file.resolve(), parts)
    except OSError as error:
        said = error.strerror or type(error).__name__
        raise Refused(f"{file} cannot be written", why=said, remedy="Nothing was written there.") from error


def _replace(file: Path, parts: Iterable[str]) -> None:
    unfinished = file.with_name(f".{file.name[:100]}.{os.getpid()}")
    try:
        with unfinished.open("x", encoding="utf-8") as opened:
            opened.writelines(parts)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
