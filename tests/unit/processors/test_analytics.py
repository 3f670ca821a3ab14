"""Analytics: which changes count, by how much, and that each counts once."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

from processors import analytics
from processors.shared import counted
from processors.shared.batches import NothingProcessed

from .counting import COUNTED, Clock, Context, FakeCloudWatch, FakeDynamoDB, Killed, counting, dying, refusal, rule
from .records import NOON, REGION, TABLE, carried, event, item, kinesis_record, number, probe

if TYPE_CHECKING:
    from collections.abc import Iterator

INSERTS = rule()
VALUES = rule("OrderValue", value="ATTRIBUTE", attribute="amount", unit="None")
CANCELLED = rule("CancelledOrders", "ORDER#", "MODIFY", changed="status", becomes=["CANCELLED"])
STOCK = [
    rule(
        "InventoryChange",
        "PRODUCT#",
        "MODIFY",
        changed="Stock",
        direction=direction,
        value="DIFFERENCE",
        attribute="Stock",
        dimensions={"EntityType": "Product", "ChangeType": direction.title()},
    )
    for direction in ("INCREASE", "DECREASE")
]
SUCCESS: dict[str, Any] = {"batchItemFailures": []}


def failed(sequence: int) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number(sequence)}]}


def order(sequence: int, amount: Any = 1, **more: Any) -> dict[str, Any]:
    return kinesis_record(None, item(f"ORDER#{sequence}", amount=amount), sequence=sequence, **more)


class Process:
    """Analytics in a Lambda process, with our DynamoDB and CloudWatch behind it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloudwatch, self.context = FakeCloudWatch(), Context()
        self.dynamodb = FakeDynamoDB()
        self.clock = Clock(NOON, self.context)
        self._patch = monkeypatch
        monkeypatch.setenv("DEDUPLICATION_TABLE", COUNTED)
        monkeypatch.setattr(analytics, "cloudwatch", lambda: self.cloudwatch)
        for module in (analytics, counted):
            monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(analytics, "client", lambda _: self.dynamodb)
        monkeypatch.setattr(analytics, "datetime", Now)
        self.rules(INSERTS, VALUES)
        self.start_cold()

    def rules(self, *rules: dict[str, Any]) -> None:
        document = counting(*rules)
        self._patch.setattr(analytics, "config", lambda: document)

    def start_cold(self) -> None:
        analytics.counted.cache_clear()

    def batch(self, *records: dict[str, Any]) -> dict[str, Any]:
        return analytics.analytics(event(*records), self.context)

    def dies_at(self, method: str, calls: int = 1) -> None:
        """The process dies instead of a call of the store."""
        store = analytics.counted()
        setattr(store, method, dying(getattr(store, method), calls))

    def sums(self) -> dict[str, Fraction]:
        return self.cloudwatch.sums()


class Now(datetime):
    """Noon."""

    @classmethod
    def now(cls, _: Any = None) -> datetime:  # type: ignore[override]
        return datetime.fromtimestamp(NOON, UTC)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    logging.Logger.manager.loggerDict.pop("meridian", None)  # Powertools keeps the stdout of its first use
    yield Process(monkeypatch)
    analytics.counted.cache_clear()


