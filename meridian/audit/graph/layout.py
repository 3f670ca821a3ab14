"""Lays out a state machine from top to bottom, containers with what they hold.

By construction no line crosses a box: lines run down only in lanes and straight into or out of a box, and along only
in the channels between rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.boxes import Box, Point, box, frame
from meridian.audit.graph.cells import Cell, cells
from meridian.audit.graph.columns import place
from meridian.audit.graph.rows import Chain, rows
from meridian.audit.graph.wires import Wires
from meridian.audit.graph.words import edge_label

if TYPE_CHECKING:
    from meridian.audit.graph.machine import Edge, Machine, State


@dataclass(eq=False)
class Route:
    """The line of an edge; ``points`` are its corners, from box to box."""

    edge: Edge
    points: list[Point]
    label: str = ""
    label_side: str = "start"

    @property
    def label_at(self) -> tuple[float, float, str]:
        """Where to write what is beside the edge: x, y of the base line, and where the text starts."""
        (x, y), (_, next_y) = self.points[:2]
        if abs(next_y - y) < 0.5:  # leaves a wait loop's task sideways
            return x + 6, y - 4, "start"
        return (x - 5 if self.label_side == "end" else x + 5), y + 13, self.label_side


@dataclass(eq=False)
class Drawing:
    """A machine laid out: boxes and routes from (0, 0) to (width, height)."""

    width: float = 0.0
    height: float = 0.0
    boxes: list[Box] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)


def layout(machine: Machine) -> Drawing:
    """Give the drawing of a machine; of an empty one it is empty."""
    placed = cells(machine, _box)
    if not placed:
        return Drawing()
    home = {one.state: cell for cell in placed for one in cell.boxes}
    chains = [
        Chain(edge, home[edge.source], home[edge.target])
        for edge in machine.edges
        if home[edge.source] is not home[edge.target]
    ]
    arranged = rows(placed, chains)
    place(arranged, chains)
    wires = Wires(arranged, chains)
    drawing = Drawing(height=wires.height)
    drawing.routes += [_route(chain, wires) for chain in chains]
    for cell in placed:
        _put(drawing, cell, wires.rows[cell.row])
    drawing.width = max(cell.x + cell.right for row in arranged for cell in row)
    return drawing


def _route(chain: Chain, wires: Wires) -> Route:
    side = wires.label_side(chain)
    return Route(chain.edge, straightened(wires.route(chain)), edge_label(chain.edge) if side else "", side)


def _box(state: State) -> Box:
    inside = [drawing for drawing in map(layout, state.inside) if drawing.boxes]
    return frame(state, inside) if inside else box(state)


def _put(drawing: Drawing, cell: Cell, top: float) -> None:
    for one in cell.boxes:
        one.x, one.y = one.x + cell.x, one.y + top
        drawing.boxes.append(one)
    for edge, points in cell.inner:
        drawing.routes.append(Route(edge, [(x + cell.x, y + top) for x, y in points]))


def straightened(points: list[Point]) -> list[Point]:
    """Leave out the points on the way of a straight line."""
    kept: list[Point] = []
    for point in points:
        if kept and abs(kept[-1][0] - point[0]) < 0.5 and abs(kept[-1][1] - point[1]) < 0.5:
            continue
        if len(kept) > 1 and any(
            abs(kept[-2][i] - kept[-1][i]) < 0.5 and abs(kept[-1][i] - point[i]) < 0.5 for i in (0, 1)
        ):
            kept.pop()
        kept.append(point)
    return kept
