"""moto's interpreter, spared most of its work: it parses anew for every execution, and copies with ``deepcopy``."""

from __future__ import annotations

import copy
import functools
from types import SimpleNamespace
from typing import Any

from meridian.embedded.internals import expect, find, replace

ASL = "moto.stepfunctions.parser.asl."
COPYING = (
    "component.common.path.result_path",
    "component.common.string.string_expression",
    "component.state.exec.execute_state",
    "component.state.exec.state_task.service.state_task_service",
    "eval.states",
)
DEFINITIONS = 128  # parsed ones that are kept
SCALARS = frozenset({str, int, float, bool, type(None)})


def install() -> None:
    """Safe since what it parses keeps nothing of an execution: a Map runs its own for all items at once."""
    expect(f"{ASL}component.common.retry.max_attempts_decl:MaxAttemptsDecl", "env.heap[self._attempt_number_key()]")
    parser = f"{ASL}parse.asl_parser:AmazonStateLanguageParser.parse"
    replace(parser, staticmethod(functools.lru_cache(DEFINITIONS)(find(parser))))
    for module in ("utils.json_path", "component.common.path.result_path"):
        replace(f"{ASL}{module}:parse", functools.cache(find(f"{ASL}{module}:parse")))
    for module in COPYING:
        replace(f"{ASL}{module}:copy", SimpleNamespace(deepcopy=copied))
    events = f"{ASL}eval.event.event_manager:EventManager"
    expect(events, "self._history_event_list.append(history_event)")
    replace(f"{events}.get_event_history", lambda manager: list(manager._history_event_list))  # noqa: SLF001  # nobody changes an event


def copied(value: Any) -> Any:
    """As ``deepcopy`` copies what JSON can say, six times as fast; whatever else is there is left to it."""
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    return copy.deepcopy(value)
