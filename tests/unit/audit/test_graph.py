"""The state machine's drawing as SVG: what it shows of an execution, and that it is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from meridian.audit.graph.drawing import svg
from meridian.audit.model import Attempt, Audit, Outcome
from tests.unit.audit import samples
from tests.unit.audit.graphs import loop, task
from tests.workflow.definitions import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED = {
    "class", "role", "viewBox", "width", "height", "font-family", "font-size", "text-anchor", "transform", "x", "y",
    "rx", "cx", "cy", "r", "d", "points", "fill", "href", "aria-label", "aria-hidden",
}  # fmt: skip
TAGS = {"svg", "title", "desc", "g", "a", "text", "rect", "circle", "polygon", "path"}


def classes(definition: dict[str, Any] | None, audit: Audit) -> dict[str, str]:
    """Give each state's classes under its name, as its tooltip begins."""
    return {name(node): node.attrib["class"] for node in nodes(parsed(definition, audit))}


def parsed(definition: dict[str, Any] | None, audit: Audit) -> Element:
    return fromstring(svg(definition, audit))  # noqa: S314 -- our own, and it has no document type


def nodes(root: Element) -> Iterator[Element]:
    return (group for group in root.iter("g") if group.attrib.get("class", "").startswith("node "))


def name(node: Element) -> str:
    return title(node).partition(", ")[0]


def title(node: Element) -> str:
    return node.findtext("title") or ""


def texts(root: Element) -> list[str]:
    return [text.text or "" for text in root.iter("text")]


def built(definition: dict[str, Any], *steps: str) -> tuple[dict[str, Any], Audit]:
    build = samples.Builder("validate", "one", {})
    for step in steps:
        build.task(step)
    return definition, build.end()


SEQUENCE = {"StartAt": "A", "States": {"A": task("B"), "B": task("C"), "C": task()}}


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.SUCCEEDED, "outcome-succeeded"),
        (Outcome.FAILED, "outcome-failed culprit"),
        (Outcome.TIMED_OUT, "outcome-timed-out culprit"),
        (Outcome.CAUGHT, "outcome-caught"),
        (Outcome.ABORTED, "outcome-aborted"),
        (Outcome.RUNNING, "outcome-running"),
        (Outcome.PENDING_REDRIVE, "outcome-pending-redrive"),
    ],
)
def test_state_shows_its_outcome(outcome: Outcome, expected: str) -> None:
    """Each outcome has a class and a sign of its own; what failed is emphasised."""
    definition, audit = built(SEQUENCE, "A")
    audit.steps[0].outcome = outcome
    drawn = parsed(definition, audit)
    first = next(node for node in nodes(drawn) if name(node) == "A")
    assert first.attrib["class"] == f"node kind-task {expected}"
    assert first.find("a/g[@class='sign']/path") is not None
    assert classes(definition, audit)["B"] == "node kind-task outcome-unreached"


def test_retried_state_is_told_from_one_that_succeeded_at_once() -> None:
    """A state that succeeded after retries has a class of its own and says how many."""
    build = samples.Builder("validate", "one", {})
    build.task("A", retried=[("Throttling", 2.0), ("Throttling", 4.0)])
    drawn = parsed(SEQUENCE, build.end())
    first = next(nodes(drawn))
    assert "outcome-retried" in first.attrib["class"]
    assert "2 retries" in title(first)


def test_redriven_state_shows_its_last_stay() -> None:
    """A state that failed and succeeded after a redrive has succeeded, and the redrive is not a way."""
    definition, audit = built(SEQUENCE, "A", "A", "B")
    audit.steps[0].outcome = Outcome.FAILED
    assert classes(definition, audit)["A"] == "node kind-task outcome-succeeded"
    assert not any("From A to A" in title(edge) for edge in parsed(definition, audit).iter("g"))


def test_map_shows_its_worst_iteration() -> None:
    """A state of which one iteration failed has failed; its container too, without being what is to blame."""
    found = classes(DEFINITIONS["provision"], samples.failed())
    assert found["AddRegion"] == "node kind-task outcome-failed culprit"
    assert found["EachRegion"] == "node kind-map outcome-failed"


def test_looks_and_time_are_the_second_line() -> None:
    """A wait loop says how often it looked and how long that took."""
    build = samples.Builder("validate", "one", {})
    build.loop("Look", 12, 15)
    definition = {"StartAt": "Look", "States": {**loop("Look", "Done"), "Done": {"Type": "Succeed"}}}
    lines = texts(parsed(definition, build.end()))
    assert "\N{MULTIPLICATION SIGN}13 · 5.2 s" in lines
    assert "\N{MULTIPLICATION SIGN}12 · 3 min" in lines


