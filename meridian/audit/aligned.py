"""Every step of an execution and its children by its place, so that two executions can be laid side by side.

A place is the names of the states on the way. An item of a Map is told by its Region where each item has one of its
own, else by its number. The turns of a wait loop are one step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meridian.audit import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meridian.audit.model import Audit, Outcome, Step

Path = tuple[str, ...]


@dataclass
class Stay:
    """All stays in the same place of an execution."""

    entered: float
    left: float | None
    outcome: Outcome
    error: str = ""
    region: str = ""
    retries: int = 0

    @property
    def seconds(self) -> float | None:
        return None if self.left is None else self.left - self.entered


def stays(audit: Audit) -> dict[Path, Stay]:
    """Every step of an execution and its children by its place."""
    return dict(_stays(audit))


def _stays(audit: Audit, around: Path = ()) -> Iterator[tuple[Path, Stay]]:
    found: dict[Path, Stay] = {}
    items = _items(audit)
    children: list[tuple[Path, Audit]] = []
    for step in audit.steps:
        path = (*around, *_path(step, items))
        _add(found, path, step)
        if step.child:
            children.append((path, step.child))
    yield from found.items()
    for path, child in children:
        yield from _stays(child, path)


def _items(audit: Audit) -> Mapping[tuple[int, int], str]:
    """Name of each item of a Map, by the Map's id and the item's place: its Region, if no other item has the same."""
    regions: dict[int, dict[int, str]] = {}
    for step in audit.steps:
        if step.parent and step.parent.kind == "Map" and step.iteration is not None:
            of_map = regions.setdefault(step.parent.id, {})
            of_map[step.iteration] = of_map.get(step.iteration) or step.region
    items = {}
    for map_id, of_map in regions.items():
        having = Counter(of_map.values())
        for place, region in of_map.items():
            items[map_id, place] = region if region and having[region] == 1 else f"item {place}"
    return items


def _path(step: Step, items: Mapping[tuple[int, int], str]) -> Path:
    """The states around a step and itself. Branches of a Parallel need no name: a state's name is there once."""
    own = (words.plain(step.task),)
    if step.parent is None:
        return own
    item = items.get((step.parent.id, step.iteration)) if step.iteration is not None else None
    return (*_path(step.parent, items), *((words.plain(item),) if item else ()), *own)


def _add(found: dict[Path, Stay], path: Path, step: Step) -> None:
    stay = found.get(path)
    if stay is None:
        stay = found[path] = Stay(step.entered, step.left, step.outcome, region=words.plain(step.region))
    stay.left = step.left if step.left is None or stay.left is None else max(stay.left, step.left)
    stay.outcome, stay.error = step.outcome, words.plain(step.error)
    stay.retries += len(step.retries)
