"""What came of a load is told from what should have: in an AWS in which the processors are played by the test."""

from __future__ import annotations

import io
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from moto import mock_aws
from rich.console import Console

from meridian import expectations, load, observer, traffic
from meridian.bundle import ROOT
from meridian.lanes import Measured
from meridian.load_plan import Plan
from meridian.sample_data import MARKER, Shop
from meridian.session import Session
from tasks.shared import names
from tasks.shared.request import complete

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOME, AWAY = "us-east-1", "eu-west-1"
SHOP: Any = complete(
    {
        **yaml.safe_load((ROOT / "definitions/examples/ecommerce.yaml").read_text()),
        "regions": [HOME, AWAY],
        "validation": {"streaming_deadline_seconds": 1},
    }
)
TABLE = SHOP["table"]
QUEUE = f"{names.event_bus(TABLE)}-traffic"
ALONE = Plan(2, 5, [HOME])  # one visit


def changed(**members: Any) -> Any:
    """The shop's request with ``members`` replaced."""
    return {**SHOP, **members}


@pytest.fixture(scope="module")
def aws() -> Iterator[Session]:
    """An AWS with the bus and the Kinesis stream of the shop in two Regions."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        session = Session(region=HOME)
        for region in (HOME, AWAY):
            session.client("events", region).create_event_bus(Name="ecommerce")
            session.kinesis(region).create_stream(StreamName=names.stream(TABLE), ShardCount=2)
        yield session


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "WAIT_SECONDS", 0)
    monkeypatch.setattr(traffic, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(traffic, "SURPLUS_SECONDS", 0.1)


class TestExpectations:
    def test_a_visit(self) -> None:
        """One visit under the shop's rules gives nine events, and each metric its sum."""
        made = expectations.changes(Shop(SHOP, "7"), ALONE)
        assert [change.kind for change in made[HOME]] == [
            *("INSERT", "INSERT", "INSERT", "MODIFY", "MODIFY", "INSERT", "MODIFY", "MODIFY", "MODIFY", "REMOVE")
        ]
        assert expectations.events(SHOP, made[HOME]) == {
            ("ecommerce.inventory", "Inventory Change"): 2,
            ("ecommerce.orders", "New Order"): 2,
            ("ecommerce.orders", "Order Status Update"): 2,
            ("ecommerce.orders", "Order Removed"): 1,
            ("ecommerce.users", "User Activity"): 2,
        }
        orders = [change.new for change in made[HOME] if change.kind == "INSERT" and "amount" in change.new]
        taken, returned = (Decimal(str(order["quantity"]["N"])) for order in orders)
        assert {str(series): value for series, value in expectations.metrics(SHOP, made[HOME]).items()} == {
            "NewOrders EntityType=Order": 2,
            "OrderValue EntityType=Order": sum(Decimal(str(order["amount"]["N"])) for order in orders),
            "CancelledOrders EntityType=Order": 1,
            "NewProducts EntityType=Product": 1,
            "InventoryChange ChangeType=Decrease EntityType=Product": taken,
            "InventoryChange ChangeType=Increase EntityType=Product": returned,
        }

    def test_an_origin_parts_the_writes(self) -> None:
        """With an origin each Region sees its own changes, and without one all of them."""
        made = expectations.changes(Shop(SHOP, "7"), Plan(4, 5, [HOME, AWAY]))
        assert expectations.seen(SHOP, made) == made
        everywhere = expectations.seen(changed(origin_attribute=None), made)
        assert [len(found) for found in everywhere.values()] == [20, 20]


