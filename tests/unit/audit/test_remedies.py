"""The halves of a task's message: every remedy that is written in a task is found again as one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meridian.audit.remedies import is_refusal, remedy
from tasks.shared import errors
from tasks.shared.errors import MeridianError

if TYPE_CHECKING:
    from collections.abc import Iterator

TASKS = Path(__file__).parents[3] / "tasks"


def beginnings() -> Iterator[str]:
    """First words of every ``remedy=`` that is written out in a task."""
    for file in sorted(TASKS.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                value = node.value.values[0] if isinstance(node.value, ast.JoinedStr) else node.value
                if isinstance(value, ast.Constant):
                    yield str(value.value).strip()


REMEDIES = sorted(set(beginnings()))


def test_there_are_remedies() -> None:
    """The remedies are found where they are written."""
    assert len(REMEDIES) > 20


@pytest.mark.parametrize("words", REMEDIES)
def test_is_found(words: str) -> None:
    """What a task says to do stands apart from why, also behind AWS's own sentences."""
    message = str(MeridianError("AWS refused it", where="eu-west-1", why="Not now. Later", remedy=words))
    found = remedy("ValidationException", message)
    assert found.why == "AWS refused it in eu-west-1: Not now. Later."
    assert found.do.startswith(words)


def test_refusals() -> None:
    """The class tree says which errors touched nothing."""
    refusals = [kind.__name__ for kind in errors.Refused.__subclasses__()]
    assert refusals
    assert all(map(is_refusal, refusals))
    assert not any(map(is_refusal, ("StackFailed", "AwsError", "START_AGAIN", "ClientError", "", "re")))
