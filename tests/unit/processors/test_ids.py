"""An event's id is the same whenever and wherever it is made again."""

from __future__ import annotations

from typing import Any

import pytest

from processors.shared.ids import event_id
from processors.shared.records import Change, change_of
from tests.unit.processors.records import TTL_IDENTITY, configuration, item, kinesis_record, stream_record

RULE = ("ecommerce.orders", "New Order", "0")
SHARED, OWN = configuration(), configuration(origin_attribute="writer")


def made(*arguments: Any, **members: Any) -> Change:
    return change_of(stream_record(*arguments, **members), SHARED)


def test_an_id_is_32_hexadecimal_digits() -> None:
    """Pinned: another way to make it would let consumers take copies for news."""
    assert event_id(made(None, item()), RULE, SHARED) == "87cab493e29edef21a9a8af28ea517b5"
    assert event_id(made(None, item()), RULE, OWN) == "85728185b2dc9947ba5dca361f05c60a"


def test_without_an_origin_attribute_all_regions_give_one_id() -> None:
    """Whatever differs between their streams: event id, sequence number, time, and TTL's marker."""
    here = made(item(expiresAt=1), None, region="eu-west-1", sequence=1, seconds=1_795_262_400)
    there = made(
        item(expiresAt={"N": "1.0"}), None, region="us-east-1", sequence=9, seconds=1_795_262_407, identity=TTL_IDENTITY
    )

    assert event_id(here, RULE, SHARED) == event_id(there, RULE, SHARED)


def test_with_an_origin_attribute_the_stream_s_event_id_decides() -> None:
    """So a change back and forth between equal items has two ids."""
    first, again = made(item(a=1), item(a=2), sequence=1), made(item(a=1), item(a=2), sequence=3)

    assert event_id(first, RULE, OWN) != event_id(again, RULE, OWN)
    assert event_id(first, RULE, SHARED) == event_id(again, RULE, SHARED)


@pytest.mark.parametrize("config", [SHARED, OWN])
def test_a_repeated_record_has_its_id_again(config: Any) -> None:
    """Through Kinesis too, where a copy has another sequence number."""
    record = kinesis_record(None, item(), sequence=1, event_id="one")
    copy = kinesis_record(None, item(), sequence=2, event_id="one")

    assert event_id(change_of(record, config), RULE, config) == event_id(change_of(copy, config), RULE, config)


@pytest.mark.parametrize("config", [SHARED, OWN])
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (made(None, item("ORDER#2")), RULE),
        (made(None, item(), sequence=2), ("ecommerce.orders", "Order", "0")),
        (made(None, item(), sequence=2), ("ecommerce.orders", "New Order", "1")),
        (made(item(), None, sequence=2), RULE),
        (made(None, item(a=1), sequence=2), RULE),
    ],
)
def test_another_item_rule_or_change_has_another_id(config: Any, change: Change, rule: tuple[str, ...]) -> None:
    """Nothing that makes an event another one is left out."""
    assert event_id(change, rule, config) != event_id(made(None, item()), RULE, config)


def test_another_table_has_other_ids() -> None:
    """Two tables may feed one bus."""
    change = made(None, item())

    assert event_id(change, RULE, SHARED) != event_id(change, RULE, configuration(table="other"))