class TestObserver:
    def test_counts_the_tables_events(self, aws: Session) -> None:
        """Events of the table are counted by kind and id, and taken from the queue; another table's are not."""
        with observer.observing(aws, TABLE, SHOP["processors"]["changes"], AWAY) as watching:
            for number in range(12):
                send(aws, AWAY, ("ecommerce.users", "User Activity"), f"id{number % 11}")
            send(aws, AWAY, ("ecommerce.users", "User Activity"), "id", table="another")
            watching.look()
            watching.look()
            assert watching.kinds == {("ecommerce.users", "User Activity"): 12}
            assert (len(watching.ids), watching.ids["id0"]) == (11, 2)

    def test_stands_behind_its_own_rule(self, aws: Session) -> None:
        """The rule is for the sources of the request's rules, and only it may send to the queue."""
        events = aws.client("events", AWAY)
        with observer.observing(aws, TABLE, SHOP["processors"]["changes"], AWAY) as watching:
            rule = events.describe_rule(Name=QUEUE, EventBusName="ecommerce")
            assert json.loads(rule["EventPattern"]) == {
                "source": ["ecommerce.inventory", "ecommerce.orders", "ecommerce.users"]
            }
            attributes = aws.sqs(AWAY).get_queue_attributes(QueueUrl=watching.url, AttributeNames=["All"])["Attributes"]
            (allowed,) = json.loads(attributes["Policy"])["Statement"]
            assert allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": rule["Arn"]}}
            (target,) = events.list_targets_by_rule(Rule=QUEUE, EventBusName="ecommerce")["Targets"]
            assert target["Arn"] == attributes["QueueArn"] == allowed["Resource"]

    def test_leaves_nothing_behind(self, aws: Session) -> None:
        """Queue and rule go, whatever happens meanwhile."""
        with pytest.raises(KeyboardInterrupt), observer.observing(aws, TABLE, SHOP["processors"]["changes"], AWAY):
            raise KeyboardInterrupt
        assert "QueueUrls" not in aws.sqs(AWAY).list_queues()
        assert aws.client("events", AWAY).list_rules(EventBusName="ecommerce")["Rules"] == []

    def test_without_rules_it_sees_all_but_probes(self, aws: Session) -> None:
        """Where the request names no source, whatever is no validation's is watched."""
        plain: Any = {**SHOP["processors"]["changes"], "rules": []}
        with observer.observing(aws, TABLE, plain, AWAY):
            rule = aws.client("events", AWAY).describe_rule(Name=QUEUE, EventBusName="ecommerce")
        assert json.loads(rule["EventPattern"]) == {"source": [{"anything-but": ["meridian.validation"]}]}


def send(aws: Session, region: str, kind: tuple[str, str], identity: str, table: str = TABLE) -> None:
    """An event as EventBridge brings it to a queue."""
    event = {"source": kind[0], "detail-type": kind[1], "detail": {"meridian": {"id": identity, "table": table}}}
    sqs = aws.sqs(region)
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"], MessageBody=json.dumps(event))


class Processors:
    """Do what the rules say, in place of a load, but for what ``spoil`` makes of it."""

    def __init__(self, spoil: Callable[[dict[str, Any]], None], request: Any) -> None:
        self.spoil, self.request = spoil, request

    def carry_out(self, session: Session, request: Any, plan: Plan, seed: int) -> load.Load:
        made = expectations.changes(Shop(request, str(seed)), plan)
        measured = {region: Measured(visits=1) for region in plan.regions}
        for place, (region, seen) in enumerate(expectations.seen(request, made).items()):
            measured[region].write.seconds.extend([0.01] * 10)
            events = expectations.events(request, seen)
            of = region if request["origin_attribute"] else ""
            work: dict[str, Any] = {
                "events": [(kind, f"{of}{kind}{number}") for kind in events for number in range(events[kind])],
                "metrics": dict(expectations.metrics(request, seen)),
                "records": [{"NewImage": {MARKER: {"S": str(seed)}}} for _ in range(20)],
                "errors": measured[region].write.errors,
            }
            if place == 0:
                self.spoil(work)
            for kind, identity in work["events"]:
                send(session, region, kind, identity)
            put_metrics(session, region, work["metrics"])
            put_records(session, region, [*work["records"], {"NewImage": {MARKER: {"S": "another"}}}])
        return load.Load(request["table"], seed, plan.writes, 1.0, measured)


def put_metrics(session: Session, region: str, sums: dict[expectations.Series, Decimal]) -> None:
    data: Any = [
        {
            "MetricName": series.metric,
            "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
            "Timestamp": datetime.now(UTC),
            "Value": float(value),
        }
        for series, value in sums.items()
    ]
    session.cloudwatch(region).put_metric_data(Namespace="ECommerce/Global", MetricData=data)


