"""Two sources as one: Step Functions, and behind it the archive, which remembers for longer."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from meridian.audit.histories.reading import ReadsMapRuns
from meridian.audit.source import ExecutionUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meridian.audit.source import Event, Listed, Source


class Joined:
    """A ``Source`` that asks ``first``, and ``second`` for what that has forgotten."""

    def __init__(self, first: Source, second: Source) -> None:
        self._first, self._second = first, second
        self._holders: dict[str, Source] = {}  # by the ARN of an execution that was found
        self.unanswered = ""  # why the second could not be asked for its list

    def describe(self, arn: str) -> Mapping[str, Any]:
        return self._found(arn)

    def events(self, arn: str) -> Iterator[Event]:
        return self._holder(arn).events(arn)

    def definition(self, arn: str) -> dict[str, Any] | None:
        """Give the definition; the archive keeps it too, where Step Functions no longer has the machine."""
        holder = self._holder(arn)
        found = holder.definition(arn)
        if found is None and holder is self._first:
            try:
                return self._second.definition(arn)
            except ExecutionUnknown:
                return None
        return found

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        """Give each execution once, the newest first; ExecutionUnknown where neither knows the workflow.

        What both list is as the first has it, with the table that the second knows.
        """
        listed = [_executions(self._first, workflow, since), self._remembered(workflow, since)]
        if listed == [None, None]:
            raise ExecutionUnknown(f"There is no workflow {workflow}.")
        found: dict[str, Listed] = {}
        for one in chain.from_iterable(filter(None, listed)):
            known = found.setdefault(one.arn, one)
            if not known.table:
                found[one.arn] = replace(known, table=one.table)
        # Step Functions lists what has ended by its end.
        yield from sorted(found.values(), key=lambda one: one.started, reverse=True)

    def _remembered(self, workflow: str, since: float) -> list[Listed] | None:
        """What the second lists. Who may not read it still gets the first's list."""
        from botocore.exceptions import ClientError

        try:
            return None if self.unanswered else _executions(self._second, workflow, since)
        except ClientError as error:
            self.unanswered = f"{error.response['Error'].get('Code')}: {error.response['Error'].get('Message')}"
            return None

    def map_run(self, arn: str) -> Iterator[Listed]:
        if isinstance(self._first, ReadsMapRuns):
            yield from self._first.map_run(arn)

    def _holder(self, arn: str) -> Source:
        if arn not in self._holders:
            self._found(arn)
        return self._holders[arn]

    def _found(self, arn: str) -> Mapping[str, Any]:
        """Describe an execution, and note who could; ExecutionUnknown where nobody can."""
        try:
            described, holder = dict(self._first.describe(arn)), self._first
        except ExecutionUnknown:
            described, holder = {"source": "the archive", **self._second.describe(arn)}, self._second
        self._holders[arn] = holder
        return described


def _executions(source: Source, workflow: str, since: float) -> list[Listed] | None:
    """Executions of a workflow, or None where the source does not know it."""
    try:
        return list(source.executions(workflow, since))
    except ExecutionUnknown:
        return None
