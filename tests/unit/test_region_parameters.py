"""The parameters of a Region's stack: which processors run there, on which stream, and whose writes they see."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meridian import region_functions, region_template
from meridian.embedded.event_patterns import is_valid, matches
from tasks.shared import names, region_parameters, silence
from tasks.shared.region_parameters import Staged
from tasks.shared.request import complete
from tests.unit.tasks.fakes import ACCOUNT
from tests.unit.tasks.scenarios import AWAY, ENVIRONMENT, HOME, REQUEST, TABLE, THIRD

TEMPLATE = region_template.region_template()
STAGED = Staged("orders/code/c0de.zip", "orders/config/c0f1.json", "arn:table-stream", "arn:kinesis-stream")
PROCESSORS = {
    "changes": {"rules": []},
    "analytics": {"namespace": "Shop"},
    "replicator": {
        "source": "KINESIS",
        "destination": {"table": "archive", "region": THIRD},
        "conflict": {"rule": "LAST_WRITER", "attribute": "updatedAt"},
    },
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a function finds in Lambda."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def asked(**members: Any) -> Any:
    return complete({**REQUEST, "regions": [HOME, AWAY, THIRD], **members})


def given(region: str = AWAY, **members: Any) -> dict[str, str]:
    return region_parameters.of(asked(**members), region, STAGED)


EVERYTHING: dict[str, Any] = {
    "processors": PROCESSORS,
    "origin_attribute": "origin",
    "alarms": {"email": "a@b.example"},
    "validation": {"schedule": {"schedule_expression": "rate(1 hour)"}},
}


@pytest.mark.parametrize("members", [{}, EVERYTHING], ids=["nothing", "everything"])
def test_the_template_takes_what_is_given(members: dict[str, Any]) -> None:
    """No value is for a parameter that is not there, none is refused, and none that the template wants is missing."""
    values = {**given(**members), "Revision": "1"}
    wanted = {name for name, parameter in TEMPLATE["Parameters"].items() if "Default" not in parameter}
    assert wanted <= set(values) <= set(TEMPLATE["Parameters"])
    for name, value in values.items():
        parameter = TEMPLATE["Parameters"][name]
        assert value in map(str, parameter.get("AllowedValues", [value]))
        assert parameter["Type"] == "String" or value.isdecimal()


def test_every_parameter_is_given_by_some_request() -> None:
    """The template has no parameter that nothing ever sets."""
    most = region_parameters.MOST_OTHER_REGIONS
    many = {f"OtherRegion{number}" for number in range(1, most + 1)}
    assert set(TEMPLATE["Parameters"]) - many - {"Revision"} == set(given(HOME, **EVERYTHING)) - many


def test_a_table_in_twenty_regions_has_room() -> None:
    """As many Regions as a request may have, and a filter that names them, fit into 4,096 characters."""
    regions = [HOME, *(f"ap-southeast-{number}" for number in range(19))]
    request: Any = {**asked(**EVERYTHING), "regions": regions, "origin_attribute": "é" * 255}
    values = region_parameters.of(request, HOME, STAGED)
    assert [values[f"OtherRegion{number}"] for number in range(1, 20)] == regions[1:]
    assert max(len(value.encode()) for value in values.values()) <= 4096


def test_a_processor_that_nobody_asked_for_is_off() -> None:
    """Without a value its source is the template's OFF."""
    assert not [name for name in given() if name.endswith("Source")]
    assert {TEMPLATE["Parameters"][f"{name}Source"]["Default"] for name in region_functions.PROCESSORS} == {"OFF"}


def test_each_processor_reads_its_source() -> None:
    """Changes and the replicator as the request says, analytics always Kinesis."""
    values = given(**EVERYTHING)
    sources = [values[f"{name}Source"] for name in ("Changes", "Analytics", "Replicator")]
    assert sources == ["DYNAMODB_STREAM", "KINESIS", "KINESIS"]


