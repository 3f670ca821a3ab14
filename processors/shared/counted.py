"""Which changes are counted: marks in a DynamoDB table, so that a change counts once over batches and cold starts.

    mark    id = the change's event id     claim = who counts it
    claim   id = claim#<one call>          phase = SENDING, DONE or ABANDONED; until = the end of SENDING, in ms

A call to CloudWatch is all or nothing, so one claim stands for all the changes in it, however many:

    1  marks name the claim        in transactions of 100, each on condition that no other claim was named since
    2  the claim turns SENDING     on condition that nobody has abandoned it
    3  PutMetricData
    4  the claim turns DONE        one write

Whoever finds a mark looks at its claim. DONE: the change is counted. SENDING: another invocation is between 2 and 4, so
wait until it cannot be. No claim: it has not come to 2, and never will once the claim is abandoned in its place.
ABANDONED: the change is free.

PutMetricData cannot be made twice with the effect of once, so a window is left: where the process dies, or no answer
comes, after CloudWatch has taken the data and before the claim is DONE, the changes of that one call are counted again.
The other choice would lose what CloudWatch never got whenever an answer is lost, as happens in an outage.
The other window: the marks go with the Region's stack, and a stack made anew reads the stream from its beginning.

Marks are kept for 15 days: CloudWatch takes no data older than two weeks, so no later copy can count.
"""

from __future__ import annotations

import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MOST_KEYS, MOST_ACTIONS = 100, 100  # API Reference, BatchGetItem and TransactWriteItems
AT_ONCE = 8  # calls side by side, within botocore's pool of ten connections
KEPT_SECONDS = 15 * 86_400
LONGER_SECONDS = 2 * 86_400  # that a claim is kept past its marks, which Time to Live removes in no order
SENDING_SECONDS = 15  # the longest that a call lasts, with the write before it (processors/shared/clients.py)
CLOCK_SECONDS = 0.01

CLAIM = "claim#"
SENDING, DONE, ABANDONED = "SENDING", "DONE", "ABANDONED"
NAMES = {"#id": "id", "#claim": "claim", "#phase": "phase", "#until": "until"}
REFUSED_IN_PASSING = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")
PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.8)


class Taken(Exception):
    """Another invocation counts one of these changes. It passes: by the next delivery they are counted, or free."""


class Throttled(Exception):
    """DynamoDB left out a part of what was asked, and again after a while."""


class Marks(NamedTuple):
    """``free`` gives the claim that a change's mark names, an abandoned one, or nothing where there is no mark."""

    counted: set[str]
    free: dict[str, str]
    busy: set[str]


