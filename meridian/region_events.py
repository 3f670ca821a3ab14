"""The part of the region stack that events pass: the bus, and the way of a probe's events to a queue of ours."""

from __future__ import annotations

from meridian.region_parts import TAGS, Resource, event_bus, resource

# Longer than the longest validation (four hours of deadlines); shorter than its next look.
PROBE_RETENTION_SECONDS, PROBE_VISIBILITY_SECONDS = 18_000, 5


def resources() -> dict[str, Resource]:
    pattern = {"source": ["meridian.validation"], "detail-type": ["Probe"], "detail": {"table": [{"Ref": "Table"}]}}
    queue_arn = {"Fn::GetAtt": ["ProbeQueue", "Arn"]}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ProbeRule", "Arn"]}}},
    }
    return {
        "EventBus": resource("AWS::Events::EventBus", "MakesEventBus", Name={"Ref": "EventBusName"}, Tags=TAGS),
        "ProbeRule": resource(
            "AWS::Events::Rule",
            "HasChanges",
            Name={"Ref": "ProbeRuleName"},
            Description={"Fn::Sub": "Events of the probes that Meridian writes into ${Table} to validate it."},
            EventBusName=event_bus(),
            EventPattern=pattern,
            Targets=[{"Id": "ProbeQueue", "Arn": queue_arn}],
        ),
        "ProbeQueue": resource(
            "AWS::SQS::Queue",
            "HasChanges",
            QueueName={"Ref": "ProbeQueueName"},
            MessageRetentionPeriod=PROBE_RETENTION_SECONDS,
            VisibilityTimeout=PROBE_VISIBILITY_SECONDS,
            SqsManagedSseEnabled=True,
            Tags=TAGS,
        ),
        "ProbeQueuePolicy": resource(
            "AWS::SQS::QueuePolicy",
            "HasChanges",
            Queues=[{"Ref": "ProbeQueue"}],
            PolicyDocument={"Version": "2012-10-17", "Statement": [statement]},
        ),
    }
