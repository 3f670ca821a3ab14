"""The zip that every function runs from: tasks, processors, the data that they read and the libraries they need.

One zip serves the tasks in the home Region and the processors in every Region, so that both are of one version.

The same inputs give the same bytes, on any machine and under any Python: files come in the order of their names,
with one date and one mode, and are stored without compression, because zlib's output differs between its builds.
That makes 3 MB of what would be 1 MB; it travels through S3, and Lambda takes 50 MB even without.

boto3 and what it brings (botocore, s3transfer, urllib3, python-dateutil, six) stay out: Lambda's Python runtime has
them, AWS keeps them patched, and botocore alone is ten times the rest. jmespath comes with the runtime too, but
Powertools declares it, so it is not left to chance.

Nothing in the zip is compiled. pyrsistent works without its C extension, and one zip serves every Python and both
architectures of Lambda.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("processors", "tasks")
DEFINITIONS = ("definitions/region.template.json", "definitions/request.schema.json")

# What these import, and all that those packages declare; a test compares it with their metadata.
LIBRARIES = ("attrs", "aws_lambda_powertools", "jmespath", "jsonschema", "pyrsistent", "typing_extensions")

# Python, and the data that jsonschema reads, some of which has no suffix. Powertools' web pages stay out.
KEPT_SUFFIXES = ("", ".json", ".py")
LEFT_OUT_DIRECTORIES = frozenset({"__pycache__", "benchmarks", "tests"})
# Licences allow copies that carry them, and vulnerability scanners know a package by its METADATA. The other files
# of a dist-info tell how it was installed, which differs between machines.
KEPT_OF_DIST_INFO = ("METADATA", "LICENSE", "COPYING")

EARLIEST_DATE = (1980, 1, 1, 0, 0, 0)  # a zip cannot say less
UNIX, REGULAR_FILE_0644 = 3, 0o100644 << 16


@dataclass(frozen=True)
class Bundle:
    """A zip on disk; ``sha256`` is hexadecimal, of the whole file."""

    path: Path
    sha256: str

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket."""
        return f"code/{self.sha256}.zip"


def build(path: Path, root: Path = ROOT) -> Bundle:
    """Write the zip to ``path``; ``root`` holds tasks/, processors/ and definitions/.

    Raises ``Refused`` where a library is not installed.
    """
    entries = {**_ours(root), **_libraries()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            archive.writestr(_entry(name), entries[name])
    return Bundle(path, hashlib.sha256(path.read_bytes()).hexdigest())


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EARLIEST_DATE)
    entry.create_system = UNIX
    entry.external_attr = REGULAR_FILE_0644
    return entry


def _ours(root: Path) -> dict[str, bytes]:
    sources = [path for package in PACKAGES for path in (root / package).rglob("*.py")]
    definitions = [root / name for name in DEFINITIONS]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in [*sources, *definitions]}


def _libraries() -> dict[str, bytes]:
    return {name: content for library in LIBRARIES for name, content in _files(library)}


def _files(library: str) -> Iterator[tuple[str, bytes]]:
    """What pip recorded as installed, less what Lambda has no use for."""
    try:
        recorded = importlib.metadata.files(library)
    except importlib.metadata.PackageNotFoundError:
        recorded = None
    if not recorded:
        raise Refused(
            f"The library {library}, which the functions need, is not installed",
            remedy="Install the locked dependencies: `make .venv/installed`.",
        )
    return ((file.as_posix(), file.read_binary()) for file in recorded if _needed(file))


def _needed(file: PurePosixPath) -> bool:
    if file.parts[0].endswith(".dist-info"):
        return file.name.startswith(KEPT_OF_DIST_INFO)
    outside = ".." in file.parts  # scripts, which pip puts beside the interpreter
    return file.suffix in KEPT_SUFFIXES and not outside and LEFT_OUT_DIRECTORIES.isdisjoint(file.parts)
