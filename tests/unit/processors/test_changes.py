"""Business events: what they hold, that none is lost or out of order, and that a copy is known by its id."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from processors import changes as module
from processors.changes import changes
from processors.shared.batches import NothingProcessed
from processors.shared.event_bus import EventBusMissing
from tests.unit.processors.event_bridge import EventBridge
from tests.unit.processors.records import (
    TABLE_ARN,
    TTL_IDENTITY,
    carried,
    condition,
    configuration,
    event,
    item,
    kinesis_record,
    number,
    probe,
    stream_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ORIGIN = "writer"


def field(attribute: str | None = None, value: str = "ITEM", after: str = "") -> dict[str, Any]:
    return {"value": value, "attribute": attribute, "after": after}


def rule(source: str, detail_type: str, asked: dict[str, Any], **detail: dict[str, Any]) -> dict[str, Any]:
    return {**asked, "source": source, "detail_type": detail_type, "detail": detail}


TIME = field(value="TIME")
SHOP = [
    rule(
        "ecommerce.inventory",
        "Inventory Change",
        condition("PRODUCT#", "MODIFY", changed="Stock"),
        productId=field("PK", after="PRODUCT#"),
        oldStock=field("Stock", "OLD"),
        newStock=field("Stock", "NEW"),
        timestamp=TIME,
    ),
    rule(
        "ecommerce.orders",
        "New Order",
        condition("ORDER#", "INSERT"),
        orderId=field("PK", after="ORDER#"),
        customerId=field("customerId"),
        amount=field("amount"),
        timestamp=TIME,
    ),
    rule(
        "ecommerce.orders",
        "Order Status Update",
        condition("ORDER#", "MODIFY", changed="Status"),
        orderId=field("PK", after="ORDER#"),
        status=field("Status", "NEW"),
        timestamp=TIME,
    ),
    rule("ecommerce.orders", "Order Removed", condition("ORDER#", "REMOVE"), orderId=field("PK", after="ORDER#")),
    rule("ecommerce.orders", "Order Expired", condition("ORDER#", "EXPIRE"), orderId=field("PK", after="ORDER#")),
    rule(
        "ecommerce.users",
        "User Activity",
        condition("USER#", "INSERT", "MODIFY"),
        userId=field("PK", after="USER#"),
        lastActive=field("lastActive"),
    ),
]
NOTHING: dict[str, Any] = {"PK": {"S": "CART#1"}, "SK": {"S": "DETAILS"}}


class Context:
    """Lambda's, with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Lambda:
    """The processor on one bus, as Lambda calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bridge = EventBridge()
        self.document: Any = None
        self.configure()
        monkeypatch.setattr(module, "config", lambda: self.document)
        monkeypatch.setattr(module, "client", lambda _: self.bridge)

    def configure(self, rules: list[Any] = SHOP, **members: Any) -> None:
        processors = {"changes": {"rules": rules}, "analytics": None, "replicator": None}
        self.document = configuration(processors=processors, **members)

    def __call__(self, *records: Any) -> Any:
        return changes(event(*records), Context())

    @property
    def types(self) -> list[str]:
        return [entry["DetailType"] for entry in self.bridge.taken]

    @property
    def ids(self) -> list[str]:
        return [detail["meridian"]["id"] for detail in self.bridge.details]


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lambda]:
    monkeypatch.setenv("EVENT_BUS", "shop")
    monkeypatch.setattr("time.sleep", lambda _: None)
    module.bus.cache_clear()
    yield Lambda(monkeypatch)
    module.bus.cache_clear()


DONE: dict[str, Any] = {"batchItemFailures": []}


def failed(sequence: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number(sequence)}]}


def test_an_event_has_the_fields_of_its_rule_and_what_every_event_carries(processor: Lambda) -> None:
    """Time and resource are the record's."""
    processor.configure(origin_attribute=ORIGIN)
    old, new = item("PRODUCT#7", Stock=5, writer="us-east-1"), item("PRODUCT#7", Stock=3, writer="eu-west-1")

    assert processor(stream_record(old, new)) == DONE

    (sent,), (detail,) = processor.bridge.taken, processor.bridge.details
    assert (sent["Source"], sent["DetailType"], sent["EventBusName"]) == (
        "ecommerce.inventory",
        "Inventory Change",
        "shop",
    )
    assert (sent["Resources"], sent["Time"].isoformat()) == ([TABLE_ARN], "2026-11-21T12:00:00+00:00")
    assert detail == {
        "productId": "7",
        "oldStock": 5,
        "newStock": 3,
        "timestamp": "2026-11-21T12:00:00.000000Z",
        "meridian": {
            "id": detail["meridian"]["id"],
            "table": "shop",
            "region": "eu-west-1",
            "origin": "eu-west-1",
            "time": "2026-11-21T12:00:00.000000Z",
            "change": "MODIFY",
        },
    }


