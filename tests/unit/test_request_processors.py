"""Requests for processors: what joins several members is checked too, and told in the same sentences."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tasks.shared import region_parameters
from tasks.shared.problems import MOST_PROBLEMS
from tasks.shared.request import complete, problems
from tests.unit.requests import SMALLEST, changed

SHOP: dict[str, Any] = {
    **SMALLEST,
    "regions": ["us-east-1", "eu-west-1"],
    "attribute_definitions": {"PK": "S", "at": "N"},
    "key_schema": {"PK": "HASH", "at": "RANGE"},
    "kinesis": {},
}
ORDER = {"attribute": "PK", "begins_with": "ORDER#"}
EVENT: dict[str, Any] = {
    "entity": ORDER,
    "when": ["INSERT"],
    "source": "shop.orders",
    "detail_type": "New Order",
    "detail": {"orderId": {"attribute": "PK", "after": "ORDER#"}, "at": {"value": "TIME"}},
}
METRIC: dict[str, Any] = {"entity": ORDER, "when": ["INSERT"], "metric": "NewOrders", "dimensions": {"Kind": "Order"}}
CONFLICT = {"rule": "LAST_WRITER", "attribute": "updatedAt"}
REPLICATOR: dict[str, Any] = {
    "destination": {"table": "archive", "region": "us-west-2"},
    "transform": {"drop": ["note"], "rename": {"amount": "total"}, "add": {"version": 2}},
    "conflict": CONFLICT,
}
CHANGES, ANALYTICS = "processors.changes", "processors.analytics"


def shop(document: dict[str, Any] = SHOP, /, **members: Any) -> dict[str, Any]:
    """The shop's request with these processors, or these members of the request."""
    processors = {name: members.pop(name) for name in ("changes", "analytics", "replicator") if name in members}
    return {**document, "processors": processors, **members}


def event(**members: Any) -> dict[str, Any]:
    return shop(changes={"rules": [{**EVENT, **members}]})


def metric(**members: Any) -> dict[str, Any]:
    return shop(analytics={"namespace": "Shop", "rules": [{**METRIC, **members}]})


def field(**members: Any) -> dict[str, Any]:
    return event(detail={"orderId": members})


def mapping(processor: str = "changes", document: dict[str, Any] = SHOP, **members: Any) -> dict[str, Any]:
    given = {"namespace": "Shop"} if processor == "analytics" else {}
    return shop(document, **{processor: {**given, "event_source_mapping": members}})


def replicator(**members: Any) -> dict[str, Any]:
    return shop(replicator={**REPLICATOR, **members})


def transform(**members: Any) -> dict[str, Any]:
    return replicator(transform=members)


WITHOUT_KINESIS = changed(SHOP, kinesis=None)
LONGEST_PATTERN = 4096  # Lambda: characters of a filter pattern

