"""What the tests of the graph have in common: drawings, and what must hold of each."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

from meridian.audit.graph import definition as graph_definition
from meridian.audit.graph.layout import Drawing, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.graph.boxes import Box, Point

TOUCH = 0.6  # user units that do not count


def task(following: str = "", **more: Any) -> dict[str, Any]:
    """A Task that goes on to ``following``, or ends."""
    return {"Type": "Task", **({"Next": following} if following else {"End": True}), **more}


def loop(name: str, following: str, **more: Any) -> dict[str, Any]:
    """The three states of a wait loop."""
    rules = [{"Variable": "$.status", "StringEquals": "BUSY", "Next": f"{name}: wait"}]
    return {
        name: task(f"{name}: ready?", **more),
        f"{name}: ready?": {"Type": "Choice", "Choices": rules, "Default": following},
        f"{name}: wait": {"Type": "Wait", "Seconds": 1, "Next": name},
    }


def drawn(definition: dict[str, Any]) -> Drawing:
    return layout(graph_definition.machine(definition))


def levels(drawing: Drawing) -> Iterator[Drawing]:
    """Give the drawing and those in its containers."""
    yield drawing
    for box in drawing.boxes:
        for _, inside in box.inside:
            yield from levels(inside)


def named(drawing: Drawing, name: str) -> Box:
    return next(box for level in levels(drawing) for box in level.boxes if box.state.name == name)


def faults(drawing: Drawing) -> list[str]:
    """Say what is wrong with a drawing: boxes that overlap, lines through boxes, ends in the air, things outside."""
    return [fault for level in levels(drawing) for fault in _faults(level)]


def confusions(drawing: Drawing) -> list[str]:
    """Say which lines run on one another although they lead to different states."""
    return [
        f"to {one.edge.target.name} on to {other.edge.target.name}"
        for level in levels(drawing)
        for one, other in combinations(level.routes, 2)
        if one.edge.target is not other.edge.target and _run_together(one.points, other.points)
    ]


def _run_together(points: list[Point], others: list[Point]) -> bool:
    return any(
        _together(one, other, along) for one in pairwise(points) for other in pairwise(others) for along in (0, 1)
    )


def _together(one: tuple[Point, Point], other: tuple[Point, Point], along: int) -> bool:
    across = 1 - along
    places = [point[across] for point in (*one, *other)]
    since = max(min(point[along] for point in line) for line in (one, other))
    until = min(max(point[along] for point in line) for line in (one, other))
    return max(places) - min(places) < 3 and until - since > 2


def _faults(drawing: Drawing) -> Iterator[str]:
    yield from _misplaced(drawing)
    yield from _misled(drawing)


def _misplaced(drawing: Drawing) -> Iterator[str]:
    for one, other in combinations(drawing.boxes, 2):
        if _apart(one, other) < 4:
            yield f"{one.label} overlaps {other.label}"
    corners = [(box.x, box.y) for box in drawing.boxes] + [(box.right, box.bottom) for box in drawing.boxes]
    for x, y in corners + [point for route in drawing.routes for point in route.points]:
        if not (-TOUCH <= x <= drawing.width + TOUCH and -TOUCH <= y <= drawing.height + TOUCH):
            yield f"({x}, {y}) is outside {drawing.width} x {drawing.height}"
    for box in drawing.boxes:
        for (x, y), inside in box.inside:
            if min(x, y) < 0 or x + inside.width > box.width or y + inside.height > box.height:
                yield f"{box.label} does not hold its inside"


def _misled(drawing: Drawing) -> Iterator[str]:
    homes = {box.state: box for box in drawing.boxes}
    for route in drawing.routes:
        source, target = homes[route.edge.source], homes[route.edge.target]
        if not _on_border(source, route.points[0]) or not _on_border(target, route.points[-1]):
            yield f"from {source.label} to {target.label} does not end on its boxes"
        for start, end in pairwise(route.points):
            if abs(start[0] - end[0]) > TOUCH and abs(start[1] - end[1]) > TOUCH:
                yield f"from {source.label} to {target.label} is askew"
            yield from (
                f"from {source.label} to {target.label} crosses {box.label}"
                for box in drawing.boxes
                if _crosses(start, end, box)
            )


def _apart(one: Box, other: Box) -> float:
    return max(other.x - one.right, one.x - other.right, other.y - one.bottom, one.y - other.bottom)


def _on_border(box: Box, point: Point) -> bool:
    x, y = point
    within_x = box.x - TOUCH <= x <= box.right + TOUCH
    within_y = box.y - TOUCH <= y <= box.bottom + TOUCH
    at_side = min(abs(x - box.x), abs(x - box.right)) <= TOUCH
    at_end = min(abs(y - box.y), abs(y - box.bottom)) <= TOUCH
    return within_x and within_y and (at_side or at_end)


def _crosses(start: Point, end: Point, box: Box) -> bool:
    left, right = sorted((start[0], end[0]))
    top, bottom = sorted((start[1], end[1]))
    return left < box.right - TOUCH and right > box.x + TOUCH and top < box.bottom - TOUCH and bottom > box.y + TOUCH
