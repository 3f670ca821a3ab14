"""The load command: write sample data to a table in several Regions at once, measure it, and remove it again."""

from __future__ import annotations

import json
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from meridian import lanes, results
from meridian.commandline import COMMAND, DONE, WRONG, data, talk
from meridian.inputs import named_table
from meridian.load_plan import Plan
from meridian.sample_data import MARKER, Shop
from meridian.session import known_region
from tasks.shared import record, tables
from tasks.shared.errors import Refused, RequestInvalid
from tasks.shared.problems import shown

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from meridian.lanes import Measured
    from meridian.sample_data import Item
    from meridian.session import Session
    from tasks.shared.record import Record
    from tasks.shared.request import Request

LIFETIME_SECONDS = 7 * 86_400  # of the items, where the table has TTL
LARGEST_SEED = 10**9
REMOVERS, VISITS_AT_A_TIME = 16, 1000
USABLE = ("ACTIVE", "UPDATING")  # a table takes writes while its settings change
RUN = re.compile(r"(\d{1,10})-(\d{1,9})")


class Load(NamedTuple):
    """What came of a load: ``wanted`` writes, had AWS and this machine been fast enough."""

    table: str
    seed: int
    wanted: int
    seconds: float
    regions: dict[str, Measured]

    @property
    def run(self) -> str:
        """What ``--remove`` takes: the seed, and above which number no visit began."""
        return f"{self.seed}-{max(one.visits for one in self.regions.values())}"

    @property
    def failed(self) -> bool:
        return any(one.write.errors or one.read.errors for one in self.regions.values())

    def as_json(self) -> dict[str, Any]:
        calls = [one.write for one in self.regions.values()]
        return {
            "table": self.table,
            "run": self.run,
            "seconds": round(self.seconds, 1),
            "writes": sum(len(one.seconds) + one.errors.total() for one in calls),
            "writes_wanted": self.wanted,
            "regions": {
                region: {"write": one.write.as_json(), "read": one.read.as_json()}
                for region, one in self.regions.items()
            },
        }


def command(session: Session, table: str, options: dict[str, Any], *, as_json: bool) -> int:
    """Load, or remove a run's items. ``RequestInvalid`` where the options do not fit together."""
    remove, loading = options["remove"], {name: value for name, value in options.items() if name != "remove"}
    if remove is None:
        lacking = [f"--{name}" for name in ("rate", "seconds") if loading[name] is None]
        if lacking:
            raise RequestInvalid(f"load needs {' and '.join(lacking)}", remedy="Nothing was written.")
        return run(session, table, **loading, as_json=as_json)
    surplus = [f"--{name}" for name, value in loading.items() if value is not None]
    if surplus:
        raise RequestInvalid(f"load --remove takes no {' and no '.join(surplus)}", remedy="Nothing was removed.")
    return removed(session, table, remove, as_json=as_json)


def run(  # noqa: PLR0913  # the command's options
    session: Session, table: str, *, rate: int, seconds: int, regions: str | None, seed: int | None, as_json: bool
) -> int:
    """Write, read and print; 1 if a call failed. Ctrl-C ends it with what was measured so far."""
    recorded = _deployed(session, table)
    plan = Plan(rate, seconds, _chosen(recorded, regions))
    for region in plan.regions:
        _require_usable(session, table, region)
    seed = secrets.randbelow(LARGEST_SEED) if seed is None else seed
    _announce(session, recorded["request"], plan, seed)
    load = carry_out(session, recorded["request"], plan, seed)
    if as_json:
        print(json.dumps(load.as_json()))
    else:
        results.show_load(data(), load.as_json())
    _say(f"{_removal(session, table, load.run)} removes the items.")
    return WRONG if load.failed else DONE


