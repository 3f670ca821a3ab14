"""Which tables are CREATING, UPDATING or DELETING, and what AWS refuses of them meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.dynamodb import in_use, names_in
from meridian.embedded.services import RefusedByAws

if TYPE_CHECKING:
    from meridian.embedded.timeline import Timeline

DATA_PLANE = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
CHANGES = frozenset(
    {
        "DisableKinesisStreamingDestination",
        "EnableKinesisStreamingDestination",
        "TagResource",
        "UntagResource",
        "UpdateContributorInsights",
        "UpdateKinesisStreamingDestination",
        "UpdateTimeToLive",
    }
)
Table = tuple[str, str]  # Region and name


class TableStatus:
    """Status of every table that is not simply ACTIVE."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._status: dict[Table, tuple[str, object]] = {}  # with a token of who set it
        self._new_indexes: dict[Table, set[str]] = {}

    def of(self, region: str, name: str) -> str | None:
        """Status of a table, or None when it is as MiniStack says."""
        return self._status.get((region, name), (None, None))[0]

    def hold(self, table: Table, status: str, seconds: float) -> None:
        """Show ``status`` for that long, unless another comes meanwhile."""
        token = self.keep(table, status)

        def end() -> None:
            if self._status.get(table, (None, None))[1] is token:
                self.release(table)

        self._timeline.after(seconds, end)

    def keep(self, table: Table, status: str) -> object:
        """Show ``status`` until it is released."""
        token = object()
        self._status[table] = (status, token)
        return token

    def release(self, table: Table) -> None:
        """Show again what MiniStack says."""
        self._status.pop(table, None)
        self._new_indexes.pop(table, None)

    def hold_indexes(self, table: Table, names: set[str]) -> None:
        """Show these indexes as CREATING for as long as the table is held."""
        self._new_indexes.setdefault(table, set()).update(names)

    def show(self, region: str, description: dict[str, Any]) -> None:
        """Put the status into a description."""
        table = (region, description["TableName"])
        status = self.of(*table)
        if status:
            description["TableStatus"] = status
        new = self._new_indexes.get(table, set())
        for index in description.get("GlobalSecondaryIndexes", []):
            if status == "CREATING" or index["IndexName"] in new:
                index["IndexStatus"] = "CREATING"

    def gate(self, operation: str, data: dict[str, Any], region: str) -> None:
        """Refuse what AWS refuses of a table that is not there yet, or no longer."""
        if not self._status:
            return
        for name in names_in(data):
            status = self.of(region, name)
            if status not in {"CREATING", "DELETING"}:
                continue
            if operation in DATA_PLANE:
                raise RefusedByAws("ResourceNotFoundException", "Requested resource not found")
            if operation in CHANGES:
                raise in_use(name, status)
            if operation == "UpdateContinuousBackups":
                message = f"Backups are being enabled for the table: {name}. Please retry later"
                raise RefusedByAws("ContinuousBackupsUnavailableException", message)