def test_every_member_of_the_mapping_reaches_it() -> None:
    """Numbers, truths and the position come as the request has them."""
    mapping = {
        "starting_position": "LATEST",
        "batch_size": 7,
        "maximum_batching_window_in_seconds": 2,
        "parallelization_factor": 3,
        "bisect_batch_on_function_error": False,
        "maximum_retry_attempts": 4,
        "maximum_record_age_in_seconds": 600,
    }
    values = given(processors={"changes": {"rules": [], "event_source_mapping": mapping}})
    assert values["ChangesStartingPosition"] == "LATEST"
    assert values["ChangesBatchSize"] == "7"
    assert values["ChangesMaximumBatchingWindowInSeconds"] == "2"
    assert values["ChangesParallelizationFactor"] == "3"
    assert values["ChangesBisectBatchOnFunctionError"] == "false"
    assert values["ChangesMaximumRetryAttempts"] == "4"
    assert values["ChangesMaximumRecordAgeInSeconds"] == "600"
    assert values["ChangesTumblingWindowInSeconds"] == "0"


def test_without_an_origin_the_replicator_runs_at_home_only() -> None:
    """Every Region's stream carries every change, and one copy of it is enough."""
    plain = {**EVERYTHING, "origin_attribute": None}
    assert "ReplicatorSource" in given(HOME, **plain)
    assert "ReplicatorSource" not in given(AWAY, **plain)
    assert "ReplicatorSource" in given(AWAY, **EVERYTHING)


def test_the_bus_is_the_requests_or_ours() -> None:
    """A bus without a name gets the table's, and the account's default bus is never made."""
    ours = given(processors={"changes": {"rules": []}})
    assert (ours["EventBusName"], ours["CreateEventBus"]) == (names.event_bus(TABLE), "true")
    theirs = given(processors={"changes": {"rules": [], "event_bus": "shop", "create_event_bus": False}})
    assert (theirs["EventBusName"], theirs["CreateEventBus"]) == ("shop", "false")
    default = given(processors={"changes": {"rules": [], "event_bus": "default", "create_event_bus": False}})
    assert (default["EventBusName"], default["CreateEventBus"]) == ("default", "false")


def test_thresholds_are_in_the_metrics_own_units() -> None:
    """Seconds become milliseconds, and a percentage of the time-out too."""
    values = given(alarms={"iterator_age_seconds": 60, "duration_percent": 50, "throttled_events": 3})
    assert values["IteratorAgeMilliseconds"] == "60000"
    assert values["DurationMilliseconds"] == str(region_parameters.TIMEOUT_SECONDS * 500)
    assert values["ThrottledEvents"] == "3"
    assert (values["Alarms"], values["AlarmEmail"]) == ("ON", "")
    assert given()["Alarms"] == "OFF"


SILENCE = ("SilencePeriod", "SilencePeriods")


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ({"schedule_expression": "rate(1 hour)"}, ("300", "29")),  # two hours, and 1,380 seconds for a validation
        ({"schedule_expression": "rate(12 hours)"}, ("3600", "25")),
        ({"schedule_expression": "rate(1 day)"}, ("3600", "49")),
        ({"schedule_expression": "rate(6 days)"}, ("3600", "168")),  # all that CloudWatch looks back
        ({"schedule_expression": "rate(7 days)"}, (None, None)),
        ({"schedule_expression": "rate(1 hour)", "silence_seconds": 3_601}, ("300", "13")),
        ({"schedule_expression": "rate(7 days)", "silence_seconds": 604_800}, ("3600", "168")),
        ({"schedule_expression": "cron(0 8 * * ? *)"}, ("3600", "26")),
        ({"schedule_expression": "cron(0 8 ? * MON *)"}, (None, None)),
        ({"schedule_expression": "cron(0 8 ? * MON-FRI *)", "silence_seconds": 300_000}, ("3600", "84")),
    ],
    ids=lambda value: value.get("schedule_expression") if isinstance(value, dict) else "",
)
def test_silence_is_told_in_periods_that_cloudwatch_takes(schedule: dict[str, Any], wanted: tuple[str, str]) -> None:
    """Two intervals and a validation's time, or what the request says; none where seven days are too short."""
    values = given(HOME, validation={"schedule": schedule})
    assert values["ScheduledValidation"] == "ON"
    assert tuple(values.get(name) for name in SILENCE) == wanted