class Counted:
    """The table that DEDUPLICATION_TABLE names."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def look(self, identities: Sequence[str], remaining: Callable[[], float]) -> Marks:
        """Which of these changes are counted, free, or being counted after all the time that ``remaining`` allows."""
        named = {mark["id"]["S"]: mark["claim"]["S"] for mark in self._read(identities)}
        claims = sorted(set(named.values()))
        phases = self._phases(claims)
        until = max((until for phase, until in phases.values() if phase == SENDING), default=0)
        wait = (until - _now()) / 1_000
        if 0 <= wait < remaining():
            time.sleep(wait + CLOCK_SECONDS)
            phases = self._phases(claims)
        settled = {claim: self._settled(claim, *phases[claim]) for claim in claims}
        found = {identity: settled[named[identity]] for identity in identities if identity in named}
        return Marks(
            {identity for identity, phase in found.items() if phase == DONE},
            {identity: named.get(identity, "") for identity in identities if found.get(identity) in (None, ABANDONED)},
            {identity for identity, phase in found.items() if phase == SENDING},
        )

    def claim(self, marks: Mapping[str, str]) -> str:
        """Name a new claim in marks, by what ``free`` said of each change. ``Taken`` where another was faster."""
        claim = f"{CLAIM}{uuid.uuid4().hex}"
        puts = [self._mark(identity, before, claim) for identity, before in marks.items()]
        groups = [puts[start : start + MOST_ACTIONS] for start in range(0, len(puts), MOST_ACTIONS)]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            list(pool.map(self._write, groups))
        return claim

    def sending(self, claim: str) -> None:
        """Say that from now on the call may have been made. ``Taken`` where another has abandoned the claim."""
        self._turn(claim, SENDING, "attribute_not_exists(#id) OR #phase = :sending", {":sending": {"S": SENDING}})

    def done(self, claim: str) -> None:
        """Say that CloudWatch has the data. ``Taken`` where that took too long, and another counts them again."""
        for pause in _pauses():
            try:
                self._turn(
                    claim, DONE, "#phase IN (:sending, :done)", {":sending": {"S": SENDING}, ":done": {"S": DONE}}
                )
                return
            except (BotoCoreError, ClientError):
                if pause is None:
                    raise
                time.sleep(pause)

    def abandon(self, claim: str) -> None:
        """Let others have the changes at once: the data were refused. A claim that is DONE stays so."""
        try:
            self._turn(claim, ABANDONED, "attribute_not_exists(#id) OR #phase <> :done", {":done": {"S": DONE}})
        except Taken:
            return

    def _settled(self, claim: str, phase: str, until: int) -> str:
        """The phase that another's claim stays in: one that is not SENDING, or too long, is abandoned."""
        if phase in (DONE, ABANDONED) or (phase == SENDING and until >= _now()):
            return phase
        values = {":until": {"N": str(until)}, ":sending": {"S": SENDING}}
        condition = "#phase = :sending AND #until = :until" if phase else "attribute_not_exists(#id)"
        try:
            self._turn(claim, ABANDONED, condition, values if phase else {})
        except Taken:  # another was faster
            return self._phases([claim])[claim][0]
        return ABANDONED

    def _phases(self, claims: Sequence[str]) -> dict[str, tuple[str, int]]:
        """Phase of each claim and until when it is SENDING; an empty text where there is no such claim yet."""
        found = {item["id"]["S"]: (item["phase"]["S"], int(item["until"]["N"])) for item in self._read(claims)}
        return {claim: found.get(claim, ("", 0)) for claim in claims}

    def _turn(self, claim: str, phase: str, condition: str, values: dict[str, Any]) -> None:
        until = _now() + (SENDING_SECONDS * 1_000 if phase == SENDING else 0)
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "id": {"S": claim},
                    "phase": {"S": phase},
                    "until": {"N": str(until)},
                    "expiresAt": _expiry(KEPT_SECONDS + LONGER_SECONDS),
                },
                ConditionExpression=condition,
                ExpressionAttributeNames={short: name for short, name in NAMES.items() if short in condition},
                **({"ExpressionAttributeValues": values} if values else {}),
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            raise Taken from None

    def _mark(self, identity: str, before: str, claim: str) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": {
                    "id": {"S": identity},
                    "claim": {"S": claim},
                    "expiresAt": _expiry(KEPT_SECONDS),
                },
                # Our own claim is there where the answer to the first try was lost.
                "ConditionExpression": "attribute_not_exists(#id) OR #claim = :before OR #claim = :claim",
                "ExpressionAttributeNames": {short: NAMES[short] for short in ("#id", "#claim")},
                "ExpressionAttributeValues": {":before": {"S": before or claim}, ":claim": {"S": claim}},
            }
        }

    def _write(self, puts: list[dict[str, Any]]) -> None:
        """All of one transaction, or ``Taken``."""
        for pause in _pauses():
            try:
                self._dynamodb.transact_write_items(TransactItems=puts)
                return
            except ClientError as error:
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise Taken from None
                if not reasons.intersection(REFUSED_IN_PASSING) or pause is None:
                    raise
                time.sleep(pause)

    def _read(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        """The items there are, in no order."""
        groups = [keys[start : start + MOST_KEYS] for start in range(0, len(keys), MOST_KEYS)]
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return [item for found in pool.map(self._read_group, groups) for item in found]

    def _read_group(self, keys: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        asked: Any = {self._table: {"Keys": [{"id": {"S": key}} for key in keys], "ConsistentRead": True}}
        for pause in _pauses():
            answer = self._dynamodb.batch_get_item(RequestItems=asked)
            found += answer["Responses"].get(self._table, [])
            asked = answer.get("UnprocessedKeys")
            if not asked:
                return found
            time.sleep(pause or 0)
        raise Throttled


def _now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1_000)


def _expiry(seconds: int) -> dict[str, str]:
    """Time to Live takes seconds since 1970."""
    return {"N": str(_now() // 1_000 + seconds)}


def _pauses() -> Iterator[float | None]:
    """Seconds to wait after each try; ``None`` after the last."""
    for pause in PAUSES_SECONDS:
        yield pause * random.uniform(0.5, 1)  # noqa: S311  # spreads the shards' tries
    yield None
