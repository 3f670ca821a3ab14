"""The checks of definitions: the real ones are right, and what is wrong is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from tests.workflow.definitions import DEFINITIONS, resolved
from workflows import checks
from workflows.contracts import machine_arn
from workflows.state_machine import walk

Definition = dict[str, Any]
Wrong = Callable[[Definition], object]

CHILDREN = {machine_arn(name): definition for name, definition in DEFINITIONS.items()}
START = "arn:aws:states:::states:startExecution.sync:2"
FAILS = {"Type": "Fail", "Error": "No"}


def problems(definition: Definition) -> list[str]:
    """What our own checks say, or else the interpreter's parser."""
    return checks.problems(definition, CHILDREN) or grammar(definition)


def grammar(definition: Definition) -> list[str]:
    try:
        AmazonStateLanguageParser.parse(json.dumps(resolved(definition)))
    except Exception as error:  # noqa: BLE001  # the parser raises whatever its parts raise
        return [f"grammar: {error!r}"]
    return []


def state(definition: Definition, name: str) -> dict[str, Any]:
    return dict(walk(definition))[name]


def edit(name: str, **fields: Any) -> Wrong:
    """Set fields of a state; ``...`` takes one away."""

    def wrong(definition: Definition) -> None:
        found = state(definition, name)
        for field, value in fields.items():
            found.pop(field, None)
            if value is not ...:
                found[field] = value

    return wrong


def machine(**fields: Any) -> Wrong:
    def wrong(definition: Definition) -> None:
        for field, value in fields.items():
            definition.pop(field, None)
            if value is not ...:
                definition[field] = value

    return wrong


def parameter(name: str, key: str, value: Any) -> Wrong:
    def wrong(definition: Definition) -> None:
        parameters = state(definition, name)["Parameters"]
        parameters.pop(key, None)
        if value is not ...:
            parameters[key] = value

    return wrong


def retry(**fields: Any) -> Wrong:
    def wrong(definition: Definition) -> None:
        retrier = state(definition, "CreateTable")["Retry"][0]
        retrier.update(fields)
        for field in [field for field, value in fields.items() if value is ...]:
            del retrier[field]

    return wrong


def rule(**fields: Any) -> Wrong:
    def wrong(definition: Definition) -> None:
        state(definition, "CreateTable: ready?")["Choices"][0] = fields

    return wrong


def rename(old: str, new: str) -> Wrong:
    """Rename a state and all that leads to it."""

    def wrong(definition: Definition) -> None:
        text = json.dumps(definition).replace(json.dumps(old), json.dumps(new))
        definition.clear()
        definition.update(json.loads(text))

    return wrong


def add(name: str, **fields: Any) -> Wrong:
    def wrong(definition: Definition) -> None:
        definition["States"][name] = fields

    return wrong


def both(*all_wrong: Wrong) -> Wrong:
    return lambda definition: [wrong(definition) for wrong in all_wrong]


CATCH = {"ErrorEquals": ["States.ALL"], "Next": "Report"}
BUSY = {"Variable": "$.created.status", "StringEquals": "BUSY", "Next": "CreateTable: wait"}

