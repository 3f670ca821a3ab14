"""Cells: what takes a place in a row of the drawing.

A cell is one state, or a whole wait loop (Task, below it Choice, beside that Wait), or a lane: the place at which
an edge passes a row. Its axis is the vertical line through its entry and its exit; boxes and routes are
relative to the axis and the top.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.boxes import NOTE_SIZE, Box, Point, box, text_width
from meridian.audit.graph.words import edge_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.audit.graph.machine import Edge, Machine, State

LANE = 18.0  # between edges side by side
LOOP_GAP, LOOP_SIDE = 18.0, 26.0  # between the boxes of a wait loop
GUTTER_Y = 13.0  # where a Catch leaves a wait loop's task


@dataclass(eq=False)
class Cell:
    """Takes ``left`` and ``right`` of its axis; ``weight`` is how much it resists being moved aside."""

    left: float
    right: float
    height: float = 0.0
    weight: float = 1.0
    boxes: list[Box] = field(default_factory=list)
    inner: list[tuple[Edge, list[Point]]] = field(default_factory=list)
    gutters: dict[Edge, float] = field(default_factory=dict)  # where edges that leave a loop's task sideways go down
    lane_of: tuple[Cell, str] | None = None  # the target and kind of the edges that share the lane
    row: int = 0
    order: int = 0
    x: float = 0.0

    @property
    def entry(self) -> Box:
        return self.boxes[0]

    @property
    def exit(self) -> Box:
        return self.boxes[min(1, len(self.boxes) - 1)]

    @property
    def is_lane(self) -> bool:
        return not self.boxes


def lane(row: int, target: Cell, kind: str) -> Cell:
    return Cell(LANE / 2, LANE / 2, row=row, lane_of=(target, kind))


def cells(machine: Machine, draw: Callable[[State], Box]) -> list[Cell]:
    """Give a cell for each state or wait loop; ``draw`` makes the box of a state."""
    made, taken = [], set()
    loops = _loops(machine)
    beside = {state for loop in loops.values() for state in loop[1:]}
    for state in machine.drawn():
        if state in taken or state in beside:
            continue
        taken.add(state)
        made.append(_loop(machine, *loops[state]) if state in loops else _single(machine, state, draw(state)))
    return made


def _loops(machine: Machine) -> dict[State, tuple[State, State, State]]:
    """Find (task, choice, wait) where the choice leads to the wait, which leads to the task and has no other way."""
    into: dict[State, list[Edge]] = {}
    out: dict[State, list[Edge]] = {}
    for edge in machine.edges:
        into.setdefault(edge.target, []).append(edge)
        out.setdefault(edge.source, []).append(edge)
    found: dict[State, tuple[State, State, State]] = {}
    used: set[State] = set()
    for wait in machine.states:
        before, after = into.get(wait, []), out.get(wait, [])
        if len(before) != 1 or len(after) != 1:
            continue
        choice, task = before[0].source, after[0].target
        loop = (task, choice, wait)
        if (
            len(set(loop)) == 3
            and not any(state.inside or state.is_dot or state in used for state in loop)
            and [edge.source for edge in into.get(choice, [])] == [task]
            and not any(edge.target in loop for edge in out[choice] if edge is not before[0])
            and not any(edge.target is task for edge in out[task])
        ):
            found[task] = loop
            used.update(loop)
    return found


def _single(machine: Machine, state: State, drawn: Box) -> Cell:
    half = drawn.width / 2
    drawn.x = -half
    cell = Cell(half, half, drawn.height, 1.0 + sum(len(one.states) for one in state.inside), [drawn])
    for again in [edge for edge in machine.edges if edge.source is state and edge.target is state]:
        cell.right += LANE
        y = drawn.height / 2
        out = cell.right - LANE / 2
        cell.inner.append((again, [(half, y - 7), (out, y - 7), (out, y + 7), (half, y + 7)]))
    return cell


def _loop(machine: Machine, task: State, choice: State, wait: State) -> Cell:
    prefix = f"{task.name}: "
    upper, lower, side = (box(state, state.name.removeprefix(prefix)) for state in (task, choice, wait))
    upper.x, lower.x, lower.y = -upper.width / 2, -lower.width / 2, upper.height + LOOP_GAP
    side.x = max(lower.right + LOOP_SIDE, upper.right + LANE - side.width / 2)
    side.y = lower.middle[1] - side.height / 2
    height = max(lower.bottom, side.bottom)
    cell = Cell(max(upper.width, lower.width) / 2, max(side.right, upper.right), height, 1.5, [upper, lower, side])
    back_y = upper.height * 0.68
    routes = {
        (task, choice): [(0.0, upper.bottom), (0.0, lower.y)],
        (choice, wait): [(lower.right, lower.middle[1]), (side.x, lower.middle[1])],
        (wait, task): [(side.middle[0], side.y), (side.middle[0], back_y), (upper.right, back_y)],
    }
    for edge in machine.edges:
        route = routes.get((edge.source, edge.target))
        if route:
            cell.inner.append((edge, route))
    aside = [edge for edge in machine.edges if edge.source is task and edge.target is not choice]
    labels = max((text_width(edge_label(edge), NOTE_SIZE) for edge in aside), default=0.0)
    if aside:
        cell.right = max(cell.right, upper.right + 6 + labels)
    for edge in aside:
        cell.gutters[edge] = cell.right + LANE / 2
        cell.right += LANE
    return cell
