"""CreateTable, UpdateTable, DeleteTable and DescribeTable, with the time they take on AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB, describe, group, in_use, name_of, table_of
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws, in_region

if TYPE_CHECKING:
    from meridian.embedded.calls import Call, Operation
    from meridian.embedded.replicas import Replicas
    from meridian.embedded.settings import Delays
    from meridian.embedded.table_status import TableStatus
    from meridian.embedded.timeline import Timeline

# What a global table keeps alike in every Region (developer guide, "How global tables work").
SYNCHRONIZED = (
    "AttributeDefinitions",
    "BillingMode",
    "GlobalSecondaryIndexUpdates",
    "OnDemandThroughput",
    "ProvisionedThroughput",
    "SSESpecification",
    "TableClass",
    "WarmThroughput",
)


class Tables:
    def __init__(self, delays: Delays, timeline: Timeline, status: TableStatus, replicas: Replicas) -> None:
        require(DYNAMODB, "_delete_table", "_replica_group", "_table_description", "_tables", "_update_table")
        self._delays = delays
        self._timeline = timeline
        self._status = status
        self._replicas = replicas

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateTable": self._create,
            "DeleteTable": self._delete,
            "DescribeTable": self._describe,
            "UpdateTable": self._update,
        }

    async def _describe(self, call: Call) -> dict[str, Any]:
        return {"Table": self._shown(call, (await call.forward())["Table"])}

    async def _create(self, call: Call) -> dict[str, Any]:
        result = await call.forward()
        self._status.hold((call.region, name_of(call.data)), "CREATING", self._delays.table)
        return {"TableDescription": self._shown(call, result["TableDescription"])}

    async def _update(self, call: Call) -> dict[str, Any]:
        self._check_free(call)
        if "ReplicaUpdates" in call.data:
            await self._replicas.update(call)
        else:
            await self._update_settings(call)
        return {"TableDescription": self._shown(call, describe(call.region, name_of(call.data)))}

    async def _update_settings(self, call: Call) -> None:
        name, data = name_of(call.data), call.data
        members = group(call.region, name)
        _check_stream(call.region, name, data, replicated=len(members) > 1)
        updates = data.get("GlobalSecondaryIndexUpdates", [])
        if len([update for update in updates if not update.keys().isdisjoint({"Create", "Delete"})]) > 1:
            message = "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously"
            raise RefusedByAws("LimitExceededException", f"{message} per table")
        await call.forward()
        same = {key: data[key] for key in SYNCHRONIZED if key in data}
        for member in members:
            if member != call.region and same:
                with in_region(member):
                    find(f"{DYNAMODB}_update_table")({"TableName": name} | same)
            self._status.hold((member, name), "UPDATING", self._delays.update)
            self._status.hold_indexes(
                (member, name), {update["Create"]["IndexName"] for update in updates if "Create" in update}
            )

    async def _delete(self, call: Call) -> dict[str, Any]:
        self._check_free(call)
        region, name = call.region, name_of(call.data)
        table = table_of(region, name)
        if table is None or table.get("DeletionProtectionEnabled"):
            return await call.forward()  # refuses
        self._replicas.check_lock(name, region)

        def delete() -> None:
            self._status.release((region, name))
            self._replicas.forget(name, region)
            with in_region(region):
                find(f"{DYNAMODB}_delete_table")({"TableName": name})

        self._status.keep((region, name), "DELETING")
        if len(group(region, name)) > 1:
            self._replicas.leave(name, region)
        self._timeline.after(self._delays.table, delete)
        return {"TableDescription": self._shown(call, describe(region, name))}

    def _check_free(self, call: Call) -> None:
        """One change at a time, over all Regions of the table."""
        name = name_of(call.data)
        status = self._status.of(call.region, name)
        if status is None and self._replicas.changing(call.region, name):
            status = "UPDATING"
        if status:
            raise in_use(name, status)

    def _shown(self, call: Call, description: dict[str, Any]) -> dict[str, Any]:
        """Change a description into what AWS would show now."""
        self._status.show(call.region, description)
        self._replicas.show(description)
        return description


def _check_stream(region: str, name: str, data: dict[str, Any], *, replicated: bool) -> None:
    """A stream cannot be switched to what it is; on a global table it cannot be switched off."""
    table = table_of(region, name)
    if "StreamSpecification" not in data or table is None:
        return
    wanted = data["StreamSpecification"].get("StreamEnabled")
    streaming = bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))
    if wanted == streaming:
        state = "an enabled" if streaming else "a disabled"
        raise RefusedByAws("ValidationException", f"Table already has {state} stream: TableName: {name}")
    if replicated:
        raise RefusedByAws("ValidationException", "Disabling Stream is not allowed for a Global Table replica")
