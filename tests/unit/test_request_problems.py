"""What is wrong with a request is told at once, in sentences with the place and the fix."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.session import Session

from tasks.shared.errors import RequestInvalid
from tasks.shared.problems import LONGEST_ECHO, MOST_PROBLEMS
from tasks.shared.request import complete, problems
from tests.unit.requests import ORDERS, SMALLEST, changed, index, without

CAUSE_LIMIT = 32_768  # Step Functions: characters of an error's Cause
LONG = "Z" * 5_000
MANY_REGIONS = sorted(Session().get_available_regions("dynamodb"))[:21]


def gsi(*indexes: Any) -> dict[str, Any]:
    return changed(global_secondary_indexes=list(indexes))


def lsi(*indexes: Any, of: dict[str, Any] = ORDERS) -> dict[str, Any]:
    return changed(of, local_secondary_indexes=list(indexes))


def including(*attributes: str) -> dict[str, Any]:
    return {"projection_type": "INCLUDE", "non_key_attributes": list(attributes)}


# A bad request, and a fragment of each sentence about it.
BAD: dict[str, tuple[Any, list[str]]] = {
    # shape
    "not a mapping": (["orders"], ["request: is a list, and a mapping is wanted"]),
    "more Regions than a validation can report on": (
        changed(regions=MANY_REGIONS),
        ["regions: has 21 entries; leave at most 20"],
    ),
    "nothing": (None, ["request: is empty, and a mapping is wanted"]),
    "empty mapping": (
        {},
        [
            'table: is missing; add it, as in `table: "orders"`',
            "regions: is missing",
            "attribute_definitions: is missing",
            "key_schema: is missing; add it, as in `key_schema: {",
        ],
    ),
    "member misspelled": (
        changed(time_to_life=None),
        ["time_to_life: is not a member of a request; did you mean `time_"],
    ),
    "member in AWS's spelling": (
        changed(KeySchema=[]),
        ["KeySchema: is not a member of a request; did you mean `key_s"],
    ),
    "member of another world": (changed(Comment="x"), ["Comment: is not a member of a request; the members here are "]),
    "member of a group misspelled": (
        changed(polling={"poll_second": 1}),
        ["polling.poll_second: is not a member of a request; did you mean `poll_seconds`?"],
    ),
    "group left empty": (changed(polling=None), ["polling: is empty, and a mapping is wanted; write it as in `{"]),
    "depth without end": (
        {"table": json.loads("[" * 400 + "]" * 400)},
        ["request: is nested more than 20 levels deep"],
    ),
    "a name that is a number": ({1: 2}, ["request: has a member whose name is not text; put the name in quotes"]),
    "half a character": (changed(table="orders\ud800"), ["request: holds half of a surrogate pair"]),
    "what JSON does not know": (changed(table={1, 2}), ["request: holds a set; use text, numbers"]),
    # table
    "table too short": (changed(table="ab"), ["table: has 2 characters; use at least 3"]),
    "table too long": (changed(table="a" * 256), ["table: has 256 characters; use at most 255"]),
    "table with a space": (changed(table="my orders"), ["table: 'my orders' has other characters; only a-z"]),
    "table with a line break": (changed(table="orders\n"), [r"table: 'orders\n' has other characters"]),
    "table a number": (changed(table=2026), ["table: is 2026 without quotes, and text is wanted; put it in quotes"]),
    # Regions
    "no Region": (changed(regions=[]), ["regions: has 0 entries; give at least 1"]),
    "Region as text": (
        changed(regions="us-east-1"),
        ["regions: is 'us-east-1', and a list is wanted; write it as in `["],
    ),
    "Region twice": (
        changed(regions=["us-east-1", "eu-west-1", "us-east-1"]),
        ["regions[2]: is the same as regions[0]; remove one of them"],
    ),
    "Region misspelled": (changed(regions=["us-esat-1"]), ["regions[0]: 'us-esat-1' is no Region", "mean us-east-1?"]),
    "Region in words": (changed(regions=["Mumbai!"]), ["regions[0]: 'Mumbai!' is no Region", "such as us-east-1"]),
    "Region of a test endpoint": (changed(regions=["local"]), ["regions[0]: 'local' is no Region"]),
    "Region that YAML made false": (
        changed(regions=["us-east-1", False]),
        ["regions[1]: is false without quotes, and text is wanted; put it in quotes"],
    ),
    "Regions of two partitions": (
        changed(regions=["us-east-1", "cn-north-1"]),
        ["regions: us-east-1 (partition aws) and cn-north-1 (partition aws-cn) cannot share a table"],
    ),
    # attributes and keys
    "attribute type unknown": (
        changed(attribute_definitions={"ID": "String"}),
        ["attribute_definitions.ID: 'String' is none of S, N, B"],
    ),
    "attribute type in small": (changed(attribute_definitions={"ID": "n"}), ["did you mean N?"]),
    "attribute type that YAML made true": (
        changed(attribute_definitions={"ID": True}),
        ["attribute_definitions.ID: is true without quotes"],
    ),
    "attribute without definition": (
        changed(key_schema={"ID": "HASH", "at": "RANGE"}),
        ["key_schema.at: no attribute definition gives its type; add `at: S` (or N, B) to attribute_definitions"],
    ),
    "attribute of an index without definition": (
        gsi({"index_name": "GSI1", "key_schema": {"customer id": "HASH"}}),
        ["global_secondary_indexes[0].key_schema['customer id']: no attribute definition gives its type"],
    ),
    "definition without key": (
        changed(attribute_definitions={"ID": "S", "total": "N"}),
        ["attribute_definitions.total: no key of the table or of an index uses it; remove it"],
    ),
    "attribute name too long": (
        changed(attribute_definitions={"a" * 256: "S"}, key_schema={"a" * 256: "HASH"}),
        ["attribute_definitions['aaaa", "key_schema['aaaa"],
    ),
    "attribute name too long in bytes": (
        changed(attribute_definitions={"é" * 128: "S"}, key_schema={"é" * 128: "HASH"}),
        ["the name has 256 bytes in UTF-8; use at most 255", "the name has 256 bytes in UTF-8"],
    ),
    "attribute name empty": (
        changed(attribute_definitions={"": "S"}, key_schema={"": "HASH"}),
        ["attribute_definitions['']: the name has 0 characters; use at least 1", "key_schema['']: the name has 0"],
    ),
    "key as AWS writes it": (
        changed(key_schema=[{"AttributeName": "ID", "KeyType": "HASH"}]),
        ["key_schema: is a list, and a mapping is wanted; write it as in `{"],
    ),
    "key type unknown": (
        changed(key_schema={"ID": "PARTITION"}),
        ["key_schema.ID: 'PARTITION' is none of HASH, RANGE"],
    ),
    "key without attributes": (
        changed(key_schema={}, attribute_definitions={}),
        ["key_schema: has no HASH attribute; mark one attribute, the partition key, HASH"],
    ),
    "key without HASH": (changed(key_schema={"ID": "RANGE"}), ["key_schema: has no HASH attribute"]),
    "key with two HASH": (
        changed(key_schema={"ID": "HASH", "at": "HASH"}, attribute_definitions={"ID": "S", "at": "N"}),
        ["key_schema: has 2 HASH attributes; keep one, the partition key"],
    ),
    "key with two RANGE": (
        changed(
            key_schema={"ID": "HASH", "at": "RANGE", "by": "RANGE"},
            attribute_definitions={"ID": "S", "at": "N", "by": "S"},
        ),
        ["key_schema: has 2 RANGE attributes; keep one, the sort key"],
    ),
    # indexes
    "index without anything": (
        gsi({}),
        [
            "global_secondary_indexes[0].index_name: is missing; add it, as in `index_name:",
            "global_secondary_indexes[0].key_schema: is missing",
        ],
    ),
    "index as text": (gsi("GSI1"), ["global_secondary_indexes[0]: is 'GSI1', and a mapping is wanted"]),
    "index name too short": (gsi(index("G1")), ["global_secondary_indexes[0].index_name: has 2 characters"]),
    "index name with a slash": (gsi(index("by/ID")), ["global_secondary_indexes[0].index_name: 'by/ID' has other ch"]),
    "index name twice": (
        changed(ORDERS, global_secondary_indexes=[index("byTotal", total="HASH")]),
        ["local_secondary_indexes[0].index_name: another index is named 'byTotal' too; give each"],
    ),
    "too many global indexes": (
        gsi(*(index(f"GSI{number}") for number in range(21))),
        ["global_secondary_indexes: has 21 entries; leave at most 20"],
    ),
    "too many local indexes": (
        lsi(*(index(f"LSI{number}", orderId="HASH", total="RANGE") for number in range(6))),
        ["local_secondary_indexes: has 6 entries; leave at most 5"],
    ),
    "local index on a table without sort key": (
        changed(
            attribute_definitions={"ID": "S", "at": "N"},
            local_secondary_indexes=[index("byTime", ID="HASH", at="RANGE")],
        ),
        ["local_secondary_indexes: the table has no sort key, and local secondary indexes need one"],
    ),
    "local index with another partition key": (
        lsi(index("byTotal", customerId="HASH", total="RANGE")),
        ["local_secondary_indexes[0].key_schema: its HASH attribute is not the table's; use `orderId: HASH`"],
    ),
    "local index without sort key": (
        changed(lsi(index("byTotal", orderId="HASH")), attribute_definitions={"orderId": "S", "customerId": "S"}),
        ["local_secondary_indexes[0].key_schema: has no RANGE attribute; mark one attribute"],
    ),
    "local index with the table's sort key": (
        changed(
            lsi(index("same", orderId="HASH", customerId="RANGE")),
            attribute_definitions={"orderId": "S", "customerId": "S"},
        ),
        ["local_secondary_indexes[0].key_schema: its RANGE attribute is the table's; use another"],
    ),
    # projections
    "projection unknown": (
        gsi(index(projection={"projection_type": "all"})),
        ["global_secondary_indexes[0].projection.projection_type: 'all' is none of ALL, KEYS_ONLY", "mean ALL?"],
    ),
    "projection of nothing": (
        gsi(index(projection={"projection_type": "INCLUDE"})),
        ["global_secondary_indexes[0].projection.non_key_attributes: is missing, and INCLUDE needs it"],
    ),
    "projection of an empty list": (
        gsi(index(projection=including())),
        ["projection.non_key_attributes: has 0 entries; give at least 1"],
    ),
    "projection of all and some": (
        gsi(index(projection={"non_key_attributes": ["total"]})),
        ["projection.non_key_attributes: goes only with INCLUDE, and projection_type is ALL; remove one"],
    ),
    "projection of a key": (
        gsi(index(projection=including("total", "ID"))),
        ["projection.non_key_attributes[1]: 'ID' is a key, which every index holds; remove it"],
    ),
    "projection of the same twice": (
        gsi(index(projection=including("total", "total"))),
        ["non_key_attributes[1]: is the same as global_secondary_indexes[0].projection.non_key_attributes[0]"],
    ),
    "projection of too much in one index": (
        gsi(index(projection=including(*(f"a{number}" for number in range(21))))),
        ["projection.non_key_attributes: has 21 entries; leave at most 20"],
    ),
    "projection of too much in all": (
        gsi(*(index(f"GSI{one}", including(*(f"a{number}" for number in range(20)))) for one in range(6))),
        ["global_secondary_indexes: the indexes project 120 non_key_attributes in all, and DynamoDB allows 100"],
    ),
    # settings
    "provisioned billing": (
        changed(billing_mode="PROVISIONED"),
        ["billing_mode: PROVISIONED comes later; use PAY_PER"],
    ),
    "table class unknown": (changed(table_class="INFREQUENT"), ["table_class: 'INFREQUENT' is none of STANDARD, "]),
    "stream view type unknown": (changed(stream_view_type="NEW_IMAGES"), ["stream_view_type: ", "mean NEW_IMAGE?"]),
    "recovery for too long": (
        changed(point_in_time_recovery={"recovery_period_in_days": 36}),
        ["point_in_time_recovery.recovery_period_in_days: is 36; use 35 at the most"],
    ),
    "recovery period without recovery": (
        changed(point_in_time_recovery={"enabled": False, "recovery_period_in_days": 7}),
        ["point_in_time_recovery.recovery_period_in_days: goes only with `enabled: true`"],
    ),
    "recovery that YAML left text": (
        changed(point_in_time_recovery={"enabled": "yes"}),
        ["point_in_time_recovery.enabled: is the text 'yes', and true or false is wanted"],
    ),
    "TTL without attribute": (changed(time_to_live={}), ["time_to_live.attribute_name: is missing"]),
    "TTL as text": (
        changed(time_to_live="expiresAt"),
        ["time_to_live: is 'expiresAt', and a mapping or null is wanted"],
    ),
    "TTL on text": (
        changed(time_to_live={"attribute_name": "ID"}),
        ["time_to_live.attribute_name: 'ID' has type S, and only numbers expire"],
    ),
    # tags
    "too many tags": (
        changed(tags={f"tag{number}": "" for number in range(50)}),
        ["tags: has 50 entries; leave at most 49"],
    ),
    "tag key too long": (changed(tags={"k" * 129: "v"}), ["the name has 129 characters; use at most 128"]),
    "tag value too long": (changed(tags={"team": "v" * 257}), ["tags.team: has 257 characters; use at most 256"]),
    "tag key reserved by AWS": (changed(tags={"AWS:x": "v"}), ["tags['AWS:x']: the prefix `aws:` is reserved"]),
    "tag key reserved by us": (changed(tags={"meridian:table": "v"}), ["the prefix `meridian:` is reserved"]),
    "tag key with other characters": (changed(tags={"a*b": "v"}), ["tags['a*b']: the key holds '*'; use letters"]),
    "tag value with other characters": (
        changed(tags={"team": "a\tb"}),
        [r"tags.team: the value holds '\t'; use letters"],
    ),
    "tag value a number": (changed(tags={"version": 1.1}), ["tags.version: is 1.1 without quotes, and text is wanted"]),
    # Kinesis
    "shards of an on-demand stream": (
        changed(kinesis={"stream_mode": "ON_DEMAND", "shard_count": 3}),
        ["kinesis.shard_count: goes only with PROVISIONED, and stream_mode is ON_DEMAND; remove one"],
    ),
    "no shards": (changed(kinesis={"shard_count": 0}), ["kinesis.shard_count: is 0; use 1 at the least"]),
    "half a shard": (changed(kinesis={"shard_count": 1.5}), ["kinesis.shard_count: is 1.5, and a whole number is wan"]),
    "shards as text": (changed(kinesis={"shard_count": "3"}), ["kinesis.shard_count: is the text '3', and a whole nu"]),
    "shards true": (changed(kinesis={"shard_count": True}), ["kinesis.shard_count: is true, and a whole number is w"]),
    "retention too short": (
        changed(kinesis={"retention_period_hours": 1}),
        ["retention_period_hours: is 1; use 24 at"],
    ),
    "retention too long": (changed(kinesis={"retention_period_hours": 8761}), ["hours: is 8761; use 8760 at the most"]),
    "metric unknown": (
        changed(kinesis={"shard_level_metrics": ["IncomingByte"]}),
        ["kinesis.shard_level_metrics[0]: 'IncomingByte' is none of", "did you mean IncomingBytes?"],
    ),
    "metric twice": (
        changed(kinesis={"shard_level_metrics": ["ALL", "ALL"]}),
        ["kinesis.shard_level_metrics[1]: is the same as kinesis.shard_level_metrics[0]; remove one of them"],
    ),
    "metric beside ALL": (
        changed(kinesis={"shard_level_metrics": ["ALL", "IncomingBytes"]}),
        ["kinesis.shard_level_metrics: ALL holds every metric; keep either"],
    ),
    # waiting
    "deadline beyond a day": (
        changed(polling={"replica_seconds": 86_401}),
        ["polling.replica_seconds: is 86401; use "],
    ),
    "poll without pause": (changed(polling={"poll_seconds": 0}), ["polling.poll_seconds: is 0; use 1 at the least"]),
    "poll too seldom": (changed(validation={"poll_seconds": 301}), ["validation.poll_seconds: is 301; use 300 at the"]),
}

# Cases of one problem whose sentence is recognized by two fragments.
ONE_SENTENCE_TWO_FRAGMENTS = {
    "Region misspelled",
    "Region in words",
    "projection unknown",
    "stream view type unknown",
    "metric unknown",
}


class TestProblems:
    @pytest.mark.parametrize("case", BAD)
    def test_tells_each_problem_once(self, case: str) -> None:
        """A bad request gets one sentence for each problem, no more, which names the place and the fix."""
        document, fragments = BAD[case]
        found = problems(document)
        assert len(found) == (1 if case in ONE_SENTENCE_TWO_FRAGMENTS else len(fragments)), found
        for fragment in fragments:
            assert any(fragment in sentence for sentence in found), found

    @pytest.mark.parametrize("case", BAD)
    def test_writes_sentences(self, case: str) -> None:
        """A problem is one line, ends as a sentence, and holds a remedy after a semicolon."""
        for sentence in problems(BAD[case][0]):
            assert "\n" not in sentence
            assert sentence.endswith((".", "?"))
            assert sentence.count("; ") >= 1

    def test_tells_all_at_once(self) -> None:
        """Problems of shape and of meaning, in several members, come in one go and in the schema's order."""
        document = changed(
            table="x",
            regions=["us-east-1", "nowhere", "us-east-1"],
            key_schema={"ID": "HASH", "at": "RANGE"},
            time_to_live={"attribute_name": "ID"},
            kinesis={"shard_count": 0, "shard_level_metrics": ["ALL", "IncomingBytes"]},
            speed="fast",
        )
        assert [sentence.partition(":")[0] for sentence in problems(document)] == [
            "speed",
            "table",
            "regions[1]",
            "regions[2]",
            "key_schema.at",
            "time_to_live.attribute_name",
            "kinesis.shard_count",
            "kinesis.shard_level_metrics",
        ]

    @pytest.mark.parametrize(
        "tags",
        [
            {"country": "NO"},
            {"équipe": "Größe 3"},
            {"owner": "team@example.com"},
            {"path": "a/b:c=d+e_f.g-h"},
            {"x": ""},
        ],
    )
    def test_takes_what_aws_takes_in_tags(self, tags: dict[str, str]) -> None:
        """Letters of every script, spaces and the usual signs are fine, and so is an empty value."""
        assert problems(changed(tags=tags)) == []

    @pytest.mark.parametrize(
        "document",
        [
            changed(time_to_live={"attribute_name": "expiresAt"}),
            changed(regions=["cn-north-1", "cn-northwest-1"]),
            changed(regions=["us-gov-west-1", "us-gov-east-1"]),
            gsi(*(index(f"GSI{number}") for number in range(20))),
            gsi(*(index(f"GSI{one}", including(*(f"a{number}" for number in range(20)))) for one in range(5))),
            changed(tags={f"tag{number}": "" for number in range(49)}),
            changed(table="a" * 255),
            ORDERS,
        ],
    )
    def test_refuses_nothing_within_the_limits(self, document: dict[str, Any]) -> None:
        """What AWS allows is allowed, to the last one."""
        assert problems(document) == []

    def test_says_nothing_that_follows_from_another_problem(self) -> None:
        """A key schema of the wrong shape is one problem; its attributes are not called unused too."""
        assert len(problems(changed(key_schema="ID"))) == 1
        assert len(problems(gsi({"index_name": "GSI1", "key_schema": 1}))) == 1


