"""Rules of a request that its schema cannot say, because they join several members.

They run on whatever was written, so that all problems are told at once: a rule is silent about a member
whose shape the schema has already found wrong.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from tasks.shared import request_keys, request_processors, request_schedule
from tasks.shared.problems import Problem, a_list, a_mapping, shown
from tasks.shared.regions import partitions, unknown_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.shared.request_keys import Document

RESERVED_TAGS = ("aws:", "meridian:")


def violations(document: Document) -> Iterator[Problem]:
    for rule in (*_RULES, *request_keys.RULES, *request_processors.RULES, *request_schedule.RULES):
        yield from rule(document)


def _time_to_live(document: Document) -> Iterator[Problem]:
    """DynamoDB expires no item whose TTL attribute is not a number."""
    name = a_mapping(document.get("time_to_live")).get("attribute_name")
    kind = a_mapping(document.get("attribute_definitions")).get(name) if isinstance(name, str) else None
    if kind in ("S", "B"):
        yield Problem(
            ("time_to_live", "attribute_name"),
            f"{shown(name)} has type {kind}, and only numbers expire; name another attribute, or define it as N.",
        )


def _tags(document: Document) -> Iterator[Problem]:
    for key, value in a_mapping(document.get("tags")).items():
        reserved = next((prefix for prefix in RESERVED_TAGS if key.lower().startswith(prefix)), "")
        if reserved:
            yield Problem(("tags", key), f"the prefix `{reserved}` is reserved; choose another key.")
        for what, text in (("key", key), ("value", value)):
            strange = next((one for one in text if not _in_tags(one)), "") if isinstance(text, str) else ""
            if strange:
                yield Problem(
                    ("tags", key),
                    f"the {what} holds {shown(strange)}; use letters, numbers, spaces and + - = . _ : / @.",
                )


def _in_tags(character: str) -> bool:
    return character in "+-=._:/@" or unicodedata.category(character)[0] in "LNZ"


def _kinesis(document: Document) -> Iterator[Problem]:
    kinesis = a_mapping(document.get("kinesis"))
    if kinesis.get("stream_mode") == "ON_DEMAND" and "shard_count" in kinesis:
        yield Problem(
            ("kinesis", "shard_count"),
            "goes only with PROVISIONED, and stream_mode is ON_DEMAND; remove one of the two.",
        )
    metrics = a_list(kinesis.get("shard_level_metrics"))
    if "ALL" in metrics and any(metric != "ALL" for metric in metrics):
        yield Problem(("kinesis", "shard_level_metrics"), "ALL holds every metric; keep either ALL or the names.")


def _recovery_period(document: Document) -> Iterator[Problem]:
    recovery = a_mapping(document.get("point_in_time_recovery"))
    if recovery.get("enabled") is False and "recovery_period_in_days" in recovery:
        yield Problem(
            ("point_in_time_recovery", "recovery_period_in_days"),
            "goes only with `enabled: true`; remove it, or enable recovery.",
        )


def _billing_mode(document: Document) -> Iterator[Problem]:
    if document.get("billing_mode") == "PROVISIONED":
        yield Problem(("billing_mode",), "PROVISIONED comes later; use PAY_PER_REQUEST, or leave the line out.")


def _regions(document: Document) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for position, region in enumerate(a_list(document.get("regions"))):
        if not isinstance(region, str):
            continue
        if region in partitions():
            seen.setdefault(partitions()[region], region)
            continue
        yield unknown_region(("regions", position), region)
    if len(seen) > 1:
        places = " and ".join(f"{region} (partition {partition})" for partition, region in seen.items())
        yield Problem(("regions",), f"{places} cannot share a table; keep the Regions of one partition.")


_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _regions,
    _billing_mode,
    _recovery_period,
    _time_to_live,
    _tags,
    _kinesis,
)
