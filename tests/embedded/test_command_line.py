"""The command line, on an AWS that answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

import deploy
from meridian import inventory
from meridian.bundle import ROOT
from meridian.inputs import Workflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from typer.testing import Result

    from tests.embedded.aws_calls import Client
    from tests.embedded.product import Product

Process = subprocess.Popen[str]

HOME, EU = "us-east-1", "eu-west-1"
WAIT_SECONDS = 60


def call(*arguments: str) -> Result:
    wide_enough = {"COLUMNS": "160"}  # a test's worker has the width of the terminal that runs the tests
    result = CliRunner().invoke(deploy.app, arguments, env=wide_enough)
    assert not isinstance(result.exception, Exception), result.exception
    return result


class TestInstalled:
    def test_up_to_date(self, product: Product) -> None:
        """Installing what is installed changes nothing and is done."""
        result = call("up")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "up to date" in result.stderr
        assert product.session.home in result.stderr

    @pytest.mark.usefixtures("product")
    def test_plan(self) -> None:
        """A plan shows each change on stdout and makes none."""
        first, second = (call("up", "--plan", "--alert-email", "who@example.com") for _ in range(2))
        assert (first.exit_code, first.stderr) == (0, "Nothing was changed.\n")
        assert "FailureSubscription" in first.stdout
        assert second.stdout == first.stdout

    @pytest.mark.usefixtures("product")
    def test_execution_data_is_logged_where_asked(self) -> None:
        """Nothing logs inputs and outputs by default: that it is asked for changes every state machine."""
        assert "StateMachine" not in call("up", "--plan", "--no-log-execution-data").stdout
        assert re.search(
            rf"Modify +{len(Workflow)} +AWS::StepFunctions::StateMachine",
            call("up", "--plan", "--log-execution-data").stdout,
        )


class TestDeployed:
    def test_status(self, deployed: dict[str, Any]) -> None:
        """A deployment that is as recorded is a line a Region, and exit code 0."""
        result = call("status", deployed["table"])
        assert result.exit_code == 0, result.output
        for region in deployed["regions"]:
            (line,) = (line for line in result.stdout.splitlines() if line.startswith(region))
            assert "ACTIVE" in line

    def test_status_as_json(self, deployed: dict[str, Any]) -> None:
        """The same as JSON."""
        found = json.loads(call("status", deployed["table"], "--json").stdout)
        assert (found["healthy"], found["differences"]) == (True, [])
        assert [one["region"] for one in found["regions"]] == deployed["regions"]

    def test_drift(self, deployed: dict[str, Any], client: Client) -> None:
        """What somebody changed behind our back is named with its Region, and the exit code is 1."""
        dynamodb, table = client("dynamodb", EU), deployed["table"]
        recovery = "PointInTimeRecoverySpecification"
        off: Any = {recovery: {"PointInTimeRecoveryEnabled": False}}
        dynamodb.update_continuous_backups(TableName=table, **off)
        result = call("status", table)
        on: Any = {recovery: {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35}}
        dynamodb.update_continuous_backups(TableName=table, **on)
        assert result.exit_code == 1
        assert f"{EU}: recovery is off, and should be 35 days" in result.stdout

    def test_validate(self, deployed: dict[str, Any]) -> None:
        """A validation prints the checks and the latency matrix on stdout."""
        result = call("run", "validate", "--table", deployed["table"])
        assert result.exit_code == 0, result.output
        assert "8 of 8 checks passed." in result.stdout
        assert "Latency of a put" in result.stdout
        assert "\x1b" not in result.output

    def test_detached(self, deployed: dict[str, Any]) -> None:
        """An execution that is not followed gives its ARN, by which it can be followed later."""
        started = call("run", "validate", "--table", deployed["table"], "--detach")
        assert started.exit_code == 0
        followed = call("follow", started.stdout.strip(), "--json")
        assert json.loads(followed.stdout)["passed"] == 8

    def test_down(self, deployed: dict[str, Any]) -> None:
        """The control stack stays while a table is deployed, and the refusal names the way out."""
        result = call("down")
        assert result.exit_code == 2
        assert f"run cleanup --table {deployed['table']} --confirm {deployed['table']}" in result.stderr


@pytest.fixture(scope="module")
def validations(product: Product, deployed: dict[str, Any]) -> list[str]:
    """ARNs of two validations, one after the other."""
    return [product.run("validate", {"table": deployed["table"]}).arn for _ in range(2)]


@pytest.fixture(scope="module")
def listed(deployed: dict[str, Any], validations: list[str]) -> list[dict[str, Any]]:
    """What is listed of the table, once the validations have ended."""
    assert len(validations) == 2
    found: dict[str, Any] = json.loads(call("audit", "--table", deployed["table"], "--json").stdout)
    return list(found["executions"])


@pytest.fixture(scope="module")
def provisioned(listed: list[dict[str, Any]]) -> str:
    """ARN of the provision of the table."""
    (arn,) = (one["execution"] for one in listed if one["workflow"] == "provision")
    return str(arn)


class TestAudited:
    """What the same executions look like afterwards."""

    def test_listing(self, deployed: dict[str, Any], listed: list[dict[str, Any]], validations: list[str]) -> None:
        """The table's executions over all workflows, the newest first, each with its verdict and who started it."""
        assert [one["execution"] for one in listed[:2]] == validations[::-1]
        assert {one["workflow"] for one in listed} >= {"provision", "add-region", "validate"}
        assert {one["starter"]["by"] for one in listed} == {"deploy.py", "parent execution"}
        (provisioned,) = (one for one in listed if one["workflow"] == "provision")
        assert provisioned["verdict"].startswith(f"provision of {deployed['table']} succeeded after ")
        assert provisioned["verdict"].endswith("8 of 8 checks passed.")

    def test_tree(self, deployed: dict[str, Any], provisioned: str) -> None:
        """A provision shows the steps of its children, in each Region, and what they changed."""
        result = call("audit", provisioned)
        assert (result.exit_code, result.stderr) == (0, "")
        lines = result.stdout.splitlines()
        assert lines[0].startswith(f"provision of {deployed['table']} succeeded after ")
        for region in deployed["regions"]:
            assert any("AddRegion" in line and f"runs add-region {region}" in line for line in lines)
        assert any("DescribeTable (replica)" in line and EU in line and "looks" in line for line in lines)
        assert any(line.split()[:4] == ["created", deployed["table"], HOME, "CreateTable"] for line in lines)

    def test_lines(self, provisioned: str) -> None:
        """JSON Lines tell each execution, step, attempt and change, down to the last child."""
        found = [json.loads(line) for line in call("audit", provisioned, "--jsonl", "-").stdout.splitlines()]
        workflows = {one["workflow"] for one in found if one["record"] == "execution"}
        assert workflows >= {"provision", "add-region", "validate"}
        assert {one["outcome"] for one in found if one["record"] == "step"} == {"SUCCEEDED"}
        changes = {(one["operation"], one["region"]) for one in found if one["record"] == "change"}
        assert {("CreateTable", HOME), ("CreateStream", HOME), ("CreateStream", EU)} <= changes
        assert all(one["request_id"] for one in found if one["record"] == "change")
        assert not any(one["unknown"] for one in found if one["record"] == "execution")

    def test_difference(self, validations: list[str]) -> None:
        """Two validations of the same table differ in no step, input or outcome."""
        found = json.loads(call("audit", "--diff", *validations, "--json").stdout)
        assert (found["inputs"], found["only_before"], found["only_after"]) == ([], [], [])
        assert not [pair for pair in found["whole"] if pair["name"] in ("outcome", "version", "table")]

    def test_last_good(self, validations: list[str]) -> None:
        """The last success before a validation is the validation before it."""
        found = json.loads(call("audit", validations[1], "--last-good", "--json").stdout)
        assert [found["before"], found["after"]] == validations

    def test_forgotten(self, product: Product) -> None:
        """What Step Functions has forgotten is told and listed from the archive."""
        table = f"nobody-{uuid4().hex[:8]}"
        arn = product.run("validate", {"table": table}).arn
        before = call("audit", arn).stdout
        assert call("run", "archive").exit_code == 0
        product.aws.forget_execution(arn)
        result = call("audit", arn)
        assert result.exit_code == 1
        told = [line for line in result.stdout.splitlines() if not line.startswith("read from  the archive")]
        assert told == before.splitlines()
        assert len(told) < len(result.stdout.splitlines())
        (row,) = json.loads(call("audit", "--table", table, "--json").stdout)["executions"]
        assert (row["execution"], row["source"][:5]) == (arn, "s3://")

    def test_page(self, provisioned: str, tmp_path: Path) -> None:
        """The page is written to a file, and the verdict to the terminal."""
        result = call("audit", provisioned, "--html", str(tmp_path / "page.html"))
        assert (result.exit_code, result.stdout) == (0, "")
        assert "<html" in (tmp_path / "page.html").read_text()[:200]
        assert "succeeded after" in result.stderr


