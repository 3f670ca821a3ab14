"""Which Region a task runs in, and which Regions the account has enabled."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tasks.shared.errors import RequestInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.shared.clients import Clients


def here() -> str:
    """The home Region: Lambda names it in AWS_REGION."""
    return os.environ["AWS_REGION"]


def require_enabled(aws: Clients, home: str, wanted: Iterable[str]) -> None:
    """``RequestInvalid`` names every Region that the account has not opted in to."""
    answer = aws.ec2(home).describe_regions(AllRegions=True)["Regions"]
    status = {found.get("RegionName"): found.get("OptInStatus") for found in answer}
    closed = [region for region in wanted if status.get(region) not in ("opted-in", "opt-in-not-required")]
    if closed:
        raise RequestInvalid(
            f"Not enabled in this account: {', '.join(closed)}",
            remedy="Enable it (AWS Account Management > AWS Regions) or leave it out of `regions`. "
            "Nothing was created.",
        )
