"""The alarms on scheduled validations: the part of the region stack's template that only the home Region has.

On failure: a validation gives a count of failed checks once, and the alarm keeps what it says until the next gives its
own. On silence: no data is what it is about, so missing data breaches.
"""

from __future__ import annotations

from typing import Any

from meridian.region_parts import TAGS, resource
from tasks.shared import validation_metrics

ACTIONS = [{"Ref": "AlarmTopic"}]
RESULT_PERIOD = 60

FAILED = (
    "Table ${Table}, ${AWS::Region}. A validation failed, and none has passed since: a Region does not see another's "
    "writes, or its streaming lacks something. First: run `deploy.py schedule ${Table}`, and `deploy.py audit` with "
    "the run that failed."
)
SILENT = (
    "Table ${Table}, ${AWS::Region}. No validation had a result for ${SilencePeriods} periods of ${SilencePeriod} s: "
    "nothing proves that the Regions see each other. First: run `deploy.py schedule ${Table}`: it tells whether the "
    "schedule is paused, how its last runs ended, and how many could not be started."
)


def parameters() -> dict[str, Any]:
    """What the request's schedule means for alarms (tasks/shared/silence.py)."""
    return {
        "ScheduledValidation": {
            "Type": "String",
            "AllowedValues": ["OFF", "ON"],
            "Default": "OFF",
            "Description": "Whether this is the home Region of a table that is validated on a schedule.",
        },
        "SilencePeriod": _number(300, "Seconds of a period of the alarm on silence."),
        "SilencePeriods": _number(0, "How many of them may be without a validation's result. No such alarm if 0."),
    }


def conditions() -> dict[str, Any]:
    """``HasAlarms`` is that of the other alarms."""
    scheduled = {"Fn::Equals": [{"Ref": "ScheduledValidation"}, "ON"]}
    bounded = {"Fn::Not": [{"Fn::Equals": [{"Ref": "SilencePeriods"}, "0"]}]}
    return {
        "HasAlarmsOnValidation": {"Fn::And": [{"Condition": "HasAlarms"}, scheduled]},
        "HasAlarmsOnSilence": {"Fn::And": [{"Condition": "HasAlarms"}, scheduled, bounded]},
    }


def resources() -> dict[str, Any]:
    """Both alarms."""
    return {
        "ValidationFailedAlarm": _alarm(
            *("HasAlarmsOnValidation", "validation-failed", FAILED),
            MetricName=validation_metrics.FAILED,
            Statistic="Sum",
            Period=RESULT_PERIOD,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="ignore",
        ),
        "ValidationSilentAlarm": _alarm(
            *("HasAlarmsOnSilence", "validation-silent", SILENT),
            MetricName=validation_metrics.PASSED,
            Statistic="SampleCount",
            Period={"Ref": "SilencePeriod"},
            EvaluationPeriods={"Ref": "SilencePeriods"},
            Threshold=1,
            ComparisonOperator="LessThanThreshold",
            TreatMissingData="breaching",
        ),
    }


def _alarm(condition: str, name: str, description: str, **properties: Any) -> dict[str, Any]:
    return resource(
        "AWS::CloudWatch::Alarm",
        condition,
        AlarmName={"Fn::Sub": f"${{AWS::StackName}}-{name}"},
        AlarmDescription={"Fn::Sub": description},
        Namespace=validation_metrics.NAMESPACE,
        Dimensions=[{"Name": "TableName", "Value": {"Ref": "Table"}}],
        AlarmActions=ACTIONS,
        OKActions=ACTIONS,
        Tags=TAGS,
        **properties,
    )


def _number(default: int, description: str) -> dict[str, Any]:
    return {"Type": "Number", "Default": default, "MinValue": 0, "Description": description}
