"""Histories as Step Functions gives them: paged, paced and tried again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from meridian.audit.histories import step_functions
from meridian.audit.histories.pace import Pace
from meridian.audit.histories.step_functions import StepFunctions
from meridian.audit.model import Outcome
from meridian.audit.source import ExecutionUnknown
from tests.unit.histories import START, arn

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

ARN, VERSION = arn("validate"), "arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate:3"
MACHINE = VERSION.rpartition(":")[0]


class Answer:
    """An HTTP answer as botocore's endpoint takes it from a before-send handler."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status_code, self.headers = status, {"x-amzn-RequestId": "R"}
        self.content = json.dumps(document).encode()


class Wire:
    """A client whose requests are answered in turn; ``asked`` is what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, dict[str, Any]]]()
        self.client = _client()
        self.client.meta.events.register("before-send.sfn", cast("Any", self._send))
        self.pauses: list[float] = []
        self.source = StepFunctions(self.client, sleep=self.pauses.append)

    def _send(self, request: Any, **_: Any) -> Answer:
        operation = request.headers["X-Amz-Target"].decode().partition(".")[2]
        self.asked.append((operation, json.loads(request.body)))
        return self.answers.pop(0)


def page(first: int, last: int, token: str | None = None) -> Answer:
    events = [{"id": number, "type": "PassStateEntered", "timestamp": 1793534400.125} for number in range(first, last)]
    return Answer(200, {"events": events, "nextToken": token})


def refused(code: str, status: int = 400) -> Answer:
    return Answer(status, {"__type": f"com.amazonaws.states#{code}", "message": "no"})


class TestEvents:
    def test_pages(self) -> None:
        """All pages are read, a thousand events each, and timestamps are seconds."""
        wire = Wire(page(1, 3, "more"), page(3, 4))
        events = list(wire.source.events(ARN))
        assert [event["id"] for event in events] == [1, 2, 3]
        assert events[0]["timestamp"] == 1793534400.125
        assert [query for _, query in wire.asked] == [
            {"executionArn": ARN, "maxResults": 1000},
            {"executionArn": ARN, "maxResults": 1000, "nextToken": "more"},
        ]

    def test_a_page_at_a_time(self) -> None:
        """The next page is asked for when the one before it is used up: a history is never in memory as a whole."""
        wire = Wire(page(1, 3, "more"), page(3, 4))
        events = wire.source.events(ARN)
        next(events)
        assert len(wire.asked) == 1

    def test_raw(self) -> None:
        """Members that botocore's model does not know come through, since it does not parse the events."""
        event = {"id": 1, "type": "NewFangled", "timestamp": 1.5, "newFangledEventDetails": {"what": 1}}
        (only,) = Wire(Answer(200, {"events": [event]})).source.events(ARN)
        assert only == event

    def test_client_is_left_as_it_was(self) -> None:
        """Others that use the client get what botocore parses, dates as such."""
        wire = Wire(page(1, 2), page(1, 2))
        list(wire.source.events(ARN))
        assert wire.client.get_execution_history(executionArn=ARN)["events"][0]["timestamp"].year == 2026

    def test_parsed_by_botocore(self) -> None:
        """Should botocore ask no handler any more, the events it parses serve as well."""
        source = StepFunctions(client := _client())
        event = {"id": 1, "type": "PassStateEntered", "timestamp": START}
        with Stubber(client) as stub:
            stub.add_response("get_execution_history", {"events": [event]})
            assert next(source.events(ARN))["timestamp"] == START.timestamp()

    def test_times_as_text(self) -> None:
        """Times that come as text are seconds too."""
        event = {"id": 1, "type": "PassStateEntered", "timestamp": "2026-11-01T12:00:00.500Z"}
        (only,) = Wire(Answer(200, {"events": [event]})).source.events(ARN)
        assert only["timestamp"] == START.timestamp() + 0.5


def _client() -> SFNClient:
    return boto3.client(
        "stepfunctions",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(retries={"total_max_attempts": 1}),
    )


class TestErrors:
    @pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "InvalidArn"])
    def test_unknown(self, code: str) -> None:
        """An execution that Step Functions does not know, or forgot, is unknown."""
        with pytest.raises(ExecutionUnknown):
            list(Wire(refused(code)).source.events(ARN))

    def test_denied(self) -> None:
        """What else AWS refuses is its own error."""
        with pytest.raises(ClientError, match="AccessDeniedException"):
            Wire(refused("AccessDeniedException")).source.describe(ARN)

    def test_throttled(self) -> None:
        """A call that is throttled is made again, later and later."""
        wire = Wire(refused("ThrottlingException"), refused("ThrottlingException"), page(1, 2))
        assert len(list(wire.source.events(ARN))) == 1
        assert wire.pauses == [1, 2]

    def test_throttled_for_good(self) -> None:
        """After a bounded number of tries the error comes out."""
        wire = Wire(*[refused("ThrottlingException")] * step_functions.TRIES)
        with pytest.raises(ClientError, match="ThrottlingException"):
            wire.source.describe(ARN)
        assert len(wire.asked) == step_functions.TRIES


