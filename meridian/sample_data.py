"""Realistic data of a shop, the same for the same seed: users, products and orders, and what becomes of them.

A *visit* is ten writes of one Region: somebody registers and orders twice, one order is shipped, the other is cancelled
and removed, and the stock goes down and up. So ten writes are enough to see every kind of change. Items know their
run by an attribute, and their keys are made from the run and the visit's number, so that a run's items can be found.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

from tasks.shared import request as requests

if TYPE_CHECKING:
    from tasks.shared.request import Request

Value = dict[str, str | bytes]  # in DynamoDB JSON, of type S, N or B
Item = dict[str, Value]

MARKER = "meridian:load"  # attribute that names the run
WRITES, ITEMS = 10, 4  # of a visit
SINGLE_TABLE = [("PK", "S"), ("SK", "S")]
SORT_KEYS = {"User": "PROFILE", "Product": "DETAILS", "Order": "ORDER"}

FIRST_NAMES = ("Ada", "Bruno", "Chloe", "Diego", "Emeka", "Farah", "Grete", "Hiro", "Ines", "Jonas", "Kavya", "Liang")
LAST_NAMES = ("Abe", "Bauer", "Costa", "Dubois", "Eze", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Kumar", "Li")
CATEGORIES = {
    "garden": ("Rake", "Hose", "Lantern", "Planter"),
    "kitchen": ("Kettle", "Pan", "Grinder", "Scale"),
    "office": ("Lamp", "Chair", "Notebook", "Stapler"),
    "sport": ("Ball", "Mat", "Helmet", "Racket"),
}


@dataclass(frozen=True)
class Write:
    """``attributes`` are the whole item of a put, and what an update sets; ``moments`` are set to the time of it."""

    kind: Literal["put", "update", "delete"]
    key: Item
    attributes: Item
    moments: tuple[str, ...] = ()


class Thing(NamedTuple):
    """An item's kind, as in ``entityType``, and its id."""

    kind: Literal["User", "Product", "Order"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind.upper()}#{self.id}"


class Shop:
    """The data of one run, shaped for one table. ``expires`` is when an item may go: seconds since 1970."""

    def __init__(self, request: Request, run: str, expires: int = 0) -> None:
        self.run, self._expires = run, expires
        self._keys = requests.key_attributes(request)
        self._types = request["attribute_definitions"]
        self._origin, self._time_to_live = request["origin_attribute"], request["time_to_live"]

    def keys(self, visit: int) -> list[Item]:
        """Keys of all the items that a visit writes."""
        return [self._key(thing) for thing in self._things(visit)]

    def visit(self, number: int, region: str) -> list[Write]:
        """The writes of a visit in ``region``, in their order."""
        user, product, first, second = self._things(number)
        draw = Random(f"{self.run}/{number}")  # noqa: S311  # the same again is what is wanted
        category = draw.choice(list(CATEGORIES))
        cents, stock = draw.randrange(199, 49_999), draw.randrange(20, 500)
        name = f"{draw.choice(FIRST_NAMES)} {draw.choice(LAST_NAMES)}"
        taken, returned = draw.randrange(1, 5), draw.randrange(1, 5)
        email = f"{name.replace(' ', '.').lower()}.{user.id}@example.com"
        profile = _texts(name=name, email=email, GSI1PK=f"EMAIL#{email}", GSI1SK=str(user))
        details = _texts(
            name=draw.choice(CATEGORIES[category]),
            category=category,
            GSI1PK=f"CATEGORY#{category}",
            GSI1SK=str(product),
        )

        def order(thing: Thing, quantity: int) -> Write:
            placed = _texts(
                customerId=user.id, productId=product.id, Status="PLACED", GSI1PK=str(user), GSI1SK=str(thing)
            )
            amounts = {"quantity": _number(quantity), "amount": _money(cents * quantity)}
            return self._put(thing, region, {**placed, **amounts})

        def status(thing: Thing, becomes: str) -> Write:
            return self._update(thing, region, 2, _texts(Status=becomes))

        return [
            self._put(user, region, profile, "lastActive"),
            self._put(product, region, {**details, "price": _money(cents), "Stock": _number(stock)}),
            order(first, taken),
            self._update(product, region, 2, {"Stock": _number(stock - taken)}),
            status(first, "SHIPPED"),
            order(second, returned),
            self._update(user, region, 2, {}, "lastActive"),
            status(second, "CANCELLED"),
            self._update(product, region, 3, {"Stock": _number(stock - taken + returned)}),
            Write("delete", self._key(second), {}),
        ]

    def _things(self, visit: int) -> tuple[Thing, Thing, Thing, Thing]:
        name = f"load-{self.run}-{visit}"
        return Thing("User", name), Thing("Product", name), Thing("Order", f"{name}-1"), Thing("Order", f"{name}-2")

    def _put(self, thing: Thing, region: str, attributes: Item, *moments: str) -> Write:
        own: Item = {**_texts(entityType=thing.kind), **self._every(region, version=1)}
        if self._time_to_live:
            own[self._time_to_live["attribute_name"]] = _number(self._expires)
        fitting = self._fitting({**attributes, **own})
        # DynamoDB takes an item without an index's attribute too, but then the index would stay empty.
        missing = {name: self._filler(name, thing) for name in self._types if name not in fitting}
        return Write("put", self._key(thing), {**missing, **fitting, **self._key(thing)}, self._moments(*moments))

    def _update(self, thing: Thing, region: str, version: int, attributes: Item, *moments: str) -> Write:
        fitting = self._fitting({**attributes, **self._every(region, version)})
        return Write("update", self._key(thing), fitting, self._moments(*moments))

    def _every(self, region: str, version: int) -> Item:
        """What every put and every update sets."""
        origin = {self._origin: region} if self._origin else {}
        return {"version": _number(version), **_texts(**{MARKER: self.run}, **origin)}

    def _key(self, thing: Thing) -> Item:
        if self._keys == SINGLE_TABLE:
            return _texts(PK=str(thing), SK=SORT_KEYS[thing.kind])
        return {name: self._filler(name, thing) for name, _ in self._keys}

    def _fitting(self, attributes: Item) -> Item:
        """Without what is part of the key, and what an index wants to be of another type."""
        keys = dict(self._keys)
        return {
            name: value
            for name, value in attributes.items()
            if name not in keys and self._types.get(name) in (None, *value)
        }

    def _moments(self, *names: str) -> tuple[str, ...]:
        text: Value = {"S": ""}
        return tuple(self._fitting(dict.fromkeys(("updatedAt", *names), text)))

    def _filler(self, name: str, thing: Thing) -> Value:
        """A value for a key attribute: at most 100 bytes, or 31 digits far below zero, where no application counts."""
        kind, text = self._types[name], str(thing)
        digits = str(int(hashlib.sha256(text.encode()).hexdigest(), 16))[:30]
        values: dict[str, str | bytes] = {"S": text, "B": text.encode(), "N": f"-8{digits:0>30}"}
        return {kind: values[kind]}


def _texts(**values: str) -> Item:
    return {name: {"S": value} for name, value in values.items()}


def _number(value: int) -> Value:
    return {"N": str(value)}


def _money(cents: int) -> Value:
    return {"N": f"{cents // 100}.{cents % 100:02}"}
