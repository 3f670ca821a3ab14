"""What a processor loads and makes once a process: its configuration, its clients and its logger."""

from __future__ import annotations

import io
import json
from typing import Any, get_type_hints

import pytest

from processors.shared import clients, records
from processors.shared import config as configs
from processors.shared.logs import logger, report
from processors.shared.records import Malformed
from tasks.shared import probes, request
from tests.unit.processors.records import configuration

SHAPES = ("Entity", "Condition", "Field", "EventRule", "MetricRule", "Changes", "Analytics", "Replicator", "Processors")
TOLD = ("name", "levelname", "msg", "records", "published", "failed", "reason")


class Bucket:
    """S3 with one object."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.asked: list[tuple[str, str]] = []

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  # as boto3 has it
        self.asked.append((Bucket, Key))
        return {"Body": io.BytesIO(json.dumps(self.document).encode())}


def test_the_configuration_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From where the environment says."""
    bucket = Bucket(configuration())
    monkeypatch.setattr(configs, "client", lambda _: bucket)
    monkeypatch.setenv("CONFIG_BUCKET", "meridian-code")
    monkeypatch.setenv("CONFIG_KEY", "shop/config/1.json")

    assert configs.config() == configuration()
    assert configs.config() is configs.config()
    assert bucket.asked == [("meridian-code", "shop/config/1.json")]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_configuration_has_the_words_of_the_request(shape: str) -> None:
    """It is written from a completed request, by code that never imports the processors."""
    ours, theirs = (get_type_hints(getattr(module, shape)) for module in (configs, request))

    assert ours.keys() <= theirs.keys()


def test_a_probe_is_marked_as_validation_marks_it() -> None:
    """Otherwise it would meet the business rules."""
    assert (records.PROBE, records.STEP, records.PROBE_ORIGIN) == (probes.MARKER, probes.STEP, probes.ORIGIN)


def test_clients_are_kept_and_give_up_soon() -> None:
    """A hanging call must not eat the invocation; another Region has a client of its own."""
    here = clients.client("events")

    assert clients.client("events") is here
    assert clients.client("events", "us-east-1") is not here
    assert (here.meta.region_name, here.meta.config.read_timeout, here.meta.config.connect_timeout) == (
        "eu-west-1",
        3,
        1,
    )
    assert here.meta.config.retries == {"mode": "standard", "total_max_attempts": 2}


def told(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """What the only line says."""
    (line,) = caplog.records
    return {name: value for name, value in vars(line).items() if name in TOLD}


def test_a_batch_is_one_line_of_counts(caplog: pytest.LogCaptureFixture) -> None:
    """Under the service's name, so that one query finds all processors."""
    caplog.set_level("INFO", "meridian")

    report("changes", records=3, failed=None, published=2)

    assert told(caplog) == {
        "name": "meridian",
        "levelname": "INFO",
        "msg": "changes",
        "records": 3,
        "published": 2,
        "failed": None,
        "reason": None,
    }


def test_a_failed_batch_is_a_warning_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    """The sequence number is all that is said of the record."""
    report("changes", records=3, failed="7", reason=Malformed("7", "Keys is missing"))

    line = told(caplog)
    assert (line["levelname"], line["failed"], line["reason"]) == ("WARNING", "7", "Record 7: Keys is missing")


def test_the_logger_is_made_once() -> None:
    """Handlers would double otherwise."""
    assert logger() is logger()