def test_ways_taken_are_told_from_those_not_taken() -> None:
    """The ways that the execution went have a class and a number."""
    definition, audit = built(SEQUENCE, "A", "B")
    ways = {
        title(edge): edge.attrib["class"]
        for edge in parsed(definition, audit).iter("g")
        if edge.find("path[@class='way-line']") is not None
    }
    assert ways == {
        "From start to A, taken once": "edge edge-next taken",
        "From A to B, taken once": "edge edge-next taken",
        "From B to C, not taken": "edge edge-next",
        "From C to end, not taken": "edge edge-next",
    }


def test_catch_is_told_from_next_to_the_same_state() -> None:
    """Where Next and Catch lead to one state, the way that was taken is the one that the outcome tells."""
    catch = [{"ErrorEquals": ["States.Timeout", "Throttling"], "Next": "B"}]
    definition, audit = built({"StartAt": "A", "States": {"A": task("B", Catch=catch), "B": task()}}, "A", "B")
    audit.steps[0].outcome = Outcome.CAUGHT
    drawn = parsed(definition, audit)
    ways = [title(edge) for edge in drawn.iter("g") if edge.attrib.get("class", "").startswith("edge ")]
    assert "From A to B on error States.Timeout or Throttling, taken once" in ways
    assert "From A to B, not taken" in ways
    assert "States.Timeout +1" in texts(drawn)


def test_states_link_to_their_first_step() -> None:
    """Each state that was entered is a link that the keyboard reaches, to its line in the timeline; others are none."""
    definition, audit = built(SEQUENCE, "A", "B", "A")
    links = {name(node): node.find("a") for node in nodes(parsed(definition, audit))}
    assert links["A"] is not None
    assert links["A"].attrib["href"] == f"#line-{audit.steps[0].id}"
    assert links["A"].attrib["aria-label"].startswith("A, Task, succeeded")
    assert links["C"] is None


def test_wait_links_to_the_line_of_its_loop() -> None:
    """The states of a wait loop, which is one line of the timeline, lead to that line."""
    build = samples.Builder("validate", "one", {})
    build.loop("Look", 2, 15)
    audit = build.end()
    definition = {"StartAt": "Look", "States": {**loop("Look", "Done"), "Done": {"Type": "Succeed"}}}
    links = [link.attrib["href"] for link in parsed(definition, audit).iter("a")]
    assert links == [f"#line-{audit.steps[0].id}"] * 3


def test_failed_iteration_is_what_a_state_links_to() -> None:
    """A state in a Map that failed leads to the iteration that failed, not to the first."""
    audit = samples.failed()
    links = parsed(DEFINITIONS["provision"], audit).iter("a")
    failed = next(step for step in audit.steps if step.name == "AddRegion" and step.outcome is Outcome.FAILED)
    assert failed.iteration == 1
    assert (
        next(link for link in links if link.attrib["aria-label"].startswith("AddRegion")).attrib["href"]
        == f"#line-{failed.id}"
    )


def test_drawing_has_a_title_and_a_description() -> None:
    """Who cannot see the drawing hears what it is, and each state in words."""
    drawn = parsed(DEFINITIONS["provision"], samples.provision())
    assert drawn.attrib["role"] == "group"
    assert drawn.findtext("title") == "State machine provision"
    assert "entered" in (drawn.findtext("desc") or "")
    assert "AddRegion, Task that runs another state machine, succeeded, entered 3 times" in " ".join(
        map(title, nodes(drawn))
    )


def test_without_a_definition_what_was_seen_is_drawn() -> None:
    """States are drawn in order of entering, with the ways that the execution went."""
    drawn = parsed(None, samples.replica_region("eu-west-1"))
    found = [name(node) for node in nodes(drawn)]
    assert {
        "ReplicaAndStream",
        "AddReplica",
        "DescribeTable (replica): wait",
        "CreateStream",
        "DeployProcessors",
    } <= set(found)
    ways = [title(edge) for edge in drawn.iter("g") if edge.attrib.get("class", "").startswith("edge ")]
    assert "From DescribeTable (replica): wait to DescribeTable (replica), taken 4 times" in ways
    assert not any("not taken" in way for way in ways)
    assert (drawn.findtext("desc") or "").startswith("The definition is not known")