@pytest.mark.parametrize(
    ("old", "new", "identity", "expected"),
    [
        (None, item("ORDER#1"), None, ["New Order"]),
        (item(Status="NEW"), item(Status="PAID"), None, ["Order Status Update"]),
        (item(Status="NEW"), item(), None, ["Order Status Update"]),
        (item(Status="NEW"), item(Status="NEW", note="x"), None, []),
        (item(), None, None, ["Order Removed"]),
        (item(), None, TTL_IDENTITY, ["Order Expired"]),
        (item(expiresAt=1_795_262_399), None, None, ["Order Expired"]),
        (None, item("USER#1"), None, ["User Activity"]),
        (item("USER#1"), item("USER#1", a=1), None, ["User Activity"]),
        (item("PRODUCT#1", Stock=1), item("PRODUCT#1"), None, ["Inventory Change"]),
        (item("PRODUCT#1", Stock={"N": "1"}), item("PRODUCT#1", Stock={"N": "1.0"}), None, []),
        (None, item("PRODUCT#1", Stock=1), None, []),
        (None, NOTHING, None, []),
    ],
)
def test_the_shop_s_rules(processor: Lambda, old: Any, new: Any, identity: Any, expected: list[str]) -> None:
    """Each change is the event it should be, and a removed attribute is a change."""
    assert processor(stream_record(old, new, identity=identity)) == DONE

    assert processor.types == expected


def test_a_field_without_a_value_is_left_out(processor: Lambda) -> None:
    """Not null, which is a value too."""
    processor(stream_record(item("PRODUCT#1", Stock=1), item("PRODUCT#1")))
    processor(stream_record(None, item(customerId={"NULL": True})))

    gone, new = processor.bridge.details
    assert "newStock" not in gone
    assert gone["oldStock"] == 1
    assert new["customerId"] is None
    assert "amount" not in new


@pytest.mark.parametrize(
    ("amount", "literal"),
    [
        ("1E+2", "100"),
        ("10.5", "10.5"),
        ("10.50", "10.50"),
        ("-0.01", "-0.01"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", '"9223372036854775808"'),
        ("-9223372036854775809", '"-9223372036854775809"'),
        ("1E+30", '"1' + "0" * 30 + '"'),
        ("1E+125", '"1' + "0" * 125 + '"'),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("1234567890123456789012345678901234567.5", "1234567890123456789012345678901234567.5"),
    ],
)
def test_money_is_exact_in_the_event(processor: Lambda, amount: str, literal: str) -> None:
    """Digit by digit; whole numbers beyond 64 bits, which EventBridge does not hold, are text."""
    assert processor(stream_record(None, item(amount={"N": amount}))) == DONE

    assert f'"amount":{literal},' in processor.bridge.taken[0]["Detail"]


def test_sets_lists_and_binaries_come_as_json(processor: Lambda) -> None:
    """At any depth, with big numbers as text."""
    amount = {"M": {"s": {"NS": ["10", "9"]}, "l": {"L": [{"B": "AAE="}, {"N": "1E+20"}, {"BOOL": False}]}}}

    processor(stream_record(None, item(amount=amount)))

    assert processor.bridge.details[0]["amount"] == {"s": [9, 10], "l": ["AAE=", "1" + "0" * 20, False]}


def test_both_streams_give_equal_events(processor: Lambda) -> None:
    """Only the table's ARN is not known to Kinesis."""
    processor(stream_record(None, item(amount={"B": "AAE="})))
    processor(kinesis_record(None, item(amount={"B": "AAE="})))

    streamed, carried_ = processor.bridge.taken
    assert streamed.pop("Resources") == [TABLE_ARN]
    assert carried_ == streamed


def test_every_matching_rule_makes_an_event_of_its_own(processor: Lambda) -> None:
    """Two equal rules too: their place tells their ids apart."""
    processor.configure([SHOP[1], SHOP[1]])

    processor(stream_record(None, item()))

    assert processor.types == ["New Order", "New Order"]
    assert len(set(processor.ids)) == 2


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [(None, probe("put"), "put"), (probe("put"), probe("update"), "update"), (probe("update"), None, "delete")],
)
def test_a_probe_becomes_its_own_event_and_meets_no_rule(processor: Lambda, old: Any, new: Any, step: str) -> None:
    """Even where a rule is for every item."""
    processor.configure([rule("any", "Any", condition(""), name=field("PK"))])

    assert processor(stream_record(old, new, region="us-east-1")) == DONE

    (sent,), (detail,) = processor.bridge.taken, processor.bridge.details
    assert (sent["Source"], sent["DetailType"]) == ("meridian.validation", "Probe")
    assert len(detail.pop("id")) == 32
    assert detail == {"table": "shop", "run": "run-1", "step": step, "origin": "eu-west-1", "region": "us-east-1"}


