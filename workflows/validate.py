"""Prove by writing and reading that every Region sees every other's data, and streams its own.

    LoadDeployment -> WriteProbes -> ReadProbes <-> (seen everywhere?)      put, then update, then delete
      -> ReadRecords <-> (in Kinesis?) -> ReadMetrics <-> (counted?) -> ReadEvents <-> (published?)
      -> Summarize -> PublishValidation
    any error before the delete -> WriteProbes (rescue) -> Summarize (broken off) -> PublishValidation
    any error after it -> Summarize (streaming broken off) -> PublishValidation

What is caught here is handled: the probes are deleted wherever that is possible, and the verdict names what was caught.
The verdict comes out of the last state, once it is a metric, so that an alarm knows of it however it is.
Events are looked for last, so that one too many has had the longest time to come.
"""

from __future__ import annotations

from typing import Any

from workflows.blocks import REQUEST, TABLE, look, task
from workflows.state_machine import StateMachine
from workflows.states import Catch, Chain, Pass, Task

TIMEOUT_SECONDS = 86_400

PROBES = {"table.$": "$.table", "regions.$": "$.regions", **REQUEST}
VERDICT = {**PROBES, "home.$": "$.home", "pending.$": "$.pending"}
STEPS = "States.Array($.put, $.update, $.delete)"
NOTHING: dict[str, Any] = {"records": {}, "metrics": {}, "events": {"ids": {}, "sent_ms": {}}}


def validate() -> StateMachine:
    published = task("PublishValidation", {**TABLE, "verdict.$": "$"})
    delete = task("WriteProbes (rescue)", {**PROBES, "began.$": "$.began", "step": "delete"}, result_path=None)
    verdict = task(
        "Summarize (broken off)",
        {**VERDICT, "steps": [], "streaming": {"run": "", "since": "", "began": "", **NOTHING}, "error.$": "$.error"},
    )
    # What broke the probes may keep them from being deleted, too; the verdict is on the first error.
    delete.add_catch(Catch(error_equals=["States.ALL"], result_path="$.rescue_error", next_step=verdict))
    rescue = Chain([delete, verdict, published])
    steps = [state for step in ("put", "update", "delete") for state in _step(step, rescue)]
    judged = {**VERDICT, "steps.$": STEPS, "streaming.$": "$.streaming"}
    broken_off = task("Summarize (streaming broken off)", {**judged, "error.$": "$.error"})
    broken_off.next(published)
    return StateMachine(
        "validate",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table"]}),
                *steps,
                *_streaming(broken_off),
                task("Summarize", {**judged, "error": {}}),
                published,
            ]
        ),
        comment='Prove that every Region sees every other\'s data and streams its own. Input: {"table": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _step(step: str, rescue: Chain) -> list[Task | Chain]:
    """Write in every Region, then look until all have seen it."""
    suffix = "" if step == "put" else f" ({step})"
    result = f"$.{step}"
    write = task(f"WriteProbes{suffix}", {**PROBES, "began.$": "$.began", "step": step}, result_path=result)
    read = task(f"ReadProbes{suffix}", {**PROBES, "probes.$": result}, result_path=result)
    if step != "delete":
        for state in (write, read):
            state.add_catch(Catch(error_equals=["States.ALL"], result_path="$.error", next_step=rescue.steps[0]))
    return [write, look(read, result)]


def _streaming(broken_off: Task) -> list[Pass | Chain]:
    """Look in every Region for its own writes' records, metrics and events; the deadline counts from the delete."""
    began = {"run.$": "$.put.run", "since.$": "$.began", "began.$": "$.delete.began"}
    result = "$.streaming"
    loops = []
    for state in ("ReadRecords", "ReadMetrics", "ReadEvents"):
        read = task(state, {**PROBES, "streaming.$": result}, result_path=result)
        read.add_catch(Catch(error_equals=["States.ALL"], result_path="$.error", next_step=broken_off))
        loops.append(look(read, result))
    return [Pass("Streaming", parameters={**began, **NOTHING}, result_path=result), *loops]
