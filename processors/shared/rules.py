"""Whether a change is one that a rule of the request is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from processors.shared import values

if TYPE_CHECKING:
    from processors.shared.config import Condition, Entity
    from processors.shared.records import Change
    from processors.shared.values import Image


def matches(change: Change, condition: Condition) -> bool:
    """All that ``condition`` says is true of ``change``. Ask only about applications' items, never about probes."""
    return (
        change.kind in condition["when"]
        and is_of(change, condition["entity"])
        and _changed(change, condition["changed"])
        and _becomes(change, condition)
        and _direction(change, condition)
    )


def is_of(change: Change, entity: Entity) -> bool:
    """Whether the item, keys included, has the text that tells its kind."""
    text = _attribute({**change.keys, **change.item}, entity["attribute"]).get("S")
    if not isinstance(text, str):
        return False
    return text.startswith(entity["begins_with"]) if "begins_with" in entity else text == entity["equals"]


def _changed(change: Change, attribute: str | None) -> bool:
    """An attribute that came or went has changed; 1 and 1.0 are the same."""
    return attribute is None or not values.equal((change.old or {}).get(attribute), (change.new or {}).get(attribute))


def _becomes(change: Change, condition: Condition) -> bool:
    if condition["changed"] is None or not condition["becomes"]:
        return True
    return _attribute(change.new, condition["changed"]).get("S") in condition["becomes"]


def _direction(change: Change, condition: Condition) -> bool:
    """Only numbers have one, and only where there was one before and is one now."""
    if condition["changed"] is None or condition["direction"] == "ANY":
        return True
    before = values.number(_attribute(change.old, condition["changed"]))
    after = values.number(_attribute(change.new, condition["changed"]))
    if before is None or after is None:
        return False
    return after > before if condition["direction"] == "INCREASE" else after < before


def _attribute(image: Image | None, name: str) -> values.AttributeValue:
    return (image or {}).get(name, {})
