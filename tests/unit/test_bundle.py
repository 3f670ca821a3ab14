"""The Lambda zip: what is in it, that it is always the same, and that the tasks run from it alone."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from meridian import bundle
from tasks.shared import names
from tasks.shared.errors import Refused

# What Lambda's Python runtime brings, and the distributions it consists of.
RUNTIME = ("boto3", "botocore", "dateutil", "s3transfer", "six.py", "urllib3")
ROOTS = ("aws_lambda_powertools", "jsonschema")
LAMBDA = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "extra": ""}
COMPILED = (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ")  # Linux, macOS, macOS universal, Windows


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(bundle.build(tmp_path_factory.mktemp("zip") / "code.zip").path)


@pytest.fixture(scope="module")
def unpacked(archive: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip as Lambda has it, in a directory of its own."""
    directory = tmp_path_factory.mktemp("task")
    archive.extractall(directory)
    return directory


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but what Lambda's runtime has."""
    directory = tmp_path_factory.mktemp("runtime")
    for name in RUNTIME:
        module = name.removesuffix(".py")
        found = importlib.import_module(module).__file__
        assert found
        installed = Path(found) if name.endswith(".py") else Path(found).parent
        (directory / name).symlink_to(installed)
    return directory


def checkout(root: Path) -> None:
    """Copy what the bundle is made of, as another checkout has it."""
    for package in bundle.PACKAGES:
        shutil.copytree(bundle.ROOT / package, root / package, copy_function=shutil.copyfile)
    (root / "definitions").mkdir()
    for name in bundle.DEFINITIONS:
        shutil.copyfile(bundle.ROOT / name, root / name)


