"""PutEvents on one bus: calls filled to their limits, and only what was refused sent again.

A call ends, retries and all, before the next begins, so no later event overtakes an earlier one from another call.
Within a call EventBridge takes entry by entry, and one that is refused may be overtaken by the nine beside it: to rule
that out would be one call an event.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from processors.shared.clients import LONGEST_CALL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Entry = dict[str, Any]

# API Reference, PutEvents: at most 10 entries, together less than 1 MB.
MOST_ENTRIES, TOO_MANY_BYTES = 10, 1_048_576
TIME_BYTES = 14  # User Guide, "Calculating PutEvents event entry size"

# API Reference, PutEventsResultEntry, and what the whole call may meet. Everything else stays wrong however often sent.
PASSING = frozenset(
    {
        "InternalFailure",
        "ThrottlingException",
        "InternalException",
        "ServiceUnavailable",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "EndpointConnectionError",
        "ConnectionClosedError",
    }
)
PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8)

# What an invocation keeps for one more call and its answer. The function's timeout must be well above it.
RESERVE_MILLISECONDS = (LONGEST_CALL_SECONDS + 1) * 1_000


class EventBusMissing(Exception):
    """The bus does not exist. EventBridge would take the events, drop them, and answer success."""


@dataclass(frozen=True)
class Outcome:
    """``published`` entries, counted from the first; ``refusal`` is the error code of the next, if there is one."""

    published: int
    refusal: str | None


def size(entry: Entry) -> int:
    """Bytes of ``entry`` as EventBridge counts them."""
    texts = [entry["Source"], entry["DetailType"], entry["Detail"], *entry.get("Resources", [])]
    return sum(len(text.encode()) for text in texts) + (TIME_BYTES if "Time" in entry else 0)


def calls(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """``entries`` in order, as many in a call as may be."""
    call: list[Entry] = []
    filled = 0
    for entry in entries:
        added = size(entry)
        if call and (len(call) == MOST_ENTRIES or filled + added >= TOO_MANY_BYTES):
            yield call
            call, filled = [], 0
        call.append(entry)
        filled += added
    if call:
        yield call


class EventBus:
    """A bus that is known to exist: making this object asks, once a cold start. ``EventBusMissing`` if it does not."""

    def __init__(self, name: str, events: Any) -> None:
        self._name, self._events = name, events
        try:
            events.describe_event_bus(Name=name)
        except events.exceptions.ResourceNotFoundException as error:
            raise EventBusMissing(
                f"Event bus {name} does not exist in {events.meta.region_name}. Nothing was published, and the records "
                "are tried again: create the bus, or start provision again."
            ) from error

    def publish(self, entries: Sequence[Entry], remaining: Callable[[], int]) -> Outcome:
        """Publish in order, up to the first entry that stays refused or for which too little time is left.

        ``remaining`` gives the milliseconds that the invocation still has.
        """
        published = 0
        for call in calls(entries):
            if published and remaining() < RESERVE_MILLISECONDS:
                return Outcome(published, "OutOfTime")
            outcome = self._put(call, remaining)
            published += outcome.published
            if outcome.refusal:
                return Outcome(published, outcome.refusal)
        return Outcome(published, None)

    def _put(self, call: list[Entry], remaining: Callable[[], int]) -> Outcome:
        """One call, and again with what was refused in passing, as long as that is all that stands in the way."""
        end, lasting = len(call), None
        waiting = list(range(end))
        for pause in (*PAUSES_SECONDS, None):
            refused = {waiting[place]: code for place, code in self._refused([call[at] for at in waiting]).items()}
            for at, code in refused.items():
                if code not in PASSING and at < end:
                    end, lasting = at, code
            waiting = [at for at in refused if at < end]
            if not waiting:
                break
            if pause is None or remaining() < RESERVE_MILLISECONDS + pause * 1_000:
                return Outcome(waiting[0], refused[waiting[0]])
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # spreads the shards' tries
        return Outcome(end, lasting)

    def _refused(self, entries: list[Entry]) -> dict[int, str]:
        """Error codes by place. Messages are left alone: they may quote an event."""
        try:
            answer = self._events.put_events(Entries=[{**entry, "EventBusName": self._name} for entry in entries])
        except ClientError as error:
            failed = error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500
            return dict.fromkeys(range(len(entries)), "InternalFailure" if failed else error.response["Error"]["Code"])
        except BotoCoreError as error:
            return dict.fromkeys(range(len(entries)), type(error).__name__)
        return {place: entry["ErrorCode"] for place, entry in enumerate(answer["Entries"]) if "ErrorCode" in entry}
