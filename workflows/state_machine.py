"""A named state machine and its definition."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from workflows.sdk import states as sdk

if TYPE_CHECKING:
    from collections.abc import Iterator


class StateMachine(sdk.Graph):  # type: ignore[misc]  # the SDK has no types
    """The SDK's Graph, with state names unique over the whole machine, as AWS wants them."""

    def __init__(self, name: str, definition: Any, *, comment: str, timeout_seconds: int) -> None:
        super().__init__(definition, comment=comment, timeout_seconds=timeout_seconds)
        self.name = name
        repeated = [state for state, count in Counter(name for name, _ in walk(self.to_dict())).items() if count > 1]
        if repeated:
            raise ValueError(f"{name}: state names used more than once: {', '.join(repeated)}")

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"


def walk(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of a definition with its name, those inside Parallel and Map too."""
    for name, state in definition["States"].items():
        yield name, state
        for nested in nested_definitions(state):
            yield from walk(nested)


def nested_definitions(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The definitions inside a Parallel or Map state."""
    processor = state.get("ItemProcessor")
    return [*state.get("Branches", []), *([processor] if processor else [])]
