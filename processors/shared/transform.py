"""What of an item goes to the replicator's destination, and how a copy is known for one.

A copy carries ``meridian:replicated``: the table it came from and a digest of all its other attributes. While the
digest matches, nobody but the replicator has written the item; as soon as an application changes it, it does not.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from processors.shared import rules
from processors.shared.values import canonical

if TYPE_CHECKING:
    from collections.abc import Collection

    from processors.shared.config import Entity, Transform
    from processors.shared.records import Change
    from processors.shared.values import AttributeValue, Image

REPLICATED, FROM, DIGEST = "meridian:replicated", "from", "digest"


def selected(change: Change, entity: Entity | None) -> tuple[bool, bool]:
    """Whether the filter takes the item as it was before the change, and as it is after it."""
    before = change.old is not None and (entity is None or rules.is_of(replace(change, new=None), entity))
    after = change.new is not None and (entity is None or rules.is_of(change, entity))
    return before, after


def transformed(image: Image, transform: Transform, keys: Collection[str]) -> Image:
    """``image`` as the destination wants it: dropped, renamed, added. Keys and values stay as they are.

    A renamed attribute takes the place of one that had its new name.
    """
    left = {name: value for name, value in image.items() if name in keys or name not in transform["drop"]}
    renamed = {new: old for old, new in transform["rename"].items() if old in left and old not in keys}
    stays = {name: value for name, value in left.items() if name in keys or name not in transform["rename"]}
    moved = {new: left[old] for new, old in renamed.items() if new not in keys}
    added = {name: _value(value) for name, value in transform["add"].items() if name not in keys}
    return {**stays, **moved, **added}


def marked(image: Image, place: str) -> Image:
    """``image`` as a copy of what lies in ``place``, a table and its home Region."""
    return {**image, REPLICATED: {"M": {FROM: {"S": place}, DIGEST: {"S": _digest(image)}}}}


def is_copy(image: Image, place: str) -> bool:
    """Whether the item is just as the replicator brought it from ``place``."""
    mark = image.get(REPLICATED, {}).get("M", {})
    return bool(mark.get(FROM) == {"S": place} and mark.get(DIGEST) == {"S": _digest(image)})


def _digest(image: Image) -> str:
    rest = {name: value for name, value in image.items() if name != REPLICATED}
    return hashlib.sha256(canonical(rest).encode()).hexdigest()


def _value(value: str | int | bool) -> AttributeValue:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}
