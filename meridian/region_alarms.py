"""The alarms of one Region: the part of the region stack's template that says when something is wrong.

Each alarm is a row of ``ALARMS``, and its description says what it means and what to do first. Periods and counts are
those of AWS's list of recommended alarms (CloudWatch User Guide) where it has the metric. Missing data:

- A count that comes only with events (errors, throttles, lost records): no data is no event, ``notBreaching``.
- ``IteratorAge``: no data is no invocation, which says nothing of the lag, since a function that is throttled is not
  invoked either. The alarm keeps its state, ``ignore``.
- ``AWS/DynamoDB``: ``notBreaching``, as the CloudWatch User Guide advises for throttled requests. The reference of
  PutMetricAlarm says that such alarms keep their state whatever is chosen. Then one that rang stays red until the
  metric's next value, and the handbook says so.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from tasks.shared.region_parameters import MOST_OTHER_REGIONS, TIMEOUT_SECONDS

PROCESSORS = ("Changes", "Analytics", "Replicator")

# The Developer Guide names the dimension and says that it stands for change data capture to Kinesis, but not its value.
# This one follows from ThrottledPutRecordCount, which has the dimension too; the handbook asks operators to look.
DELEGATED_OPERATION = "PutRecord"


class Alarm(NamedTuple):
    """``threshold`` is a number or the parameter that holds it; ``of`` are the Region's things that have the metric.

    It rings when ``datapoints`` of the last ``periods`` values, each over ``period`` seconds, are above ``threshold``.
    """

    name: str
    metric: str
    of: Literal["processor", "mapping", "destination", "table", "other Region"]
    statistic: Literal["Sum", "Maximum", "Average"]
    period: int
    datapoints: int
    periods: int
    threshold: int | str
    missing: Literal["notBreaching", "ignore"]
    means: str
    first: str

    @property
    def camel(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("-"))


# Lambda tries a failing batch again less and less often, so failures leave gaps: some of the last periods count.
ALARMS = (
    Alarm(
        *("iterator-age", "IteratorAge", "processor", "Maximum", 60, 5, 5, "IteratorAgeMilliseconds", "ignore"),
        means="The processor lags behind its stream, which keeps records for a day.",
        first="Look for its errors and throttles; if there are none, raise parallelization_factor or batch_size.",
    ),
    Alarm(
        *("errors", "Errors", "processor", "Sum", 300, 2, 3, 0, "notBreaching"),
        means="Invocations end in an error or a time-out. The batch is tried again, and its shard waits.",
        first="Read the error in the processors' log group. NothingProcessed is a record that could not be "
        "processed; later ones of a batch do not count here: see iterator-age and given-up.",
    ),
    Alarm(
        *("throttles", "Throttles", "processor", "Sum", 60, 5, 5, 0, "notBreaching"),
        means="Lambda refuses to start the processor. Retries are bounded by the record's age only.",
        first="Compare ConcurrentExecutions with the account's limit, and raise the limit.",
    ),
    Alarm(
        *("duration", "Duration", "processor", "Maximum", 300, 2, 2, "DurationMilliseconds", "notBreaching"),
        means="A batch takes nearly as long as it may. Past its time-out it fails and comes again.",
        first="Lower batch_size, or look whether what the processor calls has become slow.",
    ),
    Alarm(
        *("given-up", "OnFailureDestinationDeliveredEventCount", "mapping", "Sum", 60, 1, 1, 0, "notBreaching"),
        means="Records ran out of retries or grew too old, and lie in the failure bucket.",
        first="Remove the cause, then run redeliver.",
    ),
    Alarm(
        *("dropped", "DroppedEventCount", "mapping", "Sum", 60, 1, 1, 0, "notBreaching"),
        means="Records were given up and could not be put into the failure bucket either: they are lost.",
        first="See whether the bucket and the role's right to it are there; then read the items from the table again.",
    ),
    Alarm(
        *("unreplicated-age", "AgeOfOldestUnreplicatedRecord", "destination", "Maximum", 300, 3, 3),
        *("UnreplicatedMilliseconds", "notBreaching"),
        means="Changes wait on their way to Kinesis. After 168 hours DynamoDB switches the destination off.",
        first="See whether the stream is there, ACTIVE, and has shards enough (ThrottledPutRecordCount).",
    ),
    Alarm(
        *("unreplicated-lost", "FailedToReplicateRecordCount", "destination", "Sum", 300, 1, 1, 0, "notBreaching"),
        means="Changes will never reach Kinesis: as JSON their items are larger than a Kinesis record may be.",
        first="Find the large items, and repair what analytics should have counted.",
    ),
    Alarm(
        *("read-throttles", "ReadThrottleEvents", "table", "Sum", 60, 5, 5, "ThrottledEvents", "notBreaching"),
        means="DynamoDB refuses reads of the table.",
        first="Look for one hot key, then at the account's and the table's limits.",
    ),
    Alarm(
        *("write-throttles", "WriteThrottleEvents", "table", "Sum", 60, 5, 5, "ThrottledEvents", "notBreaching"),
        means="DynamoDB refuses writes of the table; writes that come from other Regions wait too.",
        first="Look for one hot key, then at the account's and the table's limits.",
    ),
    Alarm(
        *("replication-latency", "ReplicationLatency", "other Region", "Average", 60, 15, 15),
        *("ReplicationLatencyMilliseconds", "notBreaching"),
        means="Writes of this Region reach the other one late: readers there see old data.",
        first="Look at the other Region's write throttles, then at the AWS Health Dashboard.",
    ),
)


def parameters() -> dict[str, Any]:
    """Thresholds in the metric's own unit, since CloudFormation cannot reckon."""
    return {
        "Alarms": {
            "Type": "String",
            "AllowedValues": ["ON", "OFF"],
            "Default": "OFF",
            "Description": "Whether this Region has alarms, and a topic to which they are sent.",
        },
        "AlarmEmail": {"Type": "String", "Default": "", "Description": "Who is told of alarms. Nobody if empty."},
        "IteratorAgeMilliseconds": _number(900_000, "How far a processor may lag behind its stream."),
        "DurationMilliseconds": _number(TIMEOUT_SECONDS * 800, "How long a processor's invocation may take."),
        "UnreplicatedMilliseconds": _number(900_000, "How old a change may be that has not reached Kinesis."),
        "ReplicationLatencyMilliseconds": _number(180_000, "How long replication to another Region may take."),
        "ThrottledEvents": _number(10, "How many throttled reads, and writes, a minute are too many."),
    }


