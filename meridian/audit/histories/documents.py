"""What the texts in a history's events hold: JSON that may be cut off, left out, or of any shape."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from meridian.audit.model import KEPT_CHARACTERS, Change, Payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meridian.audit.model import Step

ROOM = 16_000_000  # characters of payloads that one execution may keep; then only their sizes are kept
VERDICT = re.compile(r'"latency_ms": ?\{')  # only in what a validation came to, which is kept whole: the page draws it


# Our tasks keep below these (tasks/shared/task.py); other replies, thousands of them, may tell more than memory holds.
MOST_CHANGES, LONGEST_DETAIL, LONGEST_NAME = 50, 1_024, 256

ABOUT = {"input": "inputDetails", "output": "outputDetails"}
LEFT_OUT = Payload(truncated=True)


class Payloads:
    """Keeps the beginnings of payloads, and what a validation came to as a whole, as long as there is room."""

    def __init__(self) -> None:
        self._room = ROOM
        self._last = Payload()

    def keep(self, details: Mapping[str, Any], member: str) -> Payload:
        """``member`` is ``input`` or ``output``."""
        text = details.get(member)
        if text is None:
            return LEFT_OUT
        about = details.get(ABOUT[member])
        truncated = about is not None and about.get("truncated") is True
        # What a state is given mostly is what the one before it has given.
        if text == self._last.text and not truncated:
            return self._last
        kept, size = text, len(text)
        if size > KEPT_CHARACTERS and (member == "input" or not VERDICT.search(text)):
            kept = text[:KEPT_CHARACTERS]
        if self._room <= 0:
            kept = ""
        self._room -= len(kept)
        payload = Payload(kept, size, truncated)
        if kept is text and not truncated:
            self._last = payload
        return payload


def mapping(document: Any) -> dict[str, Any]:
    """JSON object in ``document``; empty where it is something else, cut off or missing."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError):
            return {}
    return document if isinstance(document, dict) else {}


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def named(document: Mapping[str, Any], member: str) -> str:
    """Name or ARN in ``document``, cut where it is too long to be one."""
    return text(document.get(member))[:LONGEST_NAME]


def region(document: Mapping[str, Any]) -> str:
    """Region that an input names, also one for a function (Payload) or a child execution (Input)."""
    return named(document, "region") or next(
        (named(mapping(document[key]), "region") for key in ("Payload", "Input") if key in document), ""
    )


def called(document: Mapping[str, Any]) -> str:
    """Function or state machine in the parameters of a task."""
    return named(document, "FunctionName") or named(document, "StateMachineArn")


def take_reply(step: Step, output: Any) -> None:
    """Note what the reply of one of our tasks says: what it changed, and what it waits for."""
    # Most replies say neither, and reading JSON is what costs.
    if not isinstance(output, str) or not ('"changes"' in output or '"detail"' in output):
        step.detail = ""
        return
    reply = mapping(output)
    if "ExecutedVersion" in reply:  # arn:aws:states:::lambda:invoke
        reply = mapping(reply.get("Payload"))
    step.detail = text(reply.get("detail"))[:LONGEST_DETAIL]
    changes = reply.get("changes")
    step.changes += (
        [_change(change) for change in changes[:MOST_CHANGES] if isinstance(change, dict)]
        if isinstance(changes, list)
        else []
    )


def _change(change: Mapping[str, Any]) -> Change:
    return Change(*(named(change, key) for key in ("operation", "region", "request_id", "resource")))
