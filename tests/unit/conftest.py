"""What no unit test may see of the world around it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded AWS of other tests in the same run is named in the environment, and moto is not there."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
