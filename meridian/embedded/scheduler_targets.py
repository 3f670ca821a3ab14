"""Calls the target of a schedule with its role, tries again, and leaves what fails in the dead-letter queue.

Message and attributes are those of the EventBridge Scheduler User Guide, "Configuring a schedule's dead-letter queue".
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from meridian.embedded.interpreter_clients import Clients
from meridian.embedded.services import RefusedByAws
from meridian.embedded.settings import ACCOUNT

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings

RETRIES, AGE_SECONDS = 185, 86_400  # of a schedule without a policy
LONGEST_PAUSE_SECONDS = 60  # AWS does not tell its own
log = logging.getLogger(__name__)


class Call(NamedTuple):
    """An API call that a target stands for."""

    service: str
    method: str
    parameters: dict[str, Any]

    @property
    def body(self) -> str:
        """The call as the dead-letter queue gets it: AWS writes its members with a capital."""
        return json.dumps({name[0].upper() + name[1:]: value for name, value in self.parameters.items()})


def check(arn: str) -> None:
    """Refuse a kind of target that the embedded AWS cannot call."""
    if arn.count(":") < 5 or arn.split(":")[2] not in {"states", "sqs", "lambda"}:
        message = "Provided Arn is not in correct format: the embedded AWS calls Step Functions, SQS and Lambda only."
        raise RefusedByAws("ValidationException", message)


@dataclass(frozen=True)
class Firing:
    """One time that a schedule is due, at ``scheduled`` seconds since 1970."""

    schedule: dict[str, Any]
    scheduled: float
    execution_id: str

    @property
    def time(self) -> str:
        return f"{datetime.fromtimestamp(self.scheduled, UTC):%Y-%m-%dT%H:%M:%SZ}"

    def input(self, attempt: int) -> str:
        """The target's input, in which AWS replaces the names of context attributes and nothing else."""
        text: str = self.schedule["Target"].get("Input", "{}")
        for name, value in {
            "schedule-arn": self.schedule["Arn"],
            "scheduled-time": self.time,
            "execution-id": self.execution_id,
            "attempt-number": str(attempt),
        }.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


class Targets:
    """Delivers in threads of its own: a target may be refused for as long as the retry policy says."""

    def __init__(self, settings: Settings) -> None:
        self._clients = Clients(settings, "scheduler")
        self._endpoint_url = settings.endpoint_url
        self._second = settings.delays.minute / 60

    def deliver(self, schedule: dict[str, Any], scheduled: float) -> None:
        firing = Firing(schedule, scheduled, uuid.uuid4().hex[:16])
        threading.Thread(target=self._deliver, args=(firing,), name="scheduler-target", daemon=True).start()

    def _deliver(self, firing: Firing) -> None:
        policy, began = firing.schedule["Target"]["RetryPolicy"], time.monotonic()
        for retries in itertools.count():
            call = self._call(firing.schedule["Target"]["Arn"], firing.input(retries + 1))
            try:
                self._make(firing, call)
            except (ClientError, BotoCoreError) as error:
                pause = min(2**retries, LONGEST_PAUSE_SECONDS) * self._second
                age = time.monotonic() - began + pause
                exhausted = _exhausted(policy, retries, age / self._second)
                if exhausted:
                    self._bury(firing, call, error, {"EXHAUSTED_RETRY_CONDITION": exhausted, "RETRY_ATTEMPTS": retries})
                    return
                time.sleep(pause)
            else:
                return

    def _call(self, arn: str, text: str) -> Call:
        service = arn.split(":")[2]
        if service == "states":
            return Call("stepfunctions", "start_execution", {"stateMachineArn": arn, "input": text})
        if service == "sqs":
            return Call("sqs", "send_message", {"QueueUrl": self._queue_url(arn), "MessageBody": text})
        return Call("lambda", "invoke", {"FunctionName": arn, "InvocationType": "Event", "Payload": text})

    def _queue_url(self, arn: str) -> str:
        return f"{self._endpoint_url}/{ACCOUNT}/{arn.rpartition(':')[2]}"

    def _make(self, firing: Firing, call: Call, arn: str = "") -> None:
        target = firing.schedule["Target"]
        region = (arn or target["Arn"]).split(":")[3]
        client = self._clients.get(region, call.service, SimpleNamespace(role_arn=target["RoleArn"]))
        getattr(client, call.method)(**call.parameters)

    def _bury(self, firing: Firing, call: Call, error: Exception, tried: dict[str, Any]) -> None:
        """Put the call that failed into the dead-letter queue; without one it is lost, as on AWS."""
        arn = firing.schedule["Target"].get("DeadLetterConfig", {}).get("Arn")
        told = _told(error) | tried | {
            "EXECUTION_ID": firing.execution_id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "SCHEDULED_TIME": firing.time,
            "SCHEDULE_ARN": firing.schedule["Arn"],
            "TARGET_ARN": firing.schedule["Target"]["Arn"],
        }  # fmt: skip
        message = {
            "QueueUrl": self._queue_url(arn or ""),
            "MessageBody": call.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": str(value)} for name, value in told.items()
            },
        }
        try:
            if arn:
                self._make(firing, Call("sqs", "send_message", message), arn)
        except (ClientError, BotoCoreError) as refused:
            log.warning("%s cannot write to its dead-letter queue: %s", firing.schedule["Arn"], refused)


def _exhausted(policy: dict[str, Any], retries: int, age: float) -> str:
    """Which bound of the policy forbids another try, that would be made at ``age`` seconds of the Scheduler."""
    if retries >= policy["MaximumRetryAttempts"]:
        return "MaximumRetryAttempts"
    return "MaximumEventAgeInSeconds" if age > policy["MaximumEventAgeInSeconds"] else ""


def _told(error: Exception) -> dict[str, Any]:
    found = error.response["Error"] if isinstance(error, ClientError) else {}
    return {
        "ERROR_CODE": found.get("Code", type(error).__name__),
        "ERROR_MESSAGE": found.get("Message") or str(error),
    }
