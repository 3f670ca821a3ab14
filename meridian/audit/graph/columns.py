"""Where the cells of each row stand: above what they lead to and below what leads to them, as straight as may be.

A row is placed at once: the places that lie nearest to where its cells want to be, among all that keep their order and
distance, are those of an isotonic regression (pool adjacent violators: Barlow et al., 1972).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from meridian.audit.graph.machine import Way

if TYPE_CHECKING:
    from meridian.audit.graph.cells import Cell
    from meridian.audit.graph.rows import Chain

SWEEPS = 10
BETWEEN, BESIDE_LANE = 28.0, 8.0  # room between cells
PULL = {Way.NEXT: 4.0, Way.DEFAULT: 3.0, Way.RULE: 2.0, Way.CATCH: 0.5}
LANES, BACK = 8.0, 0.5
TO_LANE = 0.5  # of the pull, where an edge goes on past the next row
ASIDE, LANE_WEIGHT = 1e-3, 1e-5  # of cells off the main line: they give way to it, and lanes to all
FROM_ASIDE, TO_LAST = 0.1, 0.25  # of the pull: into the main line from off it, and to what leads nowhere
SNAP = 3.0  # less than any gap
Pulls = dict["Cell", list[tuple["Cell", float, float]]]  # neighbour, how far off its axis, how strongly


def place(arranged: list[list[Cell]], chains: list[Chain]) -> None:
    """Give each cell its ``x``; the leftmost edge of all is at 0."""
    main = _main_line(arranged[0][0], chains)
    above, below = _pulls(chains, main)
    weights = {cell: _weight(cell, main) for row in arranged for cell in row}
    for row in arranged:
        _settle(row, [(0.0, weights[cell]) for cell in row])
    both = {cell: above.get(cell, []) + below.get(cell, []) for cell in weights}
    led = {cell for cell in weights if cell in main or cell.is_lane}  # only the row before or after counts
    for sweep in range(SWEEPS + 1):
        near = above if sweep % 2 == 0 else below
        for row in arranged if near is above else reversed(arranged):
            wanted = [near.get(cell, []) if cell in led else both[cell] for cell in row]
            _settle(row, [_wish(cell, others, weights[cell]) for cell, others in zip(row, wanted, strict=True)])
    _draw_in(arranged)
    for cell in weights:
        _snap(cell, above.get(cell, []))
    for chain in chains:
        _meet_lane(chain, arranged[chain.source.row])
    least = min(cell.x - cell.left for row in arranged for cell in row)
    for row in arranged:
        for cell in row:
            cell.x -= least


def _main_line(start: Cell, chains: list[Chain]) -> set[Cell]:
    """Give the cells that the start leads to without an error, and that lead on."""
    reached = {start}
    ahead = [chain for chain in chains if chain.kind == "main"]
    for chain in sorted(ahead, key=lambda chain: chain.source.row):
        if chain.source in reached:
            reached.add(chain.target)
    return reached & {chain.source for chain in chains}


def _weight(cell: Cell, main: set[Cell]) -> float:
    """How much a cell resists being moved aside."""
    if cell.is_lane:
        return LANE_WEIGHT
    return cell.weight * (1.0 if cell in main else ASIDE)


def _pulls(chains: list[Chain], main: set[Cell]) -> tuple[Pulls, Pulls]:
    pulls: dict[tuple[Cell, Cell], tuple[float, float]] = {}
    last = {chain.target for chain in chains} - {chain.source for chain in chains}
    for chain in chains:
        for upper, lower in chain.links:
            strength = BACK if chain.back else PULL[chain.edge.way]
            if upper.is_lane and lower.is_lane:
                strength = LANES
            elif upper.is_lane or lower.is_lane:
                strength *= TO_LANE
            if lower in main and chain.source not in main:
                strength *= FROM_ASIDE
            if lower in last:
                strength *= TO_LAST
            aside = upper.gutters.get(chain.edge, 0.0)
            pulls[upper, lower] = max((strength, aside), pulls.get((upper, lower), (0.0, 0.0)))
    above: Pulls = {}
    below: Pulls = {}
    for (upper, lower), (strength, aside) in pulls.items():
        above.setdefault(lower, []).append((upper, aside, strength))
        below.setdefault(upper, []).append((lower, -aside, strength))
    return above, below


def _draw_in(arranged: list[list[Cell]]) -> None:
    """Bring the lanes of ways back as near to the rest as they may come: nothing else draws them in."""
    room: dict[tuple[Cell, str], float] = {}
    lanes: dict[tuple[Cell, str], list[Cell]] = {}
    for row in arranged:
        for before, cell in pairwise(row):
            if cell.lane_of and cell.lane_of[1] == "back":
                free = cell.x - cell.left - before.x - before.right - _gap(before, cell)
                room[cell.lane_of] = min(free, room.get(cell.lane_of, free))
                lanes.setdefault(cell.lane_of, []).append(cell)
    for group, cells in lanes.items():
        for cell in cells:
            cell.x -= max(0.0, room[group])


def _snap(cell: Cell, others: list[tuple[Cell, float, float]]) -> None:
    """Straighten what is almost straight."""
    near = [
        (strength, -abs(other.x - cell.x), other.x) for other, _, strength in others if abs(other.x - cell.x) < SNAP
    ]
    if near:
        cell.x = max(near)[2]


def _meet_lane(chain: Chain, row: list[Cell]) -> None:
    """Move a gutter over its lane, where nothing stands between."""
    cell, following = chain.source, chain.path[1]
    if chain.edge != next(reversed(cell.gutters), None) or not following.is_lane:
        return
    beside = row[cell.order + 1] if cell.order + 1 < len(row) else None
    joins = beside is not None and beside.lane_of == following.lane_of and abs(beside.x - following.x) < 0.5
    free = beside is None or following.x <= beside.x - beside.left - BESIDE_LANE
    if following.x > cell.x + cell.gutters[chain.edge] and (joins or free):
        cell.gutters[chain.edge] = following.x - cell.x


def _wish(cell: Cell, others: list[tuple[Cell, float, float]], weight: float) -> tuple[float, float]:
    """Where a cell wants to stand (the weighted median of its neighbours) and how much."""
    if not others:
        return cell.x, 0.1 * weight
    ordered = sorted((other.x + aside, strength) for other, aside, strength in others)
    half, passed = sum(strength for _, strength in ordered) / 2, 0.0
    for x, strength in ordered:
        passed += strength
        if passed >= half:
            return x, weight
    return cell.x, weight


def _settle(row: list[Cell], wishes: list[tuple[float, float]]) -> None:
    """Move a row's cells as near to their wishes as their order and distances allow."""
    offsets = [0.0]
    for first, second in pairwise(row):
        offsets.append(offsets[-1] + first.right + second.left + _gap(first, second))
    blocks: list[tuple[float, float, int]] = []  # place, weight, number of cells
    for (wish, weight), offset in zip(wishes, offsets, strict=True):
        block = (wish - offset, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            before = blocks.pop()
            total = before[1] + block[1]
            block = ((before[0] * before[1] + block[0] * block[1]) / total, total, before[2] + block[2])
        blocks.append(block)
    places = [at for at, _, number in blocks for _ in range(number)]
    for cell, at, offset in zip(row, places, offsets, strict=True):
        cell.x = at + offset


def _gap(first: Cell, second: Cell) -> float:
    if first.is_lane and second.is_lane:
        return 0.0
    return BESIDE_LANE if first.is_lane or second.is_lane else BETWEEN