def conditions() -> dict[str, Any]:
    """``HasChanges``, ``HasKinesis``, ``HasOtherRegion1`` and the like are the template's own."""
    told = [{"Condition": "HasAlarms"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}]
    things = ["Kinesis", *PROCESSORS, *(f"OtherRegion{number}" for number in range(1, MOST_OTHER_REGIONS + 1))]
    return {
        "HasAlarms": {"Fn::Equals": [{"Ref": "Alarms"}, "ON"]},
        "HasAlarmEmail": {"Fn::And": told},
        **{
            f"HasAlarmsOn{thing}": {"Fn::And": [{"Condition": "HasAlarms"}, {"Condition": f"Has{thing}"}]}
            for thing in things
        },
    }


def resources() -> dict[str, Any]:
    """Topic, its policy, the subscription, and each alarm of each thing that it watches."""
    found: dict[str, Any] = {
        # Unencrypted: CloudWatch cannot publish under SNS's own key, and an alarm holds no data of the table.
        "AlarmTopic": {
            "Type": "AWS::SNS::Topic",
            "Condition": "HasAlarms",
            "Properties": {"TopicName": {"Fn::Sub": "${AWS::StackName}-alarms"}, "Tags": _tags()},
        },
        "AlarmTopicPolicy": {"Type": "AWS::SNS::TopicPolicy", "Condition": "HasAlarms", "Properties": _policy()},
        "AlarmSubscription": {
            "Type": "AWS::SNS::Subscription",
            "Condition": "HasAlarmEmail",
            "Properties": {
                "TopicArn": {"Ref": "AlarmTopic"},
                "Protocol": "email",
                "Endpoint": {"Ref": "AlarmEmail"},
            },
        },
    }
    for alarm in ALARMS:
        for thing, condition, dimensions in _watched(alarm):
            found[f"{thing}{alarm.camel}Alarm"] = _resource(alarm, thing, condition, dimensions)
    return found


