"""What the processors may do: their roles in the region stack, and the boundary that no such role can exceed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian import iam
from tasks.shared.task import CODE_OBJECTS, FAILURE_OBJECTS, FAILURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meridian.iam import Statement

ANY = ("*",)
PROBES_NAMESPACE = "Meridian/Processors"

TABLE_STREAM = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")
KINESIS_STREAM = (
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
)
KINESIS_LIST = ("kinesis:ListStreams",)  # knows no resource; Lambda asks for it when it makes a mapping
LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
BUS = ("events:DescribeEventBus", "events:PutEvents")
METRICS = ("cloudwatch:PutMetricData",)  # knows no resource
COUNTED = ("dynamodb:BatchGetItem", "dynamodb:PutItem")
# Of TransactWriteItems, which IAM knows by its parts.
COPIES = ("dynamodb:DeleteItem", "dynamodb:PutItem")
MARKS = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem")

# A bucket that was deleted can be made again by another account; nothing shall be sent to it or read from it.
OUR_BUCKETS = {"StringEquals": {"s3:ResourceAccount": {"Ref": "AWS::AccountId"}}}


def roles(tags: Sequence[Any]) -> dict[str, Any]:
    """A role a processor, with just what it does with the things of its own table."""
    own = {
        "Changes": [iam.allow(BUS, [_regional("events", "event-bus/${EventBusName}")])],
        "Analytics": [
            iam.allow(
                METRICS, ANY, {"StringEquals": {"cloudwatch:namespace": [{"Ref": "Namespace"}, PROBES_NAMESPACE]}}
            ),
            iam.allow(COUNTED, [_regional("dynamodb", "table/${DeduplicationTableName}")]),
        ],
        "Replicator": [
            iam.allow(COPIES, [_remote("${DestinationTable}")]),
            iam.allow(MARKS, [_remote("${MarksTable}")]),
        ],
    }
    return {f"{name}Role": _role(name, statements, tags) for name, statements in own.items()}


def boundary() -> dict[str, Any]:
    """The most that a processor's role in any Region may hold: what the template grants, for any table of the account.

    Without it the role that makes roles could make one that may do anything.
    """
    statements = [
        iam.allow(TABLE_STREAM, [_anywhere("dynamodb", "table/*/stream/*")]),
        iam.allow(KINESIS_STREAM, [_anywhere("kinesis", "stream/meridian-*")]),
        iam.allow(KINESIS_LIST, ANY),
        iam.allow(BUS, [_anywhere("events", "event-bus/*")]),
        iam.allow(METRICS, ANY),
        iam.allow(sorted({*COUNTED, *COPIES, *MARKS}), [_anywhere("dynamodb", "table/*")]),
        iam.allow(["s3:GetObject"], [CODE_OBJECTS], OUR_BUCKETS),
        iam.allow(["s3:ListBucket"], FAILURES, OUR_BUCKETS),
        iam.allow(["s3:PutObject"], FAILURE_OBJECTS, OUR_BUCKETS),
        iam.allow(LOGS, [_anywhere("logs", "log-group:/meridian/*")]),
    ]
    return {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {
            "Description": "The most that the roles of Meridian's processors may do, in every Region.",
            "PolicyDocument": iam.document(statements),
        },
    }


def _role(name: str, own: Sequence[Statement], tags: Sequence[Any]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    config, failures = _arn("s3", ":", "${CodeBucket}/${CodePrefix}config/*"), _arn("s3", ":", "${FailureBucket}")
    common = [
        iam.allow(["s3:GetObject"], [config], OUR_BUCKETS),
        iam.allow(["s3:ListBucket"], [failures], OUR_BUCKETS),
        iam.allow(["s3:PutObject"], [f"{failures}/*"], OUR_BUCKETS),
        iam.allow(LOGS, [{"Fn::GetAtt": ["ProcessorsLogGroup", "Arn"]}]),
    ]
    streams = {
        "Fn::If": [
            f"{name}ReadsKinesis",
            _policy("stream", [iam.allow(KINESIS_STREAM, [{"Ref": "KinesisStreamArn"}]), iam.allow(KINESIS_LIST, ANY)]),
            # Every stream that the table ever has: switched off and on again, it has another ARN.
            _policy("stream", [iam.allow(TABLE_STREAM, [_regional("dynamodb", "table/${Table}/stream/*")])]),
        ]
    }
    properties = {
        "RoleName": {"Ref": f"{name}RoleName"},
        "Description": {"Fn::Sub": f"Meridian: processor {name.lower()} of the table ${{Table}} in ${{AWS::Region}}."},
        "PermissionsBoundary": {"Ref": "BoundaryArn"},
        "AssumeRolePolicyDocument": iam.document([trust]),
        "Policies": [_policy("permissions", [*own, *common]), streams],
        "Tags": tags,
    }
    return {"Type": "AWS::IAM::Role", "Condition": f"Has{name}", "Properties": properties}


def _policy(name: str, statements: Sequence[Statement]) -> dict[str, Any]:
    return {"PolicyName": name, "PolicyDocument": iam.document(statements)}


def _regional(service: str, resource: str) -> str:
    return _arn(service, "${AWS::Region}:${AWS::AccountId}", resource)


def _remote(table: str) -> str:
    return _arn("dynamodb", "${DestinationRegion}:${AWS::AccountId}", f"table/{table}")


def _anywhere(service: str, resource: str) -> str:
    return _arn(service, "*:${AWS::AccountId}", resource)


def _arn(service: str, place: str, resource: str) -> str:
    return f"arn:${{AWS::Partition}}:{service}:{place}:{resource}"