# A bad request, and the beginning of its one sentence.
BAD: dict[str, tuple[dict[str, Any], str]] = {
    # streams
    "analytics without Kinesis": (
        shop(WITHOUT_KINESIS, analytics={"namespace": "Shop"}),
        f"{ANALYTICS}: reads Kinesis, and there is no stream; add `kinesis: {{}}`, or remove it",
    ),
    "changes on a Kinesis stream that is not there": (
        shop(WITHOUT_KINESIS, changes={"source": "KINESIS"}),
        f"{CHANGES}.source: is KINESIS, and there is no stream; add `kinesis: {{}}`, or use DYNAMODB_STREAM",
    ),
    "two readers": (
        shop(changes={}, replicator={**REPLICATOR, "source": "DYNAMODB_STREAM"}),
        (
            "processors.replicator.source: reads the DynamoDB stream, and so does changes; a global table's stream "
            "takes one reader, since a second is throttled and slows replication; write `source: KINESIS` in "
            "one of the two."
        ),
    ),
    "two readers without Kinesis": (
        shop(WITHOUT_KINESIS, changes={}, replicator=REPLICATOR),
        (
            "processors.replicator.source: reads the DynamoDB stream, and so does changes; a global table's stream "
            "takes one reader, since a second is throttled and slows replication; write `source: KINESIS` in "
            "one of the two, and `kinesis: {}`."
        ),
    ),
    "images that the stream lacks": (
        shop(changes={}, stream_view_type="KEYS_ONLY"),
        "stream_view_type: is KEYS_ONLY, and changes needs both images of an item; use NEW_AND_OLD_IMAGES, or let it",
    ),
    "images that the replicator lacks": (
        shop(replicator=REPLICATOR, stream_view_type="NEW_IMAGE"),
        "stream_view_type: is NEW_IMAGE, and replicator needs both images",
    ),
    # mappings
    "batch without window": (
        mapping(batch_size=11, maximum_batching_window_in_seconds=0),
        (
            f"{CHANGES}.event_source_mapping.maximum_batching_window_in_seconds: is 0, and Lambda wants a window where "
            "batch_size is more than 10; use 1 or more"
        ),
    ),
    "default batch without window": (
        mapping("analytics", maximum_batching_window_in_seconds=0),
        f"{ANALYTICS}.event_source_mapping.maximum_batching_window_in_seconds: is 0",
    ),
    "tumbling window side by side": (
        mapping(tumbling_window_in_seconds=60, parallelization_factor=2),
        f"{CHANGES}.event_source_mapping.tumbling_window_in_seconds: goes only with a parallelization_factor of 1; use",
    ),
    "records that vanish before they are given up": (
        mapping(maximum_record_age_in_seconds=86_400),
        (
            f"{CHANGES}.event_source_mapping.maximum_record_age_in_seconds: is 86400, and the stream keeps a record "
            "for 86400 seconds: older ones vanish before they reach the failure bucket; use less"
        ),
    ),
    "records that vanish from Kinesis": (
        mapping(
            "analytics", changed(SHOP, kinesis={"retention_period_hours": 48}), maximum_record_age_in_seconds=172_800
        ),
        f"{ANALYTICS}.event_source_mapping.maximum_record_age_in_seconds: is 172800, and the stream keeps",
    ),
    # bus
    "bus of AWS": (
        shop(changes={"event_bus": "aws.partner"}),
        f"{CHANGES}.event_bus: the prefix `aws.` is reserved; choose another name",
    ),
    "making the default bus": (
        shop(changes={"event_bus": "default"}),
        f"{CHANGES}.create_event_bus: the bus `default` is there in every Region and cannot be made; write `create_",
    ),
    # origin
    "origin in the partition key": (shop(origin_attribute="PK"), "origin_attribute: 'PK' is a key, which no later"),
    "origin in the sort key": (shop(origin_attribute="at"), "origin_attribute: 'at' is a key, which no later write"),
    "origin in a number": (
        shop(
            origin_attribute="total",
            attribute_definitions={**SHOP["attribute_definitions"], "total": "N"},
            global_secondary_indexes=[{"index_name": "byTotal", "key_schema": {"total": "HASH"}}],
        ),
        "origin_attribute: 'total' has type N, and a Region's name is text; name an attribute of type S",
    ),
    "origin in the time to live": (
        shop(origin_attribute="expiresAt", time_to_live={"attribute_name": "expiresAt"}),
        "origin_attribute: 'expiresAt' holds the time to live, a number; name another attribute",
    ),
    "origin of a probe": (
        shop(origin_attribute="meridian:origin"),
        "origin_attribute: the prefix `meridian:` is reser",
    ),
    # entities
    "entity of everything": (
        event(entity={"attribute": "PK"}),
        f"{CHANGES}.rules[0].entity: says of no text; add one of the two, as in `begins_with:",
    ),
    "entity of two texts": (
        metric(entity={**ORDER, "equals": "order"}),
        f"{ANALYTICS}.rules[0].entity: has begins_with and equals; keep one of the two",
    ),
    "entity by a number": (
        event(entity={"attribute": "at", "equals": "1"}),
        f"{CHANGES}.rules[0].entity.attribute: 'at' has type N, and only text can be compared; name an attribute",
    ),
    "filter of everything": (
        replicator(entity={"attribute": "PK"}),
        "processors.replicator.entity: says of no text; add one",
    ),
    # conditions
    "becoming without changing": (
        event(when=["MODIFY"], becomes=["CANCELLED"]),
        f"{CHANGES}.rules[0].becomes: goes only with changed, which names the attribute; add it",
    ),
    "direction without changing": (
        metric(when=["MODIFY"], direction="INCREASE"),
        f"{ANALYTICS}.rules[0].direction: goes only with changed, which names the attribute; add it",
    ),
    "direction of a text": (
        event(when=["MODIFY"], changed="Status", becomes=["NEW"], direction="INCREASE"),
        f"{CHANGES}.rules[0].direction: is for numbers, and becomes is for text; keep one of the two",
    ),
    "key that changes": (
        event(when=["MODIFY"], changed="PK"),
        f"{CHANGES}.rules[0].changed: 'PK' is a key, which never changes; name another attribute",
    ),
    # events
    "source of AWS": (event(source="aws.orders"), f"{CHANGES}.rules[0].source: the prefix `aws.` is reserved; choose"),
    "source of ours": (event(source="Meridian.x"), f"{CHANGES}.rules[0].source: the prefix `meridian.` is reserved;"),
    "member of ours": (
        event(detail={"meridian": {"attribute": "PK"}}),
        f"{CHANGES}.rules[0].detail.meridian: is reserved for what every event carries; choose another name",
    ),
    "field of nothing": (
        field(),
        f"{CHANGES}.rules[0].detail.orderId.attribute: is missing, and ITEM needs it; name the attribute, or use",
    ),
    "field of the time and an attribute": (
        field(value="TIME", attribute="at"),
        f"{CHANGES}.rules[0].detail.orderId.attribute: does not go with TIME, the record's own time; remove one",
    ),
    "field of a part of the time": (
        field(value="TIME", after="2026-"),
        f"{CHANGES}.rules[0].detail.orderId.after: does not go with TIME, the record's own time; remove one of the two",
    ),
    # metrics
    "count of an attribute": (
        metric(attribute="amount"),
        f"{ANALYTICS}.rules[0].attribute: does not go with COUNT; remove it, or use `value: ATTRIBUTE`",
    ),
    "attribute without name": (
        metric(value="ATTRIBUTE"),
        f"{ANALYTICS}.rules[0].attribute: is missing, and ATTRIBUTE needs it; name the attribute of the number",
    ),
    "difference of one image": (
        metric(when=["MODIFY", "INSERT"], value="DIFFERENCE", attribute="Stock"),
        f"{ANALYTICS}.rules[0].when: INSERT has one image, and DIFFERENCE compares two; use `when: [MODIFY]` alone",
    ),
    "namespace of AWS": (
        shop(analytics={"namespace": "AWS/Lambda"}),
        f"{ANALYTICS}.namespace: the prefix `AWS/` is reserved; choose another namespace",
    ),
    "namespace of ours": (
        shop(analytics={"namespace": "Meridian/Processors"}),
        f"{ANALYTICS}.namespace: the prefix `Meridian/` is reserved; choose another namespace",
    ),
    "namespace with a colon in front": (
        shop(analytics={"namespace": ":Shop"}),
        f"{ANALYTICS}.namespace: ':Shop' has other characters; only a-z, A-Z, 0-9",
    ),
    "dimension of other letters": (
        metric(dimensions={"größe": "1"}),
        f"{ANALYTICS}.rules[0].dimensions: 'größe' has other characters; CloudWatch takes ASCII letters",
    ),
    "dimension with a colon in front": (
        metric(dimensions={":a": "1"}),
        f"{ANALYTICS}.rules[0].dimensions: ':a' has other characters; CloudWatch takes ASCII",
    ),
    "dimension of nothing": (
        metric(dimensions={"Kind": "  "}),
        f"{ANALYTICS}.rules[0].dimensions.Kind: '  ' has other characters; CloudWatch takes ASCII letters",
    ),
    "metric of other letters": (
        metric(metric="Umsätze"),
        f"{ANALYTICS}.rules[0].metric: 'Umsätze' has other characters; CloudWatch takes ASCII letters",
    ),
    # replicator
    "destination nowhere": (
        replicator(destination={"table": "archive", "region": "us-wset-2"}),
        "processors.replicator.destination.region: 'us-wset-2' is no Region in which DynamoDB runs; did you mean us-",
    ),
    "destination in another partition": (
        replicator(destination={"table": "archive", "region": "cn-north-1"}),
        "processors.replicator.destination.region: cn-north-1 lies in another AWS partition than the table; use",
    ),
    "destination that is the table": (
        replicator(destination={"table": "shop", "region": "eu-west-1"}),
        "processors.replicator.destination.table: is the table itself, which eu-west-1 has; name another table, or",
    ),
    "key dropped": (
        transform(drop=["PK"]),
        "processors.replicator.transform.drop[0]: 'PK' is a key, and keys go along",
    ),
    "key renamed": (transform(rename={"PK": "id"}), "processors.replicator.transform.rename.PK: 'PK' is a key, and"),
    "renamed onto a key": (transform(rename={"id": "PK"}), "processors.replicator.transform.rename.id: 'PK' is a key"),
    "key added": (transform(add={"at": 1}), "processors.replicator.transform.add.at: 'at' is a key, and keys go along"),
    "conflict attribute dropped": (
        transform(drop=["updatedAt"]),
        "processors.replicator.transform.drop[0]: 'updatedAt' is what the conflict rule compares, and goes along as it",
    ),
    "conflict attribute renamed": (
        transform(rename={"updatedAt": "changedAt"}),
        "processors.replicator.transform.rename.updatedAt: 'updatedAt' is what the conflict rule compares, and goes",
    ),
    "two of one name": (
        transform(rename={"amount": "total", "sum": "total"}),
        "processors.replicator.transform.rename.sum: 'amount' becomes 'total' too; give each a name of its own",
    ),
    "renamed and overwritten": (
        transform(rename={"amount": "total"}, add={"total": 0}),
        "processors.replicator.transform.rename.amount: 'total' is under add too, which overwrites it; remove one",
    ),
    "dropped before it is renamed": (
        transform(drop=["amount"], rename={"amount": "total"}),
        "processors.replicator.transform.rename.amount: 'amount' is under drop too, which comes first; remove one",
    ),
    "probe's attribute added": (
        transform(add={"meridian:probe": "x"}),
        "processors.replicator.transform.add['meridian:probe']: the prefix `meridian:` is reserved for probes; remove",
    ),
    "number that DynamoDB cuts": (
        transform(add={"serial": int("9" * 39)}),
        "processors.replicator.transform.add.serial: has more than 38 digits, and DynamoDB keeps no more; use text",
    ),
    "conflict by a key": (
        replicator(conflict={"rule": "LAST_WRITER", "attribute": "at"}),
        "processors.replicator.conflict.attribute: 'at' is a key, which never changes; name an attribute that every",
    ),
    "conflict by a probe's attribute": (
        replicator(conflict={"rule": "LAST_WRITER", "attribute": "meridian:time"}),
        "processors.replicator.conflict.attribute: the prefix `meridian:` is reserved for probes; name another",
    ),
    "version in a text": (
        shop(
            replicator={**REPLICATOR, "conflict": {"rule": "HIGHEST_VERSION", "attribute": "version"}, "transform": {}},
            attribute_definitions={**SHOP["attribute_definitions"], "version": "S"},
            global_secondary_indexes=[{"index_name": "byVersion", "key_schema": {"version": "HASH"}}],
        ),
        "processors.replicator.conflict.attribute: 'version' has type S, and a number is compared; name an attribute",
    ),
}