def test_a_batch_is_published_in_order_in_full_calls(processor: Lambda) -> None:
    """Ten entries a call, whatever lies between them that is no event."""
    records = [stream_record(None, item(f"ORDER#{n}") if n % 2 else NOTHING, sequence=n) for n in range(50)]

    assert processor(*records) == DONE

    assert [detail["orderId"] for detail in processor.bridge.details] == [str(n) for n in range(50) if n % 2]
    assert [len(call) for call in processor.bridge.calls] == [10, 10, 5]


@pytest.mark.parametrize(
    "poison", [carried(b"{secret", 5), {**stream_record(None, item(), sequence=5), "eventName": "X"}]
)
def test_a_poison_record_stops_the_batch_after_its_elders(processor: Lambda, poison: Any, caplog: Any) -> None:
    """They are published, the answer names it, and the log says nothing of its content."""
    records = [stream_record(None, item(f"ORDER#{n}"), sequence=n) for n in range(9)]
    records[5] = poison

    assert processor(*records) == failed(5)

    assert [detail["orderId"] for detail in processor.bridge.details] == ["0", "1", "2", "3", "4"]
    assert "secret" not in caplog.text
    assert (caplog.records[-1].failed, caplog.records[-1].published) == (number(5), 5)


def test_poison_first_publishes_nothing(processor: Lambda, caplog: Any) -> None:
    """Lambda halves such a batch until the record is alone and answered; the log says each time which it was."""
    with pytest.raises(NothingProcessed, match=number(1)):
        processor(carried(b"{", 1), stream_record(None, item(), sequence=2))
    assert processor(carried(b"{", 1)) == failed(1)

    assert processor.bridge.calls == []
    assert [(line.records, line.failed) for line in caplog.records] == [(2, number(1)), (1, number(1))]


def test_the_lowest_refused_record_is_answered(processor: Lambda) -> None:
    """All before it are published; the ones behind it come again, with the ids they had."""
    stubborn = {"3", "7"}
    processor.bridge.refuse = lambda entry: (
        "InternalFailure" if json.loads(entry["Detail"])["orderId"] in stubborn else None
    )
    records = [stream_record(None, item(f"ORDER#{n}"), sequence=n) for n in range(30)]

    assert processor(*records) == failed(3)
    first = dict(zip([detail["orderId"] for detail in processor.bridge.details], processor.ids, strict=True))
    stubborn.clear()
    processor.bridge.taken.clear()

    assert processor(*records[3:]) == DONE
    second = dict(zip([detail["orderId"] for detail in processor.bridge.details], processor.ids, strict=True))
    assert list(second) == [str(n) for n in range(3, 30)]
    assert set(first) == {"0", "1", "2", "4", "5", "6", "8", "9"}
    assert all(second.get(order, event_id) == event_id for order, event_id in first.items())


