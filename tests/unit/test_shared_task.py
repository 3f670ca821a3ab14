"""The decorator: what Lambda calls, what reaches Step Functions, and what is logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tasks.shared.errors import AwsError, NotOurs
from tasks.shared.task import TABLE, Permission, Task, allow, task
from tests.unit.tasks.fakes import Answer, Lines, StubbedClients

if TYPE_CHECKING:
    from tasks.shared.clients import Clients

EVENT = {
    "table": "orders",
    "region": "eu-west-1",
    "execution": {"Id": "arn:aws:states:us-east-1:123456789012:execution:add-region:1", "Input": {"secret": "MARKED"}},
    "state": {"Name": "AddReplica"},
}

CHANGE = {
    "operation": "UpdateTable",
    "region": "eu-west-1",
    "request_id": "request-update_table",
    "resource": "orders",
}


@task(allow("dynamodb:UpdateTable", on=TABLE), timeout_seconds=42)
def touch(event: dict[str, Any], aws: Clients) -> dict[str, Any]:
    """Change the table."""
    aws.dynamodb("eu-west-1").update_table(TableName=event["table"])
    return {"status": "READY", "item": "MARKED"}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> StubbedClients:
    stubbed = StubbedClients()
    monkeypatch.setattr(touch, "_clients", stubbed)
    return stubbed


def test_a_task_carries_what_is_declared() -> None:
    """Name, permissions, timeout and docstring stand on the task itself."""
    assert (touch.name, touch.timeout_seconds, touch.__doc__) == ("touch", 42, "Change the table.")
    assert touch.permissions == (Permission(("dynamodb:UpdateTable",), (TABLE,)),)


def test_a_condition_goes_with_its_permission() -> None:
    """Resources may be several, and a condition is an IAM block."""
    when = {"StringEquals": {"iam:AWSServiceName": "replication.dynamodb.amazonaws.com"}}
    assert allow("a:B", "a:C", on=("x", "y"), when=when) == Permission(("a:B", "a:C"), ("x", "y"), when)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lines:
    monkeypatch.setattr(touch, "_logger", None)
    return Lines(capsys)


class TestHandler:
    def test_gives_the_reply(self, aws: StubbedClients) -> None:
        """Lambda gets what the function gave."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table"))
        assert touch(EVENT, None)["status"] == "READY"

    def test_names_an_error_of_aws_after_its_code(self, aws: StubbedClients) -> None:
        """What boto3 raises as ClientError arrives under AWS's own name, with its cause."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table", error=("AccessDeniedException", "not authorized")))
        with pytest.raises(Exception, match="AWS refused UpdateTable in eu-west-1: not authorized") as raised:
            touch(EVENT, None)
        assert raised.type.__name__ == "AccessDeniedException"
        assert type(raised.value.__cause__).__name__ == "ClientError"

    @pytest.mark.parametrize(
        ("event", "place"),
        [
            ({"region": "eu-west-1", "home": "us-east-1"}, " in eu-west-1"),
            ({"home": "us-east-1"}, " in us-east-1"),
            ({}, ""),
        ],
    )
    def test_names_where_it_was_when_aws_did_not_answer(
        self, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], place: str
    ) -> None:
        """Without an answer the Region is the state's, and the error keeps botocore's name."""

        def hang(*_: object) -> dict[str, Any]:
            raise ReadTimeoutError(endpoint_url="https://x")

        monkeypatch.setattr(touch, "run", hang)
        with pytest.raises(AwsError, match=f"^AWS could not be reached{place}: Read timeout") as raised:
            touch(event, None)
        assert raised.type.__name__ == "ReadTimeoutError"

    def test_lets_our_own_errors_through(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An error of our tree keeps its class and its text."""

        def refuse(*_: object) -> dict[str, Any]:
            raise NotOurs("It is foreign", remedy="Leave it.")

        monkeypatch.setattr(touch, "run", refuse)
        with pytest.raises(NotOurs, match=r"^It is foreign\. Leave it\.$"):
            touch(EVENT, None)

    def test_adds_what_was_changed(self, aws: StubbedClients) -> None:
        """The execution's history carries the request id of every call that changed something."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table"))
        assert touch(EVENT, None) == {"status": "READY", "item": "MARKED", "changes": [CHANGE]}

    def test_adds_fifty_changes_at_most(self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch) -> None:
        """A state's output has little room: changes after the fiftieth are only counted."""

        def touch_often(_: object, clients: Clients) -> dict[str, Any]:
            for _ in range(53):
                clients.dynamodb("eu-west-1").update_table(TableName="orders")
            return {}

        aws.will(*[Answer("dynamodb", "eu-west-1", "update_table")] * 53)
        monkeypatch.setattr(touch, "run", touch_often)
        assert touch(EVENT, None) == {"changes": [CHANGE] * 50, "changes_left_out": 3}

    def test_adds_no_changes_of_another_task(self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG002
        """A reply that goes on from an earlier one tells of its own calls only, and of none if it made none."""
        earlier = {"status": "BUSY", "changes": [CHANGE], "changes_left_out": 3}
        monkeypatch.setattr(touch, "run", lambda *_: {**earlier, "status": "READY"})
        assert touch(EVENT, None) == {"status": "READY"}

    @pytest.mark.parametrize("reply", [["orders"], "orders", None])
    def test_leaves_other_replies_alone(self, aws: StubbedClients, monkeypatch: pytest.MonkeyPatch, reply: Any) -> None:  # noqa: ARG002
        """A reply that is no object stays as it is."""
        monkeypatch.setattr(touch, "run", lambda *_: reply)
        assert touch(EVENT, None) == reply

    def test_a_later_run_starts_with_an_empty_note(self, aws: StubbedClients) -> None:
        """A warm function does not report the changes of the run before."""
        aws.will(*[Answer("dynamodb", "eu-west-1", "update_table")] * 2)
        touch(EVENT, None)
        touch(EVENT, None)
        assert len(aws.changes) == 1


class TestLog:
    def test_is_one_structured_line(self, aws: StubbedClients, lines: Lines) -> None:
        """Execution, state, place, outcome and every change with its request id; nothing of input or output."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table"))
        touch(EVENT, None)
        (line,) = lines.read()
        kept = {key: line[key] for key in ("level", "message", "service", "outcome", "execution", "state", "table")}
        assert kept == {
            "level": "INFO",
            "message": "touch",
            "service": "meridian",
            "outcome": "READY",
            "execution": EVENT["execution"]["Id"],  # type: ignore[index]  # a dict
            "state": "AddReplica",
            "table": "orders",
        }
        assert line["changes"] == [CHANGE]
        assert "MARKED" not in json.dumps(line)

    def test_is_written_when_the_task_fails_too(self, aws: StubbedClients, lines: Lines) -> None:
        """A failure leaves its one line as well."""
        aws.will(Answer("dynamodb", "eu-west-1", "update_table", error=("InternalServerError", "oops")))
        with pytest.raises(Exception, match="oops"):
            touch(EVENT, None)
        (line,) = lines.read()
        assert (line["outcome"], line["changes"]) == ("failed", [])

    def test_is_one_line_a_run_of_each_task(self, lines: Lines) -> None:
        """Several tasks in one process do not repeat each other's lines."""
        quiet: Task[dict[str, Any], dict[str, Any]] = task()(lambda event, aws: {})  # noqa: ARG005  # every task's shape
        louder: Task[dict[str, Any], dict[str, Any]] = task()(lambda event, aws: {})  # noqa: ARG005
        for each in (quiet, louder, quiet):
            each({}, None)
        assert [line["outcome"] for line in lines.read()] == ["done"] * 3