GOOD: dict[str, dict[str, Any]] = {
    "an event": event(),
    "a metric": metric(),
    "a replicator": replicator(),
    "all three, two of them on Kinesis": shop(
        changes={"rules": [EVENT]},
        analytics={"namespace": "Shop", "rules": [METRIC]},
        replicator={**REPLICATOR, "source": "KINESIS"},
    ),
    "no rules: probes only": shop(changes={}, analytics={"namespace": "Shop"}),
    "processors that are null": shop(changes=None, analytics=None, replicator=None),
    "keys only, read from Kinesis": shop(changes={"source": "KINESIS"}, stream_view_type="KEYS_ONLY"),
    "keys only, read by nobody": shop(stream_view_type="KEYS_ONLY"),
    "LATEST": mapping(starting_position="LATEST"),
    "ten without a window": mapping(batch_size=10, maximum_batching_window_in_seconds=0),
    "a tumbling window": mapping("analytics", tumbling_window_in_seconds=60, parallelization_factor=1),
    "a second less than a day": mapping(maximum_record_age_in_seconds=86_399),
    "more than a day of a stream that keeps two": mapping(
        "analytics", changed(SHOP, kinesis={"retention_period_hours": 48}), maximum_record_age_in_seconds=172_799
    ),
    "the default bus as it is": shop(changes={"event_bus": "default", "create_event_bus": False}),
    "an origin": shop(origin_attribute="originRegion"),
    "an origin as long as may be": shop(origin_attribute="\x01" * 255),
    "an origin that an index uses": shop(
        origin_attribute="originRegion",
        attribute_definitions={**SHOP["attribute_definitions"], "originRegion": "S"},
        global_secondary_indexes=[{"index_name": "byOrigin", "key_schema": {"originRegion": "HASH"}}],
    ),
    "a direction": metric(
        when=["MODIFY"], changed="Stock", direction="INCREASE", value="DIFFERENCE", attribute="Stock"
    ),
    "a status": event(when=["MODIFY"], changed="Status", becomes=["CANCELLED"]),
    "a completed field": field(value="TIME", attribute=None, after=""),
    "one table name in two Regions": replicator(destination={"table": "shop", "region": "us-west-2"}),
    "another table at home": replicator(destination={"table": "archive", "region": "us-east-1"}),
    "a swap of names": transform(rename={"a": "b", "b": "a"}),
    "a great number": transform(add={"serial": 10**100, "least": -(10**38) + 1, "yes": True}),
}


