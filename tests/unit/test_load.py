"""The load command, on moto: what it writes, when, what it measures, and that it takes only its own items away."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws
from typer.testing import CliRunner

import deploy
from meridian import lanes, load
from meridian.latencies import Latencies, percentile
from meridian.load_plan import Plan
from meridian.sample_data import MARKER, Shop
from meridian.session import Session
from tasks.shared import record
from tasks.shared.request import complete
from tests.unit.tasks.fakes import refusal
from tests.unit.test_sample_data import SINGLE_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

HOME, AWAY = SINGLE_TABLE["regions"]
REQUEST = complete(SINGLE_TABLE)
FOREIGN = {"PK": {"S": "ORDER#1"}, "SK": {"S": "ORDER"}, "amount": {"N": "1"}}


@pytest.fixture(scope="module")
def aws() -> Iterator[Session]:
    """An AWS in which the table is deployed in two Regions, which do not replicate.

    Of another table there is a record only, and a third one is not complete anywhere.
    """
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.setenv(name, "testing")
        session = Session(region=HOME)
        session.s3(HOME).create_bucket(Bucket="artifacts")
        for table in ("shop", "gone", "planned"):
            record.save(session, "artifacts", complete({**SINGLE_TABLE, "table": table}))
            record.save_stage(session, HOME, table, AWAY, "PLANNED" if table == "planned" else "ACTIVE")
        record.save_stage(session, HOME, "shop", HOME, "ACTIVE")
        for region in (HOME, AWAY):
            make_table(session, region)
        yield session


@pytest.fixture
def session(aws: Session, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Its caller, where the table is empty."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for region in (HOME, AWAY):
        for item in items(aws, region):
            aws.dynamodb(region).delete_item(TableName="shop", Key={name: item[name] for name in ("PK", "SK")})
    return aws


def make_table(session: Session, region: str) -> None:
    session.dynamodb(region).create_table(
        TableName="shop",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    )


def call(*options: str) -> Result:
    return CliRunner().invoke(deploy.app, ["load", "shop", "--region", HOME, *options])


def items(session: Session, region: str) -> list[dict[str, Any]]:
    return list(session.dynamodb(region).scan(TableName="shop")["Items"])


class TestCommand:
    def test_writes_reads_and_tells(self, session: Session) -> None:
        """Both Regions get their share of the writes, a read after each, and the answer counts them."""
        result = call("--rate", "4", "--seconds", "1", "--seed", "7", "--json")  # few: the machine may be busy
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert (found["table"], found["writes"], found["writes_wanted"]) == ("shop", 4, 4)
        for region in (HOME, AWAY):
            for kind in ("write", "read"):
                measured = found["regions"][region][kind]
                assert (measured["count"], measured["errors"]) == (2, {})
                assert 0 < measured["p50_ms"] <= measured["p95_ms"] <= measured["p99_ms"]
            assert {item["originRegion"]["S"] for item in items(session, region)} == {region}
            assert {item[MARKER]["S"] for item in items(session, region)} == {"7"}
        assert "writes of real items to shop in us-east-1, eu-west-1" in result.stderr
        assert f"load shop --remove {found['run']} --region us-east-1" in result.stderr

    def test_table(self, session: Session) -> None:
        """Without --json there is a line for the writes and one for the reads of each chosen Region."""
        result = call("--rate", "4", "--seconds", "1", "--regions", f"{AWAY}, {AWAY}")
        lines = [line.split() for line in result.stdout.splitlines() if line.startswith((HOME, AWAY))]
        assert [(line[:3], line[-1]) for line in lines] == [
            ([AWAY, "writes", "4"], "none"),
            ([AWAY, "reads", "4"], "none"),
        ]
        assert items(session, HOME) == []

    @pytest.mark.usefixtures("session")
    def test_errors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A refused call is counted under AWS's code, is no time, and makes the exit code 1."""
        client = lanes.client

        def refusing(*given: Any) -> Any:
            made = client(*given)
            monkeypatch.setattr(made, "put_item", refuse)
            return made

        def refuse(**_: Any) -> None:
            raise refusal("ThrottlingException", operation="PutItem")

        monkeypatch.setattr(lanes, "client", refusing)
        result = call("--rate", "4", "--seconds", "1", "--regions", AWAY, "--json")
        assert result.exit_code == 1
        found = json.loads(result.stdout)["regions"][AWAY]
        # What was never put can not be updated either.
        assert found["write"]["errors"] == {"ConditionalCheckFailedException": 1, "ThrottlingException": 3}
        assert (found["write"]["count"], found["write"]["p50_ms"], found["read"]["count"]) == (0, None, 4)

    def test_removes_its_own_items_only(self, session: Session) -> None:
        """What carries the run's mark goes; what somebody took over, and everything else, stays."""
        session.dynamodb(HOME).put_item(TableName="shop", Item=FOREIGN)
        run = json.loads(call("--rate", "20", "--seconds", "1", "--regions", HOME, "--json").stdout)["run"]
        taken, *others = [item for item in items(session, HOME) if MARKER in item]
        taken[MARKER] = {"S": "mine"}
        session.dynamodb(HOME).put_item(TableName="shop", Item=taken)
        result = call("--remove", run, "--json")
        assert json.loads(result.stdout) == {"table": "shop", "run": run, "removed": len(others)}
        assert sorted(map(str, items(session, HOME))) == sorted(map(str, [FOREIGN, taken]))
        assert call("--remove", run).stdout == f"0 items of run {run} removed from shop.\n"

    def test_overwrites_no_other_item(self, session: Session) -> None:
        """An item that is not the run's stays as it is, though it has the key."""
        (key, *_) = Shop(REQUEST, "7").keys(0)
        session.dynamodb(AWAY).put_item(TableName="shop", Item={**key, "mine": {"S": "yes"}})
        result = call("--rate", "1", "--seconds", "1", "--regions", AWAY, "--seed", "7", "--json")
        assert json.loads(result.stdout)["regions"][AWAY]["write"]["errors"] == {"ConditionalCheckFailedException": 1}
        assert items(session, AWAY) == [{**key, "mine": {"S": "yes"}}]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ([], "load needs --rate and --seconds. Nothing was written."),
            (["--rate", "0", "--seconds", "1"], "'--rate'"),
            (["--rate", "10001", "--seconds", "1"], "'--rate'"),
            (["--rate", "1", "--seconds", "3601"], "'--seconds'"),
            (["--rate", "1", "--seconds", "1", "--regions", "sa-east-1"], "shop is not deployed in sa-east-1."),
            (["--rate", "1", "--seconds", "1", "--regions", "us-eats-1"], "Did you mean us-east-1?"),
            (["--rate", "1", "--seconds", "1", "--regions", ""], "is no Region"),
            (["--remove", "7"], "'7' is no run."),
            (["--remove", "7-1", "--seed", "7"], "load --remove takes no --seed. Nothing was removed."),
        ],
    )
    @pytest.mark.usefixtures("session")
    def test_refuses(self, options: list[str], said: str) -> None:
        """What cannot be is refused in one sentence, and nothing is written."""
        result = call(*options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ("nothing", "No deployment of a table 'nothing' is recorded"),
            ("gone", "gone is not there in eu-west-1. "),
            ("planned", "No Region of planned is complete."),
            ("a b", "'a b' is no name of a table"),
        ],
    )
    @pytest.mark.usefixtures("session")
    def test_refuses_what_is_not_deployed(self, table: str, said: str) -> None:
        """Neither an unknown table nor one that is gone or not complete is written to."""
        result = CliRunner().invoke(deploy.app, ["load", table, "--region", HOME, "--rate", "1", "--seconds", "1"])
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr

    def test_interrupted(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ctrl-C ends a long load soon, with what was measured so far."""
        join = threading.Thread.join

        def interrupted(thread: threading.Thread, timeout: float | None = None) -> None:
            if timeout == lanes.LATE_SECONDS:
                time.sleep(0.3)
                raise KeyboardInterrupt
            join(thread, timeout)

        monkeypatch.setattr(threading.Thread, "join", interrupted)
        began = time.monotonic()
        result = call("--rate", "20", "--seconds", "600", "--json")
        assert time.monotonic() - began < 10
        found = json.loads(result.stdout)
        assert 0 < found["writes"] < 600
        assert len(items(session, HOME)) > 0


class FakeDynamoDB:
    """Notes when it was called, and takes its time."""

    def __init__(self, seconds: float = 0) -> None:
        self.began, self.seconds = time.monotonic(), seconds
        self.calls: list[tuple[float, str, str]] = []

    def _called(self, name: str, given: dict[str, Any]) -> None:
        key = given.get("Key") or {part: given["Item"][part] for part in ("PK", "SK")}
        self.calls.append((time.monotonic() - self.began, name, key["PK"]["S"]))
        time.sleep(self.seconds)

    def __getattr__(self, name: str) -> Any:
        return lambda **given: self._called(name, given)


class TestLanes:
    def lane(self, dynamodb: Any, rate: int, seconds: int, number: int = 0) -> lanes.Lane:
        plan = Plan(rate, seconds, [HOME, AWAY])
        return lanes.Lane(dynamodb, "shop", Shop(REQUEST, "7"), plan, (0, number))

    def run(self, lane: lanes.Lane) -> lanes.Measured:
        clock = lanes.Clock()
        clock.start()
        lane.run(clock)
        return lane.measured

    @pytest.mark.parametrize(("rate", "seconds"), [(1, 1), (3, 7), (40, 1), (10_000, 2)])
    def test_every_write_is_somebodys(self, rate: int, seconds: int) -> None:
        """The lanes of all Regions share the writes out without a gap, and no two make the same visit."""
        plan = Plan(rate, seconds, [HOME, AWAY, "sa-east-1"])
        steps = [step for place in plan.places for step in plan.steps(*place)]
        due = sorted(step.due for step in steps)
        assert due == pytest.approx([number / rate for number in range(rate * seconds)])
        writes = [(step.visit, step.write) for step in steps]
        assert len(writes) == len(set(writes))
        assert max(step.visit for step in steps) < plan.visits

    def test_keeps_the_rate_of_the_schedule(self) -> None:
        """Writes begin when they are due, however long each takes: slowness adds no drift."""
        dynamodb = FakeDynamoDB(seconds=0.005)
        self.run(self.lane(dynamodb, rate=40, seconds=1, number=1))
        times = [moment for moment, name, _ in dynamodb.calls if name != "get_item"]
        due = [number / 40 for number in range(2, 40, 10)]
        assert times == pytest.approx(due, abs=0.24)  # less than from one to the next

    def test_catches_up_and_leaves_out_what_is_too_late(self) -> None:
        """What AWS slows down is made up for at once, and ends with the time, not with the number of writes."""
        dynamodb = FakeDynamoDB(seconds=0.1)
        measured = self.run(self.lane(dynamodb, rate=16, seconds=1, number=0))
        assert 4 <= len(measured.write.seconds) <= 8
        assert time.monotonic() - dynamodb.began < 1 + lanes.LATE_SECONDS + 1

    def test_reads_what_it_wrote(self) -> None:
        """Each write is followed by one read of the same item."""
        dynamodb = FakeDynamoDB()
        self.run(self.lane(dynamodb, rate=40, seconds=1))
        calls = [(name, key) for _, name, key in dynamodb.calls]
        assert [name for name, _ in calls[1::2]] == ["get_item"] * 4
        assert [key for _, key in calls[::2]] == [key for _, key in calls[1::2]]

    def test_counts_what_never_reached_aws(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A connection that fails is an error under botocore's name for it."""
        dynamodb = FakeDynamoDB()

        def fail(**_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

        monkeypatch.setattr(dynamodb, "get_item", fail, raising=False)
        measured = self.run(self.lane(dynamodb, rate=2, seconds=1))
        assert measured.read.errors == {"EndpointConnectionError": 1}
        assert len(measured.write.seconds) == 1

    def test_tries_once(self) -> None:
        """A retry would hide a refusal and make two calls look like a slow one."""
        config: Any = lanes.client(Session(region=HOME), AWAY, 3).meta.config
        assert (config.retries["total_max_attempts"], config.max_pool_connections) == (1, 3)


class TestLatencies:
    @pytest.mark.parametrize(
        ("values", "p50", "p95", "p99"),
        [
            ([1], 1, 1, 1),
            ([1, 2], 1, 2, 2),
            (range(1, 101), 50, 95, 99),
            (range(1, 21), 10, 19, 20),
            ([], None, None, None),
        ],
    )
    def test_nearest_rank(self, values: Any, p50: Any, p95: Any, p99: Any) -> None:
        """A percentile is one of the values: the smallest that so many per cent do not exceed."""
        assert [percentile(list(values), percent) for percent in (50, 95, 99)] == [p50, p95, p99]

    def test_merged(self) -> None:
        """Lanes put together give the times and errors of both, in milliseconds and by code."""
        one, two = Latencies(), Latencies()
        one.seconds.extend([0.010, 0.020])
        two.seconds.extend([0.030])
        one.errors["B"] += 1
        two.errors.update(["A", "B"])
        assert one.merged(two).as_json() == {
            "count": 3,
            "average_ms": 20.0,
            "p50_ms": 20.0,
            "p95_ms": 30.0,
            "p99_ms": 30.0,
            "errors": {"A": 1, "B": 2},
        }


def test_a_load_that_began_nothing_has_nothing_to_remove() -> None:
    """The run's name counts the visits that began, so that removing looks for no more than there can be."""
    measured = {HOME: lanes.Measured(), AWAY: lanes.Measured(visits=4)}
    assert load.Load("shop", 7, 100, 1.0, measured).run == "7-4"
