"""The alarms of a Region: what they watch, when they ring, and what they tell whoever they wake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from meridian import region_alarms
from tasks.shared import names, region_parameters
from tasks.shared.request import complete
from tests.unit.requests import changed

HANDBOOK = Path(__file__).parents[2] / "docs" / "processors.md"
RESOURCES = region_alarms.resources()
ALARMS = {name: one for name, one in RESOURCES.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
LONGEST_STACK_NAME = max(len(names.region_stack(table)) for table in ("a" * 255, "abc"))
LONGEST_NAME, LONGEST_DESCRIPTION = 255, 1024  # CloudWatch PutMetricAlarm

# What AWS sends each metric with (user guides of DynamoDB and Lambda).
DIMENSIONS = {
    "IteratorAge": {"FunctionName"},
    "Errors": {"FunctionName"},
    "Throttles": {"FunctionName"},
    "Duration": {"FunctionName"},
    "DroppedEventCount": {"EventSourceMappingUUID"},
    "OnFailureDestinationDeliveredEventCount": {"EventSourceMappingUUID"},
    "AgeOfOldestUnreplicatedRecord": {"TableName", "DelegatedOperation"},
    "FailedToReplicateRecordCount": {"TableName", "DelegatedOperation"},
    "ReadThrottleEvents": {"TableName"},
    "WriteThrottleEvents": {"TableName"},
    "ReplicationLatency": {"TableName", "ReceivingRegion"},
}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = ALARMS[name]["Properties"]
    return found


def text(value: dict[str, str]) -> str:
    """An ``Fn::Sub`` with the longest values that its variables can have."""
    longest = {"AWS::StackName": "s" * LONGEST_STACK_NAME, "Table": "t" * 255, "AWS::Region": "ap-southeast-1"}
    return re.sub(r"\$\{([\w:]+)\}", lambda found: longest.get(found[1], "ap-southeast-2"), value["Fn::Sub"])


def request_alarms(**members: Any) -> Any:
    return complete(changed(alarms=members))["alarms"]


def test_every_metric_of_the_operators_list_has_an_alarm() -> None:
    """Lag, errors, throttles, duration, lost records, Kinesis, DynamoDB and latency are all watched."""
    assert {properties(name)["MetricName"] for name in ALARMS} == set(DIMENSIONS)


@pytest.mark.parametrize("name", ALARMS)
class TestAlarm:
    def test_watches_the_metric_where_aws_puts_it(self, name: str) -> None:
        """Namespace and dimensions are exactly those that AWS documents: with others there is never data."""
        alarm = properties(name)
        assert {one["Name"] for one in alarm["Dimensions"]} == DIMENSIONS[alarm["MetricName"]]
        by_table = "TableName" in DIMENSIONS[alarm["MetricName"]]
        assert alarm["Namespace"] == ("AWS/DynamoDB" if by_table else "AWS/Lambda")

    def test_tells_what_it_means_and_what_to_do_first(self, name: str) -> None:
        """Whoever gets the message at night knows the table, the Region, the trouble and the first step."""
        description = properties(name)["AlarmDescription"]
        assert description["Fn::Sub"].startswith("Table ${Table}, ${AWS::Region}")
        assert ". First: " in description["Fn::Sub"]
        assert len(text(description)) <= LONGEST_DESCRIPTION

    def test_has_a_bounded_name_of_its_own(self, name: str) -> None:
        """A name begins with the stack's, which begins with meridian-, and fits for the longest table."""
        own = text(properties(name)["AlarmName"])
        assert len(own) <= LONGEST_NAME
        assert [text(properties(other)["AlarmName"]) for other in ALARMS].count(own) == 1

    def test_says_what_missing_data_means(self, name: str) -> None:
        """No alarm is left with INSUFFICIENT_DATA for an idle table."""
        assert properties(name)["TreatMissingData"] in ("notBreaching", "ignore")

    def test_tells_the_topic_of_trouble_and_of_its_end(self, name: str) -> None:
        """The topic hears when it begins and when it is over."""
        assert properties(name)["AlarmActions"] == properties(name)["OKActions"] == [{"Ref": "AlarmTopic"}]

    def test_stands_only_beside_what_it_watches(self, name: str) -> None:
        """The condition holds alarms and the thing that the dimensions refer to."""
        both = region_alarms.conditions()[ALARMS[name]["Condition"]]
        if ALARMS[name]["Condition"] == "HasAlarms":
            assert properties(name)["Dimensions"] == [{"Name": "TableName", "Value": {"Ref": "Table"}}]
            return
        first, thing = (one["Condition"] for one in both["Fn::And"])
        assert first == "HasAlarms"
        if thing != "HasKinesis":
            assert thing.removeprefix("Has") in json.dumps(properties(name)["Dimensions"])

    def test_takes_no_more_datapoints_than_periods(self, name: str) -> None:
        """CloudWatch refuses M out of N where M is greater, and more than a day of periods."""
        alarm = properties(name)
        assert 1 <= alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400


