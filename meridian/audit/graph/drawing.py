"""The state machine that an execution ran as a drawing (SVG), coloured by what became of each state.

The drawing has classes and presentation attributes only: meridian/audit/page/templates/graph.css gives the colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, tostring

from meridian.audit.graph import definition as graph_definition
from meridian.audit.graph import shapes as graph_shapes
from meridian.audit.graph.boxes import NAME_SIZE, text_width
from meridian.audit.graph.layout import Drawing, Route, layout
from meridian.audit.graph.machine import Machine
from meridian.audit.graph.seen import mark
from meridian.audit.graph.shapes import make, number
from meridian.audit.histories.lines import lines
from meridian.audit.words import counted, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.audit.graph.boxes import Point
    from meridian.audit.graph.machine import State
    from meridian.audit.model import Audit

MARGIN = 12.0
MOST_STATES, MOST_EDGES = 400, 1_000  # that a person may want to see; also bounds the time that the layout takes
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def svg(definition: dict[str, Any] | None, audit: Audit, *, anchor: str = "line-") -> str:
    """Draw the machine; without a definition, what the execution went through.

    Each state that was entered links to ``#<anchor><id of the first step of its line>`` (histories/lines.py), of
    several lines to the one that tells its outcome. The result is well-formed XML without script and style, and the
    same for the same execution.
    """
    machine, remark = _machine(definition, audit)
    drawing = layout(machine)
    width = drawing.width if drawing.boxes else text_width(remark, NAME_SIZE)
    width, height = width + 2 * MARGIN, drawing.height + 2 * MARGIN
    root = Element(
        "svg",
        {
            "class": "graph",
            "role": "group",
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
            "font-family": FONT,
        },
    )
    make(root, "title").text = f"State machine {plain(audit.workflow)}"
    make(root, "desc").text = remark
    if not drawing.boxes:
        make(root, "text", "state-note", x=MARGIN, y=MARGIN + 5, font_size=NAME_SIZE).text = remark
    firsts = {stay.id: line.step.id for line in lines(audit) if line.step for stay in line.steps}

    def link(state: State) -> str:
        step = state.seen.telling.id if state.seen else None
        return "" if step is None else f"#{anchor}{firsts.get(step, step)}"

    _draw(make(root, "g", transform=f"translate({number(MARGIN)} {number(MARGIN)})"), drawing, link)
    return tostring(root, encoding="unicode")


def _machine(definition: dict[str, Any] | None, audit: Audit) -> tuple[Machine, str]:
    """Give what to draw, and a description of it. Of what is too large, only what was entered is drawn."""
    machine = graph_definition.machine(definition)
    known, defined = definition is not None, len(list(machine.walk()))
    too_large = _is_too_large(machine)
    if too_large:
        machine = Machine()
    mark(machine, audit)
    reached = [state for state in machine.walk() if state.seen]
    entered = counted(len(reached), "state")
    if _is_too_large(machine):
        return Machine(), f"{entered} were entered, too many to draw."
    if not machine.states:
        return machine, "No state is known."
    if too_large:
        return machine, f"The definition has {defined:,} states: drawn are the {len(reached):,} that were entered."
    if not known:
        return machine, f"The definition is not known: drawn is what was entered, {entered}."
    return machine, f"{counted(defined, 'state')}, {len(reached):,} entered. Each that was entered is a link to it."


def _is_too_large(machine: Machine) -> bool:
    return len(list(machine.walk())) > MOST_STATES or machine.ways() > MOST_EDGES


def _draw(parent: Element, drawing: Drawing, link: Callable[[State], str]) -> None:
    """Draw frames and what they hold, then the edges, then the other states, then what is written beside the edges."""
    for box in drawing.boxes:
        if box.inside:
            graph_shapes.node(parent, box, link(box.state))
    for box in drawing.boxes:
        for (x, y), one in box.inside:
            _draw(make(parent, "g", transform=f"translate({number(box.x + x)} {number(box.y + y)})"), one, link)
    for route, points, head in _without_repeats(drawing.routes):
        graph_shapes.way(parent, route, points, head=head)
    reached = {end for route in drawing.routes if route.edge.taken for end in (route.edge.source, route.edge.target)}
    for box in drawing.boxes:
        if box.state.is_dot:
            graph_shapes.dot(parent, box, reached=box.state in reached)
        elif not box.inside:
            graph_shapes.node(parent, box, link(box.state))
    for route in drawing.routes:
        graph_shapes.way_label(parent, route)


def _without_repeats(routes: list[Route]) -> list[tuple[Route, list[Point], bool]]:
    """Where edges to one state run on one line, draw it once: for one that was taken, if any was.

    Gives each route with the points to draw, and whether it comes to its end; what was taken comes last, on top.
    """
    drawn: list[tuple[Route, list[Point], bool]] = []
    shared: set[tuple[Any, ...]] = set()
    for route in sorted(routes, key=lambda route: (not route.edge.taken, -len(route.points))):
        points = route.points
        kept = len(points) - 1
        for place in range(len(points) - 1):
            if (route.edge.target, *points[place:]) in shared:
                kept = place
                break
        drawn.append((route, points[: kept + 1], kept == len(points) - 1))
        shared.update((route.edge.target, *points[place:]) for place in range(1, len(points) - 1))
    return drawn[::-1]
