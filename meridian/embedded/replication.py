"""Replication between the Regions of a global table: late by a set time, last writer wins, and it can be cut.

Each write carries the time at which its own Region accepted it. A Region applies a write only if it is
younger than what it already holds of that item, so writes that cross end the same everywhere, as AWS
promises for multi-Region eventual consistency.
"""

from __future__ import annotations

import copy
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find, replace, require
from meridian.embedded.services import in_region, region

if TYPE_CHECKING:
    import asyncio

DYNAMODB = "ministack.services.dynamodb:"
Stamp = tuple[float, int]  # when a Region accepted the write, and its place among all writes


@dataclass(frozen=True)
class Write:
    """One item as one Region wrote it; ``new`` is None when it was deleted."""

    table: str
    origin: str
    new: dict[str, Any] | None
    old: dict[str, Any] | None
    stamp: Stamp

    @property
    def image(self) -> dict[str, Any]:
        return self.new or self.old or {}


class Replication:
    def __init__(self, lag: float, loop: asyncio.AbstractEventLoop) -> None:
        self._lag = lag
        self._loop = loop  # MiniStack answers on it too, so no lock is needed
        self._count = itertools.count()
        self._youngest: dict[tuple[str, str, str], Stamp] = {}  # of each item in each Region
        self._cut: set[str] = set()
        self._held: list[tuple[Write, str]] = []

    def install(self) -> None:
        require(
            DYNAMODB, "_emit_stream_event", "_extract_key_val", "_remove_item", "_replica_group", "_set_item", "_tables"
        )
        replace(f"{DYNAMODB}_replicate_write", self.replicate)

    def partition(self, *, region: str) -> None:
        self._cut.add(region)

    def heal(self, *, region: str) -> None:
        self._cut.discard(region)
        held, self._held = self._held, []
        for write, target in held:
            self._deliver(write, target)

    def replicate(
        self, table: dict[str, Any], _event: str, old: dict[str, Any] | None, new: dict[str, Any] | None
    ) -> None:
        """Send a write that the present Region has just accepted to the table's other Regions."""
        regions = find(f"{DYNAMODB}_replica_group")(table)
        if not regions:
            return
        origin = region()
        write = Write(
            table["TableName"], origin, copy.deepcopy(new), copy.deepcopy(old), (time.time(), next(self._count))
        )
        self._youngest[write.table, origin, _key(table, write.image)] = write.stamp
        for target in regions:
            if target == origin:
                continue
            if self._lag > 0:
                self._loop.call_soon_threadsafe(self._loop.call_later, self._lag, self._deliver, write, target)
            else:
                self._deliver(write, target)

    def _deliver(self, write: Write, target: str) -> None:
        if {write.origin, target} & self._cut:
            self._held.append((write, target))
            return
        with in_region(target):
            replica = find(f"{DYNAMODB}_tables").get(write.table)
            if replica is None:
                return
            item = (write.table, target, _key(replica, write.image))
            if self._youngest.get(item, (0.0, 0)) < write.stamp:
                self._youngest[item] = write.stamp
                _apply(replica, write)


def _key(table: dict[str, Any], item: dict[str, Any]) -> str:
    return repr([item.get(name) for name in (table["pk_name"], table["sk_name"]) if name])


def _apply(replica: dict[str, Any], write: Write) -> None:
    """Change the replica as MiniStack would, and let its streams tell of it."""
    value = find(f"{DYNAMODB}_extract_key_val")
    item = write.image
    partition_key = value(item.get(replica["pk_name"]))
    sort_key = value(item.get(replica["sk_name"])) if replica["sk_name"] else "__no_sort__"
    previous = replica["items"].get(partition_key, {}).get(sort_key)
    if write.new is not None:
        find(f"{DYNAMODB}_set_item")(replica, partition_key, sort_key, copy.deepcopy(write.new))
    elif previous is None:
        return
    else:
        find(f"{DYNAMODB}_remove_item")(replica, partition_key, sort_key)
    event = "REMOVE" if write.new is None else "MODIFY" if previous else "INSERT"
    find(f"{DYNAMODB}_emit_stream_event")(write.table, event, previous, copy.deepcopy(write.new), replicate=False)
