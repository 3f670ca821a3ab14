"""RecordDeployment: the accepted request and its Regions are written down before anything is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tasks.record_deployment import record_deployment
from tasks.shared import names
from tasks.shared.request import canonical, digest
from tests.unit.tasks.scenarios import (
    AWAY,
    HOME,
    RECORD,
    REQUEST,
    Scenario,
    made,
    once,
    overwritten,
    parameter,
    play,
    refuse,
    s3,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

BUCKET = "meridian-artifacts"
DIGEST = digest(REQUEST)
KEY = f"{names.request_prefix('orders')}{DIGEST}.json"
POINTER = json.dumps({"home": HOME, "request": f"s3://{BUCKET}/{KEY}", "sha256": DIGEST, "table": "orders"})
STORED = s3("put_object", Bucket=BUCKET, Key=KEY, Body=canonical(REQUEST), ContentType="application/json")
REPLY = {"sha256": DIGEST}


def listed(*keys: str) -> Answer:
    found: dict[str, Any] = {"Contents": [{"Key": key} for key in keys]} if keys else {}
    return s3("list_objects_v2", found, Bucket=BUCKET, Prefix=KEY, MaxKeys=1)


def region(name: str, stage: str = "PLANNED") -> tuple[str, str]:
    return f"{RECORD}/{name}", json.dumps({"region": name, "stage": stage})


SCENARIOS = [
    Scenario(
        "A first provision writes the request under its hash, then the record, then its Regions",
        once(),
        [
            listed(),
            STORED,
            parameter(RECORD),
            made(RECORD, POINTER),
            *(each for name in (HOME, AWAY) for each in (parameter(region(name)[0]), made(*region(name)))),
        ],
        REPLY,
    ),
    Scenario(
        "A second run writes nothing, and a complete Region stays complete",
        once(),
        [
            listed(KEY),
            parameter(RECORD, POINTER),
            parameter(*region(HOME, "ACTIVE")),
            parameter(*region(AWAY)),
        ],
        REPLY,
    ),
    Scenario(
        "A changed request is written beside the older one, and the record points at it",
        once(),
        [
            listed(),
            STORED,
            parameter(RECORD, "another pointer"),
            overwritten(RECORD, POINTER),
            parameter(*region(HOME, "ACTIVE")),
            parameter(*region(AWAY, "ACTIVE")),
        ],
        REPLY,
    ),
    Scenario(
        "A request that was deleted behind our back is written again",
        once(),
        [listed(), STORED, parameter(RECORD, POINTER), parameter(*region(HOME)), parameter(*region(AWAY))],
        REPLY,
    ),
    Scenario(
        "Of two executions at once the later wins the record, and neither undoes a Region",
        once(),
        [
            listed(KEY),
            parameter(RECORD),
            refuse("ssm", HOME, "put_parameter", "ParameterAlreadyExists"),
            overwritten(RECORD, POINTER),
            parameter(region(HOME)[0]),
            refuse("ssm", HOME, "put_parameter", "ParameterAlreadyExists"),
            parameter(*region(AWAY)),
        ],
        REPLY,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_record_deployment(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(record_deployment, scenario, aws)
