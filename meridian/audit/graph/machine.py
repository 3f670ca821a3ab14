"""A state machine as something to draw: states, and the ways between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.graph.seen import Seen


class Way(StrEnum):
    """Why an execution goes on from one state to another. The order is that of their weight in the drawing."""

    NEXT = "next"
    DEFAULT = "default"  # of a Choice, when no rule matches
    RULE = "rule"  # of a Choice
    CATCH = "catch"


DEEPEST = 12  # containers in containers, and rules in rules; what lies deeper is not looked into
RANKS = {way: rank for rank, way in enumerate(Way)}


@dataclass(eq=False)
class State:
    """A state, or the dot at which its machine starts or ends (kinds ``start`` and ``end``)."""

    name: str
    kind: str  # Task, Wait, Choice, ...
    starts_child: bool = False
    distributed: bool = False
    inside: list[Machine] = field(default_factory=list)  # a Map's processor, or a Parallel's branches
    seen: Seen | None = None  # what the execution did here; None: it never came here

    @property
    def is_dot(self) -> bool:
        return self.kind in ("start", "end")


@dataclass(eq=False)
class Edge:
    """A way from one state to another; ``labels`` are its rules' conditions or the errors that it catches."""

    source: State
    target: State
    way: Way
    labels: list[str] = field(default_factory=list)
    taken: int = 0  # how often the execution went this way


@dataclass(eq=False)
class Machine:
    """States that follow one another: the whole machine, a branch of a Parallel, a Map's processor."""

    states: list[State] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._named: dict[str, State] = {}
        self._ways: dict[tuple[State, State, bool], Edge] = {}
        self._dots = {kind: State(kind, kind) for kind in ("start", "end")}

    @property
    def start(self) -> State:
        return self._dots["start"]

    @property
    def end(self) -> State:
        return self._dots["end"]

    def named(self, name: str) -> State | None:
        return self._named.get(name)

    def add(self, state: State) -> State:
        self._named[state.name] = state
        self.states.append(state)
        return state

    def connect(self, source: State, target: State, way: Way, label: str = "") -> Edge:
        """Give the way from one to the other, made if there is none: two rules to one state are one way."""
        edge = self.edge(source, target, caught=way is Way.CATCH)
        if edge is None:
            edge = self._ways[source, target, way is Way.CATCH] = Edge(source, target, way)
            self.edges.append(edge)
        if RANKS[way] < RANKS[edge.way]:
            edge.way = way
        if label and label not in edge.labels:
            edge.labels.append(label)
        return edge

    def edge(self, source: State, target: State, *, caught: bool) -> Edge | None:
        """Give the way between two states: by its Catch, or by what is not one."""
        return self._ways.get((source, target, caught))

    def walk(self) -> Iterator[State]:
        """Give every state, those in containers too."""
        for state in self.states:
            yield state
            for inside in state.inside:
                yield from inside.walk()

    def ways(self) -> int:
        """How many edges there are, those in containers too."""
        return len(self.edges) + sum(inside.ways() for state in self.states for inside in state.inside)

    def drawn(self) -> list[State]:
        """States and the dots that a way leads from or to."""
        used = {id(end) for edge in self.edges for end in (edge.source, edge.target)}
        first, last = ([dot] if id(dot) in used else [] for dot in (self.start, self.end))
        return [*first, *self.states, *last]
