"""What a load must bring about: the events and metrics that the request's rules make of its changes.

Written from the request's schema and not from the processors, whose work is judged by it.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from meridian.load_plan import Plan
    from meridian.sample_data import Item, Shop
    from tasks.shared.request import Condition, MetricRule, Request

Changes = dict[str, list["Change"]]  # by Region


class Change(NamedTuple):
    """``old`` and ``new`` are whole items, empty where there is none."""

    kind: str  # INSERT, MODIFY or REMOVE
    old: Item
    new: Item


class Series(NamedTuple):
    """A metric as CloudWatch tells them apart."""

    metric: str
    dimensions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return " ".join([self.metric, *(f"{name}={value}" for name, value in self.dimensions)])


def changes(shop: Shop, plan: Plan) -> Changes:
    """Every change that the plan makes in each Region, if all of it is carried out."""
    found: Changes = {region: [] for region in plan.regions}
    for place in plan.places:
        region, items = plan.regions[place[0]], dict[str, Any]()
        for step in plan.steps(*place):
            write = shop.visit(step.visit, region)[step.write]
            old = items.get(str(write.key), {})
            new = {} if write.kind == "delete" else {**old, **write.key, **write.attributes}
            new.update({name: {"S": str(step.due)} for name in write.moments})
            items[str(write.key)] = new
            found[region].append(Change("MODIFY" if old and new else "INSERT" if new else "REMOVE", old, new))
    return found


def seen(request: Request, made: Changes) -> Changes:
    """What each Region's processors see: its own changes where items have an origin, and all of them where not."""
    if request["origin_attribute"]:
        return made
    return {region: [change for each in made.values() for change in each] for region in made}


def events(request: Request, made: Iterable[Change]) -> Counter[tuple[str, str]]:
    """How many events of each source and detail type."""
    processor = request["processors"]["changes"]
    rules = processor["rules"] if processor else []
    return Counter((rule["source"], rule["detail_type"]) for change in made for rule in rules if _matches(change, rule))


def metrics(request: Request, made: Iterable[Change]) -> dict[Series, Decimal]:
    """The sum of each metric; 0 where nothing adds to it."""
    processor = request["processors"]["analytics"]
    rules = processor["rules"] if processor else []
    sums = {series(rule): Decimal(0) for rule in rules}
    for change in made:
        for rule in rules:
            if _matches(change, rule):
                sums[series(rule)] += _value(change, rule)
    return sums


def series(rule: MetricRule) -> Series:
    return Series(rule["metric"], tuple(sorted(rule["dimensions"].items())))


def _matches(change: Change, rule: Condition) -> bool:
    entity, name = rule["entity"], rule["changed"]
    text = str((change.new or change.old).get(entity["attribute"], {}).get("S", ""))
    is_of = text.startswith(entity["begins_with"]) if "begins_with" in entity else text == entity.get("equals")
    if change.kind not in rule["when"] or not is_of or name is None:
        return is_of and change.kind in rule["when"]
    old, new = change.old.get(name), change.new.get(name)
    becomes = not rule["becomes"] or (new or {}).get("S") in rule["becomes"]
    return old != new and becomes and rule["direction"] in ("ANY", _direction(old, new))


def _direction(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if not (old and new and "N" in old and "N" in new):
        return ""
    return "INCREASE" if Decimal(new["N"]) > Decimal(old["N"]) else "DECREASE"


def _value(change: Change, rule: MetricRule) -> Decimal:
    if rule["value"] == "COUNT":
        return Decimal(1)
    name = str(rule["attribute"])
    if rule["value"] == "ATTRIBUTE":
        return _number(change.new or change.old, name) or Decimal(0)
    before, after = _number(change.old, name), _number(change.new, name)
    return Decimal(0) if before is None or after is None else abs(after - before)


def _number(item: Item, name: str) -> Decimal | None:
    value = item.get(name, {}).get("N")
    return None if value is None else Decimal(str(value))
