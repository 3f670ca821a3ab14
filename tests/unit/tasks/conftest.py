"""What the tests of every task are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.tasks.fakes import MotoClients, StubbedClients, emptied
from tests.unit.tasks.scenarios import ENVIRONMENT, HOME

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a function finds in Lambda."""
    monkeypatch.setenv("AWS_REGION", HOME)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")  # no task may lean on a default
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def aws() -> StubbedClients:
    """Clients that answer what they are told."""
    return StubbedClients()


@pytest.fixture
def moto() -> Iterator[MotoClients]:
    """Clients of an AWS that holds state, empty at first."""
    with emptied():
        yield MotoClients()
