"""The e-commerce request that is shipped: what it publishes and counts of each change in a shop's life."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from meridian import sample_data
from meridian.request import load_completed
from processors.analytics import value_of
from processors.changes import entries_of
from processors.shared.rules import matches
from tests.unit.processors.records import TTL_IDENTITY, change, configuration, item, probe

if TYPE_CHECKING:
    from processors.shared.config import Config
    from processors.shared.records import Change
    from processors.shared.values import Image

ROOT = Path(__file__).parents[3]
HANDBOOK = (ROOT / "docs" / "processors.md").read_text()
REQUEST: Any = load_completed(ROOT / "definitions" / "examples" / "ecommerce.yaml")
MONEY = {"N": "1E+2"}
TIME = "2026-11-21T12:00:00.000000Z"

PRODUCT, ORDER, USER = item("PRODUCT#7", price=MONEY), item("ORDER#1", customerId="3", amount=MONEY), item("USER#3")


def having(image: Image, **attributes: Any) -> Image:
    return {**image, **item(**attributes), "PK": image["PK"]}


def document() -> Config:
    names = ("key_schema", "attribute_definitions", "time_to_live", "processors", "origin_attribute")
    return configuration(table=REQUEST["table"], **{name: REQUEST[name] for name in names})


def events(one: Change) -> list[tuple[str, str, dict[str, Any]]]:
    """Source, detail type and the rule's own members of what is published."""
    found = []
    for entry in entries_of(one, document()):
        detail = json.loads(entry["Detail"])
        del detail["meridian"]
        found.append((entry["Source"], entry["DetailType"], detail))
    return found


def metrics(one: Change) -> list[tuple[str, dict[str, str], str]]:
    """Name, dimensions and value of what is counted."""
    rules = REQUEST["processors"]["analytics"]["rules"]
    return [(rule["metric"], rule["dimensions"], str(value_of(one, rule))) for rule in rules if matches(one, rule)]


OF_ORDER, OF_PRODUCT = {"EntityType": "Order"}, {"EntityType": "Product"}

# What happens, and which events and metrics follow.
LIFE: dict[str, tuple[Change, list[Any], list[Any]]] = {
    "a product comes": (change(None, having(PRODUCT, Stock=5)), [], [("NewProducts", OF_PRODUCT, "1")]),
    "stock falls": (
        change(having(PRODUCT, Stock=5), having(PRODUCT, Stock=3)),
        [
            (
                "ecommerce.inventory",
                "Inventory Change",
                {"productId": "7", "oldStock": 5, "newStock": 3, "timestamp": TIME},
            )
        ],
        [("InventoryChange", {**OF_PRODUCT, "ChangeType": "Decrease"}, "2")],
    ),
    "stock rises": (
        change(having(PRODUCT, Stock=3), having(PRODUCT, Stock={"N": "10.5"})),
        [
            (
                "ecommerce.inventory",
                "Inventory Change",
                {"productId": "7", "oldStock": 3, "newStock": 10.5, "timestamp": TIME},
            )
        ],
        [("InventoryChange", {**OF_PRODUCT, "ChangeType": "Increase"}, "7.5")],
    ),
    "stock is no longer kept": (
        change(having(PRODUCT, Stock=3), PRODUCT),
        [("ecommerce.inventory", "Inventory Change", {"productId": "7", "oldStock": 3, "timestamp": TIME})],
        [],
    ),
    "a price changes": (change(having(PRODUCT, price=1), having(PRODUCT, price=2)), [], []),
    "an order comes": (
        change(None, having(ORDER, Status="NEW")),
        [
            (
                "ecommerce.orders",
                "New Order",
                {"orderId": "1", "customerId": "3", "amount": 100, "timestamp": TIME},
            )
        ],
        [("NewOrders", OF_ORDER, "1"), ("OrderValue", OF_ORDER, "1E+2")],
    ),
    "an order is paid": (
        change(having(ORDER, Status="NEW"), having(ORDER, Status="PAID")),
        [("ecommerce.orders", "Order Status Update", {"orderId": "1", "status": "PAID", "timestamp": TIME})],
        [],
    ),
    "an order is cancelled": (
        change(having(ORDER, Status="PAID"), having(ORDER, Status="CANCELLED")),
        [("ecommerce.orders", "Order Status Update", {"orderId": "1", "status": "CANCELLED", "timestamp": TIME})],
        [("CancelledOrders", OF_ORDER, "1")],
    ),
    "a cancelled order gets a note": (
        change(having(ORDER, Status="CANCELLED"), having(ORDER, Status="CANCELLED", note="x")),
        [],
        [],
    ),
    "an order is deleted": (
        change(having(ORDER, Status="PAID"), None),
        [("ecommerce.orders", "Order Removed", {"orderId": "1", "timestamp": TIME})],
        [],
    ),
    "an order expires": (
        change(having(ORDER, Status="PAID"), None, identity=TTL_IDENTITY),
        [("ecommerce.orders", "Order Expired", {"orderId": "1", "timestamp": TIME})],
        [],
    ),
    "a user is there": (
        change(having(USER, lastActive="2026-11-20"), having(USER, lastActive="2026-11-21")),
        [("ecommerce.users", "User Activity", {"userId": "3", "lastActive": "2026-11-21", "timestamp": TIME})],
        [],
    ),
    "something else changes": (change(item("CART#1", Stock=1), item("CART#1", Stock=2)), [], []),
}


@pytest.mark.parametrize("what", LIFE)
def test_a_change_becomes_its_events_and_metrics(what: str) -> None:
    """Each change gives exactly the events and the metrics that the example promises."""
    one, published, counted = LIFE[what]
    assert events(one) == published
    assert metrics(one) == counted


def test_amounts_keep_every_digit() -> None:
    """A number such as 1E+2 is written as 100, and 38 digits stay 38 digits."""
    digits = "1234567890123456789.1234567890123456789"
    (entry,) = entries_of(change(None, having(ORDER, amount={"N": digits})), document())
    assert f'"amount":{digits}' in entry["Detail"]


def test_the_handbook_shows_an_event_as_it_is() -> None:
    """The event in docs/processors.md is the one that the example publishes, but for its id."""
    shown = json.loads(HANDBOOK.split("```json\n")[1].split("```")[0])
    before, after = (having(PRODUCT, Stock=stock, originRegion="eu-west-1") for stock in (5, 3))
    (entry,) = entries_of(change(before, after), document())
    detail = json.loads(entry["Detail"])
    shown["detail"]["meridian"]["id"] = detail["meridian"]["id"]
    assert shown["detail"] == detail
    assert (shown["source"], shown["detail-type"]) == (entry["Source"], entry["DetailType"])


@pytest.mark.parametrize(("kind", "sort_key"), sample_data.SORT_KEYS.items())
def test_the_handbook_shows_the_sample_items(kind: str, sort_key: str) -> None:
    """Whoever looks for what `deploy.py load` writes finds its keys."""
    assert f"| {kind.lower()} | `{kind.upper()}#<id>` | `{sort_key}` |" in HANDBOOK


def test_probes_meet_no_rule() -> None:
    """A validation's item is published as a probe and nothing else."""
    (entry,) = entries_of(change(None, probe()), document())
    assert entry["Source"] == "meridian.validation"