def strays(client: Client, name: str) -> dict[tuple[str, str], Callable[[], object]]:
    """Make one resource of many kinds; give the kinds, and how to delete each."""
    kinesis, sqs, sns, ssm = client("kinesis", EU), client("sqs", EU), client("sns", EU), client("ssm", EU)
    logs, events, kms, s3 = client("logs", EU), client("events", EU), client("kms", EU), client("s3", EU)
    iam, alarms, schedules = client("iam", EU), client("cloudwatch", EU), client("scheduler", EU)
    principal = {"Service": "scheduler.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    kinesis.create_stream(StreamName=name, ShardCount=1)
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    ssm.put_parameter(Name=f"/{name}", Value="x", Type="String")
    logs.create_log_group(logGroupName=name)
    events.put_rule(Name=name, ScheduleExpression="rate(1 day)")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": EU})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    query = logs.put_query_definition(name=name, queryString="limit 1")["queryDefinitionId"]
    alarms.put_metric_alarm(AlarmName=name, ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1,
                            MetricName="x", Namespace="x", Period=60, Statistic="Sum", Threshold=0)  # fmt: skip
    alarms.put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')
    schedules.create_schedule_group(Name=name)
    target = {"Arn": f"arn:aws:states:{EU}:123456789012:stateMachine:any", "RoleArn": role}
    schedules.create_schedule(
        Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
    )
    return {
        ("kinesis", "stream"): lambda: kinesis.delete_stream(StreamName=name),
        ("sqs", "queue"): lambda: sqs.delete_queue(QueueUrl=queue),
        ("sns", "topic"): lambda: sns.delete_topic(TopicArn=topic),
        ("ssm", "parameter"): lambda: ssm.delete_parameter(Name=f"/{name}"),
        ("logs", "log group"): lambda: logs.delete_log_group(logGroupName=name),
        ("events", "rule"): lambda: events.delete_rule(Name=name),
        ("kms", "alias"): lambda: kms.delete_alias(AliasName=f"alias/{name}"),
        ("kms", "key"): lambda: None,  # a key takes seven days at least
        ("s3", "bucket"): lambda: s3.delete_bucket(Bucket=name),
        ("iam", "role"): lambda: iam.delete_role(RoleName=name),
        ("cloudwatch", "dashboard"): lambda: alarms.delete_dashboards(DashboardNames=[name]),
        ("cloudwatch", "alarm"): lambda: alarms.delete_alarms(AlarmNames=[name]),
        ("logs", "query"): lambda: logs.delete_query_definition(queryDefinitionId=query),
        ("scheduler", "schedule"): lambda: schedules.delete_schedule(Name=name),
        ("scheduler", "schedule group"): lambda: schedules.delete_schedule_group(Name=name),
    }


def test_inventory_sees_every_stray(product: Product, client: Client) -> None:
    """One stray resource of each kind is found, whatever made it, and no longer once it is gone."""
    before = inventory.take(product.session, [EU])
    made = strays(client, "stray-resource")
    found = inventory.difference(before, inventory.take(product.session, [EU]))
    assert {(one.service, one.kind) for one in found.left} == made.keys()
    for delete in made.values():
        delete()
    left = inventory.difference(before, inventory.take(product.session, [EU])).left
    assert {one.kind for one in left} <= {"key", "schedule group", "stream"}  # the last two are a while in going


@pytest.fixture
def started() -> Iterator[Callable[..., Process]]:
    """Give ``started(*arguments)``: the command line in a process of its own, which ends with the test."""
    processes: list[Process] = []

    def start(*arguments: str) -> Process:
        command = [sys.executable, "deploy.py", *arguments]
        pipe = subprocess.PIPE
        processes.append(subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True))  # noqa: S603
        return processes[-1]

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=WAIT_SECONDS)


