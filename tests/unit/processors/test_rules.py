"""Which changes a rule is for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from processors.shared import rules
from tests.unit.processors.records import TTL_IDENTITY, change, condition, item

CREATED = (None, item())
EDITED = (item(Stock=1), item(Stock=2))
REMOVED = (item(), None)


def matches(old: Any, new: Any, *on: str, begins_with: str = "ORDER#", identity: Any = None, **members: Any) -> bool:
    asked = cast("Any", condition(begins_with, *on, **members))
    return rules.matches(change(old, new, identity=identity), asked)


@pytest.mark.parametrize(("images", "kind"), [(CREATED, "INSERT"), (EDITED, "MODIFY"), (REMOVED, "REMOVE")])
def test_a_rule_is_for_the_kinds_it_names(images: Any, kind: str) -> None:
    """And for no other."""
    assert matches(*images, kind)
    assert not matches(*images, *({"INSERT", "MODIFY", "REMOVE", "EXPIRE"} - {kind}))


def test_remove_leaves_out_what_ttl_removed() -> None:
    """An expired item is EXPIRE alone."""
    assert not matches(*REMOVED, "REMOVE", identity=TTL_IDENTITY)
    assert matches(*REMOVED, "EXPIRE", identity=TTL_IDENTITY)


@pytest.mark.parametrize(
    ("entity", "expected"),
    [
        ({"attribute": "PK", "begins_with": "ORDER#"}, True),
        ({"attribute": "PK", "begins_with": "ORDER#2"}, False),
        ({"attribute": "PK", "equals": "ORDER#1"}, True),
        ({"attribute": "PK", "equals": "ORDER#"}, False),
        ({"attribute": "type", "equals": "order"}, True),
        ({"attribute": "count", "begins_with": "1"}, False),
        ({"attribute": "absent", "begins_with": "ORDER#"}, False),
    ],
)
def test_an_entity_is_told_by_a_text(entity: Any, expected: bool) -> None:
    """Of a key or of another attribute of type S, whole or at its beginning."""
    new = item(type="order", count=1)

    assert matches(None, new, entity=entity) is expected


def test_a_removed_item_is_told_by_what_it_was() -> None:
    """Its old image says what kind it had."""
    entity = {"attribute": "type", "equals": "order"}

    assert matches(item(type="order"), None, entity=entity)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (item(Stock=1), item(Stock=2), True),
        (item(Stock=1), item(Stock=1, other=2), False),
        (item(Stock={"N": "1"}), item(Stock={"N": "1.0"}), False),
        (item(Stock={"N": "1"}), item(Stock={"S": "1"}), True),
        (item(Stock=1), item(), True),
        (item(), item(Stock=1), True),
        (None, item(Stock=1), True),
        (item(Stock=1), None, True),
        (None, item(), False),
        (item(), None, False),
        (item(Stock={"SS": ["a", "b"]}), item(Stock={"SS": ["b", "a"]}), False),
        (item(Stock={"NULL": True}), item(), True),
    ],
)
def test_an_attribute_has_changed_if_its_value_differs_or_it_came_or_went(old: Any, new: Any, expected: bool) -> None:
    """By value, not by how it is written."""
    assert matches(old, new, changed="Stock") is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (item(Status="PAID"), item(Status="CANCELLED"), True),
        (None, item(Status="CANCELLED"), True),
        (item(Status="CANCELLED"), item(Status="CANCELLED", note="x"), False),
        (item(Status="CANCELLED"), item(Status="PAID"), False),
        (item(Status="CANCELLED"), None, False),
        (item(Status="PAID"), item(Status={"SS": ["CANCELLED"]}), False),
    ],
)
def test_a_value_becomes_another_only_when_it_changes(old: Any, new: Any, expected: bool) -> None:
    """A later edit of a cancelled order is no cancellation, and neither is its removal."""
    assert matches(old, new, changed="Status", becomes=["CANCELLED", "REFUSED"]) is expected


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("9", "10", "INCREASE"),
        ("1E+2", "99.9", "DECREASE"),
        ("12345678901234567890123456789012345678", "12345678901234567890123456789012345679", "INCREASE"),
        ("0.1", "-1E-130", "DECREASE"),
    ],
)
def test_directions_are_exact(before: str, after: str, direction: str) -> None:
    """Numbers are compared as numbers, to their last digit."""
    old, new = item(Stock={"N": before}), item(Stock={"N": after})
    other = {"INCREASE": "DECREASE", "DECREASE": "INCREASE"}[direction]

    assert matches(old, new, changed="Stock", direction=direction)
    assert not matches(old, new, changed="Stock", direction=other)
    assert matches(old, new, changed="Stock", direction="ANY")


@pytest.mark.parametrize(
    ("old", "new"), [(item(), item(Stock=1)), (item(Stock=1), item()), (item(Stock="1"), item(Stock=2)), (None, item())]
)
def test_only_two_numbers_have_a_direction(old: Any, new: Any) -> None:
    """A number that came or went, or a text, rose from nothing we know."""
    assert not matches(old, new, changed="Stock", direction="INCREASE")
    assert not matches(old, new, changed="Stock", direction="DECREASE")