def test_no_alarm_looks_back_further_than_cloudwatch_does() -> None:
    """Periods of less than an hour span a day at the most, and all others seven."""
    for seconds in (300, 301, 3_600, 86_400, 86_401, 604_800):
        period, periods = silence.evaluation(seconds)
        assert seconds <= period * periods <= (86_400 if period < 3_600 else 604_800)


def test_validations_are_watched_at_home_only() -> None:
    """Their metrics are in the home Region, and without a schedule nobody expects any."""
    assert not {"ScheduledValidation", *SILENCE} & set(given(AWAY, **EVERYTHING))
    assert not {"ScheduledValidation", *SILENCE} & set(given(HOME, **{**EVERYTHING, "validation": {}}))


def test_names_come_from_one_place() -> None:
    """The template takes every name as it is given, so that the tasks find what it makes."""
    values = given(**EVERYTHING)
    assert values["ChangesFunctionName"] == names.processor_function(TABLE, "changes")
    assert values["ReplicatorRoleName"] == names.processor_role(TABLE, "replicator", AWAY)
    assert values["ProbeQueueName"] == names.probe_queue(TABLE)
    assert values["MarksTable"] == names.marks_table(TABLE)
    assert values["FailureBucket"] == names.failure_bucket(TABLE, ACCOUNT, AWAY)


# -------------------------------------------------------------------------------------------------------------- origin

REGIONS = [HOME, AWAY, THIRD]


def image(origin: str | None) -> dict[str, Any]:
    return {"id": {"S": "1"}, **({"origin": {"S": origin}} if origin else {})}


def record(new: str | None = "", old: str | None = "") -> dict[str, Any]:
    """A change; an image is left out where its origin is an empty text, and has none where it is None."""
    images = {"NewImage": new, "OldImage": old}
    return {"dynamodb": {name: image(origin) for name, origin in images.items() if origin != ""}}


def seen(change: dict[str, Any], regions: list[str] = REGIONS) -> list[str]:
    """The Regions whose processors see a change, which is in every Region's stream."""
    request = complete({**REQUEST, "regions": regions, "origin_attribute": "origin"})
    patterns = {region: region_parameters.filter_patterns(request, region) for region in regions}
    for texts in patterns.values():
        assert len(texts) <= region_parameters.MOST_FILTER_PATTERNS
        assert all(map(is_valid, texts))
    return [
        region
        for region, texts in patterns.items()
        if not texts or any(matches(json.loads(text), change) for text in texts)
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        *((record(new=region), region) for region in REGIONS),
        *((record(new=region, old=THIRD), region) for region in REGIONS),
        *((record(old=region), region) for region in REGIONS),
        (record(new=None, old=AWAY), AWAY),
        (record(new=None, old=THIRD), THIRD),
        (record(new=None), HOME),
        (record(old=None), HOME),
        (record(new=None, old=None), HOME),
        (record(new="eu-south-2"), HOME),
        (record(old="eu-south-2"), HOME),
        (record(new=AWAY, old=None), AWAY),
        ({"dynamodb": {"NewImage": {"origin": {"N": "1"}}}}, HOME),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value["dynamodb"]),
)
def test_every_change_is_seen_in_one_region(change: dict[str, Any], where: str) -> None:
    """In the Region that wrote the item last; at home where nobody says so, or a Region that is no member."""
    assert seen(change) == [where]


def test_a_table_in_one_region_needs_no_filter() -> None:
    """All that happens, happens at home."""
    assert seen(record(new="eu-south-2"), [HOME]) == [HOME]
    assert region_parameters.filter_patterns(asked(regions=[HOME], origin_attribute="origin"), HOME) == []


def test_without_an_origin_every_region_sees_everything() -> None:
    """There is no filter, and the ids of the events are equal."""
    assert not [name for name in given() if name.startswith("FilterPattern")]
