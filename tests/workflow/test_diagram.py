"""The diagrams of the handbook."""

from __future__ import annotations

import re

import pytest

from tests.workflow.definitions import DEFINITIONS
from tests.workflow.edges import edges_of
from workflows.diagram import escaped, mermaid
from workflows.state_machine import walk

# What Mermaid reads as a node, an edge or a frame; anything else would be drawn wrongly or not at all.
LINE = re.compile(
    r"""flowchart\ TD
    | \ +subgraph\ \w+\["[^"]*"\]
    | \ +end
    | \ +\w+(\[\[?/?\\?|\{|\(\[?)"[^"]*"(\\?/?\]?\]|\}|\]?\))
    | \ +\w+(\(\("\ "\)\))?\ (-->|--\ "[^"]*"\ -->|-\.\ "[^"]*"\ \.->)\ \w+(\(\("\ "\)\))?
    """,
    re.VERBOSE,
)


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_state_and_edge_is_drawn(workflow: str) -> None:
    """The diagram has a node or frame for each state, and a line for each way on, retry, catch, beginning and end."""
    definition = DEFINITIONS[workflow]
    lines = mermaid(definition).splitlines()
    nodes = [line for line in lines if re.match(r' +(subgraph )?\w+[\[{(]+[/\\]?"', line) and "start" not in line]
    branches = [line for line in nodes if '["branch ' in line]
    arrows = [line for line in lines if re.search(r"-->|\.->", line)]
    ends = [state for state in definition["States"].values() if state.get("End")]
    assert len(nodes) - len(branches) == len(list(walk(definition)))
    assert len(arrows) == len(edges_of(definition)) + len(ends) + 1


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_the_text_is_mermaid(workflow: str) -> None:
    """Every line is one that Mermaid's flowchart grammar knows."""
    assert [line for line in mermaid(DEFINITIONS[workflow]).splitlines() if not LINE.fullmatch(line)] == []


def test_retries_and_catches_are_dashed() -> None:
    """A dashed line leads back for a Retry and away for a Catch."""
    text = mermaid(DEFINITIONS["validate"])
    assert '    WriteProbes -. "retry" .-> WriteProbes\n' in text
    assert '    WriteProbes -. "catch States.ALL" .-> WriteProbes_rescue\n' in text


def test_frames_hold_what_runs_inside() -> None:
    """A Map is a frame around its child workflow, named after what it goes over."""
    text = mermaid(DEFINITIONS["provision"])
    inside = '    subgraph EachRegion["EachRegion (Map over $.regions)"]\n        AddRegion[["AddRegion"]]\n    end\n'
    assert inside in text


def test_a_choice_says_what_it_chooses_by() -> None:
    """The rules of a choice stand on its lines in a few words."""
    text = mermaid(DEFINITIONS["add-region"])
    assert 'StreamingWanted -- "kinesis is not null" --> EnableStreaming' in text
    assert 'StreamingWanted -- "else" --> DeployProcessors' in text
    assert 'EnableStreaming_ready -- "status = BUSY" --> EnableStreaming_wait' in text


def test_rules_may_be_joined() -> None:
    """And, Or and Not are written out."""
    joined = {
        "StartAt": "Which",
        "States": {
            "Which": {
                "Type": "Choice",
                "Choices": [
                    {
                        "And": [
                            {"Variable": "$.a", "NumericGreaterThan": 5},
                            {"Not": {"Variable": "$.b", "StringEqualsPath": "$.c"}},
                        ],
                        "Next": "Done",
                    }
                ],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    assert 'Which -- "a #gt; 5 and not (b = $.c)" --> Done' in mermaid(joined)


def test_labels_are_escaped() -> None:
    """Nothing in a name is read as Mermaid's own."""
    assert escaped('a "b" <c> #1 `d`\ne') == "a #quot;b#quot; #lt;c#gt; #35;1 #96;d#96; e"


def test_names_that_look_alike_are_told_apart() -> None:
    """Two states whose names differ in signs only are two nodes, and none is called end."""
    states = {
        "A b": {"Type": "Pass", "Next": "A-b"},
        "A-b": {"Type": "Pass", "Next": "end"},
        "end": {"Type": "Succeed"},
    }
    text = mermaid({"StartAt": "A b", "States": states})
    assert "    A_b --> A_b_1\n    A_b_1 --> end_2\n" in text
