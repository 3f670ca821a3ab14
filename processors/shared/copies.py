"""What the changes of one item make of its copy: one write with its conditions, whatever their number.

The copy has a version, its conflict attribute, and beside it a mark that tells when its life last began or ended. One
stream orders the changes of an item by ``moment``; streams of different Regions do not, and there the version decides.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from processors.shared.values import canonical, for_boto3

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processors.shared.values import AttributeValue, Image

# A record is gone from its stream after 24 hours at most; in the failure bucket it waits for a person.
MARK_SECONDS = 35 * 86_400


@dataclass(frozen=True)
class Step:
    """One change: BEGIN and CHANGE put ``image`` with its ``version``, END removes what had ``version``."""

    kind: Literal["BEGIN", "CHANGE", "END"]
    position: int  # in the batch
    keys: Image
    image: Image
    version: AttributeValue
    region: str  # of the stream
    moment: str


@dataclass(frozen=True)
class Copy:
    """Several steps as one. ``life`` is the last that began or ended the item, ``ended`` the highest version it had.

    Where ``life`` is None, the item's life must not have begun anew since ``final``.
    """

    final: Step
    life: Step | None = None
    ended: AttributeValue | None = None

    @property
    def rest(self) -> Copy | None:
        """What is left to write where ``life`` turns out to be known already, as it is in a repeated batch."""
        return Copy(self.final) if self.life is not None and self.life is not self.final else None


@dataclass(frozen=True)
class Tables:
    """``place`` is what the marks of other destinations are told apart by."""

    destination: str
    marks: str
    place: str


def copy_of(steps: Iterable[Step]) -> Copy:
    """What is left of the ``steps`` of one item, at least one, if each is applied in the order of its moment."""
    ordered = sorted(steps, key=lambda step: step.moment)
    copy = _begun(ordered[0])
    for step in ordered[1:]:
        copy = _then(copy, step)
    return copy


def _begun(step: Step) -> Copy:
    return Copy(step, None if step.kind == "CHANGE" else step, step.version if step.kind == "END" else None)


def _then(copy: Copy, step: Step) -> Copy:
    if step.kind == "END":
        newer = copy.final.kind != "END" and not _at_most(copy.final.version, step.version)
        return copy if newer else Copy(step, step, _higher(copy.ended, step.version))
    if copy.final.kind != "END" and not _below(copy.final.version, step.version):
        return copy
    return replace(copy, final=step, life=step if step.kind == "BEGIN" else copy.life)


def _below(one: AttributeValue, other: AttributeValue) -> bool:
    """As DynamoDB compares: never, between different types."""
    if "N" in one and "N" in other:
        return Decimal(one["N"]) < Decimal(other["N"])
    return "S" in one and "S" in other and one["S"] < other["S"]


def _at_most(one: AttributeValue, other: AttributeValue) -> bool:
    return one.keys() == other.keys() and not _below(other, one)


def _higher(one: AttributeValue | None, other: AttributeValue) -> AttributeValue:
    return one if one is not None and _below(other, one) else other


def actions(copy: Copy, attribute: str, tables: Tables) -> list[dict[str, Any]]:
    """The two actions of TransactWriteItems: the item and its mark. ``attribute`` is the version's name."""
    return [_item(copy, attribute, tables), _mark(copy, tables)]


def _item(copy: Copy, attribute: str, tables: Tables) -> dict[str, Any]:
    """Nothing is there, or something older: below the new version, or no newer than what was removed."""
    final, clauses, values = copy.final, ["attribute_not_exists(#key)"], {}
    if final.kind != "END":
        clauses.append("#version < :version")
        values[":version"] = final.version
    if copy.ended is not None:
        clauses.append("#version <= :ended")
        values[":ended"] = copy.ended
    condition = {
        "TableName": tables.destination,
        "ConditionExpression": " OR ".join(clauses),
        "ExpressionAttributeNames": {"#key": next(iter(final.keys)), "#version": attribute},
        "ExpressionAttributeValues": values,
    }
    if final.kind == "END":
        return {"Delete": {"Key": _for_boto3(final.keys), **condition}}
    return {"Put": {"Item": _for_boto3(final.image), **condition}}


def _mark(copy: Copy, tables: Tables) -> dict[str, Any]:
    """No later life is known. What begins or ends one says so; a change in between only makes sure."""
    step = copy.life or copy.final
    moment = "<" if copy.life else "<="
    version = "<=" if step.kind == "END" else "<"
    item = {"S": hashlib.sha256(f"{tables.place} {canonical(step.keys)}".encode()).hexdigest()}
    condition = {
        "TableName": tables.marks,
        "ConditionExpression": f"attribute_not_exists(#item) OR (#region = :region AND #moment {moment} :moment) "
        f"OR (#region <> :region AND #version {version} :version)",
        "ExpressionAttributeNames": {
            "#item": "item",
            "#region": "region",
            "#moment": "moment",
            "#version": "version",
        },
        "ExpressionAttributeValues": {
            ":region": {"S": step.region},
            ":moment": {"S": step.moment},
            ":version": step.version,
        },
    }
    if copy.life is None:
        return {"ConditionCheck": {"Key": {"item": item}, **condition}}
    mark = {
        "item": item,
        "region": {"S": step.region},
        "moment": {"S": step.moment},
        "version": step.version,
        "expiresAt": {"N": str(int(time.time()) + MARK_SECONDS)},
    }
    return {"Put": {"Item": mark, **condition}}


def _for_boto3(image: Image) -> Image:
    return {name: for_boto3(value) for name, value in image.items()}
