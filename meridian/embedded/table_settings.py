"""Time to live, and the days of point-in-time recovery that MiniStack forgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import DYNAMODB, group, in_use, name_of
from meridian.embedded.internals import find, require
from meridian.embedded.services import RefusedByAws

if TYPE_CHECKING:
    from meridian.embedded.calls import Call, Operation
    from meridian.embedded.settings import Delays
    from meridian.embedded.table_status import TableStatus
    from meridian.embedded.timeline import Timeline

DEFAULT_RECOVERY_DAYS = 35


class TableSettings:
    def __init__(self, delays: Delays, timeline: Timeline, status: TableStatus) -> None:
        require(DYNAMODB, "_ttl_settings")
        self._delays = delays
        self._timeline = timeline
        self._status = status
        self._switching: dict[tuple[str, str], str] = {}  # Region, table: ENABLING or DISABLING time to live
        self._recovery_days: dict[tuple[str, str], int] = {}

    def operations(self) -> dict[str, Operation]:
        return {
            "DescribeContinuousBackups": self._describe_backups,
            "DescribeTimeToLive": self._describe_time_to_live,
            "UpdateContinuousBackups": self._update_backups,
            "UpdateTimeToLive": self._update_time_to_live,
        }

    async def _describe_time_to_live(self, call: Call) -> dict[str, Any]:
        result = await call.forward()
        switching = self._switching.get((call.region, name_of(call.data)))
        if switching:
            result["TimeToLiveDescription"]["TimeToLiveStatus"] = switching
        return result

    async def _update_time_to_live(self, call: Call) -> dict[str, Any]:
        name, members = name_of(call.data), group(call.region, name_of(call.data))
        status = self._status.of(call.region, name)
        if status and len(members) > 1:  # refused while a replica is being filled
            raise in_use(name, status)
        enabled = find(f"{DYNAMODB}_ttl_settings").get(name, {}).get("TimeToLiveStatus") == "ENABLED"
        if (call.region, name) in self._switching:
            message = "Time to live has been modified multiple times within a fixed interval"
            raise RefusedByAws("ValidationException", message)
        if bool(call.data.get("TimeToLiveSpecification", {}).get("Enabled")) == enabled:
            message = f"TimeToLive is already {'enabled' if enabled else 'disabled'}"
            raise RefusedByAws("ValidationException", message)
        result = await call.forward()
        self._switch({(member, name): "DISABLING" if enabled else "ENABLING" for member in members})
        return result

    def _switch(self, tables: dict[tuple[str, str], str]) -> None:
        def switched() -> None:
            for table in tables:
                self._switching.pop(table, None)

        self._switching |= tables
        self._timeline.after(self._delays.update, switched)

    async def _describe_backups(self, call: Call) -> dict[str, Any]:
        return self._with_days(call, await call.forward())

    async def _update_backups(self, call: Call) -> dict[str, Any]:
        specification = call.data.get("PointInTimeRecoverySpecification", {})
        days = specification.get("RecoveryPeriodInDays", DEFAULT_RECOVERY_DAYS)
        if not 1 <= days <= DEFAULT_RECOVERY_DAYS:
            raise RefusedByAws("ValidationException", "RecoveryPeriodInDays must be between 1 and 35")
        result = await call.forward()
        self._recovery_days[call.region, name_of(call.data)] = days
        return self._with_days(call, result)

    def _with_days(self, call: Call, result: dict[str, Any]) -> dict[str, Any]:
        recovery = result["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
            table = (call.region, name_of(call.data))
            recovery["RecoveryPeriodInDays"] = self._recovery_days.get(table, DEFAULT_RECOVERY_DAYS)
        return result
