"""Which row each cell is in, and in which order the cells of a row stand.

The usual steps of a layered drawing (Sugiyama, Tagawa and Toda, 1981): set aside the edges that lead back, give each
cell the row after the last one that leads to it, put a lane into each row that an edge passes, and sort each row by
where its neighbours stand, so that few edges cross.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meridian.audit.graph.cells import Cell, lane
from meridian.audit.graph.machine import RANKS, Way

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meridian.audit.graph.machine import Edge

SWEEPS = 8
Link = tuple[Cell, Cell]  # upper and lower, in rows that follow one another


@dataclass(eq=False)
class Chain:
    """An edge between cells. ``path`` are its source, the lanes that it takes, and its target."""

    edge: Edge
    source: Cell
    target: Cell
    back: bool = False
    path: list[Cell] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What shares a lane: edges of one kind to one target."""
        return "back" if self.back else "catch" if self.edge.way is Way.CATCH else "main"

    @property
    def links(self) -> Iterable[Link]:
        for first, second in zip(self.path, self.path[1:], strict=False):
            if first.row != second.row:
                yield (first, second) if first.row < second.row else (second, first)


def rows(cells: list[Cell], chains: list[Chain]) -> list[list[Cell]]:
    """Give the rows, each in order; the chains get their paths."""
    order = _visit(cells, chains)
    _rank(order, chains)
    arranged: list[list[Cell]] = [[] for _ in range(max(cell.row for cell in order) + 1)]
    for cell in order:
        arranged[cell.row].append(cell)
    _lanes(arranged, chains)
    _number(arranged)
    _sort(arranged, chains)
    return arranged


def _visit(cells: list[Cell], chains: list[Chain]) -> list[Cell]:
    """Walk through the cells in depth, mark the edges that lead back, and give the cells in order of entering."""
    out: dict[Cell, list[Chain]] = {cell: [] for cell in cells}
    for chain in sorted(chains, key=lambda chain: RANKS[chain.edge.way]):
        out[chain.source].append(chain)
    entered: dict[Cell, None] = {}
    path: set[Cell] = set()
    for root in cells:
        if root in entered:
            continue
        entered[root] = None
        path.add(root)
        stack = [(root, iter(out[root]))]
        while stack:
            cell, following = stack[-1]
            for chain in following:
                if chain.target in path:
                    chain.back = True
                elif chain.target not in entered:
                    entered[chain.target] = None
                    path.add(chain.target)
                    stack.append((chain.target, iter(out[chain.target])))
                    break
            else:
                path.discard(cell)
                stack.pop()
    return list(entered)


def _rank(order: list[Cell], chains: list[Chain]) -> None:
    """Give each cell the row after the last that leads to it; what nothing leads to stands above what it leads to."""
    ahead = [chain for chain in chains if not chain.back]
    out: dict[Cell, list[Cell]] = {cell: [] for cell in order}
    missing = dict.fromkeys(order, 0)
    for chain in ahead:
        out[chain.source].append(chain.target)
        missing[chain.target] += 1
    roots = [cell for cell in order if not missing[cell]]
    ready = list(roots)
    for cell in ready:  # grows while it is walked
        for target in out[cell]:
            target.row = max(target.row, cell.row + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    for cell in roots[1:]:
        cell.row = min((target.row for target in out[cell]), default=2) - 1


def _lanes(arranged: list[list[Cell]], chains: list[Chain]) -> None:
    """Give each edge its lanes: forward edges in the rows between, those that lead back also beside both ends."""
    shared: dict[tuple[Cell, str, int], Cell] = {}
    for chain in chains:
        first, last = chain.source.row, chain.target.row
        passed = range(first, last - 1, -1) if chain.back else range(first + 1, last)
        chain.path = [chain.source]
        for row in passed:
            key = (chain.target, chain.kind, row)
            if key not in shared:
                shared[key] = lane(row, chain.target, chain.kind)
                arranged[row].append(shared[key])
            chain.path.append(shared[key])
        chain.path.append(chain.target)


def _number(arranged: list[list[Cell]]) -> None:
    for row in arranged:
        for number, cell in enumerate(row):
            cell.order = number


def _sort(arranged: list[list[Cell]], chains: list[Chain]) -> None:
    """Sweep down and up, each time sorting the rows by their neighbours' places, and keep the best order found."""
    above, below = neighbours(chains)
    best, fewest = [list(row) for row in arranged], crossings(arranged, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        downward = sweep % 2 == 0
        for row in arranged if downward else reversed(arranged):
            _by_neighbours(row, above if downward else below)
        found = crossings(arranged, below)
        if found < fewest:
            best, fewest = [list(row) for row in arranged], found
    for row, kept in zip(arranged, best, strict=True):
        row[:] = kept
    _number(arranged)


def _by_neighbours(row: list[Cell], near: dict[Cell, list[Cell]]) -> None:
    def place(cell: Cell) -> float:
        others = near.get(cell)
        return sum(other.order for other in others) / len(others) if others else cell.order

    row.sort(key=place)
    for number, cell in enumerate(row):
        cell.order = number


def neighbours(chains: list[Chain]) -> tuple[dict[Cell, list[Cell]], dict[Cell, list[Cell]]]:
    """Give what each cell is linked with in the row above, and in the row below."""
    above: dict[Cell, list[Cell]] = {}
    below: dict[Cell, list[Cell]] = {}
    for upper, lower in dict.fromkeys(link for chain in chains for link in chain.links):
        below.setdefault(upper, []).append(lower)
        above.setdefault(lower, []).append(upper)
    return above, below


def crossings(arranged: list[list[Cell]], below: dict[Cell, list[Cell]]) -> int:
    """Count how often links cross."""
    total = 0
    for row in arranged:
        passed: list[int] = []
        for cell in row:
            ends = sorted(lower.order for lower in below.get(cell, []))
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total
