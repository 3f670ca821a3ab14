"""The schema is what editors complete requests with, so it explains itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

import botocore.session
import pytest
from jsonschema import Draft7Validator

from tasks.shared import request as requests
from tasks.shared import request_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

# They belong to one value of another member, so they have a default only beside it, or none.
CONDITIONAL = {"begins_with", "equals", "non_key_attributes"}


LEAST, MOST = ("minLength", "minItems", "minimum"), ("maxLength", "maxItems", "maximum", "maxProperties")

# What AWS's own service models bound, by service, shape and path in our schema.
MODELED = (
    ("dynamodb", "KeySchemaAttributeName", "/key_attribute_name"),
    ("dynamodb", "ScalarAttributeType", "/attribute_definitions/additionalProperties"),
    ("dynamodb", "BillingMode", "/billing_mode"),
    ("dynamodb", "IndexName", "/index/index_name"),
    ("dynamodb", "KeyType", "/key_schema/additionalProperties"),
    ("dynamodb", "NonKeyAttributeName", "/index/projection/non_key_attributes/items"),
    ("dynamodb", "NonKeyAttributeNameList", "/index/projection/non_key_attributes"),
    ("dynamodb", "ProjectionType", "/index/projection/projection_type"),
    ("dynamodb", "RecoveryPeriodInDays", "/point_in_time_recovery/recovery_period_in_days"),
    ("dynamodb", "StreamViewType", "/stream_view_type"),
    ("dynamodb", "TableClass", "/table_class"),
    ("dynamodb", "TableName", "/table"),
    ("dynamodb", "TagKeyString", "/tags/propertyNames"),
    ("dynamodb", "TagValueString", "/tags/additionalProperties"),
    ("dynamodb", "TimeToLiveAttributeName", "/time_to_live/attribute_name"),
    ("dynamodb", "ApproximateCreationDateTimePrecision", "/kinesis/approximate_creation_date_time_precision"),
    ("kinesis", "PositiveIntegerObject", "/kinesis/shard_count"),
    ("kinesis", "MetricsName", "/kinesis/shard_level_metrics/items"),
    ("kinesis", "StreamMode", "/kinesis/stream_mode"),
    ("cloudwatch", "DimensionName", "/metric_rule/dimensions/propertyNames"),
    ("cloudwatch", "DimensionValue", "/metric_rule/dimensions/additionalProperties"),
    ("cloudwatch", "MetricName", "/metric_rule/metric"),
    ("cloudwatch", "Namespace", "/processors/analytics/namespace"),
    ("dynamodb", "TableName", "/processors/replicator/destination/table"),
    ("events", "NonPartnerEventBusName", "/processors/changes/event_bus"),
    ("lambda", "BatchSize", "/event_source_mapping/batch_size"),
    ("lambda", "FunctionResponseType", "/event_source_mapping/function_response_types/items"),
    ("lambda", "MaximumBatchingWindowInSeconds", "/event_source_mapping/maximum_batching_window_in_seconds"),
    ("lambda", "ParallelizationFactor", "/event_source_mapping/parallelization_factor"),
    ("lambda", "TumblingWindowInSeconds", "/event_source_mapping/tumbling_window_in_seconds"),
    ("scheduler", "MaximumEventAgeInSeconds", "/validation/schedule/maximum_event_age_in_seconds"),
    ("scheduler", "ScheduleExpression", "/validation/schedule/schedule_expression"),
    ("scheduler", "ScheduleExpressionTimezone", "/validation/schedule/schedule_expression_timezone"),
)

# Where we allow less than AWS: no retries without end, no units of a rate, no dimensions that nobody would pay for.
NARROWER = (
    ("cloudwatch", "Dimensions", "/metric_rule/dimensions"),
    ("cloudwatch", "StandardUnit", "/metric_rule/unit"),
    ("lambda", "EventSourcePosition", "/event_source_mapping/starting_position"),
    ("lambda", "MaximumRecordAgeInSeconds", "/event_source_mapping/maximum_record_age_in_seconds"),
    ("lambda", "MaximumRetryAttemptsEventSourceMapping", "/event_source_mapping/maximum_retry_attempts"),
    ("scheduler", "MaximumRetryAttempts", "/validation/schedule/maximum_retry_attempts"),
)

# The parts of a request that have a type of their own.
NAMED: dict[str, type] = {
    "/kinesis": requests.Kinesis,
    "/polling": requests.Polling,
    "/validation": requests.Validation,
    "/validation/schedule": requests.Schedule,
    "/time_to_live": requests.TimeToLive,
    "/point_in_time_recovery": requests.PointInTimeRecovery,
    "/processors": requests.Processors,
    "/processors/changes": requests.Changes,
    "/processors/analytics": requests.Analytics,
    "/processors/replicator": requests.Replicator,
    "/processors/replicator/destination": requests.ReplicatorDestination,
    "/processors/replicator/transform": requests.Transform,
    "/processors/replicator/conflict": requests.Conflict,
    "/alarms": requests.Alarms,
    "/entity": requests.Entity,
    "/field": requests.Field,
    "/event_rule": requests.EventRule,
    "/metric_rule": requests.MetricRule,
    "/event_source_mapping": requests.EventSourceMapping,
}


def walk(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within the schema, under its path."""
    yield path, part
    for name in ("properties", "definitions"):
        for member, inner in part.get(name, {}).items():
            yield from walk(inner, f"{path}/{member}")
    for name in ("items", "additionalProperties", "propertyNames"):
        if isinstance(part.get(name), dict):
            yield from walk(part[name], f"{path}/{name}")


