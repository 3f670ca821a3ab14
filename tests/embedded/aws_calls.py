"""Short ways to use an embedded AWS in a test."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from meridian.embedded import EmbeddedAws

HOME = "us-east-1"
HANDLERS = (Path(__file__).parent / "aws_handlers.py").read_text()
Client = Callable[..., Any]  # client(service, region)
Machine = Callable[[dict[str, Any]], str]  # machine(definition): its ARN
Function = Callable[[str], str]  # function(name in aws_handlers.py): ARN of its version
Run = Callable[..., dict[str, Any]]  # run(definition or ARN, **input): the ended execution


def client_of(running: EmbeddedAws) -> Client:
    made: dict[tuple[str, str], Any] = {}

    def get(service: str, region: str = HOME) -> Any:
        if (service, region) not in made:
            made[service, region] = boto3.client(
                service,  # type: ignore[call-overload]  # the service is a variable
                region_name=region,
                endpoint_url=running.endpoint_url,
                aws_access_key_id=running.environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=running.environment["AWS_SECRET_ACCESS_KEY"],
                config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
            )
        return made[service, region]

    return get


def until(look: Callable[[], Any], wanted: Any, seconds: float = 5.0) -> None:
    """Look again and again until ``look`` gives what is wanted."""
    deadline = time.monotonic() + seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"still {seen!r}, not {wanted!r}"
        time.sleep(0.02)


def refusal(call: Callable[..., Any], *given: Any, **named: Any) -> tuple[str, str]:
    """Code and message of the error of AWS that a call ends in."""
    with pytest.raises(ClientError) as caught:
        call(*given, **named)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def zipped(**files: str) -> bytes:
    """Zip of modules, by module name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.py"), text)  # without the time: same text, same bytes
    return content.getvalue()


def make_role(client: Client, service: str, *actions: str) -> str:
    """ARN of a new role that ``service`` assumes and that allows ``actions`` everywhere."""
    name = f"role-{uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    if actions:
        document = _policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        client("iam").put_role_policy(RoleName=name, PolicyName="tasks", PolicyDocument=document)
    return str(arn)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_function(client: Client, handler: str, code: bytes, *actions: str, **more: Any) -> str:
    """ARN of version 1 of a new function whose role allows ``actions``."""
    name = f"{handler.rpartition('.')[2]}-{uuid4().hex[:8]}"
    role = make_role(client, "lambda", *actions)
    settings = {"Runtime": "python3.13", "Timeout": 20, "Handler": handler} | more
    client("lambda").create_function(FunctionName=name, Role=role, Code={"ZipFile": code}, **settings)
    until(lambda: client("lambda").get_function(FunctionName=name)["Configuration"]["State"], "Active")
    return str(client("lambda").publish_version(FunctionName=name)["FunctionArn"])


def finished(client: Client, execution: str) -> dict[str, Any]:
    """Description of an execution once it has ended."""
    states = client("stepfunctions")
    deadline = time.monotonic() + 20
    while (seen := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{execution} does not end"
        time.sleep(0.02)
    return cast("dict[str, Any]", seen)


def one_state(**state: Any) -> dict[str, Any]:
    """Definition of a machine with a single state, a Task unless ``Type`` says otherwise."""
    return {"StartAt": "Only", "States": {"Only": {"Type": "Task", "End": True, **state}}}


def make_table(client: Client, name: str, region: str = HOME, **more: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    made = client("dynamodb", region).create_table(TableName=name, **settings | more)
    return cast("dict[str, Any]", made["TableDescription"])


def status(client: Client, name: str, region: str = HOME) -> str:
    """Status of a table in a Region, or ``GONE``."""
    dynamodb = client("dynamodb", region)
    try:
        return str(dynamodb.describe_table(TableName=name)["Table"]["TableStatus"])
    except dynamodb.exceptions.ResourceNotFoundException:
        return "GONE"


def replicas(client: Client, name: str, region: str = HOME) -> dict[str, str]:
    """Status of each replica as ``region`` sees it."""
    described = client("dynamodb", region).describe_table(TableName=name)["Table"]
    return {replica["RegionName"]: replica["ReplicaStatus"] for replica in described.get("Replicas", [])}


def change_replica(client: Client, name: str, action: str, target: str, region: str = HOME) -> dict[str, Any]:
    update = [{action: {"RegionName": target}}]
    changed = client("dynamodb", region).update_table(TableName=name, ReplicaUpdates=update)
    return cast("dict[str, Any]", changed["TableDescription"])


def add_replica(client: Client, name: str, target: str) -> None:
    """Add a Region and wait until all is ready."""
    change_replica(client, name, "Create", target)
    until(lambda: replicas(client, name).get(target), "ACTIVE")
    until(lambda: status(client, name, target), "ACTIVE")
    until(lambda: status(client, name), "ACTIVE")


def make_tables(client: Client, count: int, *others: str) -> list[str]:
    """Names of new tables in us-east-1 and the other Regions, once all are ACTIVE."""
    names = [f"table-{uuid4().hex[:8]}" for _ in range(count)]
    for name in names:
        make_table(client, name)
    for name in names:
        until(lambda name=name: status(client, name), "ACTIVE")  # type: ignore[misc]
    for other in others:
        for name in names:
            change_replica(client, name, "Create", other)
        for name in names:
            until(lambda name=name: status(client, name), "ACTIVE")  # type: ignore[misc]
    return names


def made_ahead(make: Callable[[], list[Any]]) -> Iterator[Any]:
    """One after the other of what ``make`` makes many of, as often as needed."""
    while True:
        yield from make()
