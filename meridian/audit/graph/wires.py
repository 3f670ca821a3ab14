"""How the edges run between the rows: down to a track, along it, and down to the next row.

Between two rows is a channel. What ends at one place in the same way shares a net, and each net has a track, so that
lines that have nothing to do with each other do not lie on one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.cells import GUTTER_Y
from meridian.audit.graph.words import edge_label

if TYPE_CHECKING:
    from meridian.audit.graph.boxes import Point
    from meridian.audit.graph.cells import Cell
    from meridian.audit.graph.rows import Chain

TRACK = 9.0  # between tracks
HEAD, HEAD_LABELLED, FOOT = 12.0, 20.0, 16.0  # room above the first track and below the last
SPREAD = 20.0  # between edges that leave or enter one box
NEAR = 6.0  # lines closer than this look like one
Key = tuple["Cell", str]


@dataclass(eq=False)
class Net:
    """Lines that share a track. ``tops`` and ``bottoms`` are where they come from the row above and below."""

    tops: set[float] = field(default_factory=set)
    bottoms: set[float] = field(default_factory=set)
    track: int = 0

    @property
    def span(self) -> tuple[float, float]:
        every = self.tops | self.bottoms
        return min(every), max(every)

    @property
    def is_straight(self) -> bool:
        left, right = self.span
        return right - left < 0.5

    @property
    def preference(self) -> tuple[int, float]:
        """Which of two nets to put higher: so that lines side by side that turn the same way do not cross."""
        left, right = self.span
        if not self.bottoms:
            return 2, right - left
        if not self.tops:
            return 0, left - right
        to = min(self.bottoms)
        rightward = to - left > right - to
        return 1, -min(self.tops) if rightward else max(self.tops)


class Wires:
    """The channels between rows, and in them the nets. ``y`` is known once the rows have been set apart."""

    def __init__(self, arranged: list[list[Cell]], chains: list[Chain]) -> None:
        self._channels: list[dict[Key, Net]] = [{} for _ in range(len(arranged) + 1)]
        self._out, self._in = _outs(chains), _ins(chains)
        self._labelled = {chain.source.row for chain in chains if edge_label(chain.edge)}
        for chain in chains:
            self._wire(chain)
        for channel in self._channels:
            _assign(list(channel.values()))
        self._set_apart(arranged)

    def _wire(self, chain: Chain) -> None:
        for above, key, x, from_top in self._ends(chain):
            net = self._channels[above + 1].setdefault(key, Net())
            (net.tops if from_top else net.bottoms).add(x)

    def _ends(self, chain: Chain) -> list[tuple[int, Key, float, bool]]:
        """Give (row above the channel, net, x, whether it comes from above) of each end of each link of an edge."""
        ends = []
        for first, second in zip(chain.path, chain.path[1:], strict=False):
            key = (second, chain.kind)
            leaves, enters = self._leave(chain, first, second), self._enter(chain, second)
            if not chain.back:
                ends += [(first.row, key, leaves, True), (first.row, key, enters, False)]
            elif first is chain.source:
                ends += [(first.row, key, leaves, True), (first.row, key, enters, True)]
            else:
                ends += [(second.row if second.is_lane else second.row - 1, key, leaves, False)]
                ends += [(second.row if second.is_lane else second.row - 1, key, enters, second.is_lane)]
        return ends

    def _leave(self, chain: Chain, first: Cell, second: Cell) -> float:
        if first.is_lane:
            return first.x
        if chain.edge in first.gutters:
            return first.x + first.gutters[chain.edge]
        return self._out[first][second, chain.kind].x

    def _enter(self, chain: Chain, second: Cell) -> float:
        return second.x if second.is_lane else self._in[second][chain.kind]

    def _set_apart(self, arranged: list[list[Cell]]) -> None:
        """Give each row its ``y``, and each channel room for its tracks."""
        self.rows: list[float] = []
        self._tops: list[float] = []
        y = 0.0
        for number, channel in enumerate(self._channels):
            used = max((net.track for net in channel.values()), default=0)
            head = HEAD_LABELLED if number - 1 in self._labelled else HEAD
            self._tops.append(y + head - TRACK)
            inner = 0 < number < len(arranged)
            y += head + TRACK * max(0, used - 1) + FOOT if used or inner else 0.0
            if number < len(arranged):
                self.rows.append(y)
                y += max(cell.height for cell in arranged[number])
        self.height = y

    def route(self, chain: Chain) -> list[Point]:
        """Give the points of an edge, from the box that it leaves to the box that it enters."""
        target = chain.target
        points = self._start(chain)
        ends = self._ends(chain)
        for (above, key, leaves, _), (_, _, enters, _) in zip(ends[::2], ends[1::2], strict=True):
            net = self._channels[above + 1][key]
            if abs(leaves - enters) >= 0.5:
                y = self._tops[above + 1] + TRACK * net.track
                points += [(leaves, y), (enters, y)]
        points.append((self._in[target][chain.kind], self.rows[target.row] + target.entry.y))
        return points

    def label_side(self, chain: Chain) -> str:
        """On which side of the edge there is room for a label: ``start`` (right), ``end`` (left), or none."""
        if chain.edge in chain.source.gutters:
            return "start"
        return self._out[chain.source][chain.path[1], chain.kind].label_side

    def _start(self, chain: Chain) -> list[Point]:
        """Where an edge leaves: the bottom of its box, or a wait loop's gutter."""
        source = chain.source
        top = self.rows[source.row]
        if chain.edge in source.gutters:
            y = top + max(3.0, GUTTER_Y - 5 * list(source.gutters).index(chain.edge))
            return [(source.x + source.entry.right, y), (source.x + source.gutters[chain.edge], y)]
        return [(self._leave(chain, *chain.path[:2]), top + source.exit.bottom)]