class TestProblems:
    @pytest.mark.parametrize("case", BAD)
    def test_tells_each_problem_once(self, case: str) -> None:
        """A bad request gets one sentence, with the place, the reason and the fix."""
        document, beginning = BAD[case]
        (sentence,) = problems(document)
        assert sentence.startswith(beginning)
        assert sentence.endswith((".", "?"))
        assert "; " in sentence

    @pytest.mark.parametrize("case", GOOD)
    def test_refuses_nothing_that_works(self, case: str) -> None:
        """What the processors and AWS take is taken, to the limit."""
        assert problems(GOOD[case]) == []

    @pytest.mark.parametrize("case", GOOD)
    def test_takes_what_it_completed(self, case: str) -> None:
        """The completed form, in which every default is written out, has no problem and completes to itself."""
        request = complete(GOOD[case])
        assert complete(request) == request

    def test_takes_no_origin_that_a_filter_cannot_name(self) -> None:
        """The longest name that the schema allows, all of it escaped in JSON, fits into each pattern twice."""
        request = complete(GOOD["an origin as long as may be"])
        for region in request["regions"]:
            for pattern in region_parameters.filter_patterns(request, region):
                assert len(json.dumps({"data": json.loads(pattern)})) <= LONGEST_PATTERN

    @pytest.mark.parametrize(
        "processors",
        [
            5,
            {"changes": 5, "analytics": [], "replicator": "x"},
            {"changes": {"source": 5, "event_bus": 5, "create_event_bus": 5, "rules": 5, "event_source_mapping": 5}},
            {"changes": {"rules": [5, {"entity": 5, "when": 5, "changed": 5, "becomes": 5, "source": 5, "detail": 5}]}},
            {"changes": {"rules": [{**EVENT, "detail": {"a": 5, "b": {"value": 5, "attribute": 5}}}]}},
            {"analytics": {"namespace": 5, "rules": [{**METRIC, "when": [5], "value": 5, "attribute": 5}]}},
            {"replicator": {"destination": {"table": 5, "region": 5}, "conflict": {"rule": 5, "attribute": 5}}},
            {"replicator": {**REPLICATOR, "transform": {"drop": [5], "rename": {"a": 5}, "add": {"b": [5]}}}},
            {"changes": {"event_source_mapping": dict.fromkeys(("batch_size", "maximum_record_age_in_seconds"), "9")}},
        ],
    )
    def test_leaves_shapes_to_the_schema(self, processors: Any) -> None:
        """Whatever shape something has, the schema alone complains, and of shapes only."""
        found = problems({**SHOP, "processors": processors})
        assert found
        for sentence in found:
            assert any(words in sentence for words in (" is wanted", "is missing; add it", " is none of ")), sentence

    def test_says_nothing_that_follows_from_a_number_out_of_bounds(self) -> None:
        """A record age that Lambda does not know is one problem, not two."""
        (sentence,) = problems(mapping(maximum_record_age_in_seconds=700_000))
        assert sentence.endswith("is 700000; use 604800 at the most.")

    def test_is_quick_on_the_largest_request(self) -> None:
        """50 rules of 30 wrong fields each are told in well under a second, as the first 50 problems."""
        fields = {f"field{number}": {"value": "TIME", "attribute": "x"} for number in range(30)}
        rules = [{**EVENT, "detail": fields, "becomes": [str(number) for number in range(100)]} for _ in range(50)]
        began = time.perf_counter()
        found = problems(shop(changes={"rules": rules}))
        assert len(found) == MOST_PROBLEMS + 1
        assert time.perf_counter() - began < 2
