"""Errors on demand: the next calls of an operation in a Region end as they would on a bad day."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find, require
from meridian.embedded.services import Answer, Handler, RefusedByAws, Request, refusal, region

if TYPE_CHECKING:
    from collections.abc import Sequence

ANYWHERE = "*"
ALIASES = {"cloudwatch": "monitoring", "sfn": "states", "stepfunctions": "states"}
# Operations of S3 that are seen under the name of their IAM action only.
ACTIONS = {
    "DeleteObjects": "DeleteObject",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
# Services whose calls carry no Region of their own.
GLOBAL_SERVICES = frozenset({"cloudfront", "iam", "organizations", "route53", "sts"})
# The HTTP status of the codes that are not the caller's mistake.
STATUS = {
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "ServiceException": 500,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}


@dataclass
class Fault:
    """An error that waits for the next calls of ``operation``, which is ``service:Operation``.

    Or, as ``AWS::Service::Type``, for the next resources of that type that a stack makes or updates.
    """

    operation: str
    region: str
    code: str
    message: str
    times: int

    def __post_init__(self) -> None:
        service, _, self.name = self.operation.replace(".", ":", 1).partition(":")
        if self.operation.startswith("AWS::"):
            service, self.name = "cloudformation", self.operation
        self.service = ALIASES.get(service, service)
        if self.service == "s3":
            self.name = ACTIONS.get(self.name, self.name)
        if not self.name or self.service not in find("ministack.app:SERVICE_HANDLERS"):
            raise ValueError(f"{self.operation!r} is not service:Operation, as in dynamodb:UpdateTable")

    def meets(self, service: str, names: set[str], where: str) -> bool:
        return self.times > 0 and self.service == service and self.name in names and self.region in {where, ANYWHERE}


class Faults:
    def __init__(self, disabled_regions: Sequence[str]) -> None:
        require("ministack.", "app:_ct_event_name", "core.iam_actions:extract_iam_action")
        self._disabled = frozenset(disabled_regions)
        self._faults: list[Fault] = []

    def add(self, **fault: Any) -> None:
        self._faults.append(Fault(**fault))

    def clear(self) -> None:
        self._faults.clear()

    def wrap(self, service: str, handler: Handler) -> Handler:
        """Answer with a fault that waits for this call, else let the service answer."""

        async def handle(*parts: Any) -> Answer:
            request = Request(*parts)
            error = self._next(service, request)
            return await handler(*request) if error is None else shaped(service, request, error)

        return handle

    def _next(self, service: str, request: Request) -> RefusedByAws | None:
        where = region()
        if where in self._disabled and service not in GLOBAL_SERVICES:
            # What every service answers in a Region that the account has not enabled.
            return RefusedByAws("UnrecognizedClientException", "The security token included in the request is invalid.")
        return self.next(service, _names(service, request)) if self._faults else None

    def next(self, service: str, names: set[str]) -> RefusedByAws | None:
        """The error that waits in the present Region for something of one of these names, used up by one."""
        where = region()
        fault = next((fault for fault in self._faults if fault.meets(service, names, where)), None)
        if fault is None:
            return None
        fault.times -= 1
        return RefusedByAws(fault.code, fault.message, STATUS.get(fault.code, 400))


def _names(service: str, request: Request) -> set[str]:
    """The operation's name, and for REST services that of its IAM action (S3 ListObjectsV2 is ListBucket)."""
    action = find("ministack.core.iam_actions:extract_iam_action")(service, *request) or ""
    method, path, headers, _, query = request
    event = find("ministack.app:_ct_event_name")(service, method, path, headers, query)
    return {request.operation, action.rpartition(":")[2], event} - {""}


def shaped(service: str, request: Request, error: RefusedByAws) -> Answer:
    """An error in the protocol in which the request came."""
    code, message, request_id = escape(error.code), escape(error.message), str(uuid.uuid4())
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        inner = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        text = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
        if service == "ec2":
            text = f"<Response><Errors>{inner}</Errors><RequestID>{request_id}</RequestID></Response>"
        return error.status, {"Content-Type": "text/xml"}, text.encode()
    if service == "s3":
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
        return error.status, {"Content-Type": "application/xml"}, text.encode()
    if "x-amz-target" in request.headers:
        return refusal(error)
    body = json.dumps({"Message": error.message, "message": error.message}).encode()
    return error.status, {"Content-Type": "application/json", "x-amzn-errortype": error.code}, body
