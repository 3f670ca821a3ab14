"""What is wrong with one state by itself: its fields, its paths, its Retry and Catch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflows import paths
from workflows.contracts import task_of

if TYPE_CHECKING:
    from collections.abc import Iterator

State = dict[str, Any]

START_EXECUTION = "arn:aws:states:::states:startExecution"

COMMON = {"Type", "Comment", "InputPath", "OutputPath"}
RESULT = {"ResultPath", "ResultSelector", "Retry", "Catch"}
GOES_ON = {"Next", "End"}
LIMITS = {"TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}
DURATIONS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
# Of JSONPath and of the inline Map, which is what our definitions are written in.
FIELDS = {
    "Task": COMMON | RESULT | GOES_ON | LIMITS | {"Resource", "Parameters", "Credentials"},
    "Parallel": COMMON | RESULT | GOES_ON | {"Branches", "Parameters"},
    "Map": COMMON | RESULT | GOES_ON | {"ItemProcessor", "ItemSelector", "ItemsPath", "MaxConcurrency"},
    "Pass": COMMON | GOES_ON | {"Parameters", "Result", "ResultPath"},
    "Wait": COMMON | GOES_ON | set(DURATIONS),
    "Choice": COMMON | {"Choices", "Default"},
    "Succeed": COMMON,
    "Fail": {"Type", "Comment", "Error", "ErrorPath", "Cause", "CausePath"},
}
REQUIRED = {"Task": "Resource", "Choice": "Choices", "Map": "ItemProcessor", "Parallel": "Branches"}
TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector")
OPERATOR_TYPES: dict[str, tuple[type, ...]] = {
    "String": (str,),
    "Numeric": (int, float),
    "Boolean": (bool,),
    "Timestamp": (str,),
    "Is": (bool,),
}


def problems(state: State) -> Iterator[str]:
    """Give each problem as the end of a sentence that begins with the state."""
    kind = state.get("Type")
    if kind not in FIELDS:
        yield f"is of type {kind!r}, which there is not"
        return
    for field in sorted(set(state) - FIELDS[kind]):
        yield f"has {field}, which a {kind} has not"
    if not state.get(REQUIRED.get(kind, "Type")):
        yield f"has no {REQUIRED[kind]}"
    if FIELDS[kind] >= GOES_ON and ("Next" in state) == ("End" in state):
        yield "has both Next and End" if "Next" in state else "has neither Next nor End"
    if state.get("End", True) is not True:
        yield "has an End that is not true"
    yield from _paths(state)
    yield from _errors(state)
    yield from {"Task": _task, "Choice": _choice, "Pass": _pass, "Wait": _wait}.get(kind, lambda _: iter(()))(state)


def _task(state: State) -> Iterator[str]:
    limits = [state[field] for field in ("TimeoutSeconds", "TimeoutSecondsPath") if field in state]
    if len(limits) != 1:
        yield "has both TimeoutSeconds and TimeoutSecondsPath" if limits else "has no TimeoutSeconds"
    elif "TimeoutSeconds" in state and not is_positive(state["TimeoutSeconds"]):
        yield "has a TimeoutSeconds that is no whole number above 0"
    resource = str(state.get("Resource", ""))
    if resource.startswith(START_EXECUTION) and not state.get("Parameters", {}).get("StateMachineArn"):
        yield "starts an execution without StateMachineArn"
    if task_of(resource) and not state.get("Retry"):
        yield "calls a function without Retry"


def _choice(state: State) -> Iterator[str]:
    if "Default" not in state:
        yield "has no Default: what fits no rule fails with States.NoChoiceMatched"
    for rule in state.get("Choices", []):
        if "Next" not in rule:
            yield "has a rule without Next"
        yield from _rule(rule)


def _rule(rule: dict[str, Any]) -> Iterator[str]:
    nested = [*rule.get("And", []), *rule.get("Or", []), *([rule["Not"]] if "Not" in rule else [])]
    for one in nested:
        yield from _rule(one)
    operators = set(rule) - {"Variable", "Next", "Comment", "And", "Or", "Not"}
    if len(operators) != (0 if nested else 1):
        yield f"has a rule with {len(operators)} operators"
    for operator in operators:
        if operator.endswith("Path") and not paths.is_path(rule[operator]):
            yield f"compares by {operator} with {rule[operator]!r}, which is no path"
        if not operator.endswith("Path") and not _compares(operator, rule[operator]):
            yield f"compares by {operator} with {rule[operator]!r}, which is of another type"


def _compares(operator: str, value: Any) -> bool:
    wanted = next((kinds for prefix, kinds in OPERATOR_TYPES.items() if operator.startswith(prefix)), ())
    return type(value) in wanted


def _pass(state: State) -> Iterator[str]:
    if not {"Parameters", "InputPath", "OutputPath"} & set(state):
        yield "is a placeholder: a Pass that takes nothing from its input does nothing"


def _wait(state: State) -> Iterator[str]:
    durations = [field for field in DURATIONS if field in state]
    if len(durations) != 1:
        yield f"waits for {len(durations)} durations"


def _errors(state: State) -> Iterator[str]:
    for field in ("Retry", "Catch"):
        handlers = state.get(field, [])
        named = [name for handler in handlers for name in handler.get("ErrorEquals", [])]
        for name in sorted({name for name in named if named.count(name) > 1}):
            yield f"names {name} more than once in {field}: only the first counts"
        for position, handler in enumerate(handlers, 1):
            names = handler.get("ErrorEquals")
            if not names:
                yield f"has a {field} without ErrorEquals"
            elif "States.ALL" in names and (len(names) > 1 or position < len(handlers)):
                yield f"has States.ALL in {field} not alone and last"
    for retrier in state.get("Retry", []):
        if retrier.get("MaxDelaySeconds", float("inf")) <= retrier.get("IntervalSeconds", 1):
            yield "retries with a MaxDelaySeconds that is not above IntervalSeconds"
        if retrier.get("BackoffRate", 2) < 1:
            yield "retries with a BackoffRate below 1"


def _paths(state: State) -> Iterator[str]:
    for field, value in state.items():
        if field.endswith("Path") and value is not None and not paths.is_path(value):
            yield f"has {value!r} as {field}, which is no path"
        elif field in TEMPLATES:
            yield from _template(value)
    if str(state.get("ResultPath")).startswith("$$"):
        yield "writes its result into the context object"


def _template(template: Any) -> Iterator[str]:
    for key, value in template.items() if isinstance(template, dict) else ():
        if key.endswith(".$"):
            if not (paths.is_path(value) or paths.is_intrinsic(value)):
                yield f"has {value!r} as {key}, which is neither a path nor an intrinsic function"
            if key[:-2] in template:
                yield f"has both {key[:-2]} and {key}"
        elif isinstance(value, str) and paths.is_path(value):
            yield f"has the path {value} as {key}, which without .$ is a plain text"
        yield from _template(value)


def is_positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