HOSTILE: list[Any] = [
    LONG,
    {LONG: LONG},
    changed(table=LONG),
    changed(**{LONG: LONG}),
    changed(regions=[LONG, LONG, 10**300, [LONG], {LONG: LONG}]),
    changed(attribute_definitions={LONG: LONG}, key_schema={LONG + "K": LONG}),
    changed(tags={LONG: LONG, f"aws:{LONG}": [LONG]}),
    changed(time_to_live={"attribute_name": LONG, LONG: 1}),
    changed(kinesis={"shard_count": 10**4000, "stream_mode": LONG, "shard_level_metrics": [LONG] * 9}),
    gsi(index(LONG, {"projection_type": LONG, "non_key_attributes": [LONG, "ID"]}, **{LONG: LONG})),
    changed(**{f"{number}{LONG}": number for number in range(200)}),
    changed(tags={f"aws:{number}\U000e0001{LONG}": "\x00" * 500 for number in range(200)}),
    changed(attribute_definitions={f"{number}\x00\x01{LONG[:200]}": LONG for number in range(300)}),
    changed(regions=[f"\ufeff\u202e{number}{LONG}" for number in range(300)]),
]


class TestBounds:
    @pytest.mark.parametrize("number", range(len(HOSTILE)))
    def test_echoes_little(self, number: int) -> None:
        """However long the input, a sentence repeats at most a few characters of it, all of them printable."""
        for sentence in problems(HOSTILE[number]):
            assert "Z" * LONGEST_ECHO not in sentence
            assert sentence.isprintable()
            assert len(sentence) < CAUSE_LIMIT / MOST_PROBLEMS - 100

    @pytest.mark.parametrize("number", range(len(HOSTILE)))
    def test_fits_into_a_cause(self, number: int) -> None:
        """The error survives Step Functions, which cuts off a long Cause."""
        with pytest.raises(RequestInvalid) as raised:
            complete(HOSTILE[number])
        assert len(json.dumps({"errorMessage": str(raised.value)})) < CAUSE_LIMIT


class TestMessage:
    def test_counts_then_lists(self) -> None:
        """The first line says how many problems there are; each has a line; the last says what to do."""
        with pytest.raises(RequestInvalid) as raised:
            complete(changed(table="ab", regions=[]), name="orders.yaml")
        first, *lines, last = [line.rstrip() for line in str(raised.value).splitlines()]
        assert first == "orders.yaml has 2 problems:"
        assert lines == problems(changed(table="ab", regions=[]))
        assert last == "Nothing was created: correct the request, then start again."

    def test_counts_one(self) -> None:
        """A single problem is one problem."""
        with pytest.raises(RequestInvalid, match=r"\AThe request has 1 problem:\n"):
            complete(without("table"))

    def test_stops_after_fifty(self) -> None:
        """More problems than anyone reads are cut off, and it says so."""
        with pytest.raises(RequestInvalid) as raised:
            complete(changed(**{f"member{number}": 1 for number in range(80)}))
        first, *lines = str(raised.value).splitlines()
        assert first == "The request has more than 50 problems, among them:"
        assert len(lines) == MOST_PROBLEMS + 1

    def test_accepts_in_silence(self) -> None:
        """A good request raises nothing."""
        assert complete(SMALLEST)["table"] == "shop"