def outputs() -> dict[str, Any]:
    """The topic, for those who want to be told otherwise than by e-mail."""
    return {"AlarmTopicArn": {"Condition": "HasAlarms", "Value": {"Ref": "AlarmTopic"}}}


def _watched(alarm: Alarm) -> list[tuple[str, str, dict[str, Any]]]:
    """Thing (the beginning of the logical id), its condition, and the dimensions under which AWS sends its metric."""
    table = {"TableName": {"Ref": "Table"}}
    if alarm.of == "processor":
        return [(one, f"HasAlarmsOn{one}", {"FunctionName": {"Ref": f"{one}Function"}}) for one in PROCESSORS]
    if alarm.of == "mapping":
        return [(one, f"HasAlarmsOn{one}", {"EventSourceMappingUUID": {"Ref": f"{one}Mapping"}}) for one in PROCESSORS]
    if alarm.of == "destination":
        return [("Kinesis", "HasAlarmsOnKinesis", {**table, "DelegatedOperation": DELEGATED_OPERATION})]
    if alarm.of == "table":
        return [("Table", "HasAlarms", table)]
    others = [f"OtherRegion{number}" for number in range(1, MOST_OTHER_REGIONS + 1)]
    return [(other, f"HasAlarmsOn{other}", {**table, "ReceivingRegion": {"Ref": other}}) for other in others]


def _resource(alarm: Alarm, thing: str, condition: str, dimensions: dict[str, Any]) -> dict[str, Any]:
    # A name by number, not by Region: when a Region leaves, the others move up, and no two alarms change names.
    name = thing.removeprefix("OtherRegion").lower()
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Condition": condition,
        "Properties": {
            "AlarmName": {"Fn::Sub": f"${{AWS::StackName}}-{alarm.name}-{name}"},
            "AlarmDescription": _description(alarm, thing),
            "Namespace": "AWS/Lambda" if alarm.of in ("processor", "mapping") else "AWS/DynamoDB",
            "MetricName": alarm.metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
            "Statistic": alarm.statistic,
            "Period": alarm.period,
            "EvaluationPeriods": alarm.periods,
            "DatapointsToAlarm": alarm.datapoints,
            "Threshold": {"Ref": alarm.threshold} if isinstance(alarm.threshold, str) else alarm.threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": alarm.missing,
            "AlarmActions": [{"Ref": "AlarmTopic"}],
            "OKActions": [{"Ref": "AlarmTopic"}],
            "Tags": _tags(),
        },
    }


def _description(alarm: Alarm, thing: str) -> dict[str, str]:
    where = f"${{AWS::Region}} to ${{{thing}}}" if alarm.of == "other Region" else "${AWS::Region}"
    what = f", {thing.lower()}" if thing in PROCESSORS else ""
    return {"Fn::Sub": f"Table ${{Table}}, {where}{what}. {alarm.means} First: {alarm.first}"}


def _policy() -> dict[str, Any]:
    alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "AlarmTopic"},
        "Condition": {
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": alarms}},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }
    return {
        "Topics": [{"Ref": "AlarmTopic"}],
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _number(default: int, description: str) -> dict[str, Any]:
    return {"Type": "Number", "Default": default, "MinValue": 1, "Description": description}


def _tags() -> list[dict[str, Any]]:
    return [{"Key": "meridian:table", "Value": {"Ref": "Table"}}]
