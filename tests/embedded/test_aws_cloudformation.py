"""Stacks of the embedded AWS: change sets, updates in place, retained versions, roll-back."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.embedded.aws_calls import Client, finished, until, zipped

Resources = dict[str, dict[str, Any]]
KEEP = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def code(client: Client, answer: str) -> dict[str, str]:
    """Bucket and key of a zip whose function answers ``answer``."""
    body = zipped(answering=f"def handle(event, context):\n    return {answer!r}\n")
    s3, bucket = client("s3"), "stack-code"
    s3.create_bucket(Bucket=bucket)
    key = f"code/{hashlib.sha256(body).hexdigest()}.zip"
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return {"S3Bucket": bucket, "S3Key": key}


def role(service: str, *actions: str) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    policies = [{"PolicyName": "tasks", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}]
    properties = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}, "Policies": policies}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def template(client: Client, answer: str, **more: Any) -> Resources:
    """A function, its version, and a machine that calls the version; like a control stack, but small."""
    at = code(client, answer)
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Task", "Resource": "${Answer}", "End": True}}}
    return {
        "FunctionRole": role("lambda", "logs:PutLogEvents"),
        "MachineRole": role("states", "lambda:InvokeFunction"),
        "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "answering.handle",
                "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
                "Code": at,
                "LoggingConfig": {"LogGroup": {"Ref": "Group"}, "LogFormat": "JSON"},
            },
        },
        "Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}, "Description": at["S3Key"]},
            **KEEP,
        },
        "Machine": {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
                "Definition": definition,
                "DefinitionSubstitutions": {"Answer": {"Ref": "Version"}},
                "LoggingConfiguration": {"Level": "OFF"},
                "Tags": [{"Key": "answer", "Value": answer}],
            },
        },
        "MachineVersion": {
            "Type": "AWS::StepFunctions::StateMachineVersion",
            "Properties": {
                "StateMachineArn": {"Ref": "Machine"},
                "StateMachineRevisionId": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
            },
            **KEEP,
        },
        "Alias": {
            "Type": "AWS::StepFunctions::StateMachineAlias",
            "Properties": {
                "Name": "live",
                "RoutingConfiguration": [{"StateMachineVersionArn": {"Ref": "MachineVersion"}, "Weight": 100}],
            },
        },
        **more,
    }


def apply(client: Client, name: str, resources: Resources, kind: str) -> dict[str, Any]:
    """Create or update a stack by a change set; its description when done, and its events on failure."""
    stacks = client("cloudformation")
    change = f"change-{uuid4().hex[:8]}"
    outputs = {each: {"Value": {"Ref": each}} for each in ("Version", "Machine", "MachineVersion", "Alias")}
    body = {"Resources": resources, "Outputs": {key: value for key, value in outputs.items() if key in resources}}
    stacks.create_change_set(
        StackName=name,
        ChangeSetName=change,
        ChangeSetType=kind,
        TemplateBody=json.dumps(body),
        Capabilities=["CAPABILITY_IAM"],
    )
    until(lambda: stacks.describe_change_set(StackName=name, ChangeSetName=change)["Status"], "CREATE_COMPLETE")
    stacks.execute_change_set(StackName=name, ChangeSetName=change)
    until(lambda: _described(client, name)["StackStatus"].endswith("_IN_PROGRESS"), False, 20)
    return _described(client, name)


def _described(client: Client, name: str) -> dict[str, Any]:
    return dict(client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])


def outputs(description: dict[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}


@pytest.fixture
def stack() -> str:
    return f"stack-{uuid4().hex[:8]}"


def answers(client: Client, function: str) -> Any:
    return json.load(client("lambda").invoke(FunctionName=function)["Payload"])


def runs(client: Client, machine: str) -> Any:
    execution = client("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    return json.loads(finished(client, execution)["output"])


def test_new_code_makes_a_new_version_and_keeps_the_old(client: Client, stack: str) -> None:
    """An update with new code gives version 2; version 1 stays, runs the old code, and so does what calls it."""
    created = apply(client, stack, template(client, "old"), "CREATE")
    assert created["StackStatus"] == "CREATE_COMPLETE", created
    before = outputs(created)
    updated = apply(client, stack, template(client, "new"), "UPDATE")
    assert updated["StackStatus"] == "UPDATE_COMPLETE", updated
    after = outputs(updated)
    assert (before["Version"].rpartition(":")[2], after["Version"].rpartition(":")[2]) == ("1", "2")
    assert before["Machine"] == after["Machine"]
    assert [answers(client, each["Version"]) for each in (before, after)] == ["old", "new"]
    assert (before["MachineVersion"], after["MachineVersion"]) == (f"{after['Machine']}:1", f"{after['Machine']}:2")
    assert [runs(client, each["MachineVersion"]) for each in (before, after)] == ["old", "new"]
    assert runs(client, after["Alias"]) == "new"
    tags = client("stepfunctions").list_tags_for_resource(resourceArn=after["Machine"])["tags"]
    assert {"key": "answer", "value": "new"} in tags


def test_the_same_code_makes_no_new_version(client: Client, stack: str) -> None:
    """An update that changes something else leaves versions as they are."""
    before = outputs(apply(client, stack, template(client, "same"), "CREATE"))
    resources = template(client, "same", Topic={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "new"}})
    updated = apply(client, stack, resources, "UPDATE")
    assert updated["StackStatus"] == "UPDATE_COMPLETE"
    assert outputs(updated) == before


def test_a_version_that_is_not_retained_goes(client: Client, stack: str) -> None:
    """Without an UpdateReplacePolicy the replaced version is deleted."""

    def resources(answer: str) -> Resources:
        made = template(client, answer)
        return made | {"MachineVersion": {key: made["MachineVersion"][key] for key in ("Type", "Properties")}}

    before = outputs(apply(client, stack, resources("one"), "CREATE"))
    after = outputs(apply(client, stack, resources("two"), "UPDATE"))
    listed = client("stepfunctions").list_state_machine_versions(stateMachineArn=before["Machine"])
    assert [each["stateMachineVersionArn"] for each in listed["stateMachineVersions"]] == [after["MachineVersion"]]


def test_deleting_a_stack_deletes_its_machine(client: Client, stack: str) -> None:
    """A deleted stack leaves no state machine and no function."""
    made = outputs(apply(client, stack, template(client, "gone"), "CREATE"))
    client("cloudformation").delete_stack(StackName=stack)
    states = client("stepfunctions")

    def listed() -> Any:
        return [each["stateMachineArn"] for each in states.list_state_machines()["stateMachines"]]

    until(lambda: made["Machine"] in listed(), False)
    functions = client("lambda").list_functions()["Functions"]
    assert made["Version"].rpartition(":")[0] not in [function["FunctionArn"] for function in functions]


def test_a_wrong_definition_rolls_the_stack_back(client: Client, stack: str) -> None:
    """A state machine that AWS would refuse fails its stack, with the reason."""
    resources = template(client, "never")
    resources["Machine"]["Properties"]["Definition"] = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}
    assert apply(client, stack, resources, "CREATE")["StackStatus"] == "ROLLBACK_COMPLETE"
    events = client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    reasons = [event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert any("Missing 'Next' target: B" in reason for reason in reasons)


def test_missing_code_rolls_the_stack_back(client: Client, stack: str) -> None:
    """A function whose zip is not in the bucket fails its stack."""
    resources = template(client, "never")
    resources["Function"]["Properties"]["Code"]["S3Key"] = "code/absent.zip"
    assert apply(client, stack, resources, "CREATE")["StackStatus"] == "ROLLBACK_COMPLETE"


def test_failed_executions_reach_a_topic(client: Client, stack: str) -> None:
    """A rule in a stack sends failed executions to its topic, whose policy lets EventBridge publish."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
    }
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"], "stateMachineArn": [{"Ref": "Machine"}]}}
    resources = template(
        client,
        "unused",
        Topic={"Type": "AWS::SNS::Topic"},
        TopicPolicy={
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Statement": [allowed]}},
        },
        Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": stack}},
        QueuePolicy={
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Queue"}],
                "PolicyDocument": {
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "sns.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                        }
                    ]
                },
            },
        },
        Subscription={
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
            },
        },
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": pattern, "Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}}]},
        },
    )
    failing = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Own.Error", "Cause": "why"}}}
    resources["Machine"]["Properties"] |= {"Definition": failing}
    made = apply(client, stack, resources, "CREATE")
    assert made["StackStatus"] == "CREATE_COMPLETE"
    execution = client("stepfunctions").start_execution(stateMachineArn=outputs(made)["Machine"])["executionArn"]
    url = client("sqs").get_queue_url(QueueName=stack)["QueueUrl"]
    [message] = client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    event = json.loads(json.loads(message["Body"])["Message"])
    assert (event["detail"]["executionArn"], event["detail"]["error"]) == (execution, "Own.Error")


def test_two_regions_may_have_the_same_stack(client: Client, stack: str) -> None:
    """Roles belong to the account: a stack of the same name in another Region makes its own."""
    made = []
    for region in ("us-east-1", "eu-west-1"):
        cloudformation = client("cloudformation", region)
        body = json.dumps({"Resources": {"Role": role("lambda", "logs:PutLogEvents")}})
        cloudformation.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
        found = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId="Role")
        made.append(found["StackResourceDetail"]["PhysicalResourceId"])

    assert len(set(made)) == 2
