"""What every test of a processor begins with: nothing kept from another test, and Lambda's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from processors.shared import clients, config, logs
from tests.unit.processors.records import REGION, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cold start: processors keep their configuration, clients and logger for the life of a process."""
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "meridian")
    monkeypatch.setenv("TABLE", TABLE)
    kept = (config.config, clients.client, logs.logger)
    for one in kept:
        one.cache_clear()
    yield
    for one in kept:
        one.cache_clear()