def group(leader: int) -> list[int]:
    """Processes of the embedded AWS: itself and its functions."""
    found = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [int(pid) for pid, of in (line.split() for line in found.splitlines()) if int(of) == leader]


def child_of(parent: int) -> int:
    """The embedded AWS that a command started."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return next(int(pid) for pid, of in (line.split() for line in found.splitlines()) if int(of) == parent)


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_local(started: Callable[..., Process]) -> None:
    """The printed AWS CLI line starts an execution in the printed environment."""
    running = started("local", "--delay", "0")
    assert running.stdout
    assert running.stderr
    exports = dict(re.findall(r"export (\w+)=(\S+)", "".join(running.stdout.readline() for _ in range(6))))
    line = next(line for line in running.stderr if "start-execution" in line)
    environment = {"PATH": os.path.dirname(sys.executable) + ":/usr/bin:/bin", "HOME": "/", **exports}  # noqa: PTH120
    answer = subprocess.run(line, shell=True, env=environment, capture_output=True, text=True, check=True)  # noqa: S602
    described = f"aws stepfunctions describe-execution --execution-arn {json.loads(answer.stdout)['executionArn']}"
    found = subprocess.run(described, shell=True, env=environment, capture_output=True, text=True, check=True)  # noqa: S602
    assert json.loads(found.stdout)["status"] == "RUNNING"


def test_local_ends_with_its_aws(started: Callable[..., Process]) -> None:
    """Where the AWS on this machine dies, `local` does not go on as if it were there."""
    running = started("local", "--delay", "0")
    assert running.stdout
    running.stdout.readline()
    os.kill(child_of(running.pid), signal.SIGKILL)
    _, talk = running.communicate(timeout=WAIT_SECONDS)
    assert running.returncode == 2
    assert "The AWS on this machine has ended" in talk
    assert "Traceback" not in talk


def test_demo(started: Callable[..., Process]) -> None:
    """The demo passes every phase, leaves nothing, and prints the result as one JSON document."""
    whole = started("demo", "--json")
    out, talk = whole.communicate()
    assert whole.returncode == 0, talk
    found = json.loads(out)
    assert found["ok"]
    assert (found["left"], found["missing"], found["unknown"]) == ([], [], [])
    assert found["validation"]["passed"] == 18 + 3 * 4
    assert found["status"]["healthy"]
    assert len(found["seconds"]) == 8
    traffic = found["traffic"]
    assert traffic["ok"]
    assert traffic["events"] == traffic["different_events"] == traffic["events_expected"] > 0
    for region in traffic["regions"].values():
        assert region["records"] >= traffic["writes"]
        assert sum(seen for seen, _ in region["metrics"].values()) > 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_killed_demo(started: Callable[..., Process], number: signal.Signals, code: int) -> None:
    """A demo that is ended in the middle of provisioning leaves no process behind."""
    whole = started("demo")
    assert whole.stderr
    next(line for line in whole.stderr if "ValidateRequest" in line)
    server = child_of(whole.pid)
    until(lambda: len(group(server)) > 3)  # a function runs, beside the server and what it is forked from
    whole.send_signal(number)
    _, talk = whole.communicate(timeout=WAIT_SECONDS)
    assert whole.returncode == code
    assert "Traceback" not in talk
    until(lambda: not group(server))
