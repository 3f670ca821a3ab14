"""Requests to begin a test with."""

from __future__ import annotations

from typing import Any

SMALLEST: dict[str, Any] = {
    "table": "shop",
    "regions": ["ap-south-1"],
    "attribute_definitions": {"ID": "S"},
    "key_schema": {"ID": "HASH"},
}

# Two keys, so that local secondary indexes are possible.
ORDERS: dict[str, Any] = {
    "table": "orders",
    "regions": ["us-east-1", "eu-west-1"],
    "attribute_definitions": {"orderId": "S", "customerId": "S", "total": "N"},
    "key_schema": {"orderId": "HASH", "customerId": "RANGE"},
    "local_secondary_indexes": [{"index_name": "byTotal", "key_schema": {"orderId": "HASH", "total": "RANGE"}}],
}


def changed(document: dict[str, Any] = SMALLEST, /, **members: Any) -> dict[str, Any]:
    """A copy of ``document`` with ``members`` replaced."""
    return {**document, **members}


def without(name: str, document: dict[str, Any] = SMALLEST) -> dict[str, Any]:
    return {member: value for member, value in document.items() if member != name}


def index(name: str = "GSI1", projection: dict[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A secondary index; ``keys`` maps attributes to HASH or RANGE."""
    shape = {} if projection is None else {"projection": projection}
    return {"index_name": name, "key_schema": keys or {"ID": "HASH"}, **shape}
