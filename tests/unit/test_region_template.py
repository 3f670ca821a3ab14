"""The region stack's template: what it holds, whom it lets do what, and in which order it comes and goes."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

from meridian import processor_roles, region_functions, region_template, stack_role
from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESSORS = list(region_functions.PROCESSORS)

# What CloudFormation's resource types call to make, change, tag and delete a resource: the handlers' permissions in
# their schemas, for the properties that the template sets.
CALLED = {
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DeleteAlarms cloudwatch:DescribeAlarms",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable dynamodb:DeleteTable dynamodb:DescribeContinuousBackups "
    "dynamodb:DescribeContributorInsights dynamodb:DescribeKinesisStreamingDestination dynamodb:DescribeTable "
    "dynamodb:DescribeTimeToLive dynamodb:ListTagsOfResource dynamodb:TagResource dynamodb:UntagResource "
    "dynamodb:UpdateTable dynamodb:UpdateTimeToLive",
    "AWS::Events::EventBus": "events:CreateEventBus events:DeleteEventBus events:DescribeEventBus "
    "events:ListTagsForResource events:TagResource events:UntagResource",
    "AWS::Events::Rule": "events:DeleteRule events:DescribeRule events:ListTargetsByRule events:PutRule "
    "events:PutTargets events:RemoveTargets",
    "AWS::IAM::Role": "iam:CreateRole iam:DeleteRole iam:DeleteRolePolicy iam:GetRole iam:GetRolePolicy "
    "iam:ListAttachedRolePolicies iam:ListRolePolicies iam:PutRolePermissionsBoundary iam:PutRolePolicy iam:TagRole "
    "iam:UntagRole iam:UpdateAssumeRolePolicy iam:UpdateRole iam:UpdateRoleDescription",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping lambda:DeleteEventSourceMapping "
    "lambda:GetEventSourceMapping lambda:TagResource lambda:UntagResource lambda:UpdateEventSourceMapping",
    "AWS::Lambda::Function": "iam:PassRole lambda:CreateFunction lambda:DeleteFunction lambda:GetFunction "
    "lambda:GetFunctionCodeSigningConfig lambda:GetRuntimeManagementConfig lambda:ListTags lambda:TagResource "
    "lambda:UntagResource lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration s3:GetObject",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup logs:DeleteLogGroup logs:DeleteRetentionPolicy logs:DescribeLogGroups "
    "logs:GetDataProtectionPolicy logs:ListTagsForResource logs:PutRetentionPolicy logs:TagResource "
    "logs:UntagResource",
    "AWS::SNS::Subscription": "sns:GetSubscriptionAttributes sns:Subscribe sns:Unsubscribe",
    "AWS::SNS::Topic": "sns:CreateTopic sns:DeleteTopic sns:GetDataProtectionPolicy sns:GetTopicAttributes "
    "sns:ListSubscriptionsByTopic sns:ListTagsForResource sns:SetTopicAttributes sns:TagResource sns:UntagResource",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue sqs:DeleteQueue sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListQueueTags "
    "sqs:SetQueueAttributes sqs:TagQueue sqs:UntagQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
}
TAKES_NO_TAGS = {
    *("AWS::Events::Rule", "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"),
}


@cache
def built() -> dict[str, Any]:
    return region_template.region_template()


def resources(kind: str = "") -> dict[str, Any]:
    return {name: one for name, one in built()["Resources"].items() if kind in ("", one["Type"])}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = built()["Resources"][name]["Properties"]
    return found


def walked(value: Any) -> Iterator[Any]:
    yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walked(inner)


def references(value: Any) -> set[str]:
    """Logical ids and parameters that ``Ref``, ``Fn::GetAtt`` and ``Fn::Sub`` name."""
    found = set()
    for inner in walked(value):
        if isinstance(inner, dict) and len(inner) == 1:
            ((function, argument),) = inner.items()
            if function == "Ref":
                found.add(argument)
            elif function == "Fn::GetAtt":
                found.add(argument[0])
            elif function == "Fn::Sub":
                found |= set(re.findall(r"\$\{([\w:]+)[.}]", argument))
    return {name for name in found if not name.startswith("AWS::")}


def conditions(value: Any) -> set[str]:
    """Conditions that a resource or another condition names."""
    named = {
        one["Condition"] for one in walked(value) if isinstance(one, dict) and isinstance(one.get("Condition"), str)
    }
    return named | {one["Fn::If"][0] for one in walked(value) if isinstance(one, dict) and "Fn::If" in one}


def statements(role: str) -> list[dict[str, Any]]:
    """Every statement that a role may have, whatever the parameters are."""
    return [one for one in walked(properties(role)["Policies"]) if isinstance(one, dict) and "Effect" in one]


def test_what_is_checked_in_is_what_is_generated() -> None:
    """The zip carries the template that this code writes."""
    assert region_template.main(["--check"]) == 0


def test_check_names_what_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With another content on disk the check names the file and writes nothing; without the check it is written."""
    stale = tmp_path / "region.template.json"
    stale.write_text("old")
    monkeypatch.setattr(region_template, "ROOT", tmp_path)
    monkeypatch.setattr(region_template, "TEMPLATE", stale)
    assert region_template.main(["--check"]) == 1
    assert "region.template.json" in capsys.readouterr().err
    assert stale.read_text() == "old"
    assert region_template.main([]) == 0
    assert stale.read_text() == region_template.document()


