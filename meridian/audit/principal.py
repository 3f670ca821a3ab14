"""Who started an execution, and with what program: only CloudTrail knows.

Its event history goes back 90 days, holds StartExecution as a management event, and is some minutes late
(CloudTrail User Guide, "Working with CloudTrail event history"; Step Functions Developer Guide, "Logging
AWS Step Functions API calls with AWS CloudTrail").
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_cloudtrail import CloudTrailClient

    from meridian.audit.model import Audit

# CloudTrail's own clock, and a call that was tried again.
MARGIN = timedelta(seconds=90)
# LookupEvents takes two calls a second an account and Region; where more was started in these minutes, nobody is named.
MOST_PAGES = 4


def told(cloudtrail: CloudTrailClient, audit: Audit) -> None:
    """Complete ``audit.starter`` where CloudTrail knows the call. What may not be asked stays untold."""
    from botocore.exceptions import BotoCoreError, ClientError

    if audit.started is None:
        return
    try:
        call = next(_starts_of(cloudtrail, audit), None)
    except (BotoCoreError, ClientError):  # the audit does not fail for want of another service
        return
    if call:
        who, agent = _principal(call.get("userIdentity") or {}), str(call.get("userAgent") or "")
        audit.starter = replace(audit.starter, principal=who, agent=agent)


def _starts_of(cloudtrail: CloudTrailClient, audit: Audit) -> Iterator[Mapping[str, Any]]:
    moment = datetime.fromtimestamp(audit.started or 0.0, UTC)
    pages = cloudtrail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "StartExecution"}],
        StartTime=moment - MARGIN,
        EndTime=moment + MARGIN,
        PaginationConfig={"MaxItems": MOST_PAGES * 50, "PageSize": 50},
    )
    for event in (event for page in pages for event in page["Events"]):
        call = json.loads(event.get("CloudTrailEvent") or "{}")
        if (call.get("responseElements") or {}).get("executionArn") == audit.arn:
            yield call


def _principal(identity: Mapping[str, Any]) -> str:
    """ARN of a user or a role's session; the service that called for itself."""
    return str(identity.get("arn") or identity.get("invokedBy") or identity.get("principalId") or "")
