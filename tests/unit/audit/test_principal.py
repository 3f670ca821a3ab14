"""Who started an execution, by CloudTrail."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from meridian.audit.model import Audit, StartedBy, Starter
from meridian.audit.principal import told

ARN = "arn:aws:states:us-east-1:123456789012:execution:meridian-provision:run"
ANNA = "arn:aws:iam::123456789012:user/anna"


class Trail:
    """CloudTrail with these StartExecution calls; ``error`` is what it refuses with."""

    def __init__(self, *calls: dict[str, Any], error: str = "") -> None:
        self.client = boto3.client(
            "cloudtrail", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.stubber = Stubber(self.client)
        if error:
            self.stubber.add_client_error("lookup_events", error)
        else:
            asked = {
                "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}],
                "StartTime": ANY,
                "EndTime": ANY,
                "MaxResults": 50,
            }
            self.stubber.add_response(
                "lookup_events", {"Events": [{"CloudTrailEvent": json.dumps(call)} for call in calls]}, asked
            )

    def starter(self, audit: Audit) -> Starter:
        with self.stubber:
            told(self.client, audit)
        return audit.starter


def call(identity: dict[str, str], arn: str = ARN) -> dict[str, Any]:
    return {"userIdentity": identity, "userAgent": "aws-cli/2.30", "responseElements": {"executionArn": arn}}


@pytest.fixture
def audit() -> Audit:
    return Audit(ARN, starter=Starter(StartedBy.BY_HAND), started=1_795_000_000.0)


def test_the_call_names_who_and_with_what(audit: Audit) -> None:
    """The call that answered this execution's ARN says who made it, among others."""
    another = call({"arn": "arn:aws:iam::123456789012:user/bob"}, f"{ARN}-other")
    starter = Trail(another, call({"type": "IAMUser", "arn": ANNA})).starter(audit)
    assert starter == Starter(StartedBy.BY_HAND, principal=ANNA, agent="aws-cli/2.30")


def test_a_service_has_no_arn(audit: Audit) -> None:
    """A service that calls for itself is told by its name."""
    assert Trail(call({"invokedBy": "scheduler.amazonaws.com"})).starter(audit).principal == "scheduler.amazonaws.com"


@pytest.mark.parametrize("trail", [Trail(), Trail(error="AccessDeniedException")], ids=["unknown", "not permitted"])
def test_what_cloudtrail_does_not_tell_stays_untold(trail: Trail, audit: Audit) -> None:
    """An event that is not there yet, or may not be read, leaves the starter as it was."""
    assert trail.starter(audit) == Starter(StartedBy.BY_HAND)


def test_a_failed_start_names_nobody(audit: Audit) -> None:
    """A refused StartExecution has no response, and is passed over."""
    assert Trail({"errorCode": "AccessDenied", "responseElements": None}).starter(audit).principal == ""