def test_it_keeps_cloudformations_limits() -> None:
    """At most 500 resources, 200 parameters, 200 outputs, 1 MB and 1,024 bytes of description, and no null anywhere."""
    document = built()
    assert len(document["Resources"]) <= 500
    assert len(document["Parameters"]) <= 200
    assert len(document["Outputs"]) <= 200
    assert region_template.TEMPLATE.stat().st_size < 1_000_000
    assert len(document["Description"].encode()) <= 1024
    assert None not in list(walked(document))


def test_every_reference_leads_somewhere() -> None:
    """Nothing refers to a resource, parameter or condition that is not there, and no parameter is left over."""
    document = built()
    assert references(document) <= {*document["Resources"], *document["Parameters"]}
    assert set(document["Parameters"]) <= references(document)
    assert conditions([document["Resources"], document["Conditions"], document["Outputs"]]) <= {*document["Conditions"]}


def test_no_reference_leads_to_what_is_not_made() -> None:
    """A resource refers only to resources that stand on its own condition, on none, or on one that it asks about."""
    implied = {"MakesEventBus": {"HasChanges"}, "HasAlarmEmail": {"HasAlarms"}}
    for name, one in resources().items():
        own = one.get("Condition", "")
        holds = {own, *implied.get(own, ()), own.replace("HasAlarmsOn", "Has"), "HasAlarms" if "Alarm" in own else ""}
        asked = conditions(one["Properties"])
        for other in references(one) & set(resources()):
            needed = resources()[other].get("Condition", "")
            assert needed in holds | asked, f"{name} refers to {other}, which is made where {needed}"


def test_mappings_come_last_and_go_first() -> None:
    """A mapping refers to its function, the function to its role, its log and what it writes to."""
    for name in PROCESSORS:
        assert f"{name}Function" in references(properties(f"{name}Mapping"))
        assert {f"{name}Role", "ProcessorsLogGroup"} <= references(properties(f"{name}Function"))
        users = {other for other, one in resources().items() if f"{name}Mapping" in references(one)}
        assert all(resources()[other]["Type"] == "AWS::CloudWatch::Alarm" for other in users)
    assert "EventBus" in references(properties("ChangesFunction"))
    assert "DeduplicationTable" in references(properties("AnalyticsFunction"))
    assert built()["Resources"]["ChangesMapping"]["DependsOn"] == ["ProbeRule", "ProbeQueuePolicy"]


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_mapping_says_all_that_lambda_lets_it_say(name: str) -> None:
    """Every member that streams have is there, by the name that Lambda's API has for it."""
    shape: Any = botocore.session.get_session().get_service_model("lambda").shape_for("CreateEventSourceMappingRequest")
    # Those of queues, Kafka and DocumentDB, and what is left as it is by default: enabled, and not encrypted.
    others = {
        *("Enabled", "KMSKeyArn", "StartingPositionTimestamp"),
        *("ScalingConfig", "ProvisionedPollerConfig", "LoggingConfig", "Topics", "Queues"),
        *("SourceAccessConfigurations", "SelfManagedEventSource", "DocumentDBEventSourceConfig"),
        *("AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"),
    }
    assert set(properties(f"{name}Mapping")) == set(shape.members) - others


