"""A replicator on tables in memory, and what tests ask of it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

import processors.replicator  # noqa: F401  # the module, which its function hides
from tests.unit.processors.fake_dynamodb import FakeDynamoDB
from tests.unit.processors.records import TABLE, configuration, event, stream_record

if TYPE_CHECKING:
    from processors.shared.config import Config
    from processors.shared.values import Image

MODULE = sys.modules["processors.replicator"]
COPY, MARKS, PLACE = "shop-copy", "shop-marks", "us-west-2"
TABLES = {TABLE: ("PK", "SK"), COPY: ("PK", "SK"), MARKS: ("item",)}


class Context:
    """Lambda's context. Time goes on only where a test lets it."""

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def replicating(*, rule: str = "HIGHEST_VERSION", attribute: str = "version", **members: Any) -> Config:
    """A configuration with a replicator to shop-copy; ``members`` are the replicator's."""
    wanted = {
        "destination": {"table": COPY, "region": PLACE},
        "entity": None,
        "transform": {"drop": [], "rename": {}, "add": {}},
        "conflict": {"rule": rule, "attribute": attribute},
        **members,
    }
    return configuration(processors={"changes": None, "analytics": None, "replicator": wanted})


class Replication:
    """Runs the processor as Lambda does, on tables in memory if it is given no others."""

    def __init__(self, document: Config | None = None, dynamodb: Any = None) -> None:
        self.dynamodb = dynamodb or FakeDynamoDB(TABLES)
        self.regions: list[str] = []
        self._document = document or replicating()

    def __call__(self, *records: dict[str, Any], context: Context | None = None) -> list[str]:
        """The sequence numbers of the answer."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MARKS_TABLE", MARKS)
            patch.setattr(MODULE, "config", lambda: self._document)
            patch.setattr(MODULE, "client", self._client)
            answer = MODULE.replicator(json.loads(json.dumps(event(*records))), context or Context())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _client(self, service: str, region: str) -> Any:
        assert service == "dynamodb"
        self.regions.append(region)
        return self.dynamodb

    @property
    def copies(self) -> list[Image]:
        """What the destination holds, without what makes copies known."""
        return [without_mark(item) for item in self.dynamodb.items(COPY)]


def without_mark(image: Image) -> Image:
    return {name: value for name, value in image.items() if name != "meridian:replicated"}


def inserted(new: Image, sequence: int = 1, **more: Any) -> dict[str, Any]:
    return stream_record(None, new, sequence=sequence, **more)


def modified(old: Image, new: Image, sequence: int = 2, **more: Any) -> dict[str, Any]:
    return stream_record(old, new, sequence=sequence, **more)


def removed(old: Image, sequence: int = 3, **more: Any) -> dict[str, Any]:
    return stream_record(old, None, sequence=sequence, **more)
