"""How a Region's processors stand: their stack, its version, their event source mappings, and what they gave up on."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.shared import configuration, event_sources, region_parameters, region_stack
from tasks.shared.errors import NotOurs
from tasks.shared.failures import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tasks.shared.clients import Clients
    from tasks.shared.request import Request

MISSING, FOREIGN, COMPLETE, ENABLED = "missing", "not ours", "complete", "Enabled"
WELL = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
MOST_COUNTED = 1000  # one page of ListObjectsV2
SHOWN = 7  # characters of a hash


class Stack(NamedTuple):
    """``code`` and ``config`` are hashes; ``changed`` is when the stack was last brought to them."""

    status: str
    code: str = ""
    config: str = ""
    changed: datetime | None = None
    failures: str = ""  # how many objects lie in the failure bucket, or that there is none

    @property
    def version(self) -> str:
        return shown(self.code, self.config)


class Mapping(NamedTuple):
    """One processor's event source mapping. ``state`` and ``last_result`` are Lambda's own words."""

    processor: str
    state: str
    last_result: str


def stack(aws: Clients, table: str, region: str) -> Stack:
    """The Region's stack as CloudFormation describes it."""
    try:
        found = region_stack.describe(aws, table, region)
    except NotOurs:
        return Stack(FOREIGN)
    if found is None:
        return Stack(MISSING)
    outputs = _pairs(found.get("Outputs", []), "Output")
    parameters = _pairs(found.get("Parameters", []), "Parameter")
    status = found["StackStatus"]
    return Stack(
        COMPLETE if status in WELL else status,
        outputs.get("CodeSha256", ""),
        outputs.get("ConfigSha256", ""),
        found.get("LastUpdatedTime", found["CreationTime"]),
        _failures(aws, region, parameters.get("FailureBucket", ""), owner=str(found.get("StackId")).split(":")[4]),
    )


def mappings(aws: Clients, request: Request, region: str) -> list[Mapping]:
    """One for each processor that the request has in ``region``."""
    found = []
    for processor in region_parameters.on(request, region):
        there: list[Any] = [*event_sources.mappings(aws, region, request["table"], processor), {}]
        state, last = there[0].get("State", MISSING), there[0].get("LastProcessingResult", "")
        found.append(Mapping(processor, state, last))
    return found


def wanted_version(request: Request, stacks: Iterable[Stack]) -> str:
    """The code of the stack that was changed last, and the configuration of the recorded request."""
    changed = [(one.changed, one.code) for one in stacks if one.changed]
    return shown(max(changed)[1] if changed else "", PurePosixPath(configuration.key(request)).stem)


def shown(code: str, config: str) -> str:
    return f"code {code[:SHOWN]}, rules {config[:SHOWN]}"


def _failures(aws: Clients, region: str, bucket: str, owner: str) -> str:
    s3 = aws.s3(region)
    try:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=PREFIX, MaxKeys=MOST_COUNTED, ExpectedBucketOwner=owner)
    except s3.exceptions.NoSuchBucket:
        return MISSING
    count = len(page.get("Contents", []))
    return f"{count}+" if page.get("IsTruncated") else str(count)


def _pairs(listed: Any, kind: str) -> dict[str, str]:
    return {one[f"{kind}Key"]: one[f"{kind}Value"] for one in listed}
