"""Step Functions with executions in memory: pages, redrives, throttling, and what it forgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tasks.shared import names
from tests.unit.tasks.fakes import ACCOUNT, ONCE, SESSION, MotoClients
from tests.unit.tasks.scenarios import HOME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BUCKET = names.archive_bucket(ACCOUNT, HOME)
BEGAN = 1_790_000_000.0  # 2026-09-21


def machine_arn(name: str) -> str:
    return f"arn:aws:states:{HOME}:{ACCOUNT}:stateMachine:{name}"


def execution_arn(name: str, machine: str = "meridian-validate") -> str:
    return f"arn:aws:states:{HOME}:{ACCOUNT}:execution:{machine}:{name}"


def moment(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@dataclass
class One:
    """An execution. ``stopped`` is None while it runs."""

    name: str
    started: float = BEGAN
    stopped: float | None = None
    machine: str = "meridian-validate"
    status: str = "SUCCEEDED"
    redrives: int = 0
    version: str = ""
    events: int = 3
    input: str = '{"table": "orders"}'
    definition: str = '{"StartAt": "A"}'
    updated: float = BEGAN - 1_000
    gone: bool = False

    @property
    def arn(self) -> str:
        return execution_arn(self.name, self.machine)

    def item(self) -> dict[str, Any]:
        """As ListExecutions has it."""
        found = {
            "executionArn": self.arn,
            "stateMachineArn": machine_arn(self.machine),
            "name": self.name,
            "status": "RUNNING" if self.stopped is None else self.status,
            "startDate": moment(self.started),
            "redriveCount": self.redrives,
        }
        found |= {"stopDate": moment(self.stopped)} if self.stopped is not None else {}
        return found | ({"stateMachineVersionArn": self.version} if self.version else {})

    def history(self) -> Iterator[dict[str, Any]]:
        for number in range(1, self.events + 1):
            yield {"id": number, "type": "PassStateEntered", "timestamp": moment(self.started + number / 1000)}
        for number in range(self.redrives):
            yield {"id": self.events + number + 1, "type": "ExecutionRedriven", "timestamp": moment(self.started + 9)}


@dataclass
class StepFunctions:
    """The API. ``page`` bounds every page; ``strike`` is called around each call, as an AWS call of ``aws``."""

    ours: list[str] = field(default_factory=lambda: ["meridian-validate"])
    foreign: list[str] = field(default_factory=list)
    all: list[One] = field(default_factory=list)
    page: int = 1_000
    calls: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    meanwhile: Callable[[str], object] = lambda _: None

    exceptions = SimpleNamespace(ClientError=ClientError)

    def add(self, *executions: One) -> None:
        self.all.extend(executions)

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        self.meanwhile(operation)
        if operation in self.refuse:
            raise ClientError({"Error": {"Code": self.refuse[operation], "Message": "no"}}, operation)

    def _paged(self, found: list[Any], given: dict[str, Any]) -> tuple[list[Any], dict[str, str]]:
        begin = int(given.get("nextToken", 0))
        end = begin + min(self.page, given["maxResults"])
        return found[begin:end], {"nextToken": str(end)} if end < len(found) else {}

    def _known(self, arn: str) -> One:
        found = [one for one in self.all if one.arn == arn and not one.gone]
        if not found:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": "no"}}, "DescribeExecution")
        return found[0]

    def list_state_machines(self, **given: Any) -> dict[str, Any]:
        self._called("list_state_machines")
        machines = [{"name": name, "stateMachineArn": machine_arn(name)} for name in [*self.ours, *self.foreign]]
        shown, token = self._paged(machines, given)
        return {"stateMachines": shown, **token}

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self._called("list_tags_for_resource")
        ours = resourceArn.rpartition(":")[2] in self.ours
        return {"tags": [{"key": "meridian:stack", "value": "control"}] if ours else []}

    def list_executions(self, stateMachineArn: str, **given: Any) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self._called("list_executions")
        if given.get("nextToken") == "expired":
            raise ClientError({"Error": {"Code": "InvalidToken", "Message": "no"}}, "ListExecutions")
        found = [one for one in self.all if machine_arn(one.machine) == stateMachineArn]
        found.sort(key=lambda one: one.stopped or one.started, reverse=True)
        shown, token = self._paged(found, given)
        return {"executions": [one.item() for one in shown], **token}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self._called("describe_execution")
        one = self._known(executionArn)
        later = {"redriveStatus": "REDRIVABLE", "redriveStatusReason": str(len(self.calls))}  # changes with time
        return {**one.item(), "input": one.input, "output": "{}", **later, "ResponseMetadata": {"RequestId": "1"}}

    def get_execution_history(self, executionArn: str, **given: Any) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self._called("get_execution_history")
        begin = int(given.get("nextToken", 0))
        end = begin + min(self.page, given["maxResults"])
        one = self._known(executionArn)
        more = {"nextToken": str(end)} if end < one.events + one.redrives else {}
        return {"events": list(islice(one.history(), begin, end)), **more}

    def describe_state_machine_for_execution(self, executionArn: str) -> dict[str, Any]:  # noqa: N803  # AWS's name
        self._called("describe_state_machine_for_execution")
        one = self._known(executionArn)
        return {"definition": one.definition, "updateDate": moment(one.updated)}


def fresh(service: str, region: str) -> Any:
    """A client that nobody else uses."""
    return SESSION.client(service, region_name=region, config=ONCE)  # type: ignore[call-overload]  # a variable


class ArchiveClients(MotoClients):
    """Clients of moto's AWS, and of a Step Functions whose calls count as AWS's."""

    def __init__(self, states: StepFunctions) -> None:
        super().__init__()
        self._states = states

    def step_functions(self, region: str) -> Any:
        assert region == HOME
        return _Struck(self._states, self)

    def struck(self, call: Callable[[], Any]) -> Any:
        number = next(self._numbers)
        self._strike("before", number)
        answer = call()
        self._strike("after", number)
        return answer

    @property
    def count(self) -> int:
        """How many calls were made."""
        return next(self._numbers) - 1


class _Struck:
    """The API as one execution's clients call it."""

    def __init__(self, states: StepFunctions, aws: ArchiveClients) -> None:
        self._states, self._aws, self.exceptions = states, aws, states.exceptions

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **given: self._aws.struck(lambda: getattr(self._states, operation)(**given))
