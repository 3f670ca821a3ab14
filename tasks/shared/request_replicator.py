"""Rules about the replicator of a request: where it writes, what it changes on the way, and by what it compares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared import request_events
from tasks.shared.problems import Path, Problem, a_list, a_mapping, shown
from tasks.shared.regions import partitions, unknown_region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.shared.request_keys import Document

REPLICATOR: Path = ("processors", "replicator")
RESERVED = "meridian:"  # attributes of probes
MOST_DIGITS, LARGEST = 38, 10**126  # DynamoDB numbers


def _entity(document: Document) -> Iterator[Problem]:
    yield from request_events.entity((*REPLICATOR, "entity"), _replicator(document).get("entity"), document)


def _destination(document: Document) -> Iterator[Problem]:
    destination = a_mapping(_replicator(document).get("destination"))
    region, regions, path = destination.get("region"), a_list(document.get("regions")), (*REPLICATOR, "destination")
    if not isinstance(region, str):
        return
    if region not in partitions():
        yield unknown_region((*path, "region"), region)
        return
    ours = {partitions()[one] for one in regions if isinstance(one, str) and one in partitions()}
    if ours and partitions()[region] not in ours:
        yield Problem(
            (*path, "region"), f"{region} lies in another AWS partition than the table; use a Region of the same."
        )
    if region in regions and destination.get("table") == document.get("table"):
        yield Problem(
            (*path, "table"), f"is the table itself, which {region} has; name another table, or a Region without it."
        )


def _renamed(document: Document) -> Iterator[Problem]:
    transform, path = _transform(document)
    rename = {old: new for old, new in a_mapping(transform.get("rename")).items() if isinstance(new, str)}
    dropped = [name for name in a_list(transform.get("drop")) if isinstance(name, str)]
    first: dict[str, str] = {}
    for old, new in rename.items():
        place = (*path, "rename", old)
        if first.setdefault(new, old) != old:
            yield Problem(place, f"{shown(first[new])} becomes {shown(new)} too; give each a name of its own.")
        if new in a_mapping(transform.get("add")):
            yield Problem(place, f"{shown(new)} is under add too, which overwrites it; remove one of the two.")
        if old in dropped:
            yield Problem(place, f"{shown(old)} is under drop too, which comes first; remove one of the two.")


def _kept(document: Document) -> Iterator[Problem]:
    """Keys and what is compared go along as they are, or items could no longer be found or ordered."""
    conflict = a_mapping(_replicator(document).get("conflict")).get("attribute")
    keys = a_mapping(document.get("key_schema"))
    for path, name in _touched(document):
        if name in keys:
            yield Problem(path, f"{shown(name)} is a key, and keys go along as they are; remove it here.")
        elif name == conflict:
            yield Problem(
                path, f"{shown(name)} is what the conflict rule compares, and goes along as it is; remove it here."
            )
        elif name.startswith(RESERVED):
            yield Problem(path, f"the prefix `{RESERVED}` is reserved for probes; remove it here.")


def _conflict(document: Document) -> Iterator[Problem]:
    conflict = a_mapping(_replicator(document).get("conflict"))
    name, path = conflict.get("attribute"), (*REPLICATOR, "conflict", "attribute")
    if not isinstance(name, str):
        return
    kind = a_mapping(document.get("attribute_definitions")).get(name)
    if name in a_mapping(document.get("key_schema")):
        yield Problem(path, f"{shown(name)} is a key, which never changes; name an attribute that every write changes.")
    elif kind == "B" or (kind == "S" and conflict.get("rule") == "HIGHEST_VERSION"):
        yield Problem(path, f"{shown(name)} has type {kind}, and a number is compared; name an attribute of type N.")
    if name.startswith(RESERVED):
        yield Problem(path, f"the prefix `{RESERVED}` is reserved for probes; name another attribute.")


def _numbers(document: Document) -> Iterator[Problem]:
    transform, path = _transform(document)
    for name, value in a_mapping(transform.get("add")).items():
        if isinstance(value, int) and not _fits(value):
            yield Problem(
                (*path, "add", name), f"has more than {MOST_DIGITS} digits, and DynamoDB keeps no more; use text."
            )


def _fits(value: int) -> bool:
    return abs(value) < LARGEST and len(str(abs(value)).rstrip("0")) <= MOST_DIGITS


def _touched(document: Document) -> Iterator[tuple[Path, str]]:
    """Every attribute that the transformation takes away, makes or overwrites, and where it says so."""
    transform, path = _transform(document)
    for position, name in enumerate(a_list(transform.get("drop"))):
        if isinstance(name, str):
            yield (*path, "drop", position), name
    for old, new in a_mapping(transform.get("rename")).items():
        yield (*path, "rename", old), old
        if isinstance(new, str) and new != old:
            yield (*path, "rename", old), new
    for name in a_mapping(transform.get("add")):
        yield (*path, "add", name), name


def _transform(document: Document) -> tuple[dict[str, Any], Path]:
    return a_mapping(_replicator(document).get("transform")), (*REPLICATOR, "transform")


def _replicator(document: Document) -> dict[str, Any]:
    return a_mapping(a_mapping(document.get("processors")).get("replicator"))


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _entity,
    _destination,
    _renamed,
    _kept,
    _conflict,
    _numbers,
)
