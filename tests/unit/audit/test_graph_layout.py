"""The state machine's drawing: nothing overlaps, no line crosses a box, every line ends where it should."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meridian.audit.graph.layout import layout
from meridian.audit.graph.machine import Machine
from meridian.audit.graph.seen import mark
from tests.unit.audit import samples
from tests.unit.audit.graphs import confusions, drawn, faults, levels, loop, named, task
from tests.workflow.definitions import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.audit.model import Audit

NAMES = ("A", "B", "Check: ready?", "A rather long name of a state", "E", "F", "G")


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_our_definitions_are_drawn_without_fault(workflow: str) -> None:
    """Each state machine of ours is laid out without overlap, with every line outside every box."""
    drawing = drawn(DEFINITIONS[workflow])
    assert faults(drawing) == []
    assert confusions(drawing) == []
    assert drawing.width < 900


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_state_and_way_of_our_definitions_is_drawn(workflow: str) -> None:
    """No state and no edge of a definition is left out."""
    everything = list(levels(drawn(DEFINITIONS[workflow])))
    states = [box.state.name for level in everything for box in level.boxes if not box.state.is_dot]
    ways = {(route.edge.source.name, route.edge.target.name) for level in everything for route in level.routes}
    assert sorted(states) == sorted(_states(DEFINITIONS[workflow]))
    assert ways == set(_ways(DEFINITIONS[workflow]))


def test_main_line_is_straight() -> None:
    """What follows one another without a choice stands on one vertical line."""
    drawing = drawn(
        {"StartAt": "A", "States": {"A": task("Much longer name"), "Much longer name": task("C"), "C": task()}}
    )
    assert len({round(box.middle[0], 3) for box in drawing.boxes}) == 1


def test_wait_loop_stays_together() -> None:
    """The wait of a wait loop stands beside its choice, and its line leads back to the task's side."""
    drawing = drawn({"StartAt": "Look", "States": {**loop("Look", "Done"), "Done": {"Type": "Succeed"}}})
    look, ready, wait = (named(drawing, name) for name in ("Look", "Look: ready?", "Look: wait"))
    assert wait.x > ready.right
    assert wait.middle[1] == ready.middle[1]
    assert [ready.label, wait.label] == ["ready?", "wait"]
    back = next(route for route in drawing.routes if route.edge.source is wait.state)
    assert back.points[-1][0] == look.right


def test_edge_back_does_not_cross_what_lies_between() -> None:
    """A way back over several states passes beside them."""
    again = [{"Variable": "$.again", "BooleanEquals": True, "Next": "A"}]
    states = {
        "A": task("A state with a much longer name than others"),
        "A state with a much longer name than others": task("C"),
        "C": task("Again?"),
        "Again?": {"Type": "Choice", "Choices": again, "Default": "D"},
        "D": task(),
    }
    drawing = drawn({"StartAt": "A", "States": states})
    assert faults(drawing) == []
    back = next(
        route for route in drawing.routes if route.edge.source.name == "Again?" and route.edge.target.name == "A"
    )
    assert back.points[-1][1] < back.points[0][1]


def test_branches_stand_side_by_side() -> None:
    """A Parallel's branches stand beside each other at one height, within its frame."""
    branches = [{"StartAt": name, "States": {name: task()}} for name in ("Left", "Middle", "Right")]
    drawing = drawn({"StartAt": "All", "States": {"All": {"Type": "Parallel", "Branches": branches, "End": True}}})
    frame = named(drawing, "All")
    assert faults(drawing) == []
    assert len({y for (_, y), _ in frame.inside}) == 1
    assert [inside.boxes[1].label for _, inside in frame.inside] == ["Left", "Middle", "Right"]


@pytest.mark.parametrize(
    "states",
    [
        {"A": task("A")},
        {"A": task("B", Catch=[{"ErrorEquals": ["States.ALL"], "Next": "A"}]), "B": task()},
        {"A": task(), "Lost": task("A"), "Island": task("Sea"), "Sea": task("Island")},
        {"A": {"Type": "Choice", "Choices": [{"Next": "B"}, {"Next": "B"}], "Default": "B"}, "B": task()},
        {"A": {"Type": "Map", "Iterator": {"StartAt": "I", "States": {"I": task()}}, "End": True}},
        {"A": {"Type": "Quantum", "Next": "B"}, "B": {"Type": "Fail"}},
        {"A": {"Type": "Parallel", "Branches": [], "Next": "B"}, "B": {"Type": "Map", "End": True}},
        {**loop("A", "B", Catch=[{"ErrorEquals": ["X", "Y"], "Next": "B"}, {"ErrorEquals": ["Z"], "Next": "C"}]),
         "B": task(), "C": task("B")},
        {"A": task("Nowhere"), "B": {"Next": 7, "Type": ["x"], "Choices": "no"}, "C": None},
    ],
    ids=["self", "catch-self", "unreachable", "same-target", "iterator", "unknown", "empty", "gutters", "malformed"],
)  # fmt: skip
def test_odd_definitions_are_drawn_without_fault(states: dict[str, Any]) -> None:
    """Self loops, islands, unknown types, empty containers and nonsense are drawn as well as they can be."""
    drawing = drawn({"StartAt": "A", "States": states})
    assert faults(drawing) == []
    assert confusions(drawing) == []


