"""The probe: an item that a validation writes in one Region and looks for in the others.

Its key is built from the table's own key schema, and a marker attribute says which run it belongs to. Every write is
conditional on that marker, so an item that is not a probe is never touched.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from tasks.shared import request as requests

if TYPE_CHECKING:
    from tasks.shared.request import Request

PREFIX = "meridian-probe"
MARKER = "meridian:probe"  # the run
STEP = "meridian:step"  # put or update
ORIGIN = "meridian:origin"

LIFETIME_SECONDS = 86_400


class Written(TypedDict):
    """One step of a validation: what WriteProbes answered, and what each look adds to it.

    ``written_at`` is the time, in milliseconds since 1970, at which each Region had accepted its write.
    """

    run: str
    step: Literal["put", "update", "delete"]
    written_at: dict[str, int]
    seen: dict[str, dict[str, Any]]
    looks: int
    began: str


def pairs(regions: list[str]) -> list[tuple[str, str]]:
    """Ordered pairs of origin and reader. A table in one Region only is read where it was written."""
    if len(regions) == 1:
        return [(regions[0], regions[0])]
    return [(origin, reader) for origin in regions for reader in regions if reader != origin]


def run_of(execution_id: str) -> str:
    """A short name for the run, the same when the execution is redriven."""
    return hashlib.sha256(execution_id.encode()).hexdigest()[:16]


class Told(TypedDict):
    """Which write of a run a change record is of."""

    origin: str
    step: str


def told_by(change: dict[str, Any], run: str) -> Told | None:
    """What the ``dynamodb`` part of a change record says of this run's probes; ``None`` if it is of another item."""
    image = change.get("NewImage") or change.get("OldImage") or {}
    if image.get(MARKER) != {"S": run}:
        return None
    return {"origin": image[ORIGIN]["S"], "step": image[STEP]["S"] if change.get("NewImage") else "delete"}


def key(request: Request, run: str, origin: str) -> dict[str, Any]:
    """Key of the probe of ``run`` from ``origin``, in DynamoDB JSON: at most 50 bytes, or 38 digits.

    An origin attribute that is one of two key attributes holds the Region, or no Region would see its own probe.
    """
    text = f"{PREFIX}#{run}#{origin}"
    digits = str(int(hashlib.sha256(text.encode()).hexdigest(), 16))[:30]
    # A number far below zero, where keys counted up from zero never come.
    values: dict[str, Any] = {"S": text, "B": text.encode(), "N": f"-9{digits:0>30}"}
    made: dict[str, Any] = {name: {kind: values[kind]} for name, kind in requests.key_attributes(request)}
    if len(made) > 1 and request["origin_attribute"] in made:
        made[request["origin_attribute"]] = {"S": origin}
    return made