def test_a_filter_reads_kinesis_inside_the_record() -> None:
    """In a Kinesis record DynamoDB's lies under `data`; a pattern that is not given is no filter."""
    criteria = properties("ChangesMapping")["FilterCriteria"]["Fn::If"]
    assert (criteria[0], criteria[2]) == ("HasFilterPattern1", {"Ref": "AWS::NoValue"})
    for number, one in enumerate(criteria[1]["Filters"], 1):
        condition, made, otherwise = one["Fn::If"]
        assert (condition, otherwise) == (f"HasFilterPattern{number}", {"Ref": "AWS::NoValue"})
        reads_kinesis, inside, plain = made["Pattern"]["Fn::If"]
        assert reads_kinesis == "ChangesReadsKinesis"
        assert inside == {"Fn::Sub": f'{{"data": ${{FilterPattern{number}}}}}'}
        assert plain == {"Ref": f"FilterPattern{number}"}


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_function_is_told_what_it_needs(name: str) -> None:
    """Where its configuration lies and what it writes to; and what it logs is JSON, in the table's own group."""
    own = {"Changes": "EVENT_BUS", "Analytics": "DEDUPLICATION_TABLE", "Replicator": "MARKS_TABLE"}[name]
    function = properties(f"{name}Function")
    variables = function["Environment"]["Variables"]
    assert set(variables) == {"TABLE", "CONFIG_BUCKET", "CONFIG_KEY", "POWERTOOLS_SERVICE_NAME", own}
    assert function["Handler"] == f"processors.{name.lower()}.{name.lower()}"
    assert function["LoggingConfig"] == {"LogGroup": {"Ref": "ProcessorsLogGroup"}, "LogFormat": "JSON"}
    assert "DeadLetterConfig" not in function  # a stream's failures go to the mapping's destination
    assert len(function["Description"]) <= 256


def test_everything_that_takes_tags_has_the_tables() -> None:
    """What the stack makes is known for Meridian's, and for which table's."""
    tag = [{"Key": names.OWNERSHIP_TAG, "Value": {"Ref": "Table"}}]
    for name, one in resources().items():
        assert one["Properties"].get("Tags") == (None if one["Type"] in TAKES_NO_TAGS else tag), name


def test_the_outputs_tell_what_runs() -> None:
    """Whoever looks after a Region sees the revision, the code and the configuration it has."""
    outputs = built()["Outputs"]
    assert {"Revision", "CodeSha256", "ConfigSha256", "QueueUrl"} <= set(outputs)
    assert {f"{name}Function" for name in PROCESSORS} <= set(outputs)
    assert all(outputs[f"{name}Function"]["Condition"] == f"Has{name}" for name in PROCESSORS)


def test_only_the_probe_rule_may_send_to_the_queue() -> None:
    """The queue's policy has one statement, for EventBridge on behalf of that rule."""
    (statement,) = properties("ProbeQueuePolicy")["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ProbeRule", "Arn"]}}}
    assert properties("ProbeQueue")["SqsManagedSseEnabled"] is True


def test_counted_changes_are_forgotten() -> None:
    """Marks carry their end, and the table is paid by use."""
    table = properties("DeduplicationTable")
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


# ---------------------------------------------------------------------------------------------------------- permissions

