"""boto3 clients, one a service and Region, kept for the life of the process."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

# A call that hangs ends long before the function's own timeout, so that the batch can still be answered in part.
CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, ATTEMPTS = 1, 3, 2
LONGEST_CALL_SECONDS = (CONNECT_TIMEOUT_SECONDS + READ_TIMEOUT_SECONDS) * ATTEMPTS + 1  # and botocore's own back-off


@cache
def client(service: str, region: str | None = None, *, attempts: int = ATTEMPTS) -> Any:
    """Client of ``service`` in ``region``, or in the function's own Region; ``attempts`` are those of each call."""
    import boto3  # late: a test of the rules, and a first look at a batch, need none
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return boto3.client(service, region_name=region or os.environ["AWS_REGION"], config=config)  # type: ignore[call-overload]  # a variable