def test_a_refused_entry_of_a_record_with_two_names_the_record(processor: Lambda) -> None:
    """Its other event comes again as well."""
    processor.configure([SHOP[1], {**SHOP[1], "detail_type": "Again"}])
    processor.bridge.refuse = lambda entry: "MalformedDetail" if entry["DetailType"] == "Again" else None

    assert processor(stream_record(None, NOTHING, sequence=1), stream_record(None, item(), sequence=2)) == failed(2)


def test_an_event_above_a_megabyte_fails_its_record_for_good(processor: Lambda, caplog: Any) -> None:
    """It stops the batch as poison does: its elders are published, and no call is made for it."""
    big = item("ORDER#big", customerId="x" * 600_000, amount={"S": "x" * 500_000})
    records = [stream_record(None, new, sequence=n) for n, new in enumerate([item(), big, item()])]

    assert processor(*records) == failed(1)

    assert processor.types == ["New Order"]
    assert caplog.records[-1].reason == f"Record {number(1)}: an event of it would be larger than 1 MB"


def test_the_largest_item_is_an_event(processor: Lambda) -> None:
    """400 KB of text that takes two bytes a letter."""
    assert processor(stream_record(None, item(customerId="é" * 200_000))) == DONE


def test_without_an_origin_attribute_three_regions_publish_equal_ids(processor: Lambda) -> None:
    """So a consumer can drop two of the three."""
    for place, region in enumerate(("us-east-1", "eu-west-1", "ap-southeast-1")):
        processor(stream_record(None, item(), region=region, sequence=place, seconds=1_795_262_400 + place))

    assert len(processor.ids) == 3
    assert len(set(processor.ids)) == 1
    assert {detail["meridian"]["origin"] for detail in processor.bridge.details} == {""}


def test_a_missing_bus_fails_the_batch_until_it_is_there(processor: Lambda) -> None:
    """An error, so that Lambda keeps the records; found again without a new cold start."""
    processor.bridge.buses = ()
    with pytest.raises(EventBusMissing):
        processor(stream_record(None, item()))
    processor.bridge.buses = ("shop",)

    assert processor(stream_record(None, item())) == DONE
    assert processor(stream_record(None, item())) == DONE
    assert processor.bridge.described == ["shop", "shop"]


def test_a_batch_without_events_asks_nothing_of_eventbridge(processor: Lambda) -> None:
    """Not even whether the bus is there."""
    assert processor(stream_record(None, NOTHING)) == DONE
    assert changes({}, Context()) == DONE
    assert (processor.bridge.described, processor.bridge.calls) == ([], [])


def test_the_end_of_a_tumbling_window_keeps_its_state(processor: Lambda) -> None:
    """Lambda wants it back."""
    assert changes({"window": {}, "state": {"a": 1}}, Context()) == {**DONE, "state": {"a": 1}}
    assert processor.bridge.calls == []


def test_a_request_without_rules_publishes_nothing(processor: Lambda) -> None:
    """Probes only."""
    processor.configure([])

    assert processor(stream_record(None, item()), stream_record(None, probe())) == DONE
    assert processor.types == ["Probe"]


def test_the_largest_batch_takes_a_thousand_calls(processor: Lambda, caplog: Any) -> None:
    """10,000 changes, ten a call, all in order, and one line in the log."""
    caplog.set_level("INFO", "meridian")
    records = [
        stream_record(item("PRODUCT#1", Stock=n), item("PRODUCT#1", Stock=n + 1), sequence=n) for n in range(10_000)
    ]

    assert processor(*records) == DONE

    assert len(processor.bridge.calls) == 1_000
    assert [detail["newStock"] for detail in processor.bridge.details] == list(range(1, 10_001))
    assert [(line.records, line.published) for line in caplog.records] == [(10_000, 10_000)]


def test_numbers_of_an_event_are_read_back_exactly(processor: Lambda) -> None:
    """As a consumer with decimals sees them."""
    processor(stream_record(None, item(amount={"N": "0.1234567890123456789012345678901234567"})))

    detail = json.loads(processor.bridge.taken[0]["Detail"], parse_float=Decimal)
    assert detail["amount"] == Decimal("0.1234567890123456789012345678901234567")
