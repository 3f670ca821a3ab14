"""The alarms on scheduled validations: when they ring, and what they tell whoever they wake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from meridian import region_template, validation_alarms
from tasks.shared import names, region_parameters
from tests.unit.test_region_alarms import LONGEST_DESCRIPTION, LONGEST_NAME, text

HANDBOOK = Path(__file__).parents[2] / "docs" / "validation.md"
TEMPLATE = region_template.region_template()
ALARMS = validation_alarms.resources()
LONGEST = {"Table": "t" * 255, "AWS::Region": "ap-southeast-1", "SilencePeriod": "3600", "SilencePeriods": "168"}


def properties(name: str) -> dict[str, Any]:
    found: dict[str, Any] = TEMPLATE["Resources"][name]["Properties"]
    return found


def test_a_failure_rings_until_a_validation_passes() -> None:
    """One failed check is enough, and no data leaves the alarm as it is: the next validation decides."""
    alarm = properties("ValidationFailedAlarm")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "ChecksFailed",
        "Sum",
        "GreaterThanThreshold",
        0,
    )
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, "ignore")


def test_silence_rings_when_no_validation_has_a_result() -> None:
    """A result is a value of ChecksPassed, be it 0, and no value at all is what breaches."""
    alarm = properties("ValidationSilentAlarm")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "ChecksPassed",
        "SampleCount",
        "LessThanThreshold",
        1,
    )
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == ({"Ref": "SilencePeriod"}, {"Ref": "SilencePeriods"})
    assert alarm["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("name", ALARMS)
class TestAlarm:
    def test_watches_what_validations_publish(self, name: str) -> None:
        """Namespace and dimension are those of PublishValidation."""
        assert properties(name)["Namespace"] == "Meridian/Validation"
        assert properties(name)["Dimensions"] == [{"Name": "TableName", "Value": {"Ref": "Table"}}]

    def test_tells_the_topic_of_trouble_and_of_its_end(self, name: str) -> None:
        """The topic of the other alarms hears when it begins and when it is over."""
        assert properties(name)["AlarmActions"] == properties(name)["OKActions"] == [{"Ref": "AlarmTopic"}]

    def test_tells_what_it_means_and_what_to_do_first(self, name: str) -> None:
        """Whoever gets the message knows the table, the Region, the trouble and the first step."""
        description = properties(name)["AlarmDescription"]["Fn::Sub"]
        assert description.startswith("Table ${Table}, ${AWS::Region}. ")
        assert " First: run `deploy.py schedule ${Table}`" in description
        for variable, value in LONGEST.items():
            description = description.replace(f"${{{variable}}}", value)
        assert "${" not in description
        assert len(description) <= LONGEST_DESCRIPTION

    def test_has_a_name_that_the_stacks_role_may_make(self, name: str) -> None:
        """It begins with the stack's, which begins with meridian-, and fits for the longest table."""
        own = properties(name)["AlarmName"]
        assert own["Fn::Sub"].startswith("${AWS::StackName}-")
        assert names.region_stack("orders").startswith("meridian-")
        assert len(text(own)) <= LONGEST_NAME

    def test_is_told_of_in_the_handbook(self, name: str) -> None:
        """The operator's page names it."""
        assert (
            f"`{properties(name)['AlarmName']['Fn::Sub'].removeprefix('${AWS::StackName}-')}`" in HANDBOOK.read_text()
        )

    def test_needs_alarms_and_a_schedule(self, name: str) -> None:
        """Without either there is nobody to tell, or nothing to expect."""
        condition = TEMPLATE["Conditions"][TEMPLATE["Resources"][name]["Condition"]]["Fn::And"]
        assert condition[0] == {"Condition": "HasAlarms"}
        assert condition[1] == {"Fn::Equals": [{"Ref": "ScheduledValidation"}, "ON"]}


def test_an_alarm_that_looks_at_no_period_is_not_made() -> None:
    """Where CloudWatch cannot look back far enough, the template's default of 0 periods makes none."""
    assert TEMPLATE["Parameters"]["SilencePeriods"]["Default"] == 0
    bounded = TEMPLATE["Conditions"]["HasAlarmsOnSilence"]["Fn::And"][2]
    assert bounded == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SilencePeriods"}, "0"]}]}


def test_defaults_stand_where_a_request_says_nothing() -> None:
    """Every parameter has one, so that a Region that is not home is told nothing."""
    assert all("Default" in one for one in validation_alarms.parameters().values())
    assert region_parameters._validation({"validation": {"schedule": None}}) == {}  # type: ignore[typeddict-item]  # no more is read
