"""The halves of a task's message: every remedy that is written in a task is found again as one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meridian.audit.remedies import is_refusal, is_said_by_aws, remedy
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


@pytest.mark.parametrize(
    ("error", "why", "is_said"),
    [
        ("LimitExceededException", "Subscriber limit exceeded.", True),
        ("LimitExceededException", "AWS refused CreateStream in eu-west-1: Subscriber limit exceeded.", True),
        ("ValidationError", "AWS refused CreateStack in eu-west-1: No such role.", True),
        ("States.Timeout", "It took longer than its time-out allows.", False),
        ("ThrottlingException", "AWS was busy for longer than it was asked again.", False),
        ("ValidationFailed", "1 of 18 checks of orders failed.", False),
        ("DeadlineExceeded", "The replica was not there in time.", False),
        ("KeyError", "'table'", False),
    ],
)
def test_words_of_aws(error: str, why: str, is_said: bool) -> None:
    """AWS's words are told from a task's and from those that this program has where there are none."""
    assert is_said_by_aws(error, why) is is_said