# Where IAM knows no resource; the namespace bounds the metrics.
NO_RESOURCE = {"cloudwatch:PutMetricData", "kinesis:ListStreams"}


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_processor_may_do_nothing_everywhere(name: str) -> None:
    """No action holds a wildcard, and "*" as resource goes only with actions that know none."""
    for statement in statements(f"{name}Role"):
        assert not [action for action in statement["Action"] if "*" in action]
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= NO_RESOURCE
        if "cloudwatch:PutMetricData" in statement["Action"]:
            assert statement["Condition"]["StringEquals"]["cloudwatch:namespace"] == [
                {"Ref": "Namespace"},
                processor_roles.PROBES_NAMESPACE,
            ]
        if any(action.startswith("s3:") for action in statement["Action"]):
            assert statement["Condition"] == processor_roles.OUR_BUCKETS


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_processors_role_keeps_to_the_boundary(name: str) -> None:
    """The boundary holds every action of every role, on resources of the same kind, and the role is made under it."""
    role = properties(f"{name}Role")
    assert role["PermissionsBoundary"] == {"Ref": "BoundaryArn"}
    allowed = processor_roles.boundary()["Properties"]["PolicyDocument"]["Statement"]
    for statement in statements(f"{name}Role"):
        for action in statement["Action"]:
            for resource in map(service_and_kind, statement["Resource"]):
                wide = [
                    service_and_kind(one) for other in allowed if action in other["Action"] for one in other["Resource"]
                ]
                assert any(fnmatchcase(resource, one) for one in wide), f"{action} on {resource}"


def service_and_kind(resource: Any) -> str:
    """An ARN with an example for everything that it leaves open."""
    if resource == {"Ref": "KinesisStreamArn"}:
        return "arn:aws:kinesis:eu-west-1:1:stream/meridian-orders-1c168adb"
    if resource == {"Fn::GetAtt": ["ProcessorsLogGroup", "Arn"]}:
        return "arn:aws:logs:eu-west-1:1:log-group:/meridian/orders-1c168adb/processors:*"
    text = resource["Fn::Sub"] if isinstance(resource, dict) else resource
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": "eu-west-1",
        "AWS::AccountId": "1",
        "DestinationRegion": "us-west-2",
    }
    known |= {"CodeBucket": "meridian-code-1-eu-west-1", "FailureBucket": "meridian-orders-1c168adb-1-eu-west-1"}
    return re.sub(r"\$\{([\w:]+)\}", lambda found: known.get(found[1], "x"), text)


def test_the_boundary_fits_into_a_managed_policy() -> None:
    """6,144 characters, white space not counted."""
    document = processor_roles.boundary()["Properties"]["PolicyDocument"]
    assert len(json.dumps(document, separators=(",", ":"))) < 6_144


def test_cloudformation_may_make_and_remove_all_of_it() -> None:
    """The role of the stack holds every action that the template's resource types call."""
    held = [action for statement in stack_role.statements() for action in statement["Action"]]
    kinds = {one["Type"] for one in resources().values()}
    assert kinds == set(CALLED)
    for kind in kinds:
        missing = [one for one in CALLED[kind].split() if not any(fnmatchcase(one, pattern) for pattern in held)]
        assert not missing, kind


def test_cloudformation_may_make_roles_under_the_boundary_only() -> None:
    """Whatever gives a role its permissions asks for the boundary, and a role is given to Lambda alone."""
    for statement in stack_role.statements():
        if {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"} & set(statement["Action"]):
            assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "ProcessorBoundary"}}}
        if "iam:PassRole" in statement["Action"]:
            assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        for action in statement["Action"]:
            assert action not in ("iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:*")


def test_cloudformation_may_change_nothing_that_is_not_ours() -> None:
    """Actions that change something are bounded by a name, or by the function of the mapping."""
    unbounded = {
        "cloudwatch:DescribeAlarms",
        "logs:DescribeLogGroups",
        "sns:GetSubscriptionAttributes",
        "sns:Unsubscribe",
    }
    for statement in stack_role.statements():
        if "*" in statement["Resource"] and "Condition" not in statement:
            assert set(statement["Action"]) <= unbounded
    for statement in stack_role.statements():
        wild = {action.partition(":")[2] for action in statement["Action"] if "*" in action}
        assert all(action.startswith(("Describe", "Get", "List")) for action in wild)
