"""What no unit test may see of the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tasks import read_probes
from tasks.shared import streaming
from tests.unit.tasks.streamed import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("unit", deadline=None)  # a busy machine is no failure
settings.load_profile("unit")


@pytest.fixture(scope="session", autouse=True)
def _no_reloads() -> Iterator[None]:
    """Spare reloads: moto loads the addresses of its S3 anew at every call, in case the environment changed them."""
    from moto.s3 import models, urls

    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(models.S3Backend, "_url_module", urls)
        yield


@pytest.fixture(scope="module", autouse=True)
def _no_endpoint() -> Iterator[None]:
    """The embedded AWS of other tests in the same run is named in the environment, and moto is not there."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A validation's moments are named where its scenarios are listed, which may be minutes before they are played."""
    for module in (streaming, read_probes):
        monkeypatch.setattr(module, "now", lambda: NOW)
