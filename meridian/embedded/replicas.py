"""Adding and removing Regions of a global table: time, states in between, and AWS's refusals."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from meridian.embedded import regions
from meridian.embedded.dynamodb import DYNAMODB, group, invalid, name_of, table_of
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws, in_region

if TYPE_CHECKING:
    from meridian.embedded.calls import Call
    from meridian.embedded.settings import Settings
    from meridian.embedded.table_status import TableStatus
    from meridian.embedded.timeline import Timeline

# Parts of the time that a change of a replica takes, in the order in which AWS lets them be seen.
SOURCE_BUSY_AFTER_CREATE = 1.2  # the source is UPDATING a little longer than the replica is CREATING
SOURCE_BUSY_IN_DELETE = 0.25  # and ACTIVE again long before the replica is gone
GONE_AFTER_ENTRY = 1.2  # the table in the other Region outlives its entry in Replicas
HIDDEN = ""  # the entry of a replica whose table is about to go


class Replicas:
    """Status of every replica that is not simply ACTIVE, by table and Region."""

    def __init__(self, settings: Settings, timeline: Timeline, status: TableStatus) -> None:
        require(DYNAMODB, "_apply_replica_updates")
        self._delays = settings.delays
        self._disabled = settings.disabled_regions
        self._known = regions.every()
        self._lock_seconds = settings.source_lock_seconds
        self._timeline = timeline
        self._tables = status
        self._status: dict[str, dict[str, str]] = {}
        self._keys: dict[tuple[str, str], str] = {}  # table, replica: KMS key
        self._seeded: dict[tuple[str, str], tuple[str, float]] = {}  # table, replica: source, since

    def changing(self, region: str, name: str) -> bool:
        """Whether a Region of the table is being added or removed: then nothing else may change."""
        status = self._status.get(name, {})
        return any(status.get(member, HIDDEN) != HIDDEN for member in group(region, name))

    def show(self, description: dict[str, Any]) -> None:
        """Put what is changing into the Replicas of a description."""
        name = description["TableName"]
        changing = self._status.get(name, {})
        shown = []
        for replica in description.pop("Replicas", []):
            where = replica["RegionName"]
            status = changing.get(where, "ACTIVE")
            key = self._keys.get((name, where))
            if status != HIDDEN:
                shown.append(replica | {"ReplicaStatus": status} | ({"KMSMasterKeyId": key} if key else {}))
        if shown:
            description["Replicas"] = shown
        else:
            description.pop("GlobalTableVersion", None)

    async def update(self, call: Call) -> None:
        """UpdateTable with ReplicaUpdates."""
        name = name_of(call.data)
        if table_of(call.region, name) is None:
            await call.forward()  # refuses
        action, member = self._check(call)
        if action == "Delete":
            self._delete(name, call.region, member["RegionName"])
            return
        await call.forward()
        if action == "Create":
            self._create(name, call.region, member["RegionName"], member.get("KMSMasterKeyId"))

    def _create(self, name: str, source: str, target: str, key: str | None) -> None:
        def ready() -> None:
            self._status[name].pop(target, None)

        seconds = self._delays.replica
        self._seeded[name, target] = (source, time.monotonic())
        if key:
            self._keys[name, target] = key
        self._status.setdefault(name, {})[target] = "CREATING"
        self._timeline.after(seconds, ready)
        self._tables.hold((target, name), "CREATING", seconds)
        self._tables.hold((source, name), "UPDATING", seconds * SOURCE_BUSY_AFTER_CREATE)

    def _delete(self, name: str, source: str, target: str) -> None:
        def hide() -> None:
            self._status[name][target] = HIDDEN

        def gone() -> None:
            self.forget(name, target)
            self._tables.release((target, name))
            seed = table_of(source, name)
            if seed is not None:
                with in_region(source):
                    find(f"{DYNAMODB}_apply_replica_updates")(name, seed, [{"Delete": {"RegionName": target}}])

        seconds = self._delays.replica_delete
        self.leave(name, target)
        self._tables.keep((target, name), "DELETING")
        self._tables.hold((source, name), "UPDATING", seconds * SOURCE_BUSY_IN_DELETE)
        self._timeline.after(seconds, hide)
        self._timeline.after(seconds * GONE_AFTER_ENTRY, gone)

    def leave(self, name: str, region: str) -> None:
        """Show to the other Regions that this one is going, whoever asked for it."""
        self._status.setdefault(name, {})[region] = "DELETING"

    def forget(self, name: str, region: str) -> None:
        self._status.get(name, {}).pop(region, None)
        self._keys.pop((name, region), None)
        self._seeded.pop((name, region), None)

    def check_lock(self, name: str, region: str) -> None:
        """Refuse to delete a Region that seeded another of late, for as long as that one stands."""
        for (seeded, replica), (source, since) in self._seeded.items():
            young = time.monotonic() - since < self._lock_seconds
            if seeded == name and source == region and young and replica in group(region, name):
                raise RefusedByAws(
                    "ValidationException",
                    "Replica cannot be deleted because it has acted as a source region for new replica(s) being "
                    "added to the table in the last 24 hours",
                )

    def _check(self, call: Call) -> tuple[str, dict[str, Any]]:
        """The one action that a call may hold, or AWS's refusal."""
        updates = call.data["ReplicaUpdates"]
        if set(call.data) - {"TableName", "ReplicaUpdates", "MultiRegionConsistency"}:
            raise invalid("Replica updates cannot be combined with other updates in the same request")
        if len(updates) != 1:
            raise invalid("more than one create or delete replica actions not allowed")
        [(action, member)] = updates[0].items()
        name, target = name_of(call.data), member.get("RegionName", "")
        if target == call.region and action in {"Create", "Delete"}:
            message = "Cannot add or delete the local region through ReplicaUpdates. "
            raise RefusedByAws(
                "ValidationException", f"{message}Use CreateTable, DeleteTable, or UpdateTable as required."
            )
        if action == "Create":
            self._check_creation(call.region, name, target)
        else:
            self._check_member(call.region, name, target, action, member)
        return action, member

    def _check_creation(self, region: str, name: str, target: str) -> None:
        if target in self._disabled:
            raise invalid(f"{target} region is disabled")
        if target not in self._known:
            raise invalid(f"Unsupported region {target}. Supported regions: {sorted(self._known)}")
        billing = (table_of(region, name) or {}).get("BillingModeSummary", {})
        if billing.get("BillingMode") != "PAY_PER_REQUEST":
            # There is no Application Auto Scaling here, so write capacity cannot be autoscaled.
            raise invalid("Table write capacity should either be Pay-Per-Request or AutoScaled.")

    def _check_member(self, region: str, name: str, target: str, action: str, member: dict[str, Any]) -> None:
        if target not in group(region, name):
            message = (
                "Update global table operation failed because one or more replicas were not part of the global table"
            )
            raise RefusedByAws("ValidationException", message)
        if action == "Update":
            if set(member) == {"RegionName"}:
                raise invalid("There are no actions specified in the Replica Update Action")
            return
        if (table_of(target, name) or {}).get("DeletionProtectionEnabled"):
            raise RefusedByAws(
                "ValidationException",
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first.",
            )
        self.check_lock(name, target)
