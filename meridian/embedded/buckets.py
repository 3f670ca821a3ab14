"""What MiniStack's S3 lacks: a bucket's expected owner, and a lock that keeps its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.faults import shaped
from meridian.embedded.internals import find, require
from meridian.embedded.services import Answer, Handler, RefusedByAws, Request, wrap
from meridian.embedded.settings import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCKS = "ministack.services.s3:_bucket_object_lock"
OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
CHECKSUMS = "x-amz-checksum-"  # and an algorithm
NO_DIGESTS = ("x-amz-checksum-mode", "x-amz-checksum-type", "x-amz-checksum-algorithm")


def install() -> None:
    require("", LOCKS)
    wrap("s3", _handle)


def _handle(handler: Handler) -> Handler:
    async def handle(*parts: Any) -> Answer:
        request = Request(*parts)
        try:
            _check(request)
        except RefusedByAws as error:
            return shaped("s3", request, error)
        status, headers, body = await handler(*request)
        if request.method == "PUT" and status == 200:
            headers = headers | _digests(request.headers)
        return status, headers, body

    return handle


def _check(request: Request) -> None:
    if any(request.headers.get(name, ACCOUNT) != ACCOUNT for name in OWNERS):
        raise RefusedByAws("AccessDenied", "Access Denied", 403)
    bucket = request.path.strip("/").partition("/")[0]
    suspends = request.method == "PUT" and "versioning" in request.query and b"Suspended" in request.body
    if suspends and find(LOCKS).get(bucket):
        message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed."
        raise RefusedByAws("InvalidBucketState", message, 409)


def _digests(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums that came with an object, which S3 has compared, and says again."""
    return {name: text for name, text in headers.items() if name.startswith(CHECKSUMS) and name not in NO_DIGESTS}
