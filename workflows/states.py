"""States of the Amazon States Language: the SDK's, plus the fields added since its version 2.3.0."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from workflows.sdk import ChoiceRule
from workflows.sdk import states as sdk

__all__ = [
    "Catch",
    "Chain",
    "Choice",
    "ChoiceRule",
    "Map",
    "Parallel",
    "Pass",
    "Retry",
    "StartExecution",
    "Succeed",
    "Task",
    "Wait",
]

Chain = sdk.Chain
Catch = sdk.Catch

FIRST_FIELDS = ("Type", "Comment")
LAST_FIELDS = ("Retry", "Catch", "Next", "End")


class _State:
    """Allows the fields in ``added``, refuses rewiring, and writes the fields in the order people read them."""

    added: tuple[str, ...] = ()

    def allowed_fields(self) -> list[Any]:
        fields: list[Any] = super().allowed_fields()  # type: ignore[misc]  # a mixin before the SDK's class
        return fields + [SimpleNamespace(value=name) for name in self.added]

    def next(self, next_step: Any) -> Any:
        """Chain on. The SDK rewires a state used in two chains without a word; that is refused here."""
        chained = self.default if self.state_type == "Choice" else self.next_step  # type: ignore[attr-defined]
        if chained is next_step:  # the SDK would log that it overwrites a Choice's default with itself
            return next_step
        if chained is not None:
            raise ValueError(f"{self.state_id} already goes on to {chained.state_id}")  # type: ignore[attr-defined]
        return super().next(next_step)  # type: ignore[misc]

    def to_dict(self) -> dict[str, Any]:
        state: dict[str, Any] = super().to_dict()  # type: ignore[misc]
        first = {key: state.pop(key) for key in FIRST_FIELDS if key in state}
        last = {key: state.pop(key) for key in LAST_FIELDS if key in state}
        return first | state | last


class Retry(sdk.Retry):  # type: ignore[misc]  # the SDK has no types
    def allowed_fields(self) -> list[Any]:
        newer = ("max_delay_seconds", "jitter_strategy")
        return [*super().allowed_fields(), *(SimpleNamespace(value=name) for name in newer)]


class Pass(_State, sdk.Pass):  # type: ignore[misc]
    pass


class Succeed(_State, sdk.Succeed):  # type: ignore[misc]
    pass


class Wait(_State, sdk.Wait):  # type: ignore[misc]
    pass


class Choice(_State, sdk.Choice):  # type: ignore[misc]
    pass


class Task(_State, sdk.Task):  # type: ignore[misc]
    added = ("result_selector", "timeout_seconds_path")


class StartExecution(Task):
    """Runs another state machine to its end (``startExecution.sync:2``); its output comes as ``$.Output``."""

    def __init__(self, state_id: str, *, state_machine: str, given: dict[str, Any], **fields: Any) -> None:
        super().__init__(
            state_id,
            resource="arn:aws:states:::states:startExecution.sync:2",
            parameters={
                "StateMachineArn": state_machine,
                "Input": {**given, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"},
            },
            **fields,
        )


class Parallel(_State, sdk.Parallel):  # type: ignore[misc]
    added = ("result_selector",)

    def __init__(self, state_id: str, branches: list[Any], **fields: Any) -> None:
        super().__init__(state_id, **fields)
        self.branches = branches


class Map(_State, sdk.Map):  # type: ignore[misc]
    """An inline Map; ``item_processor`` is the chain run for each item."""

    added = ("item_selector", "result_selector")

    def __init__(self, state_id: str, item_processor: Any, **fields: Any) -> None:
        super().__init__(state_id, **fields)
        self.attach_iterator(item_processor)

    def to_dict(self) -> dict[str, Any]:
        state = super().to_dict()
        processor = {"ProcessorConfig": {"Mode": "INLINE"}} | state.pop("Iterator")
        last = {key: state.pop(key) for key in LAST_FIELDS if key in state}
        return state | {"ItemProcessor": processor} | last
