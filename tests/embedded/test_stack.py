"""The control stack on the embedded AWS: made, updated, failed, pruned, removed, by whom, and heard of."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from typer.testing import CliRunner

import deploy
from meridian import bundle, inventory, template, versions
from meridian.artifacts import Artifacts
from meridian.session import Session
from meridian.stack import ChangeSet, Stack, StackFailed
from tasks.shared.task import STARTED_BY
from tests.embedded.aws_calls import finished, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from meridian.bundle import Bundle
    from meridian.embedded import EmbeddedAws
    from tests.embedded.aws_calls import Client

ACCOUNT, HOME = "123456789012", "ca-central-1"
FUNCTION = "meridian-describe-stream"
TEMPLATE = json.dumps(template.control_template())


class Control:
    """The control stack in a home Region of its own, through clients that may be anybody's."""

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self.client = client
        self.stack = Stack(client("cloudformation", HOME), "meridian", poll_seconds=0.05)
        self.artifacts = Artifacts(client("s3", HOME), ACCOUNT, HOME)

    def plan(self, code: Bundle, text: str = TEMPLATE, **parameters: str) -> ChangeSet:
        self.artifacts.ensure()
        self.artifacts.upload(code)
        given = {"ArtifactBucket": self.artifacts.bucket, "CodeSha256": code.sha256, **parameters}
        return self.stack.plan(self.artifacts.upload_template(text), given)

    def up(self, code: Bundle, text: str = TEMPLATE, **parameters: str) -> None:
        for _ in self.stack.apply(self.plan(code, text, **parameters)):
            pass

    def down(self) -> None:
        for _ in self.stack.delete():
            pass
        self.artifacts.delete()

    def prune(self) -> tuple[str, ...]:
        return versions.prune(self.stack, self.client("lambda", HOME), self.client("stepfunctions", HOME))

    def published(self) -> list[str]:
        """Versions of one function, oldest first."""
        found = self.client("lambda", HOME).list_versions_by_function(FunctionName=FUNCTION)["Versions"]
        return [one["Version"] for one in found if one["Version"] != "$LATEST"]

    def called(self, workflow: str) -> set[str]:
        """Versions of functions and state machines that a state machine calls."""
        arn = self.stack.outputs[f"{workflow}StateMachineArn"]
        definition = self.client("stepfunctions", HOME).describe_state_machine(stateMachineArn=arn)["definition"]
        return {arn.rpartition(":")[2] for arn in versions.VERSION_ARN.findall(definition)}


@pytest.fixture
def control(client: Client) -> Iterator[Control]:
    control = Control(client)
    yield control
    control.down()


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return bundle.build(tmp_path_factory.mktemp("code") / "code.zip")


