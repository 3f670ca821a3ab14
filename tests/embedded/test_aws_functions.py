"""Lambda functions of the embedded AWS."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.embedded.aws_calls import HANDLERS, Client, Function, make_function, until, zipped


def invoke(client: Client, arn: str, **event: Any) -> dict[str, Any]:
    answer = client("lambda").invoke(FunctionName=arn, Payload=json.dumps(event), LogType="Tail")
    log = base64.b64decode(answer.get("LogResult", "")).decode()
    return {"error": answer.get("FunctionError"), "payload": json.load(answer["Payload"]), "log": log}


def test_a_version_is_called_by_its_own_arn(client: Client, function: Function) -> None:
    """A function called by a version's ARN gets the event and sees that ARN."""
    arn = function("echo")
    assert invoke(client, arn, a=1)["payload"] == {"event": {"a": 1}, "function": arn.split(":")[6], "arn": arn}


def test_an_error_has_the_shape_of_aws(client: Client, function: Function) -> None:
    """An exception is answered with its message, class name, request id and stack trace, and logged."""
    answer = invoke(client, function("fail"), region="eu-west-1")
    payload = answer["payload"]
    assert answer["error"] == "Unhandled"
    assert payload["errorType"] == "ReplicaBusy"
    assert payload["errorMessage"] == "the replica in eu-west-1 is busy"
    assert set(payload) == {"errorMessage", "errorType", "requestId", "stackTrace"}
    assert '"/var/task/handlers.py"' in payload["stackTrace"][0]
    assert answer["log"].startswith("about to fail")


def test_an_error_does_not_end_the_process(client: Client) -> None:
    """A function keeps its process, and with it what it has cached, after an exception."""
    code = "count = 0\ndef handle(event, context):\n    global count\n    count += 1\n    raise ValueError(count)\n"
    arn = make_function(client, "counting.handle", zipped(counting=code))
    assert [invoke(client, arn)["payload"]["errorMessage"] for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("handlers.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'handlers'"),
        ("absent.handle", "Runtime.ImportModuleError", "Unable to import module 'absent': No module named 'absent'"),
        ("handlers.not_json", "Runtime.MarshalError", "Unable to marshal response"),
        ("handlers.leave", "Runtime.ExitError", "Runtime exited without providing a reason"),
    ],
)
def test_an_error_of_the_runtime_has_its_name(client: Client, handler: str, kind: str, message: str) -> None:
    """What goes wrong outside the handler is reported under the name that AWS's runtime gives it."""
    arn = make_function(client, handler, zipped(handlers=HANDLERS))
    payload = invoke(client, arn)["payload"]
    assert payload["errorType"] == kind
    assert message in payload["errorMessage"]


def test_a_function_that_takes_too_long_is_ended(client: Client) -> None:
    """A function is ended at its timeout, with AWS's error."""
    arn = make_function(client, "handlers.wait", zipped(handlers=HANDLERS), Timeout=1)
    payload = invoke(client, arn, seconds=30)["payload"]
    assert payload["errorType"] == "Sandbox.Timedout"
    assert "timed out after 1.00 seconds" in payload["errorMessage"]


@pytest.mark.parametrize("name", ["tasks", "meridian", "workflows", "aws_lambda_powertools", "moto"])
def test_a_function_sees_its_zip_only(client: Client, function: Function, name: str) -> None:
    """Neither the repository nor the packages installed beside it can be imported by a function."""
    payload = invoke(client, function("import_module"), name=name)["payload"]
    assert payload["errorType"] == "ModuleNotFoundError"


@pytest.mark.parametrize("name", ["boto3", "botocore", "dateutil", "json", "urllib3"])
def test_a_function_finds_what_the_runtime_brings(client: Client, function: Function, name: str) -> None:
    """A function can import the standard library and boto3 without having them in its zip."""
    assert invoke(client, function("import_module"), name=name)["payload"] == name


def test_a_function_does_not_see_the_callers_environment(client: Client, function: Function, embedded: Any) -> None:
    """A function gets Lambda's variables and credentials of its role, none of ours."""
    environment = invoke(client, function("surroundings"))["payload"]["environment"]
    assert environment["AWS_ENDPOINT_URL"] == embedded.endpoint_url
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert not {"AUTH", "GATEWAY_PORT", "LOG_LEVEL", "PYTHONPATH", "PYTEST_CURRENT_TEST", "VIRTUAL_ENV"} & set(
        environment
    )


def test_a_function_may_do_what_its_role_allows(client: Client) -> None:
    """A function whose role allows an action can call it through the embedded AWS."""
    client("ssm").put_parameter(Name="/allowed", Value="yes", Type="String", Overwrite=True)
    arn = make_function(client, "handlers.read_parameter", zipped(handlers=HANDLERS), "ssm:GetParameter")
    assert invoke(client, arn, name="/allowed")["payload"] == "yes"


def test_a_function_may_do_nothing_else(client: Client, function: Function) -> None:
    """A function whose role lacks an action gets AccessDeniedException."""
    client("ssm").put_parameter(Name="/allowed", Value="yes", Type="String", Overwrite=True)
    payload = invoke(client, function("read_parameter"), name="/allowed")["payload"]
    assert payload["errorType"] == "AccessDeniedException"
    assert "not authorized to perform: ssm:GetParameter" in payload["errorMessage"]


def test_log_lines_belong_to_their_invocation(client: Client) -> None:
    """What one invocation prints is in its own log, all of it, and not in the next one's."""
    code = "def handle(event, context):\n    for n in range(event['lines']):\n        print(event['id'], n)\n"
    arn = make_function(client, "printing.handle", zipped(printing=code))
    for call in ("a", "b"):
        lines = [line for line in invoke(client, arn, id=call, lines=50)["log"].splitlines() if line]
        assert [line for line in lines if line.startswith(("a ", "b "))] == [f"{call} {n}" for n in range(50)]


def test_log_lines_reach_cloudwatch(client: Client, function: Function) -> None:
    """A function's log is in its log group."""
    arn = function("fail")
    invoke(client, arn)
    group = f"/aws/lambda/{arn.split(':')[6]}"
    until(lambda: bool(client("logs").filter_log_events(logGroupName=group, filterPattern="about")["events"]), True)