# Mutations of provision, and the words that must be said of each.
WRONG: dict[str, tuple[Wrong, str]] = {
    "no StartAt": (machine(StartAt=...), "StartAt is None"),
    "StartAt that is no state": (machine(StartAt="Nowhere"), "StartAt is 'Nowhere'"),
    "no Comment": (machine(Comment=...), "no Comment"),
    "no TimeoutSeconds": (machine(TimeoutSeconds=...), "no TimeoutSeconds, so it may run"),
    "a misspelt field of the machine": (machine(TimoutSeconds=5), "TimoutSeconds does not belong"),
    "a field of a machine in an item processor": (
        lambda definition: state(definition, "EachRegion")["ItemProcessor"].update(TimeoutSeconds=5),
        "TimeoutSeconds does not belong",
    ),
    "Next to no state": (edit("CreateTable", Next="Nowhere"), "leads by Next to 'Nowhere'"),
    "Default to no state": (edit("CreateTable: ready?", Default="Nowhere"), "leads by Default to 'Nowhere'"),
    "Choice to no state": (rule(**{**BUSY, "Next": "Nowhere"}), "leads by Choices to 'Nowhere'"),
    "Catch to no state": (edit("CreateTable", Catch=[{**CATCH, "Next": "Nowhere"}]), "leads by Catch to 'Nowhere'"),
    "an item that leads out of its Map": (edit("AddRegion", End=..., Next="Report"), "leads by Next to 'Report'"),
    "a state that nothing leads to": (add("Alone", Type="Succeed"), "'Alone' cannot be reached"),
    "neither Next nor End": (edit("CreateTable", Next=...), "has neither Next nor End"),
    "both Next and End": (edit("CreateTable", End=True), "has both Next and End"),
    "End that is false": (edit("Report", End=False), "End that is not true"),
    "End of a Choice": (edit("CreateTable: ready?", End=True), "has End, which a Choice has not"),
    "a loop without an end": (edit("Report", End=..., Next="ProtectTable"), "'Report' leads to no end"),
    "the same name twice": (rename("AddRegion", "Report"), "'Report' is there 2 times"),
    "a name of 81 characters": (rename("Report", "R" * 81), "longer than 80"),
    "a type that there is not": (edit("Report", Type="Pause"), "of type 'Pause'"),
    "a misspelt field": (edit("CreateTable", Paramters={}), "has Paramters"),
    "a field of another type": (edit("CreateTable", Seconds=5), "has Seconds, which a Task has not"),
    "Result of a Task": (edit("CreateTable", Result={}), "has Result, which a Task has not"),
    "an ItemReader on an inline Map": (edit("EachRegion", ItemReader={}), "has ItemReader"),
    "a Task without a limit": (edit("CreateTable", TimeoutSeconds=...), "has no TimeoutSeconds"),
    "a Task with two limits": (edit("Validate", TimeoutSeconds=5), "both TimeoutSeconds and TimeoutSecondsPath"),
    "a limit of no time": (edit("CreateTable", TimeoutSeconds=0), "no whole number above 0"),
    "a heartbeat longer than the limit": (edit("CreateTable", HeartbeatSeconds=500), "grammar:"),
    "a Task without Resource": (edit("CreateTable", Resource=...), "has no Resource"),
    "a service that there is not": (edit("CreateTable", Resource="arn:aws:states:::nothing:atAll"), "grammar:"),
    "a function without Retry": (edit("CreateTable", Retry=...), "calls a function without Retry"),
    "an execution of nothing": (parameter("Validate", "StateMachineArn", ...), "without StateMachineArn"),
    "Retry of States.ALL with others": (retry(ErrorEquals=["States.ALL", "A"]), "States.ALL in Retry not alone"),
    "Retry without ErrorEquals": (retry(ErrorEquals=...), "Retry without ErrorEquals"),
    "Retry of a name twice": (retry(ErrorEquals=["A", "A"]), "names A more than once"),
    "Retry with a limit below the interval": (retry(MaxDelaySeconds=2), "not above IntervalSeconds"),
    "Retry with shrinking waits": (retry(BackoffRate=0.5), "BackoffRate below 1"),
    "Retry with an unknown jitter": (retry(JitterStrategy="SOME"), "grammar:"),
    "Catch of States.ALL that is not last": (
        edit("CreateTable", Catch=[CATCH, {"ErrorEquals": ["A"], "Next": "Report"}]),
        "States.ALL in Catch not alone and last",
    ),
    "Catch that leads to a Fail": (
        both(add("No", **FAILS), edit("CreateTable", Catch=[{**CATCH, "Next": "No"}])),
        "leads by Catch to a Fail",
    ),
    "Catch that leads through a Pass to a Fail": (
        both(
            add("No", **FAILS),
            add("Then", Type="Pass", Parameters={}, Next="No"),
            edit("CreateTable", Catch=[{**CATCH, "Next": "Then"}]),
        ),
        "leads by Catch to a Fail",
    ),
    "a Choice without Default": (edit("CreateTable: ready?", Default=...), "has no Default"),
    "a Choice without Choices": (edit("CreateTable: ready?", Choices=[]), "has no Choices"),
    "a rule without Next": (rule(Variable="$.created.status", StringEquals="BUSY"), "rule without Next"),
    "a rule with an operator that there is not": (
        rule(Variable="$.created.status", StringIs="BUSY", Next="CreateTable: wait"),
        "grammar:",
    ),
    "a rule with two operators": (rule(**BUSY, IsPresent=True), "2 operators"),
    "a rule that compares with another type": (rule(**{**BUSY, "StringEquals": 5}), "of another type"),
    "a rule that compares with no path": (
        rule(Variable="$.created.status", StringEqualsPath="BUSY", Next="CreateTable: wait"),
        "which is no path",
    ),
    "a Wait without a duration": (edit("CreateTable: wait", SecondsPath=...), "waits for 0 durations"),
    "a Wait with two durations": (edit("CreateTable: wait", Seconds=5), "waits for 2 durations"),
    "a Map without an item processor": (edit("EachRegion", ItemProcessor=...), "has no ItemProcessor"),
    "a placeholder": (edit("Report", Parameters=..., Result={}), "is a placeholder"),
    "a path that is none": (parameter("CreateTable", "table.$", "table"), "neither a path nor an intrinsic"),
    "a path without .$": (parameter("CreateTable", "place", "$.table"), "without .$ is a plain text"),
    "a key twice": (parameter("CreateTable", "table", "orders"), "both table and table.$"),
    "an intrinsic function that there is not": (
        parameter("CreateTable", "table.$", "States.Nothing($.table)"),
        "grammar:",
    ),
    "a SecondsPath that is no path": (edit("CreateTable: wait", SecondsPath="soon"), "as SecondsPath"),
    "a result in the context object": (edit("CreateTable", ResultPath="$$.made"), "into the context object"),
    "a path that nobody wrote": (parameter("CreateTable", "table.$", "$.tabel"), "reads $.tabel"),
    "a path below a text": (parameter("CreateTable", "table.$", "$.table.name"), "reads $.table.name"),
    "a path of the context that there is not": (
        parameter("CreateTable", "execution.$", "$$.Execution.Arn"),
        "reads $$.Execution.Arn",
    ),
    "a path that only a later state writes": (
        parameter("CreateTable", "began.$", "$.protected.began"),
        "'CreateTable' reads $.protected.began",
    ),
    "a path in an intrinsic function that nobody wrote": (
        parameter("CreateTable", "table.$", "States.Array($.table, $.tabel)"),
        "reads $.tabel",
    ),
    "a path that one of two ways does not write": (
        edit("RecordDeployment", Catch=[{**CATCH, "Next": "ProtectTable", "ResultPath": "$.error"}]),
        "'ProtectTable' reads $.created.began",
    ),
    "a result that takes the place of everything": (edit("RecordDeployment", ResultPath=...), "reads $.table"),
    "an answer that the task does not give": (
        edit("CreateTable", Resource="${RecordRegionFunction}"),
        "reads $.created.status",
    ),
    "an answer that the child does not give": (
        edit("AddRegion", ResultSelector={"removed.$": "$.Output.removed"}),
        "reads $.Output.removed",
    ),
    "a choice on what nobody wrote": (rule(**{**BUSY, "Variable": "$.made.status"}), "reads $.made.status"),
    "a wait as long as nobody said": (
        edit("CreateTable: wait", SecondsPath="$.created.seconds"),
        "reads $.created.seconds",
    ),
    "items that nobody wrote": (edit("EachRegion", ItemsPath="$.places"), "reads $.places"),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_our_definitions_are_right(name: str) -> None:
    """No check finds anything in a definition that is checked in."""
    assert problems(DEFINITIONS[name]) == []
    assert grammar(DEFINITIONS[name]) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_definition_is_found(name: str) -> None:
    """What is wrong is named."""
    wrong, words = WRONG[name]
    definition = copy.deepcopy(DEFINITIONS["provision"])
    wrong(definition)
    assert [problem for problem in problems(definition) if words in problem]


def paths_of(template: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Each place in a template that holds a path with a member, and its key."""
    for key, value in template.items() if isinstance(template, dict) else ():
        if key.endswith(".$") and "." in value and "(" not in value:
            yield template, key
        yield from paths_of(value)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_misspelt_path_is_found(name: str) -> None:
    """There is no path in a template of our definitions that could be misspelt without notice."""
    definition = copy.deepcopy(DEFINITIONS[name])
    templates = [
        (where, key)
        for _, found in walk(definition)
        for field in ("Parameters", "ItemSelector", "ResultSelector")
        for where, key in paths_of(found.get(field))
    ]
    for where, key in templates:
        right = where[key]
        where[key] = f"{right}x"
        assert checks.problems(definition, CHILDREN), f"{right} may be misspelt"
        where[key] = right
    assert len(templates) > 10


def test_a_path_may_be_asked_for() -> None:
    """IsPresent reads a path that nobody may have written."""
    definition = copy.deepcopy(DEFINITIONS["provision"])
    rule(Variable="$.maybe", IsPresent=True, Next="CreateTable: wait")(definition)
    assert problems(definition) == []


def test_a_task_that_is_not_ours_may_answer_anything() -> None:
    """The answer of a service or of an unknown function is not judged."""
    definition = copy.deepcopy(DEFINITIONS["provision"])
    edit("ValidateRequest", Resource="${ForeignFunction}")(definition)
    assert problems(definition) == []
