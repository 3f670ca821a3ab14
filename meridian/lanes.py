"""Carry out a plan (meridian/load_plan.py): a thread a lane writes, reads, and notes how long it took.

A slow call delays the next ones of its lane only. What is late is caught up with, and what has not begun when the time
is over is left out.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from meridian.latencies import Latencies
from meridian.sample_data import MARKER
from tasks.shared import tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from meridian.load_plan import Plan
    from meridian.sample_data import Shop, Write
    from meridian.session import Session

LATE_SECONDS = 0.5  # that the last write may be late


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
    lanes = [Lane(clients[plan.regions[place[0]]], table, shop, plan, place) for place in plan.places]
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
        self._call(Latencies(), self._dynamodb.get_item, TableName=self._table, Key=self._shop.keys(0)[0])

    def run(self, clock: Clock) -> None:
        writes: list[Write] = []
        for step in self._plan.steps(*self._place):
            if clock.wait(step.due) > self._plan.seconds + LATE_SECONDS:
                return
            if step.write == 0:
                writes, self.measured.visits = self._shop.visit(step.visit, self.region), step.visit + 1
            write = writes[step.write]
            self._write(write)
            self._call(self.measured.read, self._dynamodb.get_item, TableName=self._table, Key=write.key)

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
