"""The part of the control stack that tells people of executions that failed, or that could not be started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared.task import STARTED_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAME = f"{names.PREFIX}-failures"
FAILED = ("ABORTED", "FAILED", "TIMED_OUT")
ALARMS = f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{names.PREFIX}-archive-*"

CONDITIONS = {"SomebodyIsTold": {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlertEmail"}, ""]}]}}
OUTPUTS = {"FailureTopicArn": {"Value": {"Ref": "FailureTopic"}}}

# EventBridge puts values into a template as they are. The cause, full of quotation marks where a child failed, would
# make it invalid and the message would be lost; so the message says how to read it.
MESSAGE = (
    '"Meridian: <name> ended <status>. Error: <error>"',
    '"What happened, and what to do next: python deploy.py follow <execution>"',
    '"or: aws stepfunctions describe-execution --region <region> --execution-arn <execution>"',
)
PATHS = {
    "error": "$.detail.error",
    "execution": "$.detail.executionArn",
    "name": "$.detail.name",
    "region": "$.region",
    "status": "$.detail.status",
}


def resources(machines: Iterable[str], tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Topic, subscription and rule for the state machines of these logical ids."""
    return {
        # Unencrypted: EventBridge cannot publish under SNS's own key, and the message holds no data of a table.
        "FailureTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": NAME, "Tags": tags}},
        "FailureTopicPolicy": {"Type": "AWS::SNS::TopicPolicy", "Properties": _policy()},
        "FailureSubscription": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "SomebodyIsTold",
            "Properties": {
                "TopicArn": {"Ref": "FailureTopic"},
                "Protocol": "email",
                "Endpoint": {"Ref": "AlertEmail"},
            },
        },
        "FailureRule": {"Type": "AWS::Events::Rule", "Properties": _rule(machines)},
    }


def _policy() -> dict[str, Any]:
    # No Condition on the rule: with one nothing arrives (EventBridge's guide says that topic policies cannot have one).
    # A rule of another account reaches a topic only with a role of its own, never as this principal.
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "FailureTopic"}}
    rule = {**publish, "Principal": {"Service": "events.amazonaws.com"}}
    alarms = {"ArnLike": {"aws:SourceArn": {"Fn::Sub": ALARMS}}}
    alarm = {**publish, "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Condition": alarms}
    return {
        "Topics": [{"Ref": "FailureTopic"}],
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [rule, alarm]},
    }


def _rule(machines: Iterable[str]) -> dict[str, Any]:
    detail = {
        "status": list(FAILED),
        "stateMachineArn": [{"Ref": machine} for machine in machines],
        # A child's failure is its parent's too, and one message is enough.
        "input": [{"anything-but": {"wildcard": f"*{STARTED_BY}*"}}],
    }
    transformer = {"InputPathsMap": PATHS, "InputTemplate": "\n".join(MESSAGE)}
    return {
        "Name": NAME,
        "Description": "Executions of Meridian's workflows that failed, those that another execution started left out.",
        "EventPattern": {
            "source": ["aws.states"],
            "detail-type": ["Step Functions Execution Status Change"],
            "detail": detail,
        },
        "Targets": [{"Id": "FailureTopic", "Arn": {"Ref": "FailureTopic"}, "InputTransformer": transformer}],
    }
