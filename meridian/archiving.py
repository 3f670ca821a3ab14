"""The part of the control stack that starts the archive every day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.schedules import alias_arn
from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = f"{names.PREFIX}-archive"
QUEUE = f"{NAME}-schedule"  # what the scheduler's role may send to (tasks/shared/task.py, SCHEDULE_QUEUE)
DAILY = "cron(15 0 * * ? *)"  # in UTC, by which the manifests have their days
# Amazon S3 User Guide, "Locking objects with Object Lock": 100 years.
MOST_LOCK_DAYS = 36_500
# The next day's start does all that this one would have done; so it is not tried for long.
RETRIES, AGE_SECONDS = 3, 3_600
KEPT_SECONDS = 1_209_600  # 14 days, the most that SQS keeps a message
NOT_STARTED = (
    "The schedule could not start the archive: what Step Functions forgets after 90 days is not kept meanwhile. "
    "First: read the message in the queue {queue}, whose attributes say why; then run the workflow archive, and purge "
    "the queue."
)

CONDITIONS = {"ArchiveIsScheduled": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ArchiveSchedule"}, ""]}]}}
PARAMETERS = {
    "ArchiveSchedule": {
        "Type": "String",
        "Default": DAILY,
        "Description": "When the archive is brought up to date, as EventBridge Scheduler says it, UTC; never if empty.",
    },
    "ArchiveLockDays": {
        "Type": "Number",
        "Default": 0,
        "MinValue": 0,
        "MaxValue": MOST_LOCK_DAYS,
        "Description": "How long S3 Object Lock keeps what is archived from being deleted; 0 locks nothing.",
    },
}


def resources(tags: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Schedule, its group, the queue of starts that failed, and an alarm on it.

    The bucket is made by the workflow, and stays.
    """
    return {
        "ArchiveScheduleGroup": {
            "Type": "AWS::Scheduler::ScheduleGroup",
            "Properties": {"Name": NAME, "Tags": tags},
        },
        "ArchiveScheduleQueue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": QUEUE,
                "MessageRetentionPeriod": KEPT_SECONDS,
                "SqsManagedSseEnabled": True,
                "Tags": tags,
            },
        },
        # An execution that fails is told of by the rule of failures, and one that is never started by nothing else.
        "ArchiveNotStartedAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Condition": "ArchiveIsScheduled",
            "Properties": {
                "AlarmName": f"{NAME}-not-started",
                "AlarmDescription": NOT_STARTED.format(queue=QUEUE),
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["ArchiveScheduleQueue", "QueueName"]}}],
                "Statistic": "Maximum",
                "Period": 300,
                "EvaluationPeriods": 1,
                "Threshold": 0,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "ignore",  # SQS sends nothing of a queue that nobody uses for hours
                "AlarmActions": [{"Ref": "FailureTopic"}],
                "OKActions": [{"Ref": "FailureTopic"}],
                "Tags": tags,
            },
        },
        "ArchiveEveryDay": {
            "Type": "AWS::Scheduler::Schedule",
            "Condition": "ArchiveIsScheduled",
            # By name the target does not depend on the alias, and a schedule before its target would only fail later.
            "DependsOn": "ArchiveStateMachineAlias",
            "Properties": {
                "Name": NAME,
                "GroupName": {"Ref": "ArchiveScheduleGroup"},
                "Description": "Archives the histories of closed executions.",
                "ScheduleExpression": {"Ref": "ArchiveSchedule"},
                "ScheduleExpressionTimezone": "UTC",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": alias_arn("archive"),
                    "RoleArn": {"Fn::GetAtt": ["SchedulerRole", "Arn"]},
                    "Input": "{}",
                    "RetryPolicy": {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": AGE_SECONDS},
                    "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["ArchiveScheduleQueue", "Arn"]}},
                },
            },
        },
    }