PARTS = dict(walk(request_schema.schema()))


def members() -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every property: its path, its schema, and whether its parent requires it."""
    for path, part in PARTS.items():
        for name, member in part.get("properties", {}).items():
            yield f"{path}/{name}", request_schema.resolved(member), name in part.get("required", [])


class TestSchema:
    def test_is_a_schema(self) -> None:
        """The schema keeps the rules of the draft that it names."""
        assert request_schema.schema()["$schema"] == Draft7Validator.META_SCHEMA["$id"]
        Draft7Validator.check_schema(request_schema.schema())

    @pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "$ref" not in part])
    def test_explains_every_part(self, path: str) -> None:
        """An editor shows a title and a description wherever the cursor stands."""
        part = PARTS[path]
        assert part["title"]
        assert part["description"].endswith(".")

    @pytest.mark.parametrize(("path", "member", "required"), list(members()))
    def test_offers_every_member(self, path: str, member: dict[str, Any], required: bool) -> None:
        """A member has examples that are valid, and a valid default exactly if it may be left out."""
        validator = Draft7Validator({**member, "definitions": request_schema.schema()["definitions"]})
        assert member["examples"]
        for example in member["examples"]:
            validator.validate(example)
        assert ("default" in member) is not (required or path.rpartition("/")[2] in CONDITIONAL)
        if "default" in member:
            validator.validate(member["default"])

    @pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "properties" in part])
    def test_takes_no_unknown_member(self, path: str) -> None:
        """A misspelled member is refused wherever it stands."""
        assert PARTS[path]["additionalProperties"] is False

    @pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "$ref" in part])
    def test_puts_nothing_beside_a_reference(self, path: str) -> None:
        """Draft 7 ignores whatever stands beside `$ref`."""
        assert list(PARTS[path]) == ["$ref"]

    @pytest.mark.parametrize("path", [path for path, part in PARTS.items() if "pattern" in part])
    def test_puts_patterns_into_words(self, path: str) -> None:
        """Nobody is shown a regular expression, in the editor neither."""
        assert PARTS[path]["patternErrorMessage"].endswith(".")

    @pytest.mark.parametrize(("service", "shape", "path"), MODELED)
    def test_allows_what_aws_allows(self, service: str, shape: str, path: str) -> None:
        """A limit or a list of values is the one in AWS's own model of the service."""
        model = botocore.session.get_session().get_service_model(service).shape_for(shape)
        part = PARTS[path]
        assert set(part.get("enum", [])) == set(getattr(model, "enum", []))
        for bound, names in (("min", LEAST), ("max", MOST)):
            wanted = model.metadata.get(bound) or None  # a least length of 0 says nothing
            found = [part[name] for name in names if name in part]
            assert wanted is None or found == [wanted]

    @pytest.mark.parametrize(("service", "shape", "path"), NARROWER)
    def test_allows_nothing_that_aws_refuses(self, service: str, shape: str, path: str) -> None:
        """Where the choice is narrower than AWS's, it lies within AWS's."""
        model = botocore.session.get_session().get_service_model(service).shape_for(shape)
        part = PARTS[path]
        assert set(part.get("enum", [])) <= set(getattr(model, "enum", []))
        for name in LEAST:
            assert part.get(name, model.metadata.get("min", 0)) >= model.metadata.get("min", 0)
        for name in MOST:
            assert part.get(name, 0) <= model.metadata.get("max", 0)

    @pytest.mark.parametrize("path", [path for path, part in PARTS.items() if part.get("type") == "integer"])
    def test_tells_the_limits_of_a_number(self, path: str) -> None:
        """The description says between what a number may be chosen."""
        part = PARTS[path]
        assert f"{part['minimum']:,} to {part['maximum']:,}" in part["description"]

    def test_names_what_the_types_name(self) -> None:
        """The completed form that tasks are typed with has the schema's members."""
        assert list(get_type_hints(requests.Request)) == list(request_schema.schema()["properties"])
        for path, kind in NAMED.items():
            assert set(get_type_hints(kind)) == set(PARTS[path]["properties"]), path
        assert list(get_type_hints(requests.Index)) == list(PARTS["/index"]["properties"])
        assert list(get_type_hints(requests.Projection)) == list(PARTS["/index/projection"]["properties"])

    def test_has_a_sentence_for_every_rule(self) -> None:
        """Whatever keyword of JSON Schema is used, its violation has words."""
        silent = {"$schema", "$id", "$ref", "title", "description", "default", "examples", "patternErrorMessage"}
        carried = {"properties", "items", "propertyNames", "definitions"}
        used = {keyword for part in PARTS.values() for keyword in part} - silent - carried
        assert used <= set(request_schema._SENTENCES)
