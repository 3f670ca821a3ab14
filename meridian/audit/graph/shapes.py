"""The parts of the drawing as SVG: presentation attributes and classes only, all texts escaped.

Everything is an ElementTree element, so that no text can become markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from meridian.audit.graph.boxes import BADGE, BRANCH_GAP, FRAME_TITLE, NAME_SIZE, NOTE_SIZE, PADDING, SLANT, Box, Point
from meridian.audit.graph.words import KINDS, edge_title, note, outcome, shortened, title

if TYPE_CHECKING:
    from meridian.audit.graph.layout import Route

CORNER = 7.0  # radius of an edge's corners
HALO = 5.0  # around a state that failed

# Drawn in a square of 8 x 8 around (0, 0).
SIGNS = {
    "succeeded": "M-3.4 0.3 L-1 2.8 L3.6 -2.6",
    "retried": "M2.9 -1.6 A3.3 3.3 0 1 0 3.2 1.2 M3.4 -4 L3.1 -1.3 L0.5 -1.7",
    "failed": "M-2.7 -2.7 L2.7 2.7 M2.7 -2.7 L-2.7 2.7",
    "caught": "M0 -4 L0 0.8 M0 3.2 L0 3.6",
    "timed-out": "M0 -3.4 L0 0.4 L2.6 1.8",
    "aborted": "M-2.6 -2.6 H2.6 V2.6 H-2.6 Z",
    "running": "M-1.8 -3.2 L3.2 0 L-1.8 3.2 Z",
    "pending-redrive": "M-2 -3 V3 M2 -3 V3",
}


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def make(parent: Element, tag: str, classes: str = "", **attributes: float | str) -> Element:
    """Add an element; ``_`` in an attribute's name is ``-`` in SVG."""
    given = {"class": classes} if classes else {}
    for name, value in attributes.items():
        given[name.replace("_", "-")] = value if isinstance(value, str) else number(value)
    return SubElement(parent, tag, given)


def node(parent: Element, box: Box, link: str) -> None:
    """Draw a state; ``link``, where there is one, is what it leads to."""
    state = box.state
    kind = state.kind.lower() if state.kind in KINDS else "other"
    ended = outcome(state)
    culprit = " culprit" if ended in ("failed", "timed-out") and not box.inside else ""
    group = make(parent, "g", f"node kind-{kind} outcome-{ended}{culprit}")
    words = title(state)
    make(group, "title").text = words
    if link:
        group = make(group, "a", href=link, aria_label=words)
    if box.inside:
        _frame(group, box)
        return
    if culprit:
        _outline(group, box, "halo", -HALO)
    _outline(group, box, "shape", 0.0)
    if state.starts_child or kind in ("succeed", "fail"):
        _outline(group, box, "inner", 3.0)
    _texts(group, box)


def dot(parent: Element, box: Box, *, reached: bool) -> None:
    """Draw where a machine starts or ends."""
    group = make(parent, "g", f"dot dot-{box.state.kind}{' reached' if reached else ''}")
    make(group, "title").text = box.state.kind.capitalize()
    x, y = box.middle
    make(group, "circle", "ring", cx=x, cy=y, r=box.width / 2 - 1)
    if box.state.kind == "end":
        make(group, "circle", "core", cx=x, cy=y, r=box.width / 2 - 4.5)


def _outline(parent: Element, box: Box, classes: str, inset: float) -> None:
    x, y, width, height = box.x + inset, box.y + inset, box.width - 2 * inset, box.height - 2 * inset
    kind = box.state.kind
    if kind == "Choice":
        tips = [
            (x, y + height / 2), (x + SLANT, y), (x + width - SLANT, y),
            (x + width, y + height / 2), (x + width - SLANT, y + height), (x + SLANT, y + height),
        ]  # fmt: skip
        make(parent, "polygon", classes, points=" ".join(f"{number(a)},{number(b)}" for a, b in tips))
        return
    round_ends, flat = ("Wait", "Succeed", "Fail"), ("Pass",)
    radius = height / 2 if kind in round_ends else 2.0 if kind in flat else 9.0 - inset
    make(parent, "rect", classes, x=x, y=y, width=width, height=height, rx=radius)