def carry_out(session: Session, request: Request, plan: Plan, seed: int) -> Load:
    """Write and read as planned; Ctrl-C ends it early."""
    shop = Shop(request, str(seed), int(time.time()) + LIFETIME_SECONDS)
    measured, seconds = lanes.carry_out(session, request["table"], shop, plan)
    return Load(request["table"], seed, plan.writes, seconds, measured)


def removed(session: Session, table: str, run: str, *, as_json: bool) -> int:
    """Remove what is left of a run, in the home Region, from where it goes everywhere."""
    matched = RUN.fullmatch(run)
    if not matched:
        raise RequestInvalid(
            f"{shown(run)} is no run", remedy="It is two numbers, such as 4711-60; load prints it when it has ended."
        )
    request = _deployed(session, table)["request"]
    count = remove(session, request, seed=matched[1], visits=int(matched[2]))
    if as_json:
        print(json.dumps({"table": table, "run": run, "removed": count}))
    else:
        data().print(f"{count} items of run {run} removed from {table}.", highlight=False, markup=False)
    return DONE


def remove(session: Session, request: Request, *, seed: str, visits: int) -> int:
    """Remove the items of a run that still carry its mark; gives how many there were."""
    dynamodb, shop = session.dynamodb(session.home), Shop(request, seed)
    count = 0
    with ThreadPoolExecutor(REMOVERS) as pool:
        for first in range(0, visits, VISITS_AT_A_TIME):  # not all keys at once: there may be millions
            numbers = range(first, min(first + VISITS_AT_A_TIME, visits))
            keys = [key for number in numbers for key in shop.keys(number)]
            count += sum(pool.map(lambda key: _remove(dynamodb, request["table"], key, seed), keys))
    return count


def _remove(dynamodb: DynamoDBClient, table: str, key: Item, seed: str) -> bool:
    try:
        dynamodb.delete_item(
            TableName=table,
            Key=key,
            ConditionExpression="#marker = :run",
            ExpressionAttributeNames={"#marker": MARKER},
            ExpressionAttributeValues={":run": {"S": seed}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _deployed(session: Session, table: str) -> Record:
    """``DeploymentNotFound`` where nothing is recorded in the home Region."""
    return record.load(session, session.home, named_table(table))


def _chosen(recorded: Record, regions: str | None) -> list[str]:
    """The Regions to write in; all that are complete where none is chosen. ``Refused`` for any other."""
    request, complete = recorded["request"], [one for one, stage in recorded["stages"].items() if stage == "ACTIVE"]
    chosen = list(dict.fromkeys(part.strip() for part in regions.split(","))) if regions is not None else complete
    for region in chosen:
        if known_region(region) not in complete:
            raise Refused(
                f"{request['table']} is not deployed in {region}",
                remedy=f"Its Regions are {', '.join(complete)}." if complete else "Start provision with its request.",
            )
    if not chosen:
        raise Refused(f"No Region of {request['table']} is complete", remedy="Start provision with its request again.")
    return chosen


def _require_usable(session: Session, table: str, region: str) -> None:
    found = tables.describe(session.dynamodb(region), table)
    status = found["TableStatus"] if found else "not there"
    if status not in USABLE:
        raise Refused(f"{table} is {status} in {region}", remedy="Nothing was written. See what `status` says.")


def _announce(session: Session, request: Request, plan: Plan, seed: int) -> None:
    table, until = request["table"], request["time_to_live"]
    _say(
        f"{plan.writes} writes of real items to {table} in {', '.join(plan.regions)}, and a read after each. "
        f"Each item has {MARKER} = {seed}"
        + (f" and expires in {LIFETIME_SECONDS // 86_400} days." if until else ".")
        + f" {_removal(session, table, f'{seed}-{plan.visits}')} removes them."
    )


def _removal(session: Session, table: str, run: str) -> str:
    return f"`{COMMAND} load {table} --remove {run} --region {session.home}{session.options}`"


def _say(line: str) -> None:
    talk().print(line, markup=False, highlight=False, soft_wrap=True)
