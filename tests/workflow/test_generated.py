"""What is checked in is what the code writes, on every machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.workflow.definitions import DEFINITIONS, ROOT
from workflows import __main__ as command
from workflows import handbook
from workflows.provision import provision
from workflows.states import Chain, Succeed, Wait

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A place with definitions/ and docs/ as they are checked in."""
    shutil.copytree(ROOT / "definitions", tmp_path / "definitions")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    return tmp_path


@pytest.mark.parametrize("seed", ["0", "1"])
def test_what_is_checked_in_is_what_is_written(seed: str) -> None:
    """Definitions and handbook are the generator's output to the byte, whatever the hash seed and the Region."""
    environment = {**os.environ, "PYTHONHASHSEED": seed, "AWS_DEFAULT_REGION": "cn-north-1"}
    checked = subprocess.run(  # our own command
        [sys.executable, "-m", "workflows", "--check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_every_definition_is_written() -> None:
    """No definition lies there that no workflow writes."""
    assert {workflow().name for workflow in command.WORKFLOWS} == set(DEFINITIONS)


@pytest.mark.parametrize(
    ("name", "written"),
    [("definitions/provision.asl.json", "${CreateTableFunction}"), ("docs/workflows.md", "CreateTable --")],
)
def test_a_stale_file_is_named_and_mended(
    copy: Path, capsys: pytest.CaptureFixture[str], name: str, written: str
) -> None:
    """``--check`` names a file that is not up to date and leaves it; without ``--check`` it is written."""
    path = copy / name
    right = path.read_text()
    path.write_text(right.replace(written, written.replace("Create", "Make")))
    assert command.main(["--check"], copy) == 1
    assert capsys.readouterr().err == f"Not up to date: {path.name}. Run `make definitions`.\n"
    assert path.read_text() != right
    assert command.main([], copy) == 0
    assert path.read_text() == right


def test_a_missing_definition_is_written(copy: Path) -> None:
    """A definition that is not there yet is out of date, too."""
    (copy / "definitions" / "validate.asl.json").unlink()
    assert command.main(["--check"], copy) == 1
    assert command.main([], copy) == 0
    assert (copy / "definitions" / "validate.asl.json").exists()


def test_a_wrong_definition_is_not_written(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A problem is said, and nothing is written."""
    wrong = provision()
    monkeypatch.setattr(wrong, "to_dict", lambda: {**DEFINITIONS["provision"], "StartAt": "Nowhere"})
    monkeypatch.setattr(command, "WORKFLOWS", (lambda: wrong,))
    before = (copy / "definitions" / "provision.asl.json").read_text()
    assert command.main([], copy) == 2
    assert "provision: StartAt is 'Nowhere', which is no state there.\n" in capsys.readouterr().err
    assert (copy / "definitions" / "provision.asl.json").read_text() == before


def test_a_page_without_a_place_is_refused() -> None:
    """A generated part that the page has no place for is not dropped without a word."""
    with pytest.raises(ValueError, match="begin provision: written by python -m workflows"):
        handbook.filled("# The workflows\n", [provision()])


def test_a_state_in_two_chains_is_refused() -> None:
    """The SDK would rewire the first chain; here it is an error."""
    shared = Wait("Shared", seconds=1)
    Chain([shared, Succeed("First")])
    with pytest.raises(ValueError, match="Shared already goes on to First"):
        Chain([shared, Succeed("Second")])
