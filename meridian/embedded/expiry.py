"""Time to live: an expired item is deleted in one Region by the service, and by replication in the others.

The record of the Region that deletes it names the service as its author; a replicated record names nobody
(DynamoDB Developer Guide, "DynamoDB Streams and Time to Live").
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB, group
from meridian.embedded.internals import find, replace, require
from meridian.embedded.services import in_region, region

if TYPE_CHECKING:
    import asyncio

SWEEP_SECONDS = 1.0  # AWS deletes within a few days
FIVE_YEARS = 5 * 365 * 24 * 3600.0  # seconds; an item that should have gone earlier stays, lest a wrong unit delete all
SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
MINISTACKS_SWEEPER = "dynamodb-ttl-reaper"

_expiring_in: contextvars.ContextVar[str] = contextvars.ContextVar("expiring_in", default="")


def install(loop: asyncio.AbstractEventLoop) -> None:
    require(DYNAMODB, "_emit_stream_event", "_remove_item", "_tables", "_ttl_settings")
    remove, build = find(f"{DYNAMODB}_remove_item"), find(f"{DYNAMODB}_build_change_record")

    def remove_unless_swept(*arguments: Any) -> Any:
        """MiniStack's own sweep leaves no records, so ours has its work."""
        return None if threading.current_thread().name == MINISTACKS_SWEEPER else remove(*arguments)

    def build_with_author(*arguments: Any) -> dict[str, Any]:
        record: dict[str, Any] = build(*arguments)
        return record | ({"userIdentity": SERVICE} if _expiring_in.get() == region() else {})

    def sweep() -> None:
        _sweep()
        loop.call_later(SWEEP_SECONDS, sweep)

    replace(f"{DYNAMODB}_remove_item", remove_unless_swept)
    replace(f"{DYNAMODB}_build_change_record", build_with_author)
    loop.call_later(SWEEP_SECONDS, sweep)  # on the loop on which MiniStack answers, so no lock is needed


def _sweep() -> None:
    now = time.time()
    for (_, where, name), setting in list(find(f"{DYNAMODB}_ttl_settings").all_items()):
        with in_region(where):
            table = find(f"{DYNAMODB}_tables").get(name)
            # One Region of a global table deletes for all.
            if table is not None and setting["TimeToLiveStatus"] == "ENABLED" and group(where, name)[0] == where:
                _expire(table, setting["AttributeName"], now)


def _expire(table: dict[str, Any], attribute: str, now: float) -> None:
    for partition, items in list(table["items"].items()):
        for sort, item in list(items.items()):
            if _is_over(item.get(attribute), now):
                token = _expiring_in.set(region())
                find(f"{DYNAMODB}_remove_item")(table, partition, sort)
                find(f"{DYNAMODB}_emit_stream_event")(table["TableName"], "REMOVE", item, None)
                _expiring_in.reset(token)


def _is_over(value: dict[str, Any] | None, now: float) -> bool:
    """Whether a time is past; only numbers count, and none that is five years old."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        return now - FIVE_YEARS < float((value or {})["N"]) <= now
    return False
