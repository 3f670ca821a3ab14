"""Sample data is the same for the same seed, fits any key schema, and sets off every kind of change."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from meridian.sample_data import ITEMS, MARKER, WRITES, Shop
from tasks.shared.request import complete
from tests.unit.requests import ORDERS, index

SINGLE_TABLE: dict[str, Any] = {
    "table": "shop",
    "regions": ["us-east-1", "eu-west-1"],
    "attribute_definitions": {"PK": "S", "SK": "S", "GSI1PK": "S", "GSI1SK": "S"},
    "key_schema": {"PK": "HASH", "SK": "RANGE"},
    "global_secondary_indexes": [index(GSI1PK="HASH", GSI1SK="RANGE")],
    "time_to_live": {"attribute_name": "expiresAt"},
    "origin_attribute": "originRegion",
}
ODD: dict[str, Any] = {
    "table": "odd",
    "regions": ["us-east-1"],
    "attribute_definitions": {"customerId": "N", "raw": "B", "Stock": "S", "updatedAt": "N", "version": "B"},
    "key_schema": {"customerId": "HASH", "raw": "RANGE"},
    "global_secondary_indexes": [
        index("one", Stock="HASH", updatedAt="RANGE"),
        index("two", version="HASH"),
    ],
}


def shop(document: dict[str, Any] = SINGLE_TABLE, run: str = "7") -> Shop:
    return Shop(complete(document), run, 1_795_000_000)


def played(document: dict[str, Any], number: int = 3) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Kind of change, old item and new item of each write of a visit."""
    items: dict[str, dict[str, Any]] = {}
    changes: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
    for write in shop(document).visit(number, "eu-west-1"):
        place, moments = str(write.key), {name: {"S": "now"} for name in write.moments}
        old = items.get(place, {})
        if write.kind == "delete":
            new = items.pop(place) and {}
        else:
            new = items[place] = {**(old if write.kind == "update" else {}), **write.attributes, **moments}
        changes.append((write.kind, old, new))
    return changes


def test_the_same_seed_gives_the_same_data() -> None:
    """A visit depends on the run and its number alone; another run and another number have other keys."""
    assert shop().visit(3, "eu-west-1") == shop().visit(3, "eu-west-1")
    keys = [str(key) for run in ("7", "8") for number in range(50) for key in shop(run=run).keys(number)]
    assert len(set(keys)) == 2 * 50 * ITEMS


def test_keys_are_those_that_a_visit_writes() -> None:
    """Whoever knows the run and the number finds every item again."""
    assert len(shop().visit(3, "eu-west-1")) == WRITES
    assert {str(write.key) for write in shop().visit(3, "eu-west-1")} == {str(key) for key in shop().keys(3)}


def test_every_kind_of_change_happens() -> None:
    """Stock goes down and up, orders come, are shipped, cancelled and removed, and a user comes back."""
    changes = played(SINGLE_TABLE)
    stocks = [
        Decimal(new["Stock"]["N"]) - Decimal(old["Stock"]["N"])
        for kind, old, new in changes
        if kind == "update" and "Stock" in new
    ]
    assert [stock < 0 for stock in stocks] == [True, False]
    inserted = [new["PK"]["S"].partition("#")[0] for kind, _, new in changes if kind == "put"]
    assert inserted == ["USER", "PRODUCT", "ORDER", "ORDER"]
    assert [new["Status"]["S"] for kind, _, new in changes if kind == "update" and "Status" in new] == [
        "SHIPPED",
        "CANCELLED",
    ]
    assert [old["Status"]["S"] for kind, old, _ in changes if kind == "delete"] == ["CANCELLED"]


def test_items_tell_where_when_and_of_which_run_they_are() -> None:
    """Each item has its run, its Region, its time to live, the time of its last write, and a version that grows."""
    for kind, old, new in played(SINGLE_TABLE):
        if kind == "delete":
            continue
        assert new[MARKER] == {"S": "7"}
        assert new["originRegion"] == {"S": "eu-west-1"}
        assert new["expiresAt"] == {"N": "1795000000"}
        assert new["updatedAt"] == {"S": "now"}
        assert int(new["version"]["N"]) == int(old.get("version", {"N": "0"})["N"]) + 1


def test_every_update_names_the_origin_again() -> None:
    """An update whose writer were silent would keep the origin of another."""
    updates = [write for write in shop().visit(3, "eu-west-1") if write.kind == "update"]
    assert [write.attributes["originRegion"] for write in updates] == [{"S": "eu-west-1"}] * 5


def test_money_is_exact() -> None:
    """An order's amount is its quantity times the product's price, to the cent."""
    for number in range(200):
        new = [new for kind, _, new in played(SINGLE_TABLE, number) if kind == "put"]
        price = Decimal(new[1]["price"]["N"])
        assert price.as_tuple().exponent == -2
        assert all(Decimal(order["amount"]["N"]) == price * int(order["quantity"]["N"]) for order in new[2:])


@pytest.mark.parametrize("document", [SINGLE_TABLE, ORDERS, ODD], ids=lambda document: document["table"])
def test_items_fit_the_table(document: dict[str, Any]) -> None:
    """Every attribute of a key or an index is there in its own type, and no update touches a key."""
    types, keys = document["attribute_definitions"], set(document["key_schema"])
    for write in shop(document).visit(3, "us-east-1"):
        assert set(write.key) == keys
        assert all(list(write.key[name]) == [types[name]] for name in keys)
        if write.kind == "put":
            present: dict[str, Any] = {**write.attributes, **{name: {"S": ""} for name in write.moments}}
            assert all(list(present[name]) == [kind] for name, kind in types.items())
            assert write.key.items() <= write.attributes.items()
        else:
            assert not keys & {*write.attributes, *write.moments}
            assert all(types.get(name, kind) == kind for name, value in write.attributes.items() for kind in value)
            assert write.kind == "delete" or write.attributes


def test_numbers_are_far_from_an_applications() -> None:
    """A numeric key has at most the 38 digits of DynamoDB, and is below what anybody counts."""
    number = shop(ODD).keys(3)[0]["customerId"]["N"]
    assert isinstance(number, str)
    assert len(number) <= 38
    assert int(number) < -(10**29)


def test_without_origin_and_ttl_there_is_neither() -> None:
    """An item carries only what the request names."""
    plain = {**SINGLE_TABLE, "origin_attribute": None, "time_to_live": None}
    assert all(not {"originRegion", "expiresAt"} & set(new) for _, _, new in played(plain))
