"""Histories as Step Functions itself gives them."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from botocore.utils import parse_timestamp

from meridian.audit.histories.pace import Pace
from meridian.audit.model import ENDED_BADLY, Outcome
from meridian.audit.source import ExecutionUnknown, Listed
from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_stepfunctions import SFNClient

    from meridian.audit.source import Event

PAGE = 1000  # events or executions an answer at the most
# Half of what AWS refills a second in the smaller Regions (Step Functions quotas, API action throttling).
RATES = {
    "get_execution_history": 10.0,
    "describe_execution": 5.0,
    "describe_state_machine_for_execution": 0.5,
    "list_executions": 1.0,
    "list_state_machines": 1.0,
}
BURST = 10  # calls at once; the smallest bucket holds a hundred
TRIES = 6
THROTTLED = ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded")
FORGOTTEN = ("ExecutionDoesNotExist", "InvalidArn", "ResourceNotFound", "StateMachineDoesNotExist")
HIDDEN = ("AccessDeniedException", "KmsAccessDeniedException", "StateMachineDoesNotExist", "ExecutionDoesNotExist")


class StepFunctions:
    """A ``Source`` over the API, paced and tried again where it is throttled."""

    def __init__(self, states: SFNClient, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._states, self._sleep = states, sleep
        self._paces = {operation: Pace(rate, BURST, sleep=sleep) for operation, rate in RATES.items()}
        self._versions: dict[str, str] = {}  # of executions that were described
        self._definitions: dict[str, dict[str, Any] | None] = {}  # by version
        self._machines: dict[str, str] = {}

    def describe(self, arn: str) -> Mapping[str, Any]:
        described = self._call("describe_execution", executionArn=arn)
        described.pop("ResponseMetadata", None)
        self._versions[arn] = described.get("stateMachineVersionArn", "")
        return {key: seconds(value) for key, value in described.items()}

    def events(self, arn: str) -> Iterator[Event]:
        query: dict[str, Any] = {"executionArn": arn, "maxResults": PAGE}
        while True:
            with _raw_events(self._states):
                page = self._call("get_execution_history", **query)
            yield from _plain(page["events"])
            if not page.get("nextToken"):
                return
            query["nextToken"] = page["nextToken"]

    def definition(self, arn: str) -> dict[str, Any] | None:
        version = self._versions.get(arn) or arn
        if version not in self._definitions:
            self._definitions[version] = self._definition(arn)
        return self._definitions[version]

    def _definition(self, arn: str) -> dict[str, Any] | None:
        try:
            found = self._call("describe_state_machine_for_execution", executionArn=arn)
        except ExecutionUnknown:
            return None
        except ClientError as error:
            if error.response["Error"]["Code"] in HIDDEN:
                return None
            raise
        parsed = json.loads(found.get("definition") or "null")
        return parsed if isinstance(parsed, dict) else None

    def executions(self, workflow: str, since: float) -> Iterator[Listed]:
        """Give executions in no order; raises ExecutionUnknown where the state machine is not installed.

        Step Functions lists those that ended by their end, and one that ended lately may have started long before.
        """
        for listed in self._list(stateMachineArn=self._machine(workflow)):
            if listed.stopped is not None and listed.stopped < since:
                return
            if listed.started >= since:
                yield listed

    def map_run(self, arn: str) -> Iterator[Listed]:
        for status in (*ENDED_BADLY, Outcome.PENDING_REDRIVE, Outcome.RUNNING, Outcome.SUCCEEDED):
            yield from self._list(mapRunArn=arn, statusFilter=status.value)

    def _list(self, **query: Any) -> Iterator[Listed]:
        while True:
            page = self._call("list_executions", maxResults=PAGE, **query)
            yield from map(_listed, page["executions"])
            if not page.get("nextToken"):
                return
            query["nextToken"] = page["nextToken"]

    def _machine(self, workflow: str) -> str:
        if not self._machines:
            query: dict[str, Any] = {"maxResults": PAGE}
            while True:
                page = self._call("list_state_machines", **query)
                self._machines |= {one["name"]: one["stateMachineArn"] for one in page["stateMachines"]}
                if not page.get("nextToken"):
                    break
                query["nextToken"] = page["nextToken"]
        name = names.state_machine(workflow)
        if name not in self._machines:
            raise ExecutionUnknown(f"There is no state machine {name}.")
        return self._machines[name]

    def _call(self, operation: str, **query: Any) -> dict[str, Any]:
        """Call, slower and slower where Step Functions has too much to do."""
        for tried in range(TRIES):
            self._paces[operation].wait()
            try:
                return dict(getattr(self._states, operation)(**query))
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code in FORGOTTEN and operation != "list_state_machines":
                    raise ExecutionUnknown(str(error)) from error
                if code not in THROTTLED or tried == TRIES - 1:
                    raise
                self._sleep(2.0**tried)
        raise AssertionError(operation)


@contextmanager
def _raw_events(states: SFNClient) -> Iterator[None]:
    """Keep botocore from parsing events, which costs it more than everything else here.

    Its endpoint lets a ``before-parse`` handler see the answer's bytes and add to what is parsed of them
    (botocore 1.43, endpoint.py). Should a later version ask no handler, it parses the events as ever, and
    ``_plain`` makes of them what they were. The client is left as it was for others.
    """
    event = "before-parse.sfn.GetExecutionHistory"
    states.meta.events.register(event, _take_events)
    try:
        yield
    finally:
        states.meta.events.unregister(event, _take_events)


def _take_events(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        customized_response_dict |= json.loads(response_dict["body"])
        response_dict["body"] = b"{}"


def _plain(events: list[Event]) -> list[Event]:
    """Events with numbers as timestamps: MiniStack writes them as text."""
    for event in events:
        if isinstance(event["timestamp"], str):
            event["timestamp"] = parse_timestamp(event["timestamp"])
        event["timestamp"] = seconds(event["timestamp"])
    return events


def seconds(value: Any) -> Any:
    """A date as seconds since 1970; anything else as it is."""
    return value.timestamp() if isinstance(value, datetime) else value


def _listed(one: Mapping[str, Any]) -> Listed:
    return Listed(
        arn=one["executionArn"],
        status=Outcome(one["status"]),
        started=seconds(one["startDate"]),
        stopped=seconds(one.get("stopDate")),
        version_arn=one.get("stateMachineVersionArn", ""),
        alias_arn=one.get("stateMachineAliasArn", ""),
        redrive_count=one.get("redriveCount", 0),
    )