def _frame(group: Element, box: Box) -> None:
    _outline(group, box, "shape", 0.0)
    left = box.x + PADDING
    if box.state.seen:
        _sign(group, left + 7, box.y + FRAME_TITLE / 2 - 1, outcome(box.state))
        left += BADGE
    second = note(box.state)
    make(group, "text", "state-name", x=left, y=box.y + (16 if second else 22), font_size=NAME_SIZE).text = box.label
    if second:
        make(group, "text", "state-note", x=left, y=box.y + 30, font_size=NOTE_SIZE).text = second
    words = "Distributed Map" if box.state.distributed else shortened(box.state.kind, 15)
    kind = make(
        group, "text", "state-note", x=box.right - PADDING, y=box.y + 16, font_size=NOTE_SIZE, text_anchor="end"
    )
    kind.text = words
    for (x, y), _ in box.inside[1:]:
        between = box.x + x - BRANCH_GAP / 2
        make(group, "path", "between", d=f"M{number(between)} {number(box.y + y)} v{number(box.height - y - 12)}")


def _texts(group: Element, box: Box) -> None:
    second = note(box.state)
    middle_x, middle_y = box.middle
    if not box.state.seen:
        text = make(
            group, "text", "state-name", x=middle_x, y=middle_y + 4.4, font_size=NAME_SIZE, text_anchor="middle"
        )
        text.text = box.label
        return
    inset = (
        SLANT if box.state.kind == "Choice" else PADDING / 2 if box.state.kind in ("Wait", "Succeed", "Fail") else 0.0
    )
    left = box.x + PADDING + inset
    _sign(group, left + 6, middle_y, outcome(box.state))
    left += BADGE
    make(
        group, "text", "state-name", x=left, y=middle_y + (-2.5 if second else 4.4), font_size=NAME_SIZE
    ).text = box.label
    if second:
        make(group, "text", "state-note", x=left, y=middle_y + 12.5, font_size=NOTE_SIZE).text = second


def _sign(group: Element, x: float, y: float, name: str) -> None:
    if name not in SIGNS:
        return
    sign = make(group, "g", "sign", transform=f"translate({number(x)} {number(y)})", aria_hidden="true")
    make(sign, "circle", r=7.5)
    make(sign, "path", d=SIGNS[name])


def way(parent: Element, route: Route, points: list[Point], *, head: bool) -> None:
    """Draw an edge along ``points``; without ``head`` it ends in another that leads on to the same state."""
    edge = route.edge
    group = make(parent, "g", f"edge edge-{edge.way}{' taken' if edge.taken else ''}")
    make(group, "title").text = edge_title(edge)
    make(group, "path", "way-line", d=rounded(points), fill="none")
    if head:
        make(group, "path", "way-head", d=_head(points))
    if edge.way == "default":
        _slash(group, points)


def way_label(parent: Element, route: Route) -> None:
    """Write an edge's condition or errors beside its beginning."""
    if not route.label:
        return
    x, y, anchor = route.label_at
    classes = f"way-label way-{route.edge.way}{' taken' if route.edge.taken else ''}"
    text = make(parent, "text", classes, x=x, y=y, font_size=NOTE_SIZE - 1, text_anchor=anchor)
    text.text = route.label


def _slash(group: Element, points: list[Point]) -> None:
    """Mark the way that a Choice takes by default, as BPMN does."""
    x, y = points[0]
    make(group, "path", "way-slash", d=f"M{number(x - 3.5)} {number(y + 8)} l7 -4", fill="none")


def _head(points: list[Point]) -> str:
    (x, y), (to_x, to_y) = points[-2], points[-1]
    length = max(abs(to_x - x) + abs(to_y - y), 0.01)
    along_x, along_y = (to_x - x) / length, (to_y - y) / length
    base_x, base_y = to_x - 7 * along_x, to_y - 7 * along_y
    left = f"{number(base_x - 3.8 * along_y)} {number(base_y + 3.8 * along_x)}"
    right = f"{number(base_x + 3.8 * along_y)} {number(base_y - 3.8 * along_x)}"
    return f"M{number(to_x)} {number(to_y)} L{left} L{right} Z"


def rounded(points: list[Point]) -> str:
    """Give a path through the points, its corners rounded."""
    parts = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        parts.append(f"L{_pair(start)} Q{_pair(corner)} {_pair(end)}")
    parts.append(f"L{_pair(points[-1])}")
    return " ".join(parts)


def _length(one: Point, other: Point) -> float:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _towards(start: Point, end: Point, distance: float) -> Point:
    part = distance / max(_length(start, end), 0.01)
    return start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part


def _pair(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"
