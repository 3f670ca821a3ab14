"""Which Regions there are, which one a task runs in, and which the account has enabled."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from tasks.shared.errors import RequestInvalid
from tasks.shared.problems import Problem, closest, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tasks.shared.clients import Clients
    from tasks.shared.problems import Path


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


@cache
def partitions() -> dict[str, str]:
    """Partition (aws, aws-cn, ...) of every Region in which DynamoDB runs, by botocore's endpoint data."""
    from botocore.loaders import create_loader

    return {
        region: partition["partition"]
        for partition in create_loader().load_data("endpoints")["partitions"]
        for region in partition["services"].get("dynamodb", {}).get("endpoints", {})
        if region in partition["regions"]
    }


def unknown_region(path: Path, region: str) -> Problem:
    """What is told of a ``region`` that is not one of ``partitions()``."""
    meant = closest(region, partitions())
    fix = f"did you mean {meant}?" if meant else "use a Region's code, such as us-east-1."
    return Problem(path, f"{shown(region)} is no Region in which DynamoDB runs; {fix}")