class TestRules:
    def test_counts_and_adds_up(self, process: Process) -> None:
        """New orders are counted and their amounts added up, in the request's namespace, with its dimensions."""
        assert process.batch(order(1, {"N": "10.5"}), order(2, {"N": "1E+2"})) == SUCCESS
        assert process.sums() == {"NewOrders": 2, "OrderValue": Fraction("110.5")}
        (call,) = process.cloudwatch.calls
        assert call["Namespace"] == "ECommerce/Global"
        assert {datum["Unit"] for datum in call["MetricData"]} == {"Count", "None"}
        assert call["MetricData"][0]["Dimensions"] == [{"Name": "EntityType", "Value": "Order"}]

    def test_time(self, process: Process) -> None:
        """A datum has the minute of the change, whenever it is processed, and whatever order records come in."""
        times = [NOON - 7_200, NOON - 90, NOON - 7_199]
        records = [order(place, microseconds=time * 1_000_000) for place, time in enumerate(times)]
        process.rules(INSERTS)
        process.batch(*records)
        found = {datum["Timestamp"]: datum["Counts"] for datum in process.cloudwatch.data}
        assert found == {
            datetime(2026, 11, 21, 10, tzinfo=UTC): [2.0],
            datetime(2026, 11, 21, 11, 58, tzinfo=UTC): [1.0],
        }

    def test_cancelled(self, process: Process) -> None:
        """An order is cancelled where its status changes to that, not where it is removed or stays cancelled."""
        process.rules(CANCELLED)
        placed, cancelled = item(status="PLACED"), item(status="CANCELLED")
        process.batch(
            kinesis_record(placed, cancelled, sequence=1),
            kinesis_record(cancelled, {**cancelled, "note": {"S": "x"}}, sequence=2),
            kinesis_record(cancelled, None, sequence=3),
            kinesis_record(placed, None, sequence=4),
            kinesis_record(None, cancelled, sequence=5),
        )
        assert process.sums() == {"CancelledOrders": 1}

    def test_difference(self, process: Process) -> None:
        """Stock is counted by how much it went up or down, each in its own dimension and without sign."""
        process.rules(*STOCK)
        steps = [(10, 4), (4, 9), (9, 9), (9, "9.0")]
        records = [
            kinesis_record(
                item("PRODUCT#1", Stock={"N": str(old)}), item("PRODUCT#1", Stock={"N": str(new)}, n=1), sequence=place
            )
            for place, (old, new) in enumerate(steps)
        ]
        process.batch(*records)
        found = {datum["Dimensions"][0]["Value"]: datum["Values"] for datum in process.cloudwatch.data}
        assert found == {"Decrease": [6.0], "Increase": [5.0]}

    def test_exact(self, process: Process) -> None:
        """A difference of two numbers of 38 digits is exact; a float has no part in it."""
        process.rules(*STOCK)
        old, new = "1" + "0" * 37, "1" + "0" * 36 + "7"
        process.batch(
            kinesis_record(item("PRODUCT#1", Stock={"N": old}), item("PRODUCT#1", Stock={"N": new}), sequence=1)
        )
        assert process.sums() == {"InventoryChange": 7}

    @pytest.mark.parametrize("amount", [{"S": "10"}, {"NULL": True}, {"N": "9" * 38 + "E+88"}, {"L": []}])
    def test_no_number(self, process: Process, amount: dict[str, Any]) -> None:
        """What is no number, or more than CloudWatch takes, adds nothing, and the change still counts elsewhere."""
        assert process.batch(order(1, amount)) == SUCCESS
        assert process.sums() == {"NewOrders": 1}

    def test_nothing_to_count(self, process: Process) -> None:
        """Changes that no rule is for cost no call to anybody."""
        process.dies_at("look")
        assert process.batch(kinesis_record(None, item("USER#1"))) == SUCCESS
        assert process.batch() == SUCCESS
        assert process.cloudwatch.tries == 0

    def test_probes(self, process: Process) -> None:
        """A validation's probe counts, once, in a metric of its own, and meets no rule."""
        process.rules(rule(begins_with="meridian-probe"))
        records = [
            kinesis_record(None, probe(), sequence=1),
            kinesis_record(probe(), probe("update"), sequence=2),
            kinesis_record(probe("update"), None, sequence=3),
        ]
        process.batch(*records, *records)
        process.batch(*records)
        assert process.sums() == {"Probes": 3}
        (call,) = process.cloudwatch.calls
        assert call["Namespace"] == "Meridian/Processors"
        assert call["MetricData"][0]["Dimensions"] == [{"Name": "Table", "Value": TABLE}]

    @pytest.mark.parametrize("seconds", [-15 * 86_400, 3 * 3_600])
    def test_out_of_time(self, process: Process, seconds: int, capsys: pytest.CaptureFixture[str]) -> None:
        """A change of a time that CloudWatch refuses is dropped, logged and counted as such, and is no failure."""
        late = order(1, microseconds=(NOON + seconds) * 1_000_000)
        assert process.batch(late, order(2)) == SUCCESS
        assert process.batch(late) == SUCCESS
        assert process.sums() == {"DroppedRecords": 1, "NewOrders": 1, "OrderValue": 1}
        line = json.loads(capsys.readouterr().out.splitlines()[0])
        assert (line["dropped"], line["sequences"]) == (1, [number(1)])

    def test_discretion(self, process: Process, capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing of an item is in the log, or in the error that Lambda writes there."""
        process.cloudwatch.before = [refusal("InvalidParameterValue")]
        secret = kinesis_record(None, item("ORDER#SECRET", amount={"N": "31337"}), sequence=1)
        with pytest.raises(NothingProcessed) as raised:
            process.batch(secret, carried(b'{"SECRET":', 2))
        process.batch(secret, carried(b'{"SECRET":', 2))
        assert raised.value.__context__ is None
        out = capsys.readouterr().out + str(raised.value)
        assert "SECRET" not in out
        assert "31337" not in out
        assert number(2) in out


class TestOnce:
    def test_within_a_batch(self, process: Process) -> None:
        """A change whose record came twice into the stream, under two sequence numbers, counts once."""
        assert process.batch(order(1, event_id="one"), order(2, event_id="one"), order(3, event_id="two")) == SUCCESS
        assert process.sums()["NewOrders"] == 2

    def test_across_batches(self, process: Process) -> None:
        """A change counts once though it is in two batches, of which the second has others."""
        process.batch(order(1), order(2))
        assert process.batch(order(2), order(3)) == SUCCESS
        assert process.sums()["NewOrders"] == 3

    def test_over_a_cold_start(self, process: Process) -> None:
        """What is remembered is not in the process."""
        process.batch(order(1))
        process.start_cold()
        assert process.batch(order(1)) == SUCCESS
        assert process.sums()["NewOrders"] == 1
        assert process.clock.slept == 0

    def test_a_refused_call(self, process: Process) -> None:
        """A batch whose call was refused to the end fails, and counts once when it comes again."""
        process.cloudwatch.before = [refusal("Throttling")] * 100
        with pytest.raises(NothingProcessed, match=number(1)):
            process.batch(order(1), order(2))
        process.cloudwatch.before, process.context.seconds = [], 60
        process.start_cold()
        slept = process.clock.slept
        assert process.batch(order(1), order(2)) == SUCCESS
        assert process.clock.slept == slept, "nobody waits for a call that is known to be refused"
        process.batch(order(1), order(2))
        assert process.sums()["NewOrders"] == 2

    @pytest.mark.parametrize("method", ["look", "claim", "sending"])
    def test_killed_before_the_call(self, process: Process, method: str) -> None:
        """A process that dies before it calls CloudWatch loses nothing, and nobody waits for it."""
        process.dies_at(method)
        with pytest.raises(Killed):
            process.batch(order(1))
        process.start_cold()
        assert process.batch(order(1)) == SUCCESS
        assert process.sums()["NewOrders"] == 1
        assert process.clock.slept == 0

    def test_killed_within_the_claim(self, process: Process) -> None:
        """A process that dies between two transactions of one claim loses nothing and counts nothing twice."""
        records = [order(place) for place in range(150)]
        store = analytics.counted()
        store._write = dying(store._write, 2)  # type: ignore[method-assign]
        with pytest.raises(Killed):
            process.batch(*records)
        process.start_cold()
        assert process.batch(*records) == SUCCESS
        assert process.batch(*records) == SUCCESS
        assert process.sums()["NewOrders"] == 150

    def test_the_window(self, process: Process) -> None:
        """The window that is left: killed after CloudWatch took the data and before the claim is done, counts again."""
        process.cloudwatch.after = [Killed()]
        with pytest.raises(Killed):
            process.batch(order(1))
        process.start_cold()
        assert process.batch(order(1)) == SUCCESS
        assert process.clock.slept == pytest.approx(counted.SENDING_SECONDS, abs=1)
        process.batch(order(1))
        assert process.sums()["NewOrders"] == 2

    def test_a_lost_answer(self, process: Process) -> None:
        """Where no answer comes and CloudWatch got nothing, nothing is lost."""
        process.cloudwatch.before = [ReadTimeoutError(endpoint_url="https://monitoring")]
        assert process.batch(order(1)) == SUCCESS
        assert process.sums()["NewOrders"] == 1

    def test_two_at_once(self, process: Process) -> None:
        """While one invocation is in its call, another that has the same change waits, and finds it counted."""
        reply: list[dict[str, Any]] = []

        class Meanwhile(FakeCloudWatch):
            def put_metric_data(self, **parameters: Any) -> None:
                super().put_metric_data(**parameters)
                if not reply:
                    reply.append({})
                    process.context.seconds = 12  # less than the other's call may last
                    reply.append(process.batch(order(0), order(1)))
                    process.context.seconds = 60

        process.cloudwatch = Meanwhile()
        assert process.batch(order(1)) == SUCCESS
        assert reply[1] == failed(1)
        assert process.batch(order(0), order(1)) == SUCCESS
        assert process.sums()["NewOrders"] == 2

    def test_overtaken(self, process: Process) -> None:
        """An invocation that stalls before its call finds that another has counted its changes, and does not."""
        store = analytics.counted()
        sending, stalled = store.sending, iter([True])

        def late(claim: str) -> None:
            if next(stalled, False):
                assert process.batch(order(1)) == SUCCESS
            sending(claim)

        store.sending = late  # type: ignore[method-assign]
        assert process.batch(order(1)) == failed(1)
        assert process.batch(order(1)) == SUCCESS
        assert process.sums()["NewOrders"] == 1

    def test_remembers_long_enough(self, process: Process) -> None:
        """Marks outlive the two weeks in which CloudWatch would take a copy, and claims outlive their marks."""
        process.batch(order(1))
        items = process.dynamodb.items.values()
        expiry = {one["id"]["S"].partition("#")[0]: int(one["expiresAt"]["N"]) for one in items}
        assert NOON + 14 * 86_400 < expiry[f"event-1-{REGION}"] < expiry["claim"] - 86_400


class TestFailures:
    def test_malformed(self, process: Process) -> None:
        """What is before a malformed record is counted, the record is answered, what follows is left."""
        assert process.batch(order(1), carried(b"nonsense", 2), order(3)) == failed(2)
        assert process.sums()["NewOrders"] == 1
        with pytest.raises(NothingProcessed, match=number(2)):
            process.batch(carried(b"nonsense", 2), order(3))
        assert process.batch(carried(b"nonsense", 2)) == failed(2)

    def test_only_what_was_refused(self, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
        """Of several calls only the one that was refused is made again, after a pause."""
        monkeypatch.setattr("processors.shared.metrics.MOST_DATA", 2)
        minutes = [order(place, microseconds=(NOON - 60 * place) * 1_000_000) for place in range(3)]
        process.cloudwatch.before = [None, refusal("InternalFailure", 500), None]
        assert process.batch(*minutes) == SUCCESS
        assert (process.cloudwatch.tries, len(process.cloudwatch.calls)) == (4, 3)
        assert process.sums() == {"NewOrders": 3, "OrderValue": 3}
        assert process.clock.slept > 0

    def test_lasting(self, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refusal that time does not heal is not repeated; the first change of that call is answered."""
        monkeypatch.setattr("processors.shared.metrics.MOST_DATA", 2)
        minutes = [order(place, microseconds=(NOON - 60 * place) * 1_000_000) for place in range(3)]
        process.cloudwatch.before = [None, refusal("AccessDenied", 403), None]
        assert process.batch(*minutes) == failed(1)
        assert process.cloudwatch.tries == 3
        assert process.batch(*minutes[1:]) == SUCCESS
        assert process.sums() == {"NewOrders": 3, "OrderValue": 3}

    def test_out_of_time(self, process: Process) -> None:
        """It stops trying while there is still time to answer."""
        process.cloudwatch.before = [refusal("Throttling")] * 100
        assert process.batch(order(1)) == failed(1)
        assert 0 < process.context.seconds <= 60
        assert process.clock.slept <= 50

    @pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
    def test_no_store(self, process: Process, operation: str) -> None:
        """Where the deduplication table does not answer, nothing is counted, and the batch fails whole."""
        process.dynamodb.refuses = operation
        with pytest.raises(NothingProcessed, match=number(1)):
            process.batch(order(1), order(2))
        assert process.cloudwatch.tries == 0

    def test_counted_though_not_marked(self, process: Process) -> None:
        """Where CloudWatch has the data and the claim cannot be marked as done, the batch is no failure."""
        store: Any = analytics.counted()

        def refuse(_: str) -> None:
            raise refusal("ThrottlingException")

        store.done = refuse
        assert process.batch(order(1)) == SUCCESS

    def test_before_a_malformed_record(self, process: Process) -> None:
        """Of a refused call and a malformed record after it, the first is answered."""
        process.cloudwatch.before = [refusal("AccessDenied", 403)]
        uncounted = kinesis_record(None, item("USER#1"), sequence=0)
        assert process.batch(uncounted, order(1), carried(b"nonsense", 2)) == failed(1)

    def test_the_first_of_several(self, process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the first record's call alone is refused, the others count, and none twice as the halves come."""
        monkeypatch.setattr("processors.shared.metrics.MOST_DATA", 2)
        minutes = [order(place, microseconds=(NOON + 60 * (place - 3)) * 1_000_000) for place in range(3)]
        process.cloudwatch.before = [refusal("AccessDenied", 403), None, None]
        with pytest.raises(NothingProcessed, match=number(0)):
            process.batch(*minutes)
        assert process.sums() == {"NewOrders": 2, "OrderValue": 2}
        assert process.batch(minutes[0]) == SUCCESS
        assert process.batch(*minutes[1:]) == SUCCESS
        assert process.sums() == {"NewOrders": 3, "OrderValue": 3}


def test_a_full_batch(process: Process) -> None:
    """10,000 records, of which each hundredth came twice, need 100 calls to DynamoDB each way and few to CloudWatch."""
    amounts = [Decimal(place) / 100 for place in range(9_900)]
    records = [order(place, {"N": str(amount)}) for place, amount in enumerate(amounts)]
    assert process.batch(*records, *records[::99]) == SUCCESS
    assert process.sums()["NewOrders"] == 9_900
    assert process.sums()["OrderValue"] == sum(Fraction(float(amount)) for amount in amounts)
    assert len(process.cloudwatch.calls) <= 3
    operations = process.dynamodb.operations
    assert operations.count("BatchGetItem") == 99
    assert operations.count("TransactWriteItems") <= 99 + len(process.cloudwatch.calls)
    assert operations.count("PutItem") == 2 * len(process.cloudwatch.calls)