def test_states_that_the_definition_lacks_are_drawn_too() -> None:
    """What the history saw is never left out."""
    definition, audit = built(SEQUENCE, "A", "Strange")
    assert classes(definition, audit)["Strange"] == "node kind-task outcome-succeeded"


def test_no_way_is_guessed_where_the_branch_is_not_known() -> None:
    """Steps of a Parallel whose history does not tell their branch are drawn, but not in an order."""
    build = samples.Builder("validate", "one", {})
    build.inside(build.enter("Parallel", "Both"))
    build.task("look:1")
    build.task("flaky:1")
    drawn = parsed(None, build.end())
    ways = [title(edge) for edge in drawn.iter("g") if edge.attrib.get("class", "").startswith("edge ")]
    assert {name(node) for node in nodes(drawn)} == {"Both", "look:1", "flaky:1"}
    assert not any("look" in way or "flaky" in way for way in ways)


def test_nothing_entered() -> None:
    """An execution whose history may not be read still has its machine drawn; without that too, only a title."""
    unread = Audit(samples.execution_arn("validate", "x"), unread="AccessDenied")
    assert set(classes(SEQUENCE, unread)) == {"A", "B", "C"}
    assert list(nodes(parsed(None, unread))) == []


def test_definition_too_large_to_draw() -> None:
    """Of a machine of a thousand states only those are drawn that were entered, and the description says so."""
    states = {f"S{number}": task(f"S{number + 1}") for number in range(1_000)}
    definition, audit = built({"StartAt": "S0", "States": states}, "S0", "S1")
    drawn = parsed(definition, audit)
    assert [name(node) for node in nodes(drawn)] == ["S0", "S1"]
    assert drawn.findtext("desc") == "The definition has 1,000 states: drawn are the 2 that were entered."


def test_too_many_states_entered_to_draw() -> None:
    """An execution through hundreds of states says that they are too many."""
    definition, audit = built({}, *(f"S{number}" for number in range(500)))
    assert texts(parsed(definition, audit)) == ["500 states were entered, too many to draw."]


def test_rule_nested_without_end() -> None:
    """A Choice's rule is told down to a depth."""
    rule: dict[str, Any] = {"Variable": "$.x", "IsNull": True}
    for _ in range(400):
        rule = {"Not": rule}
    states = {"A": {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "A"}, "B": task()}
    assert "not not" in svg({"StartAt": "A", "States": states}, Audit(samples.execution_arn("validate", "x")))


@pytest.mark.parametrize("definition", [None, samples.hostile().definition])
def test_hostile_texts_stay_texts(definition: dict[str, Any] | None) -> None:
    """Names of states, errors and conditions can become neither markup nor script nor style."""
    audit = samples.hostile()
    rules = [{"Variable": samples.HOSTILE, "StringEquals": samples.HOSTILE, "Next": "Summarize"}]
    if definition:
        states = definition["States"]
        states["Choose"] = {"Type": "Choice", "Choices": rules, "Default": samples.HOSTILE}
        states["Summarize"]["Catch"] = [{"ErrorEquals": [samples.HOSTILE], "Next": "Choose"}]
        states["Strange"] = {"Type": f'x" onload="{samples.HOSTILE}', "End": True}
    written = svg(definition, audit)
    drawn = fromstring(written)  # noqa: S314 -- likewise
    for element in drawn.iter():
        assert element.tag in TAGS
        assert set(element.attrib) <= ALLOWED
    assert "<script" not in written
    assert "\x1b" not in written
    assert "\u202e" not in written


def test_lone_surrogate_can_be_written() -> None:
    """A name that UTF-8 cannot encode does not break the page."""
    definition, audit = built({"StartAt": "\ud800", "States": {"\ud800": task()}}, "\ud800")
    svg(definition, audit).encode()


def test_drawing_is_the_same_each_time() -> None:
    """The same execution gives the same bytes."""
    drawings = {svg(DEFINITIONS["add-region"], samples.replica_region("eu-west-1")) for _ in range(3)}
    assert len(drawings) == 1


def test_many_steps_are_drawn_quickly() -> None:
    """25,000 events fold into the few states of their machine."""
    build = samples.Builder("validate", "one", {})
    build.loop("Look", 2_500, 15)
    audit = build.end()
    audit.steps[0].attempts.insert(0, Attempt(0.0, ended=1.0, outcome=Outcome.FAILED))
    definition = {"StartAt": "Look", "States": {**loop("Look", "Done"), "Done": {"Type": "Succeed"}}}
    assert len(svg(definition, audit)) < 10_000