def python(*paths: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` with only the standard library and ``paths`` to import from."""
    prelude = f"import sys; sys.dont_write_bytecode = True; sys.path[:0] = {[str(path) for path in paths]!r}\n"
    return subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-S", "-I", "-c", prelude + code], capture_output=True, text=True, check=False, timeout=60
    )


def test_another_checkout_gives_the_same_bytes(tmp_path: Path) -> None:
    """Where, when and under which umask the files came does not show in the zip."""
    here = bundle.build(tmp_path / "here.zip")
    other = tmp_path / "elsewhere"
    umask = os.umask(0o077)
    try:
        checkout(other)
        for path in other.rglob("*"):
            os.utime(path, (1, 1))
        there = bundle.build(tmp_path / "there.zip", other)
    finally:
        os.umask(umask)
    assert there.sha256 == here.sha256
    assert there.path.read_bytes() == here.path.read_bytes()


@pytest.mark.parametrize(
    "changed", ["tasks/create_table.py", "processors/changes.py", "processors/shared/values.py", *bundle.DEFINITIONS]
)
def test_a_changed_file_gives_another_hash(changed: str, tmp_path: Path) -> None:
    """One byte more in a task, a processor or the data they read is another bundle, under another key."""
    checkout(tmp_path)
    before = bundle.build(tmp_path / "before.zip", tmp_path)
    with (tmp_path / changed).open("a") as file:
        file.write("\n")
    assert bundle.build(tmp_path / "after.zip", tmp_path).key != before.key


def test_every_entry_has_the_same_date_and_mode(archive: zipfile.ZipFile) -> None:
    """Entries are sorted, stored, dated 1980 and readable by all."""
    entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {bundle.EARLIEST_DATE}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {(entry.compress_type, entry.create_system) for entry in entries} == {(zipfile.ZIP_STORED, 3)}


def test_nothing_is_compiled(archive: zipfile.ZipFile) -> None:
    """One zip serves every Python and architecture: no extension module, no byte code."""
    for name in archive.namelist():
        assert not name.endswith((".so", ".pyd", ".dylib", ".pyc"))
        assert not archive.read(name).startswith(COMPILED), name


def test_only_what_lambda_needs_is_in_it(archive: zipfile.ZipFile) -> None:
    """No SDK, no command line, no emulator, no tests: tasks, processors, the data they read and the named libraries."""
    top = {Path(name).parts[0] for name in archive.namelist() if ".dist-info/" not in name}
    assert top == {
        *("tasks", "processors", "definitions"),
        *("attr", "attrs", "aws_lambda_powertools", "jmespath", "jsonschema", "pyrsistent"),
        *("_pyrsistent_version.py", "typing_extensions.py"),
    }
    assert [name for name in archive.namelist() if name.startswith("definitions/")] == list(bundle.DEFINITIONS)
    assert not [name for name in archive.namelist() if {"test", "tests"} & set(Path(name).parts)]


def test_it_is_small(archive: zipfile.ZipFile) -> None:
    """Far below the 50 MB that Lambda takes without S3, and below what a slow line minds."""
    assert archive.filename
    assert Path(archive.filename).stat().st_size < 4_000_000


def test_the_libraries_are_all_that_the_tasks_imports_declare() -> None:
    """LIBRARIES is the closure of what the tasks import, as Lambda's Python resolves it."""
    closure: set[str] = set()
    waiting = list(ROOTS)
    while waiting:
        name = waiting.pop()
        closure.add(canonicalize_name(name))
        required = [Requirement(line) for line in importlib.metadata.requires(name) or []]
        waiting += [one.name for one in required if not one.marker or one.marker.evaluate(LAMBDA)]
    assert {canonicalize_name(name) for name in bundle.LIBRARIES} == closure


def test_every_task_imports_from_the_zip_and_the_runtime_alone(unpacked: Path, runtime: Path) -> None:
    """With nothing but the zip and boto3 to import from, every handler is found and callable."""
    code = """
import importlib, pathlib
modules = [path.stem for path in pathlib.Path(sys.path[0], "tasks").glob("*.py") if not path.stem.startswith("_")]
handlers = [getattr(importlib.import_module(f"tasks.{name}"), name) for name in modules]
assert handlers and all(map(callable, handlers))
print(len(handlers))
"""
    done = python(unpacked, runtime, code=code)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len([path for path in (bundle.ROOT / "tasks").glob("*.py") if path.stem[0] != "_"])


def test_every_processor_imports_from_the_zip_and_the_runtime_alone(unpacked: Path, runtime: Path) -> None:
    """The handlers that the region stack names are found, and none of them needs a task."""
    code = f"""
import importlib, sys
for name in {list(names.PROCESSORS)!r}:
    assert callable(getattr(importlib.import_module(f"processors.{{name}}"), name))
assert not [name for name in sys.modules if name.startswith("tasks")]
"""
    done = python(unpacked, runtime, code=code)
    assert done.returncode == 0, done.stderr


def test_the_template_of_the_region_stack_is_read_from_the_zip(unpacked: Path, runtime: Path) -> None:
    """StageCode finds it where Lambda unpacks it, as it is checked in."""
    code = "import sys; from tasks.shared import region_stack; sys.stdout.write(region_stack.template().decode())"
    done = python(unpacked, runtime, code=code)
    assert done.stdout == (bundle.ROOT / "definitions/region.template.json").read_text()


def test_a_bad_request_is_refused_from_the_zip_alone(unpacked: Path, runtime: Path) -> None:
    """The library finds its own schemas and ours where Lambda unpacks them."""
    code = """
from tasks.validate_request import validate_request
try:
    validate_request({"document": {"table": "no"}}, None)
except Exception as error:
    print(type(error).__name__)
"""
    done = python(unpacked, runtime, code=code)
    assert "RequestInvalid" in done.stdout, done.stdout + done.stderr


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the locked dependencies the refusal says which one is missing and what installs it."""
    monkeypatch.setattr(bundle, "LIBRARIES", ("no_such_library",))
    with pytest.raises(Refused, match=r"no_such_library.*make"):
        bundle.build(tmp_path / "code.zip")
