"""How much room a state takes: its box, from the length of its texts.

All lengths are SVG user units, which are CSS pixels at natural size.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.words import note, shortened

if TYPE_CHECKING:
    from meridian.audit.graph.layout import Drawing
    from meridian.audit.graph.machine import State

Point = tuple[float, float]

NAME_SIZE, NOTE_SIZE = 12.5, 11.0  # of the fonts
LONGEST_NAME = 34  # characters; the whole name is in the tooltip
PADDING = 12.0
BADGE = 20.0  # room for the sign of the outcome
SLANT = 12.0  # of the sides of a Choice
DOT = 16.0
LOW, HIGH = 32.0, 44.0  # without and with a second line
FRAME_TITLE, FRAME_PADDING, BRANCH_GAP = 38.0, 14.0, 18.0
NARROW, WIDE = frozenset("iljtfrI.,:;'|!()[]/ "), frozenset("mwMW@%")


@dataclass(eq=False)
class Box:
    """A state's place in its drawing. ``inside`` are the drawings of a container, relative to its corner."""

    state: State
    width: float
    height: float
    label: str
    x: float = 0.0
    y: float = 0.0
    inside: list[tuple[Point, Drawing]] = field(default_factory=list)

    @property
    def middle(self) -> Point:
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


def text_width(text: str, size: float) -> float:
    """Estimate a text's width in a sans serif font, rather too wide than too narrow."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if character in NARROW:
        return 0.4
    if character in WIDE:
        return 1.0
    if ord(character) > 0x2E7F:  # CJK and what comes after is as wide as high
        return 1.1
    return 0.78 if character.isupper() else 0.68


def box(state: State, label: str = "") -> Box:
    """Give the box of a state that holds no others. ``label`` is its name where that can be told shorter."""
    if state.is_dot:
        return Box(state, DOT, DOT, "")
    label = shortened(label or state.name, LONGEST_NAME)
    second = note(state)
    width = max(text_width(label, NAME_SIZE), text_width(second, NOTE_SIZE)) + 2 * PADDING
    width += BADGE if state.seen else 0.0
    width += 2 * SLANT if state.kind == "Choice" else PADDING if state.kind in ("Wait", "Succeed", "Fail") else 0.0
    return Box(state, max(width, 76.0), HIGH if second else LOW, label)


def frame(state: State, inside: list[Drawing]) -> Box:
    """Give the frame of a Map or Parallel around the drawings of what it holds."""
    label = shortened(state.name, LONGEST_NAME)
    title = max(text_width(label, NAME_SIZE), text_width(note(state), NOTE_SIZE)) + 2 * PADDING + 2 * BADGE + 70.0
    needed = sum(one.width for one in inside) + BRANCH_GAP * (len(inside) - 1) + 2 * FRAME_PADDING
    width = max(title, needed)
    height = FRAME_TITLE + max(one.height for one in inside) + FRAME_PADDING
    placed, x = [], FRAME_PADDING + (width - needed) / 2
    for one in inside:
        placed.append(((x, FRAME_TITLE), one))
        x += one.width + BRANCH_GAP
    return Box(state, width, height, label, inside=placed)
