"""ForgetDeployment: the record and every accepted request go, once nothing else is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.forget_deployment import forget_deployment
from tasks.shared import names
from tests.unit.tasks.scenarios import AWAY, HOME, RECORD, Scenario, once, play, s3, ssm, stages

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import Answer, StubbedClients

BUCKET, PREFIX = "meridian-artifacts", names.request_prefix("orders")
MANY = {f"eu_west_{number}": "ACTIVE" for number in range(1, 13)}
REPLY = {"table": "orders", "removed": [AWAY, HOME]}


def listed(*keys: str, token: str = "", after: str = "") -> Answer:
    found: dict[str, Any] = {"Contents": [{"Key": key} for key in keys]} if keys else {}
    found |= {"IsTruncated": True, "NextContinuationToken": token} if token else {}
    asked = {"ContinuationToken": after} if after else {}
    return s3("list_objects_v2", found, Bucket=BUCKET, Prefix=PREFIX, **asked)


def deleted(key: str) -> Answer:
    return s3("delete_object", Bucket=BUCKET, Key=key)


def forgotten(*parameters: str) -> Answer:
    return ssm("delete_parameters", Names=list(parameters))


SCENARIOS = [
    Scenario(
        "Regions and requests go before the record, so that a cleanup that broke off can begin again",
        once(replicas=[AWAY]),
        [
            stages(us_east_1="ACTIVE", eu_west_1="PLANNED"),
            forgotten(f"{RECORD}/{HOME}", f"{RECORD}/{AWAY}"),
            listed(f"{PREFIX}1.json"),
            deleted(f"{PREFIX}1.json"),
            forgotten(RECORD),
        ],
        REPLY,
    ),
    Scenario(
        "Every page of requests is gone through",
        once(replicas=[AWAY]),
        [
            stages(),
            listed(f"{PREFIX}1.json", token="more"),
            deleted(f"{PREFIX}1.json"),
            listed(f"{PREFIX}2.json", after="more"),
            deleted(f"{PREFIX}2.json"),
            forgotten(RECORD),
        ],
        REPLY,
    ),
    Scenario(
        "Parameters go ten at a time, which is what Systems Manager takes",
        once(replicas=[AWAY]),
        [
            stages(**MANY),
            forgotten(*(f"{RECORD}/eu-west-{number}" for number in range(1, 11))),
            forgotten(f"{RECORD}/eu-west-11", f"{RECORD}/eu-west-12"),
            listed(),
            forgotten(RECORD),
        ],
        REPLY,
    ),
    Scenario(
        "A second run finds nothing to delete",
        once(replicas=[AWAY]),
        [stages(), listed(), ssm("delete_parameters", {"InvalidParameters": [RECORD]}, Names=[RECORD])],
        REPLY,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_forget_deployment(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(forget_deployment, scenario, aws)