def test_lag_stays_red_while_nothing_is_invoked() -> None:
    """A throttled function sends no iterator age, and that must not look like the end of the lag."""
    assert {properties(f"{one}IteratorAgeAlarm")["TreatMissingData"] for one in region_alarms.PROCESSORS} == {"ignore"}


def test_only_cloudwatch_alarms_of_this_account_and_region_may_publish() -> None:
    """The topic's policy names the service and bounds it to the account's own alarms."""
    (statement,) = RESOURCES["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "${AWS::AccountId}:alarm:*" in statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]


def test_nothing_is_made_without_alarms() -> None:
    """Every resource hangs on a condition that needs the alarms to be on."""
    conditions = region_alarms.conditions()
    for one in RESOURCES.values():
        condition = one["Condition"]
        assert condition == "HasAlarms" or {"Condition": "HasAlarms"} in conditions[condition]["Fn::And"]


@pytest.mark.parametrize("alarm", region_alarms.ALARMS, ids=lambda alarm: alarm.name)
def test_the_handbook_tells_of_every_alarm(alarm: region_alarms.Alarm) -> None:
    """The operator's table has when each alarm rings, what it means and what to do first, in the alarm's own words."""
    (row,) = [line for line in HANDBOOK.read_text().splitlines() if line.startswith(f"| `{alarm.name}` |")]
    _, _, metric, when, means, first, _ = (cell.strip() for cell in row.split("|"))
    assert (metric, means, first) == (f"`{alarm.metric}`", alarm.means, alarm.first)
    assert when.startswith(f"{alarm.statistic} above ")
    assert when.endswith(f", {alarm.datapoints} of {alarm.periods} periods of {alarm.period} s")
    assert isinstance(alarm.threshold, str) or f"above {alarm.threshold}," in when


def test_the_topic_is_an_output_of_a_stack_with_alarms() -> None:
    """Others may subscribe to it."""
    assert region_alarms.outputs()["AlarmTopicArn"]["Condition"] == "HasAlarms"


class TestParameters:
    def test_are_those_that_the_request_gives(self) -> None:
        """What the deployment passes is what the template takes, by name."""
        assert set(region_parameters._alarms(request_alarms())) == set(region_alarms.parameters())

    def test_default_to_what_the_request_defaults_to(self) -> None:
        """A stack made by hand rings when one made from a request does."""
        defaults = {name: str(one["Default"]) for name, one in region_alarms.parameters().items()}
        assert region_parameters._alarms(request_alarms()) == {**defaults, "Alarms": "ON"}

    def test_are_in_the_units_of_the_metrics(self) -> None:
        """Lambda and DynamoDB send milliseconds where a request says seconds."""
        passed = region_parameters._alarms(request_alarms(iterator_age_seconds=60, unreplicated_seconds=61))
        assert (passed["IteratorAgeMilliseconds"], passed["UnreplicatedMilliseconds"]) == ("60000", "61000")