def put_records(session: Session, region: str, changes: list[dict[str, Any]]) -> None:
    records: Any = [
        {"PartitionKey": str(number), "Data": json.dumps({"eventID": str(number), "dynamodb": change}).encode()}
        for number, change in enumerate(changes)
    ]
    session.kinesis(region).put_records(StreamName=names.stream(TABLE), Records=records)


def observed(
    aws: Session, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[dict[str, Any]], None] = lambda _: None, **more: Any
) -> dict[str, Any]:
    request = changed(**more)
    monkeypatch.setattr(load, "carry_out", Processors(spoil, request).carry_out)
    return traffic.observe(aws, request)


def drawn(found: dict[str, Any]) -> str:
    console = Console(file=io.StringIO(), width=120, _environ={})
    traffic.show_traffic(console, found)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(" ".join(line.split()) for line in console.file.getvalue().splitlines())


class TestTraffic:
    def test_all_is_right(self, aws: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """One event a write and rule over all Regions, every metric and every record: that is as it must be."""
        found = observed(aws, monkeypatch)
        assert found["ok"], json.dumps(found)
        assert (found["writes"], found["events"], found["different_events"], found["times_each"]) == (20, 18, 18, 1)
        home = found["regions"][HOME]
        assert (home["events"], home["records"], home["records_expected"]) == (9, 20, 20)
        assert home["metrics"]["CancelledOrders EntityType=Order"] == [1.0, 1.0]
        text = drawn(json.loads(json.dumps(found)))
        assert "us-east-1 10 9 20" in text
        assert "ecommerce.orders: New Order 2 2" in text
        assert "18 events (18 different) from 20 writes, as the rules say, each once." in text

    def test_without_an_origin(self, aws: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without an origin each event comes in every Region, with one id."""
        found = observed(aws, monkeypatch, origin_attribute=None)
        assert found["ok"], json.dumps(found)
        assert (found["events"], found["different_events"], found["times_each"]) == (36, 18, 2)
        assert "each in 2 Regions under one id." in drawn(found)

    @pytest.mark.parametrize(
        ("spoil", "said"),
        [
            (lambda work: work["events"].pop(), "us-east-1 10 8 of 9 20"),
            (lambda work: work["events"].append(work["events"][0]), "us-east-1 10 10 of 9 20"),
            (lambda work: work["events"].append((("ecommerce.x", "Y"), "z")), "us-east-1 10 10 of 9 20"),
            (lambda work: work["events"].__setitem__(1, work["events"][0]), "18 events (17 different)"),
            (lambda work: work["metrics"].popitem(), "0 of"),
            (lambda work: work["metrics"].update(dict.fromkeys(work["metrics"], Decimal(99))), "99 of 2"),
            (lambda work: work["records"].pop(), "us-east-1 10 9 19 of 20"),
            (lambda work: work["errors"].update(["ThrottlingException"]), "not as the rules say"),
        ],
        ids=["lost", "twice", "unknown", "same id", "no metric", "wrong metric", "no record", "write failed"],
    )
    def test_something_is_wrong(
        self, aws: Session, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[dict[str, Any]], None], said: str
    ) -> None:
        """Whatever is lost, comes twice or differs is found, at the deadline at the latest, and shown."""
        began = time.monotonic()
        found = observed(aws, monkeypatch, spoil)
        assert not found["ok"]
        assert time.monotonic() - began < 10
        assert said in drawn(found)

    def test_a_table_without_processors(self, aws: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the request has neither processors nor streaming, the writes are all there is to show."""
        nothing: dict[str, Any] = {"changes": None, "analytics": None, "replicator": None}
        measured = {region: Measured(visits=1) for region in (HOME, AWAY)}
        made = load.Load(TABLE, 7, 20, 1.0, measured)
        monkeypatch.setattr(load, "carry_out", lambda *_: made)
        found = traffic.observe(aws, changed(processors=nothing, kinesis=None))
        assert found["ok"]
        assert (found["events"], found["regions"][HOME]["records"]) == (0, 0)
        assert "Metrics" not in drawn(found)