@pytest.mark.parametrize("definition", [{}, {"States": []}, {"StartAt": "A", "States": {}}, [], None])
def test_nothing_to_draw(definition: Any) -> None:
    """Without a state the drawing is empty."""
    assert drawn(definition).boxes == []


@pytest.mark.parametrize("made", [samples.provision, samples.failed, samples.running, samples.hostile])
def test_what_was_seen_is_drawn_without_fault(made: Callable[[], Audit]) -> None:
    """Without a definition the states and ways of each history are laid out as well."""
    for audit in made().tree():
        machine = Machine()
        mark(machine, audit)
        drawing = layout(machine)
        assert faults(drawing) == []
        assert confusions(drawing) == []
        seen = {box.state.name for level in levels(drawing) for box in level.boxes if not box.state.is_dot}
        assert seen == {step.name for step in audit.steps}


def test_containers_too_deep_are_plain_boxes() -> None:
    """A definition nested without end is drawn down to a depth."""
    definition: dict[str, Any] = {"StartAt": "A", "States": {"A": task()}}
    for _ in range(100):
        definition = {"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": definition, "End": True}}}
    drawing = drawn(definition)
    assert faults(drawing) == []
    assert len(list(levels(drawing))) < 20


def test_history_nested_too_deep_is_drawn_flat() -> None:
    """A history of Maps in Maps without end is drawn down to a depth, and what lies deeper side by side."""
    build = samples.Builder("validate", "one", {})
    for number in range(60):
        build.inside(build.enter("Map", f"Each {number}"), 0)
    machine = Machine()
    mark(machine, build.audit)
    drawing = layout(machine)
    assert len(list(machine.walk())) == 60
    assert len(list(levels(drawing))) < 20
    assert faults(drawing) == []


def test_hundreds_of_states_take_less_than_a_second() -> None:
    """A definition of 300 states, with wait loops and Catches to one rescue, is laid out in bounded time."""
    states: dict[str, Any] = {"Rescue": task()}
    for number in range(100):
        catch = [{"ErrorEquals": ["States.ALL"], "Next": "Rescue"}]
        states |= loop(f"S{number}", f"S{number + 1}" if number < 99 else "Rescue", Catch=catch)
    began = time.process_time()
    drawing = drawn({"StartAt": "S0", "States": states})
    assert time.process_time() - began < 1.0
    assert len(drawing.boxes) == 303


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_definition_is_drawn_without_fault(data: st.DataObject) -> None:
    """Whatever leads where, nothing overlaps and no line crosses a box."""
    assert faults(drawn(data.draw(machines(1)))) == []


def machines(depth: int) -> st.SearchStrategy[dict[str, Any]]:
    name = st.sampled_from(NAMES)
    rules = st.lists(st.fixed_dictionaries({"Next": name}), max_size=3)
    catches = st.lists(st.fixed_dictionaries({"Next": name, "ErrorEquals": st.just(["E1", "E2"])}), max_size=2)
    kinds = [
        st.fixed_dictionaries({"Type": st.just("Task"), "Next": name, "Catch": catches}),
        st.fixed_dictionaries({"Type": st.just("Task"), "Next": name}),
        st.fixed_dictionaries({"Type": st.just("Choice"), "Choices": rules, "Default": name}),
        st.fixed_dictionaries({"Type": st.just("Wait"), "Next": name}),
        st.fixed_dictionaries({"Type": st.just("Task"), "End": st.just(True)}),
    ]
    if depth:
        branches = st.lists(machines(depth - 1), max_size=2)
        kinds.append(
            st.fixed_dictionaries({"Type": st.just("Parallel"), "Branches": branches, "Catch": catches, "Next": name})
        )
    states = st.dictionaries(name, st.one_of(kinds), min_size=1, max_size=len(NAMES))
    return st.fixed_dictionaries({"StartAt": name, "States": states})


def _states(definition: dict[str, Any]) -> list[str]:
    return [
        found
        for name, body in definition["States"].items()
        for found in (name, *(inner for inside in _insides(body) for inner in _states(inside)))
    ]


def _insides(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [*body.get("Branches", []), *([body["ItemProcessor"]] if "ItemProcessor" in body else [])]


def _ways(definition: dict[str, Any]) -> list[tuple[str, str]]:
    ways = [("start", definition["StartAt"])]
    for name, body in definition["States"].items():
        following = [body.get("Next"), body.get("Default"), "end" if body.get("End") else None]
        following += [rule["Next"] for rule in [*body.get("Choices", []), *body.get("Catch", [])]]
        ways += [(name, target) for target in following if target]
        ways += [way for inside in _insides(body) for way in _ways(inside)]
    return ways
