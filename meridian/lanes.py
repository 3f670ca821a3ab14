"""Carry out a load: who writes what, when, and how long it took.

Writes are due at equal distances, counted from the beginning, so that waiting adds no drift. A slow call delays the
next ones of its lane only; what is late is caught up with, and what has not begun when the time is over is left out.
A lane is a thread that makes one visit (meridian/sample_data.py) after the other, which keeps the writes of an item in
order.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from meridian.latencies import Latencies
from meridian.sample_data import MARKER, WRITES
from tasks.shared import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from meridian.sample_data import Shop, Write
    from meridian.session import Session

WRITES_OF_A_LANE = 4  # a second: with their reads, what the far side of the world leaves time for
MOST_LANES = 64  # in a Region; more threads do not make Python faster
LATE_SECONDS = 0.5  # that the last write may be late


class Plan(NamedTuple):
    """The n-th write of all is due n / rate seconds after the beginning, in one Region after the other."""

    rate: int  # writes a second over all Regions
    seconds: int
    regions: list[str]

    @property
    def writes(self) -> int:
        return self.rate * self.seconds

    @property
    def lanes(self) -> int:
        """In each Region."""
        return min(MOST_LANES, ceil(self.rate / len(self.regions) / WRITES_OF_A_LANE))

    @property
    def visits(self) -> int:
        """More do not begin."""
        every = len(self.regions) * self.lanes
        return ceil(self.writes / every / WRITES) * every

    def numbers(self, region: int, lane: int) -> range:
        """Which of all the writes are a lane's."""
        return range(region + lane * len(self.regions), self.writes, self.lanes * len(self.regions))

    def visit(self, region: int, lane: int, turn: int) -> int:
        """Number of the visit that a lane makes as its ``turn``-th."""
        return (turn * self.lanes + lane) * len(self.regions) + region


@dataclass
class Measured:
    """Of one Region, or of one lane of it. ``visits`` is above the number of every visit that began."""

    write: Latencies = field(default_factory=Latencies)
    read: Latencies = field(default_factory=Latencies)
    visits: int = 0

    def merged(self, other: Measured) -> Measured:
        return Measured(self.write.merged(other.write), self.read.merged(other.read), max(self.visits, other.visits))


class Clock:
    """The time since the beginning, which is the same for all lanes."""

    def __init__(self) -> None:
        self._started, self._stopped, self._began = threading.Event(), threading.Event(), 0.0

    def start(self) -> None:
        self._began = time.monotonic()
        self._started.set()

    def stop(self) -> None:
        self._stopped.set()
        self._started.set()

    def wait(self, until: float) -> float:
        """Return when so many seconds have passed, or at once after ``stop``; gives the seconds that have."""
        if not self._started.is_set():
            self._started.wait()
        ahead = until - self.passed()
        if ahead > 0:  # who is late asks for no lock that all lanes share
            self._stopped.wait(ahead)
        return float("inf") if self._stopped.is_set() else self.passed()

    def passed(self) -> float:
        return time.monotonic() - self._began


def carry_out(session: Session, table: str, shop: Shop, plan: Plan) -> tuple[dict[str, Measured], float]:
    """Write and read as planned: what was measured in each Region, in how many seconds. Ctrl-C ends it early."""
    clients = {region: client(session, region, plan.lanes) for region in plan.regions}
    lanes = [
        Lane(clients[region], table, shop, plan, (place, number))
        for number in range(plan.lanes)
        for place, region in enumerate(plan.regions)
    ]
    with ThreadPoolExecutor(len(lanes)) as pool:
        list(pool.map(Lane.connect, lanes))
    clock = Clock()
    threads = [threading.Thread(target=lane.run, args=(clock,), daemon=True) for lane in lanes]
    try:
        for thread in threads:
            thread.start()
        clock.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(LATE_SECONDS)  # with a limit, so that a signal is heard
    except KeyboardInterrupt:
        pass
    finally:
        clock.stop()
    measured = {region: Measured() for region in plan.regions}
    for lane, thread in zip(lanes, threads, strict=True):
        if thread.ident:
            thread.join()
        measured[lane.region] = measured[lane.region].merged(lane.measured)
    return measured, clock.passed()


def client(session: Session, region: str, connections: int) -> DynamoDBClient:
    """A client that calls once, so that a time is that of one call and each refusal is counted."""
    known = session.dynamodb(region)
    once = Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=connections)
    return session.boto.client(
        "dynamodb", region_name=region, endpoint_url=known.meta.endpoint_url, config=known.meta.config.merge(once)
    )


class Lane:
    """Every write is followed by one eventually consistent read of the same item."""

    def __init__(self, dynamodb: DynamoDBClient, table: str, shop: Shop, plan: Plan, place: tuple[int, int]) -> None:
        self.region, self.measured = plan.regions[place[0]], Measured()
        self._dynamodb, self._table, self._shop, self._plan, self._place = dynamodb, table, shop, plan, place

    def connect(self) -> None:
        """Make a call that is not measured: the first one finds no connection yet."""
        key = self._shop.keys(self._plan.visit(*self._place, turn=0))[0]
        self._call(Latencies(), self._dynamodb.get_item, TableName=self._table, Key=key)

    def run(self, clock: Clock) -> None:
        writes: list[Write] = []
        for position, number in enumerate(self._plan.numbers(*self._place)):
            if clock.wait(number / self._plan.rate) > self._plan.seconds + LATE_SECONDS:
                return
            turn, step = divmod(position, WRITES)
            if step == 0:
                visit = self._plan.visit(*self._place, turn)
                writes, self.measured.visits = self._shop.visit(visit, self.region), visit + 1
            self._write(writes[step])
            self._call(self.measured.read, self._dynamodb.get_item, TableName=self._table, Key=writes[step].key)

    def _write(self, write: Write) -> None:
        """Conditional on the run's mark, so that no other item is touched."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        attributes = {**write.attributes, **{name: {"S": now} for name in write.moments}}
        names: dict[str, str] = {"#marker": MARKER}
        values: dict[str, Any] = {":run": {"S": self._shop.run}}
        given: dict[str, Any] = {
            "TableName": self._table,
            "ConditionExpression": "#marker = :run",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        if write.kind == "put":
            names["#key"] = next(iter(write.key))
            given |= {"Item": attributes, "ConditionExpression": "attribute_not_exists(#key) OR #marker = :run"}
            self._call(self.measured.write, self._dynamodb.put_item, **given)
        elif write.kind == "update":
            places = range(len(attributes))
            names |= {f"#{place}": name for place, name in zip(places, attributes, strict=True)}
            values |= {f":{place}": value for place, value in zip(places, attributes.values(), strict=True)}
            given |= {"Key": write.key, "UpdateExpression": f"SET {', '.join(f'#{one} = :{one}' for one in places)}"}
            self._call(self.measured.write, self._dynamodb.update_item, **given)
        else:
            self._call(self.measured.write, self._dynamodb.delete_item, **given, Key=write.key)

    def _call(self, latencies: Latencies, call: Callable[..., Any], **given: Any) -> None:
        began = time.perf_counter()
        try:
            call(**given)
        except ClientError as error:
            latencies.errors[tables.code(error)] += 1
        except BotoCoreError as error:
            latencies.errors[type(error).__name__] += 1
        else:
            latencies.seconds.append(time.perf_counter() - began)