@pytest.fixture(scope="module")
def new_code(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Another bundle, of a checkout in which one task has one more line."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(bundle.ROOT / "tasks", root / "tasks")
    shutil.copytree(bundle.ROOT / "definitions", root / "definitions")
    with (root / "tasks/describe_stream.py").open("a") as task:
        task.write("# one more line\n")
    return bundle.build(root / "code.zip", root)


def changed(change: Callable[[dict[str, Any]], None]) -> str:
    """The template with its resources changed."""
    document = json.loads(TEMPLATE)
    change(document["Resources"])
    return json.dumps(document)


def test_the_first_plan_adds_everything(control: Control, code: Bundle) -> None:
    """Nothing but additions, and nothing is made until it is applied."""
    planned = control.plan(code)
    assert {one.action for one in planned.changes} == {"Add"}
    assert control.client("lambda", HOME).list_functions()["Functions"] == []
    control.stack.discard(planned)
    assert control.stack.status is None


def test_what_is_made_calls_versions(control: Control, code: Bundle) -> None:
    """State machines call version 1 of functions and of each other, never what may still change."""
    control.up(code)
    assert control.stack.status == "CREATE_COMPLETE"
    assert control.published() == ["1"]
    assert control.called("Provision") == {"1"}


def test_the_same_again_is_an_empty_plan(control: Control, code: Bundle) -> None:
    """With the same code and template there is nothing to do, and no change set remains."""
    control.up(code)
    assert control.plan(code).empty
    sets = control.client("cloudformation", HOME).list_change_sets(StackName="meridian")["Summaries"]
    assert [one for one in sets if one["ExecutionStatus"] == "AVAILABLE"] == []


def test_new_code_leaves_the_old_version(control: Control, code: Bundle, new_code: Bundle) -> None:
    """Version 2 is what new executions call; version 1 stays, with its own code, for those that run."""
    control.up(code)
    control.up(code=new_code)
    functions = control.client("lambda", HOME)
    hashes = {number: functions.get_function(FunctionName=FUNCTION, Qualifier=number) for number in ("1", "2")}
    assert hashes["1"]["Configuration"]["CodeSha256"] != hashes["2"]["Configuration"]["CodeSha256"]
    assert control.called("Provision") == {"2"}


def test_an_email_address_is_kept_by_the_next_update(control: Control, code: Bundle, new_code: Bundle) -> None:
    """A parameter that is given once holds until it is given anew."""
    control.up(code, AlertEmail="ops@example.com")
    control.up(new_code)
    topic = control.stack.outputs["FailureTopicArn"]
    (subscription,) = control.client("sns", HOME).list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["Endpoint"] == "ops@example.com"


def test_a_new_permission_needs_no_new_version(control: Control, code: Bundle) -> None:
    """Lambda would refuse to publish an unchanged function; the update must not ask for it."""

    def allow_more(resources: dict[str, Any]) -> None:
        (policy,) = resources["DescribeStreamFunctionRole"]["Properties"]["Policies"]
        policy["PolicyDocument"]["Statement"][0]["Action"].append("kinesis:ListShards")

    control.up(code)
    control.up(code, changed(allow_more))
    assert control.stack.status == "UPDATE_COMPLETE"
    assert control.published() == ["1"]


def break_definition(resources: dict[str, Any]) -> None:
    properties = resources["ProvisionStateMachine"]["Properties"]
    properties["DefinitionString"] = properties["DefinitionString"].replace('"StartAt": "', '"StartAt": "No', 1)


def test_a_failed_update_gives_the_services_reason(control: Control, code: Bundle, new_code: Bundle) -> None:
    """The words of Step Functions reach the person, and everything is as it was before."""
    control.up(code)
    with pytest.raises(StackFailed, match=r"ProvisionStateMachine.*MISSING_TRANSITION_TARGET.*All is as it was before"):
        control.up(new_code, changed(break_definition))
    assert control.called("Provision") == {"1"}


def test_an_update_that_failed_can_be_tried_again(control: Control, code: Bundle, new_code: Bundle) -> None:
    """The versions that the failed update published do not make Lambda refuse those of the next."""
    control.up(code)
    with pytest.raises(StackFailed):
        control.up(new_code, changed(break_definition))
    assert control.published() == ["1"]
    control.up(new_code)
    assert control.stack.status == "UPDATE_COMPLETE"


def test_a_failed_creation_can_be_tried_again(control: Control, code: Bundle) -> None:
    """The stack that rolled back is removed by the next plan."""
    with pytest.raises(StackFailed, match="Nothing is installed"):
        control.up(code, changed(break_definition))
    assert control.stack.status == "ROLLBACK_COMPLETE"
    control.up(code)
    assert control.stack.status == "CREATE_COMPLETE"


def test_pruning_leaves_what_the_stack_calls(control: Control, code: Bundle, new_code: Bundle) -> None:
    """With nothing running the versions before go, and the stack is still as planned."""
    control.up(code)
    assert control.prune() == ()
    control.up(new_code)
    gone = control.prune()
    assert f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:{FUNCTION}:1" in gone
    assert control.published() == ["2"]
    assert control.plan(new_code).empty


def test_a_failed_execution_keeps_its_versions(control: Control, code: Bundle, new_code: Bundle) -> None:
    """It could be redriven, and would then call what it called before."""
    control.up(code)
    machine = control.stack.outputs["ProvisionStateMachineArn"]
    started = control.client("stepfunctions", HOME).start_execution(stateMachineArn=machine, input="{}")
    assert finished(lambda service: control.client(service, HOME), started["executionArn"])["status"] == "FAILED"
    control.up(new_code)
    gone = control.prune()
    assert f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:meridian-validate-request:1" not in gone
    assert f"arn:aws:lambda:{HOME}:{ACCOUNT}:function:meridian-confirm-cleanup:1" in gone


def test_nothing_is_left(embedded: EmbeddedAws, client: Client, code: Bundle, new_code: Bundle) -> None:
    """After two versions and the removal every service lists what it listed before."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in embedded.environment.items():
            environment.setenv(name, value)
        session = Session(endpoint_url=embedded.endpoint_url, region=HOME)
        before = inventory.take(session, [HOME])
        control = Control(client)
        control.up(code)
        control.up(new_code)
        control.down()
        left = inventory.difference(before, inventory.take(session, [HOME]))
    assert [str(one) for one in left.left if one.region == HOME or "meridian" in one.name] == []


def policy_of(who: str) -> str:
    """The policy that docs/iam.md gives to one of its readers, for this account and Region."""
    found = re.search(rf"```json {who}\n(.*?)```", template.IAM_PAGE.read_text(), re.DOTALL)
    assert found
    return found[1].replace("111122223333", ACCOUNT).replace("us-east-1", HOME)


@pytest.fixture
def session_of(client: Client) -> Iterator[Callable[[str], boto3.Session]]:
    """Give ``session_of(who)``: credentials that may do what docs/iam.md gives that reader, and no more."""
    name = "test-stack-reader"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]

    def become(who: str) -> boto3.Session:
        client("iam").put_role_policy(RoleName=name, PolicyName="reader", PolicyDocument=policy_of(who))
        given = client("sts").assume_role(RoleArn=role, RoleSessionName=who)["Credentials"]
        return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    yield become
    client("iam").delete_role_policy(RoleName=name, PolicyName="reader")
    client("iam").delete_role(RoleName=name)


@pytest.fixture
def acting_as(
    embedded: EmbeddedAws, session_of: Callable[[str], boto3.Session]
) -> Callable[[str], Callable[[str, str], Any]]:
    """Give ``acting_as(who)``: clients of that reader."""

    def become(who: str) -> Callable[[str, str], Any]:
        session = session_of(who)
        return lambda service, region: session.client(  # type: ignore[call-overload]  # a variable
            service, region_name=region, endpoint_url=embedded.endpoint_url
        )

    return become


def test_the_installers_policy_is_enough(
    acting_as: Callable[[str], Callable[[str, str], Any]], code: Bundle, new_code: Bundle
) -> None:
    """With what docs/iam.md asks for and no more, the stack is made, updated and removed."""
    installer = Control(acting_as("installer"))
    installer.up(code)
    installer.up(new_code)
    installer.down()
    assert installer.stack.status is None


def test_the_operators_policy_starts_and_follows_but_does_not_install(
    control: Control, acting_as: Callable[[str], Callable[[str, str], Any]], code: Bundle
) -> None:
    """An operator runs workflows and reads their history; the stack is not theirs to change."""
    control.up(code)
    operator = acting_as("operator")
    states = operator("stepfunctions", HOME)
    started = states.start_execution(stateMachineArn=control.stack.outputs["ProvisionStateMachineArn"], input="{}")
    finished(lambda service: operator(service, HOME), started["executionArn"])
    assert states.get_execution_history(executionArn=started["executionArn"])["events"]
    with pytest.raises(operator("cloudformation", HOME).exceptions.ClientError, match="AccessDenied"):
        Control(operator).stack.plan("https://example.com/t.json", {})


def test_the_auditors_policy_reads_and_starts_nothing(
    control: Control,
    embedded: EmbeddedAws,
    session_of: Callable[[str], boto3.Session],
    code: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An auditor audits an execution, lists a table's and verifies the archive, and may start none."""
    control.up(code)
    failed, archived = (_ended(control, workflow) for workflow in ("Provision", "Archive"))
    given = session_of("auditor").get_credentials()
    assert given
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", given.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", given.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", str(given.token))
    runner, here = CliRunner(), ["--region", HOME, "--endpoint-url", embedded.endpoint_url]
    for asked, expected in (([failed], 1), ([archived], 0), (["--table", "orders"], 0), (["--verify"], 0)):
        result = runner.invoke(deploy.app, ["audit", *asked, *here])
        assert result.exit_code == expected, result.output
    refused = runner.invoke(deploy.app, ["run", "validate", "--table", "orders", *here])
    assert refused.exit_code == 2
    assert "states:StartExecution" in refused.stderr


def _ended(control: Control, workflow: str) -> str:
    machine = control.stack.outputs[f"{workflow}StateMachineArn"]
    started = control.client("stepfunctions", HOME).start_execution(stateMachineArn=machine, input="{}")
    finished(lambda service: control.client(service, HOME), started["executionArn"])
    return str(started["executionArn"])


@pytest.fixture
def heard(control: Control, client: Client, code: Bundle) -> Iterator[Callable[[], list[str]]]:
    """Give ``heard()``: the messages that came to the failure topic since the last call."""
    control.up(code)
    queues = client("sqs", HOME)
    arn = f"arn:aws:sqs:{HOME}:{ACCOUNT}:heard"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue = queues.create_queue(QueueName="heard", Attributes={"Policy": policy})["QueueUrl"]
    client("sns", HOME).subscribe(TopicArn=control.stack.outputs["FailureTopicArn"], Protocol="sqs", Endpoint=arn)

    def receive() -> list[str]:
        found = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            queues.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"])["Message"] for message in found]

    yield receive
    queues.delete_queue(QueueUrl=queue)


def test_a_failure_is_told_once(control: Control, heard: Callable[[], list[str]]) -> None:
    """A failed execution is told with its name, its status and how to find out more; a child's is not told as well."""
    states = control.client("stepfunctions", HOME)
    machine = control.stack.outputs["ProvisionStateMachineArn"]
    for name, given in (("child", {STARTED_BY: "arn:parent"}), ("parent", {})):
        started = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))["executionArn"]
        finished(lambda service: control.client(service, HOME), started)
    messages: list[str] = []

    def told() -> bool:
        messages.extend(heard())
        return bool(messages)

    until(told, wanted=True)
    (message,) = [*messages, *heard()]
    assert "Meridian: parent ended FAILED. Error: RequestInvalid" in message
    assert f"python deploy.py follow {started}" in message
