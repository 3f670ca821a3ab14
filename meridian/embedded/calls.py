"""One call of an operation, as the control plane's functions see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from meridian.embedded.services import Answer, content


class AnsweredOtherwise(Exception):
    """MiniStack refused the call; its answer is the one to give."""

    def __init__(self, given: Answer) -> None:
        self.given = given


@dataclass(frozen=True)
class Call:
    """One call of an operation."""

    operation: str
    data: dict[str, Any]
    region: str
    service: Callable[[dict[str, Any]], Awaitable[Answer]]

    async def forward(self, data: dict[str, Any] | None = None) -> dict[str, Any]:
        """Let MiniStack do it, with ``data`` in the place of the call's own, and give what it answered."""
        given = await self.service(self.data if data is None else data)
        if given[0] != 200:
            raise AnsweredOtherwise(given)
        return content(given[2])


Operation = Callable[[Call], Awaitable[dict[str, Any]]]
Gate = Callable[[str, dict[str, Any], str], None]  # operation, data, Region: raises RefusedByAws