@dataclass(frozen=True)
class Port:
    """Where an edge leaves a box, and on which side of it a label may stand."""

    x: float
    label_side: str


def _outs(chains: list[Chain]) -> dict[Cell, dict[Key, Port]]:
    """Where the edges of each cell leave it: side by side in the order of where they lead, the straightest midways."""
    leaving: dict[Cell, dict[Key, float]] = {}
    ports: dict[Cell, dict[Key, Port]] = {}
    for chain in chains:
        if chain.edge not in chain.source.gutters:
            leaving.setdefault(chain.source, {})[chain.path[1], chain.kind] = chain.path[1].x
    for cell, ends in leaving.items():
        ordered = sorted(ends, key=lambda key: ends[key])
        middle = min(range(len(ordered)), key=lambda i: (abs(ends[ordered[i]] - cell.x), ordered[i][1] != "main"))
        room = cell.exit.width / 2 - 14.0
        step = min(SPREAD, room / max(middle, len(ordered) - 1 - middle, 1))
        sides = ["end", *[""] * (len(ordered) - 2), "start"][-len(ordered) :]
        ports[cell] = {
            key: Port(cell.x + (number - middle) * step, side)
            for number, (key, side) in enumerate(zip(ordered, sides, strict=True))
        }
    return ports


def _ins(chains: list[Chain]) -> dict[Cell, dict[str, float]]:
    """Where the edges of each kind enter each cell: the main ones midways, the others beside them."""
    entering: dict[Cell, dict[str, float]] = {}
    for chain in sorted(chains, key=lambda chain: ("main", "catch", "back").index(chain.kind)):
        kinds = entering.setdefault(chain.target, {})
        step = min(SPREAD, (chain.target.entry.width / 2 - 10.0) / 2)
        kinds.setdefault(chain.kind, chain.target.x + step * len(kinds))
    return entering


def _assign(nets: list[Net]) -> None:
    """Give each net that turns a track: where they overlap not the same, and above what its ends would hide."""
    waiting = sorted((net for net in nets if not net.is_straight), key=lambda net: net.preference)
    done: list[Net] = []
    while waiting:
        free = (one for one in waiting if not any(_above(other, one) for other in waiting if other is not one))
        net = next(free, waiting[0])
        waiting.remove(net)
        net.track = 1 + max((other.track for other in done if _overlap(other, net) or _above(other, net)), default=0)
        done.append(net)


def _above(first: Net, second: Net) -> bool:
    """Whether a line of the first comes down just where one of the second goes on down."""
    return any(abs(top - bottom) < NEAR for top in first.tops for bottom in second.bottoms)


def _overlap(first: Net, second: Net) -> bool:
    (left, right), (other_left, other_right) = first.span, second.span
    return left < other_right + NEAR and other_left < right + NEAR
