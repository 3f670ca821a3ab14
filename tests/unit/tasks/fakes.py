"""Clients that answer from a list, or from moto, and that note every call."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

import boto3
import moto  # before the session, which takes moto's hook when it is made
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto.backends import get_backend
from moto.scheduler.models import EventBridgeSchedulerBackend

from tasks.shared.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    from moto.core.models import MockAWS

ACCOUNT = "123456789012"

SESSION = boto3.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=True)


@dataclass(frozen=True)
class Call:
    """An API operation that was called in a Region."""

    service: str
    region: str
    operation: str


@dataclass(frozen=True)
class Answer:
    """The answer to the next call of ``method`` in ``region``. ``params`` are its exact parameters, if given."""

    service: str
    region: str
    method: str
    response: dict[str, Any] = field(default_factory=dict)
    error: tuple[str, str] | None = None
    params: dict[str, Any] | None = None


class WatchedClients(Clients):
    """Real clients that note their calls and refuse an ARN of another Region than their own."""

    # Making a client takes milliseconds, and thousands are needed: each is handed on from owner to owner.
    _pool: ClassVar[dict[tuple[str, str], tuple[Any, WatchedClients]]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._numbers = count(1)

    def make(self, service: str, region: str) -> Any:
        client, owner = self._pool.get((service, region)) or (None, None)
        if client is None:
            client = SESSION.client(service, region_name=region, config=ONCE)  # type: ignore[call-overload]  # a variable
        if owner:
            owner.let_go(client)
        self.take(client)
        self._pool[service, region] = client, self
        return client

    def take(self, client: Any) -> None:
        client.meta.events.register("before-parameter-build.*.*", self._watch)

    def let_go(self, client: Any) -> None:
        client.meta.events.unregister("before-parameter-build.*.*", self._watch)
        client.meta.events.unregister("before-parameter-build.*.*", self._name)
        client.meta.events.unregister("after-call.*.*", self._note)

    def _watch(self, *, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:
        region, context["number"] = context["client_region"], next(self._numbers)
        for arn in arns(params):
            assert arn.split(":")[3] in ("", region), f"{model.name} in {region} was given {arn}"
        self.calls.append(Call(model.service_model.service_name, region, model.name))


class StubbedClients(WatchedClients):
    """Clients that answer from a list for each service and Region; ``assert_used_up`` tells what was not asked."""

    def __init__(self) -> None:
        super().__init__()
        self._stubs: dict[tuple[str, str], Stubber] = {}

    def take(self, client: Any) -> None:
        super().take(client)
        stub = self._stubs[client.meta.service_model.service_name, client.meta.region_name] = Stubber(client)
        stub.activate()

    def let_go(self, client: Any) -> None:
        super().let_go(client)
        self._stubs[client.meta.service_model.service_name, client.meta.region_name].deactivate()

    def will(self, *answers: Answer) -> None:
        for answer in answers:
            self.client(answer.service, answer.region)
            stub = self._stubs[answer.service, answer.region]
            if answer.error:
                code, message = answer.error
                stub.add_client_error(answer.method, code, message, expected_params=answer.params)
            else:
                metadata = {"RequestId": f"request-{answer.method}"}
                stub.add_response(answer.method, {**answer.response, "ResponseMetadata": metadata}, answer.params)

    def assert_used_up(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


def emptied() -> MockAWS:
    """Moto's AWS, empty at first."""
    return moto.mock_aws()


class MotoClients(WatchedClients):
    """Clients of moto's AWS, which holds state. ``kill`` arms them to die around their n-th call."""

    def __init__(self) -> None:
        super().__init__()
        self._deadly: tuple[str, int] = ("", 0)

    def kill(self, when: str, number: int) -> None:
        self._deadly = (when, number)

    def take(self, client: Any) -> None:
        super().take(client)
        client.meta.events.register("before-call.*.*", self._before)
        client.meta.events.register("after-call.*.*", self._after)

    def let_go(self, client: Any) -> None:
        super().let_go(client)
        client.meta.events.unregister("before-call.*.*", self._before)
        client.meta.events.unregister("after-call.*.*", self._after)

    def _before(self, *, params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
        context["body"] = params["body"]
        self._strike("before", context["number"])

    def _after(self, *, model: Any, context: dict[str, Any], **_: object) -> None:
        if model.name == "CreateStream":
            tag_stream(context)
        self._strike("after", context["number"])

    def _strike(self, when: str, number: int) -> None:
        if self._deadly == (when, number):
            raise Killed(f"{when} call {number}")


def tag_stream(context: dict[str, Any]) -> None:
    """Give a new stream the tags that moto's CreateStream leaves out."""
    asked = json.loads(context["body"])
    backend = get_backend("kinesis")[ACCOUNT][context["client_region"]]
    backend.add_tags_to_stream(stream_arn=None, stream_name=asked["StreamName"], tags=asked["Tags"])


def delete_schedule_group(backend: Any, name: str) -> None:
    """As EventBridge Scheduler does it: moto's own breaks on a group that is gone."""
    backend.get_schedule_group(name)  # refuses one that is not there
    del backend.schedule_groups[name]


EventBridgeSchedulerBackend.delete_schedule_group = delete_schedule_group


class LateClients(MotoClients):
    """Clients of moto's AWS that let another execution do all its work just before their n-th call.

    They come from no pool: the other's clients are at work while these are in the middle of a call.
    """

    def __init__(self, number: int, other: Callable[[], None]) -> None:
        super().__init__()
        self._number, self._other = number, other

    def make(self, service: str, region: str) -> Any:
        client = SESSION.client(service, region_name=region, config=ONCE)  # type: ignore[call-overload]  # a variable
        self.take(client)
        return client

    def _strike(self, when: str, number: int) -> None:
        if (when, number) == ("before", self._number):
            self._other()


class Killed(BaseException):
    """Not an Exception: no task can catch it, as no task can catch SIGKILL."""


def refusal(code: str, message: str = "not now", operation: str = "UpdateTable") -> ClientError:
    """The error that boto3 raises when AWS refuses."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def arns(value: object) -> Iterator[str]:
    """Every ARN in the parameters of a call."""
    if isinstance(value, str) and value.startswith("arn:"):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from arns(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from arns(member)


class Lines:
    """What a task logs: powertools binds its handler to the stdout of the first use, so that is undone before."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        logging.Logger.manager.loggerDict.pop("meridian", None)
        self._capture = capture

    def read(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capture.readouterr().out.splitlines()]
