"""The head of an archive: the SSM parameter that names the newest manifest, and what it said before."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tasks.shared import names

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

    from tasks.shared.archive import Head


def read_head(ssm: SSMClient) -> Head | None:
    """What the SSM parameter says, or None where there is none."""
    try:
        found = ssm.get_parameter(Name=names.ARCHIVE_HEAD)["Parameter"]
    except ssm.exceptions.ParameterNotFound:
        return None
    return _head(found.get("Value", ""))


def read_heads(ssm: SSMClient) -> list[Head]:
    """What it said before, too, the newest first: the last 100 versions."""
    try:
        pages = list(ssm.get_paginator("get_parameter_history").paginate(Name=names.ARCHIVE_HEAD))
    except ssm.exceptions.ParameterNotFound:
        return []
    found = [one for page in pages for one in page["Parameters"]]
    return [_head(one.get("Value", "")) for one in sorted(found, key=lambda one: -one.get("Version", 0))]


def read_acknowledged(ssm: SSMClient) -> frozenset[str]:
    """The breaks that somebody looked into, as ``break_id`` names them; in the parameter whatever parts them."""
    try:
        found = ssm.get_parameter(Name=names.ARCHIVE_ACKNOWLEDGED)["Parameter"]
    except ssm.exceptions.ParameterNotFound:
        return frozenset()
    return frozenset(re.findall(r"\w+", found.get("Value", "")))


def _head(value: str) -> Head:
    """What a version of the parameter says; one that somebody overwrote with anything else fits no manifest."""
    try:
        said = json.loads(value)
        return {"key": said["key"], "sha256": said["sha256"], "before": said["before"], "settled": said["settled"]}
    except (ValueError, TypeError, KeyError):
        return {"key": "", "sha256": "", "before": {"key": "", "sha256": ""}, "settled": True}
