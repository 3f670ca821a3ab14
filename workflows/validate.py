"""Prove by writing and reading that every Region sees every other's data.

    LoadDeployment -> WriteProbes -> ReadProbes <-> (seen everywhere?)      put, then update, then delete
      -> Summarize
    any error before the delete -> WriteProbes (rescue) -> Summarize (broken off)

What is caught here is handled: the probes are deleted wherever that is possible, and the verdict names what was caught.
"""

from __future__ import annotations

from workflows.blocks import REQUEST, look, task
from workflows.state_machine import StateMachine
from workflows.states import Catch, Chain, Task

TIMEOUT_SECONDS = 86_400

PROBES = {"table.$": "$.table", "regions.$": "$.regions", **REQUEST}
VERDICT = {
    "table.$": "$.table",
    "regions.$": "$.regions",
    "pending.$": "$.pending",
    "deadline_seconds.$": "$.request.validation.deadline_seconds",
}


def validate() -> StateMachine:
    delete = task("WriteProbes (rescue)", {**PROBES, "step": "delete"}, result_path=None)
    verdict = task("Summarize (broken off)", {**VERDICT, "steps": [], "error.$": "$.error"})
    # What broke the probes may keep them from being deleted, too; the verdict is on the first error.
    delete.add_catch(Catch(error_equals=["States.ALL"], result_path="$.rescue_error", next_step=verdict))
    rescue = Chain([delete, verdict])
    steps = [state for step in ("put", "update", "delete") for state in _step(step, rescue)]
    return StateMachine(
        "validate",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table"]}),
                *steps,
                task("Summarize", {**VERDICT, "steps.$": "States.Array($.put, $.update, $.delete)", "error": {}}),
            ]
        ),
        comment='Prove that every Region sees every other\'s data. Input: {"table": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _step(step: str, rescue: Chain) -> list[Task | Chain]:
    """Write in every Region, then look until all have seen it."""
    suffix = "" if step == "put" else f" ({step})"
    result = f"$.{step}"
    write = task(f"WriteProbes{suffix}", {**PROBES, "step": step}, result_path=result)
    read = task(f"ReadProbes{suffix}", {**PROBES, "probes.$": result}, result_path=result)
    if step != "delete":
        for state in (write, read):
            state.add_catch(Catch(error_equals=["States.ALL"], result_path="$.error", next_step=rescue.steps[0]))
    return [write, look(read, result)]