class TestDescription:
    def test_dates(self) -> None:
        """Dates are seconds since 1970, and nothing of the answer itself is in the description."""
        described = Wire(Answer(200, {"executionArn": ARN, "startDate": 1.5, "status": "RUNNING"})).source.describe(ARN)
        assert described == {"executionArn": ARN, "startDate": 1.5, "status": "RUNNING"}

    def test_definition_once_a_version(self) -> None:
        """Executions of one version share its definition: the call for it refills but once a second."""
        described = {"executionArn": ARN, "stateMachineVersionArn": VERSION}
        wire = Wire(Answer(200, described), Answer(200, {"definition": '{"StartAt": "A"}'}), Answer(200, described))
        for one in (ARN, arn("validate", "other")):
            wire.source.describe(one)
            assert wire.source.definition(one) == {"StartAt": "A"}
        assert [operation for operation, _ in wire.asked].count("DescribeStateMachineForExecution") == 1

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ExecutionDoesNotExist"])
    def test_definition_not_to_be_had(self, code: str) -> None:
        """A definition that may not be seen is none, and no error."""
        assert Wire(refused(code)).source.definition(ARN) is None


class TestExecutions:
    def machines(self) -> Answer:
        return Answer(200, {"stateMachines": [{"name": "meridian-validate", "stateMachineArn": MACHINE}]})

    def listed(self, started: float, **more: Any) -> dict[str, Any]:
        return {"executionArn": ARN, "stateMachineArn": MACHINE, "status": "SUCCEEDED", "startDate": started, **more}

    def test_since(self) -> None:
        """Those that started before are left out, and no page is asked for beyond one that ended before."""
        last = self.listed(30, stopDate=31, redriveCount=2, stateMachineVersionArn=VERSION)
        executions = [last, self.listed(10, stopDate=19)]
        wire = Wire(self.machines(), Answer(200, {"executions": executions, "nextToken": "more"}))
        (found,) = wire.source.executions("validate", 20)
        assert (found.arn, found.status, found.started, found.stopped) == (ARN, Outcome.SUCCEEDED, 30, 31)
        assert (found.version_arn, found.redrive_count) == (VERSION, 2)

    def test_a_long_execution_hides_none(self) -> None:
        """Step Functions lists by the end: behind one that started long before comes one that started since."""
        running, long = self.listed(5, status="RUNNING"), self.listed(10, stopDate=40)
        answer = Answer(200, {"executions": [running, long, self.listed(25, stopDate=30)]})
        assert [found.started for found in Wire(self.machines(), answer).source.executions("validate", 20)] == [25]

    def test_not_installed(self) -> None:
        """A workflow without a state machine is unknown."""
        with pytest.raises(ExecutionUnknown, match="meridian-cleanup"):
            list(Wire(self.machines()).source.executions("cleanup", 0))

    def test_map_run(self) -> None:
        """Of a Map Run the executions that ended badly come first."""
        answers = [Answer(200, {"executions": [self.listed(1)]})] + [Answer(200, {"executions": []})] * 5
        wire = Wire(*answers)
        assert len(list(wire.source.map_run("arn:run"))) == 1
        statuses = [query["statusFilter"] for _, query in wire.asked]
        assert (statuses[0], statuses[-1], wire.asked[0][1]["mapRunArn"]) == ("FAILED", "SUCCEEDED", "arn:run")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


class TestPace:
    def test_rate(self) -> None:
        """After its burst a call waits so that no more than so many are made a second."""
        clock = Clock()
        pace = Pace(2, 4, clock=lambda: clock.now, sleep=clock.sleep)
        for _ in range(4):
            pace.wait()
        assert clock.slept == []
        for _ in range(6):
            pace.wait()
        assert sum(clock.slept) == pytest.approx(3)

    def test_rest(self) -> None:
        """A rest earns calls at once again, but no more than the burst."""
        clock = Clock()
        pace = Pace(2, 2, clock=lambda: clock.now, sleep=clock.sleep)
        for _ in range(4):
            pace.wait()
        clock.now += 1000
        slept = sum(clock.slept)
        for _ in range(3):
            pace.wait()
        assert sum(clock.slept) - slept == pytest.approx(0.5)

    def test_below_half(self) -> None:
        """No operation is called more than half as often as AWS refills (Step Functions quotas, smaller Regions)."""
        refills = {"get_execution_history": 20, "describe_execution": 10, "list_executions": 2}
        refills |= {"describe_state_machine_for_execution": 1, "list_state_machines": 2}
        assert step_functions.RATES.keys() == refills.keys()
        assert all(step_functions.RATES[operation] <= refill / 2 for operation, refill in refills.items())
