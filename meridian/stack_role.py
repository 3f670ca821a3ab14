"""The role with which CloudFormation makes the region stacks: what their template needs, in every Region.

CloudFormation reads many settings of a resource beyond those that a template sets, and more with time: reads are
bounded by Meridian's names, writes by single actions too.
"""

from __future__ import annotations

from typing import Any

from meridian import iam
from tasks.shared import names
from tasks.shared.task import CODE_OBJECTS, PROBE_QUEUE, PROCESSORS

BOUNDARY = {"Ref": "ProcessorBoundary"}
ROLES = tuple(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/meridian-*-{one}-*" for one in names.PROCESSORS)


def _anywhere(service: str, *resources: str) -> tuple[str, ...]:
    return tuple(f"arn:${{AWS::Partition}}:{service}:*:${{AWS::AccountId}}:{resource}" for resource in resources)


MAPPINGS = _anywhere("lambda", "event-source-mapping:*")
LOG_GROUPS = _anywhere("logs", "log-group:/meridian/*/processors", "log-group:/meridian/*/processors:*")
TABLES = _anywhere("dynamodb", "table/meridian-*-counted")
BUSES = _anywhere("events", "event-bus/*")  # a request may name its bus
RULES = _anywhere("events", "rule/meridian-*-probes", "rule/*/meridian-*-probes")
TOPICS = _anywhere("sns", "meridian-*-alarms")
ALARMS = _anywhere("cloudwatch", "alarm:meridian-*")

TAGGING = ("TagResource", "UntagResource")
READING = ("Describe*", "Get*", "List*")
GRANTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("lambda", ("CreateFunction", "DeleteFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"), PROCESSORS),
    ("lambda", ("Get*", "List*", *TAGGING), PROCESSORS),
    ("lambda", ("GetEventSourceMapping", "ListTags", *TAGGING), MAPPINGS),
    ("logs", ("CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "PutRetentionPolicy"), LOG_GROUPS),
    ("logs", (*READING, *TAGGING), LOG_GROUPS),
    ("dynamodb", ("CreateTable", "DeleteTable", "UpdateTable", "UpdateTimeToLive"), TABLES),
    ("dynamodb", ("Describe*", "GetResourcePolicy", "List*", *TAGGING), TABLES),
    ("events", ("CreateEventBus", "DeleteEventBus", "UpdateEventBus", *READING, *TAGGING), BUSES),
    ("events", ("DeleteRule", "PutRule", "PutTargets", "RemoveTargets", *READING, *TAGGING), RULES),
    ("sqs", ("CreateQueue", "DeleteQueue", "GetQueue*", "ListQueueTags"), (PROBE_QUEUE,)),
    ("sqs", ("SetQueueAttributes", "TagQueue", "UntagQueue"), (PROBE_QUEUE,)),
    ("sns", ("CreateTopic", "DeleteTopic", "SetTopicAttributes", "Subscribe", "Get*", "List*", *TAGGING), TOPICS),
    ("cloudwatch", ("DeleteAlarms", "PutMetricAlarm", "ListTagsForResource", *TAGGING), ALARMS),
    ("s3", ("GetObject",), (CODE_OBJECTS,)),
    ("iam", ("DeleteRole", "DeleteRolePolicy", "Get*", "List*", "TagRole", "UntagRole", "UpdateRole"), ROLES),
    ("iam", ("UpdateAssumeRolePolicy", "UpdateRoleDescription"), ROLES),
    # These know no resource.
    ("cloudwatch", ("DescribeAlarms",), ("*",)),
    ("logs", ("DescribeLogGroups",), ("*",)),
    ("sns", ("GetSubscriptionAttributes", "Unsubscribe"), ("*",)),
)


def statements() -> list[iam.Statement]:
    """What the role may do."""
    return [
        *(iam.allow([f"{service}:{one}" for one in actions], resources) for service, actions, resources in GRANTS),
        # A role that is made here is a processor's, under the boundary, and Lambda's alone.
        iam.allow(
            ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
            ROLES,
            {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}},
        ),
        iam.allow(("iam:PassRole",), ROLES, {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
        # A mapping to be made has no name yet; its function has.
        iam.allow(
            ("lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"),
            ("*",),
            {"ArnLike": {"lambda:FunctionArn": [{"Fn::Sub": one} for one in PROCESSORS]}},
        ),
    ]


def role(tags: Any) -> dict[str, Any]:
    """The role, which only CloudFormation may take."""
    return iam.role("cloudformation", statements(), tags)
