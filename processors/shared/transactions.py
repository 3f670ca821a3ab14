"""Many conditional writes in few calls: TransactWriteItems, and what to make of its refusals.

A transaction is all or nothing, and its refusal says of each action why (API Reference, TransactionCanceledException).
So the refused ones are taken out, those that were held up wait a little, and the rest is sent again at once.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004  # botocore's own name

from processors.shared.clients import LONGEST_CALL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Unit = Sequence[dict[str, Any]]  # actions that belong together

MOST_ACTIONS, MOST_BYTES = 100, 4_000_000  # API Reference, TransactWriteItems: 100 actions, 4 MB
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 5.0

# DONE; SUPERSEDED, by its condition; REFUSED for good; LATER, as time was too short for another try.
Result = Literal["DONE", "SUPERSEDED", "REFUSED", "LATER"]
Verdict = Literal["SUPERSEDED", "REFUSED", "HELD_UP", "READY"]

# Cancellation reasons that no retry mends. Whatever else is one passes: a conflict, throttling.
REFUSED = ("ValidationError", "ItemCollectionSizeLimitExceeded")
PASSING = (
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
)


class Transactions:
    """Writes units of actions through ``dynamodb``, a client of the Region they are for, while there is time."""

    def __init__(self, dynamodb: Any, seconds_left: Callable[[], float]) -> None:
        self._dynamodb = dynamodb
        self._seconds_left = seconds_left

    def write(self, units: Sequence[Unit]) -> list[Result]:
        """One result a unit. An error that is not of single units, such as a missing permission, is raised."""
        return [result for group in _groups(units) for result in self._settled(group)]

    def _settled(self, units: Sequence[Unit]) -> list[Result]:
        results: dict[int, Result] = {}
        pause = FIRST_PAUSE_SECONDS
        while waiting := [number for number in range(len(units)) if number not in results]:
            if self._seconds_left() < LONGEST_CALL_SECONDS:
                return [results.get(number, "LATER") for number in range(len(units))]
            verdicts = self._sent([units[number] for number in waiting])
            if verdicts is None:
                results |= dict.fromkeys(waiting, "DONE")
                continue
            if not verdicts:
                results |= self._apart(units, *_halves(waiting))
                continue
            by_verdict = {verdict: _those(waiting, verdicts, verdict) for verdict in verdicts}
            for verdict in ("SUPERSEDED", "REFUSED"):
                results |= dict.fromkeys(by_verdict.get(verdict, []), verdict)
            if "HELD_UP" in by_verdict:
                results |= self._apart(units, by_verdict.get("READY", []))
                pause = self._paused(pause)
        return [results[number] for number in range(len(units))]

    def _sent(self, units: Sequence[Unit]) -> list[Verdict] | None:
        """Nothing if all is written; a verdict a unit; or an empty list if they must be told apart."""
        try:
            self._dynamodb.transact_write_items(TransactItems=[action for unit in units for action in unit])
        except (ConnectionError, HTTPClientError):
            return ["HELD_UP"] * len(units)
        except ClientError as error:
            answer: Any = error.response
            code = answer.get("Error", {}).get("Code")
            if code == "TransactionCanceledException":
                return _verdicts([str(reason.get("Code")) for reason in answer.get("CancellationReasons", [])], units)
            if code in PASSING:
                return ["HELD_UP"] * len(units)
            if code == "ValidationException":  # it does not say of which
                return ["REFUSED"] if len(units) == 1 else []
            raise
        return None

    def _apart(self, units: Sequence[Unit], *parts: list[int]) -> dict[int, Result]:
        """The results of each part of ``units``, sent on its own."""
        results: dict[int, Result] = {}
        for part in parts:
            results |= dict(zip(part, self._settled([units[number] for number in part]), strict=True))
        return results

    def _paused(self, pause: float) -> float:
        """Pause for a random part of ``pause``, as far as time allows; the next pause may be twice as long."""
        room = self._seconds_left() - LONGEST_CALL_SECONDS
        time.sleep(max(0.0, min(random.uniform(0, pause), room)))  # noqa: S311  # no secret
        return min(2 * pause, LONGEST_PAUSE_SECONDS)


def _verdicts(reasons: list[str], units: Sequence[Unit]) -> list[Verdict]:
    """What the reasons, one an action, say of each unit."""
    verdicts: list[Verdict] = []
    for unit in units:
        codes, reasons = reasons[: len(unit)], reasons[len(unit) :]
        if any(code in REFUSED for code in codes):
            verdicts.append("REFUSED")
        elif "ConditionalCheckFailed" in codes:
            verdicts.append("SUPERSEDED")
        else:
            verdicts.append("READY" if all(code == "None" for code in codes) else "HELD_UP")
    # A cancellation that gives no reason would otherwise be tried again without a pause.
    return ["HELD_UP"] * len(units) if set(verdicts) == {"READY"} else verdicts


def _those(waiting: list[int], verdicts: list[Verdict], wanted: Verdict) -> list[int]:
    return [number for number, verdict in zip(waiting, verdicts, strict=True) if verdict == wanted]


def _halves(waiting: list[int]) -> tuple[list[int], list[int]]:
    middle = len(waiting) // 2
    return waiting[:middle], waiting[middle:]


def _groups(units: Sequence[Unit]) -> Iterator[list[Unit]]:
    group: list[Unit] = []
    actions = size = 0
    for unit in units:
        more = sum(map(_size, unit))
        if group and (actions + len(unit) > MOST_ACTIONS or size + more > MOST_BYTES):
            yield group
            group, actions, size = [], 0, 0
        group.append(unit)
        actions, size = actions + len(unit), size + more
    if group:
        yield group


def _size(value: Any) -> int:
    """Bytes, never fewer than DynamoDB counts: the types and the action's own words are among them."""
    if isinstance(value, dict):
        return 3 + sum(_size(name) + _size(one) for name, one in value.items())
    if isinstance(value, list):
        return 3 + sum(map(_size, value))
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else 1
