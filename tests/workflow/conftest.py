"""Workflows that run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.workflow import interpreter
from tests.workflow.fakes import functions
from tests.workflow.interpreter import Function, Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator


class Account:
    """Makes an interpreter: ``account(functions, children)``. What is not given is answered by the fakes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(
        self, given: dict[str, Function] | None = None, children: dict[str, Function] | None = None, **fakes: Any
    ) -> Interpreter:
        made = Interpreter({**functions(**fakes), **(given or {})}, children or {})
        return interpreter.install(made, self._monkeypatch)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    yield Account(monkeypatch)
    interpreter.drain()
