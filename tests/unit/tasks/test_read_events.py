"""ReadEvents: each Region's probe queue is emptied of what is noted, and of nothing else."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import read_events as module
from tasks.read_events import read_events
from tasks.shared import names
from tests.unit.tasks.fakes import Answer
from tests.unit.tasks.scenarios import AWAY, HOME, TABLE, THIRD, Scenario, play, refuse
from tests.unit.tasks.streamed import BARE, RUN, SINCE_MS, STEPS, UNORIGINATED, all_events, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.tasks.fakes import StubbedClients

URL = f"https://sqs.{HOME}.amazonaws.com/123456789012/{names.probe_queue(TABLE)}"


def message(step: str, origin: str = HOME, run: str = RUN, identity: str = "", **more: Any) -> dict[str, Any]:
    """An event of changes.py as EventBridge brings it to the queue."""
    detail = {"table": TABLE, "run": run, "step": step, "origin": origin, "region": HOME, "id": identity or step}
    body = {"source": "meridian.validation", "detail-type": "Probe", "detail": detail}
    return {
        "MessageId": f"{origin}-{step}",
        "ReceiptHandle": f"{origin}-{step}-handle",
        "Body": json.dumps(body),
        "Attributes": {"SentTimestamp": str(SINCE_MS + 800)},
        **more,
    }


def sqs(method: str, response: Any = None, **params: Any) -> Answer:
    return Answer("sqs", HOME, method, response or {}, params=params or None)


def received(*messages: dict[str, Any]) -> Answer:
    return sqs(
        "receive_message",
        {"Messages": list(messages)} if messages else {},
        QueueUrl=URL,
        MaxNumberOfMessages=10,
        VisibilityTimeout=module.HIDDEN_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["SentTimestamp"],
    )


def found() -> Answer:
    return sqs("get_queue_url", {"QueueUrl": URL}, QueueName=names.probe_queue(TABLE))


def deleted(*messages: dict[str, Any]) -> Answer:
    entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
    return sqs("delete_message_batch", {"Successful": [], "Failed": []}, QueueUrl=URL, Entries=entries)


def given_back(*messages: dict[str, Any]) -> Answer:
    entries = [
        {"Id": str(at), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0}
        for at, one in enumerate(messages)
    ]
    return sqs("change_message_visibility_batch", {"Successful": [], "Failed": []}, QueueUrl=URL, Entries=entries)


OWN = [message(step) for step in STEPS]
SEEN: Any = {"ids": {HOME: {step: {step: [0]} for step in STEPS}}, "sent_ms": {HOME: SINCE_MS + 800}}
STRANGE = [
    message("put", run="another"),
    message("put", Body="no JSON"),
    message("put", Body='"MARKED"'),
    message("put", Body='{"detail": {"run": "0123456789abcdef"}}'),
    message("put", origin="mars-1"),
    message("created"),
]

SCENARIOS = [
    Scenario(
        "New events are noted and given back, and another look follows",
        event(poll=3),
        [found(), received(*OWN), received(), given_back(*OWN)],
        {"status": "BUSY", "wait_seconds": 3, "events": SEEN},
    ),
    Scenario(
        "Events that the look before has noted are deleted, and nothing new is the end",
        event(events=SEEN),
        [found(), received(*OWN), received(), deleted(*OWN)],
        {"status": "READY", "wait_seconds": 0, "events": SEEN},
    ),
    Scenario(
        "An event that has not come is looked for again",
        event(events={"ids": {HOME: {"put": {"put": [0]}}}, "sent_ms": {}}),
        [found(), received()],
        {"status": "BUSY"},
    ),
    Scenario(
        "At the deadline what is missing is left to Summarize",
        event(ago=301),
        [found(), received(OWN[0]), received(), given_back(OWN[0])],
        {"status": "READY", "events": {"ids": {HOME: {"put": {"put": [0]}}}, "sent_ms": {HOME: SINCE_MS + 800}}},
    ),
    Scenario(
        "What is not of this run, or no event of a probe at all, is given back and not noted",
        event(),
        [found(), received(*STRANGE), received(), given_back(*STRANGE)],
        {"status": "BUSY", "events": {"ids": {}, "sent_ms": {}}},
    ),
    Scenario(
        "An event that came twice is noted once and deleted twice",
        event(events=SEEN),
        [found(), received(*OWN, OWN[0]), received(), deleted(*OWN, OWN[0])],
        {"status": "READY", "events": SEEN},
    ),
    Scenario(
        "A second event of a write is another one",
        event(events=SEEN),
        [
            found(),
            received(message("put", identity="other")),
            received(),
            given_back(message("put", identity="other")),
        ],
        {
            "status": "BUSY",
            "events": {
                "ids": {HOME: {**SEEN["ids"][HOME], "put": {"put": [0], "other": [0]}}},
                "sent_ms": SEEN["sent_ms"],
            },
        },
    ),
    Scenario("A table that publishes nothing is not looked at", event(request=BARE), reply={"status": "READY"}),
    Scenario(
        "A queue that is gone is an error under AWS's own name",
        event(),
        [refuse("sqs", HOME, "get_queue_url", "AWS.SimpleQueueService.NonExistentQueue", "no such queue")],
        raises="NonExistentQueue",
        says=["AWS refused GetQueueUrl in us-east-1: no such queue."],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_read_events(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(read_events, scenario, aws)


class Killed(Exception):
    """The function ended in the middle."""


class Queue:
    """A queue in memory. A received message is hidden until it is given back; ``dies_at`` counts calls."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = {f"{at}": one for at, one in enumerate(messages)}
        self.hidden: set[str] = set()
        self.calls, self.dies_at = 0, 0
        self._lock = threading.Lock()

    def _call(self) -> None:
        self.calls += 1
        if self.calls == self.dies_at:
            raise Killed

    def get_queue_url(self, **_: Any) -> dict[str, Any]:
        self._call()
        return {"QueueUrl": "url"}

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        self._call()
        with self._lock:
            handles = [one for one in self.messages if one not in self.hidden][: asked["MaxNumberOfMessages"]]
            self.hidden.update(handles)
        return {"Messages": [{**self.messages[one], "ReceiptHandle": one} for one in handles]}

    def delete_message_batch(self, *, Entries: list[Any], **_: Any) -> None:  # noqa: N803
        self._call()
        for entry in Entries:
            del self.messages[entry["ReceiptHandle"]]
            self.hidden.remove(entry["ReceiptHandle"])

    def change_message_visibility_batch(self, *, Entries: list[Any], **_: Any) -> None:  # noqa: N803
        self._call()
        assert len({entry["Id"] for entry in Entries}) == len(Entries) <= 10
        self.hidden -= {entry["ReceiptHandle"] for entry in Entries}

    def time_passes(self) -> None:
        """What was hidden is there again."""
        self.hidden.clear()


def look(given_: Any, queues: dict[str, Queue]) -> dict[str, Any]:
    return dict(read_events.run(given_, _clients(queues)))


def _clients(queues: dict[str, Queue]) -> Any:
    return SimpleNamespace(sqs=lambda region: queues[region])


def looks(given_: Any, queues: dict[str, Queue]) -> Iterator[dict[str, Any]]:
    """Looks as the state machine makes them, until one is READY."""
    status = "BUSY"
    while status == "BUSY":
        reply = look(given_, queues)
        yield reply
        status = reply["status"]
        given_["streaming"] = {key: value for key, value in reply.items() if key not in ("status", "wait_seconds")}


def published(regions: tuple[str, ...], *, everywhere: bool) -> dict[str, Queue]:
    """One event a write: in its own Region's queue, or in all with equal ids."""
    return {
        region: Queue(
            *(
                message(step, origin, identity=f"{regions.index(origin)}-{step}")
                for origin in regions
                if everywhere or origin == region
                for step in STEPS
            )
        )
        for region in regions
    }


class TestOneEventPerWrite:
    def test_with_an_origin(self) -> None:
        """Each Region's own three events are all there is, and the queues are empty in the end."""
        queues = published((HOME, AWAY, THIRD), everywhere=False)
        *_, last = looks(event(HOME, AWAY, THIRD), queues)
        assert last["events"] == all_events((HOME, AWAY, THIRD))
        assert not any(queue.messages for queue in queues.values())

    def test_without_one_every_region_has_every_event(self) -> None:
        """The looks go on until each Region has had the events of all, under equal ids."""
        queues = published((HOME, AWAY, THIRD), everywhere=True)
        *_, last = looks(event(HOME, AWAY, THIRD, request=UNORIGINATED), queues)
        assert last["events"] == all_events((HOME, AWAY, THIRD), everywhere=True)

    def test_without_one_a_region_that_lacks_anothers_event_is_waited_for(self) -> None:
        """Its own events alone are not enough."""
        queues = published((HOME, AWAY), everywhere=False)
        given_ = event(HOME, AWAY, request=UNORIGINATED, events=all_events((HOME, AWAY)))
        assert look(given_, queues)["status"] == "BUSY"

    def test_one_too_many_is_noted(self) -> None:
        """An event in a Region where nothing was written is seen by the look that follows the first."""
        queues = published((HOME, AWAY), everywhere=False)
        given_ = event(HOME, AWAY)
        replies = looks(given_, queues)
        next(replies)
        queues[AWAY].messages["late"] = message("put", HOME, identity="copy")
        *_, last = replies
        assert last["events"]["ids"][HOME]["put"] == {"0-put": [0], "copy": [1]}


def test_two_validations_at_once_do_no_harm() -> None:
    """Each finds its own events in the queue that they share, and deletes none of the other's."""
    other = [message(step, run="another") for step in STEPS]
    queues = {HOME: Queue(*OWN, *other)}
    *_, last = looks(event(), queues)
    assert last["events"]["ids"] == SEEN["ids"]
    assert [json.loads(one["Body"])["detail"]["run"] for one in queues[HOME].messages.values()] == ["another"] * 3
    assert not queues[HOME].hidden


@given(dies_at=st.lists(st.integers(1, 12), max_size=6))
def test_a_look_that_breaks_off_loses_nothing(dies_at: list[int]) -> None:
    """Whatever calls a look dies at, the events are all found by those that follow."""
    queue = Queue(*OWN, *(message("put", run="another") for _ in range(12)))
    streaming = event()["streaming"]
    for number in dies_at:
        queue.calls, queue.dies_at = 0, number
        try:
            reply = look({**event(), "streaming": streaming}, {HOME: queue})
            streaming = {key: value for key, value in reply.items() if key not in ("status", "wait_seconds")}
        except Killed:
            queue.time_passes()
    queue.dies_at = 0
    *_, last = looks({**event(), "streaming": streaming}, {HOME: queue})
    assert last["events"] == SEEN
    assert len(queue.messages) == 12


def test_a_queue_that_never_empties_ends_a_look() -> None:
    """A look takes five hundred messages at the most, and gives back those of others."""
    queue = Queue(*(message("put", run="another") for _ in range(700)))
    look(event(), {HOME: queue})
    assert (len(queue.messages), len(queue.hidden)) == (700, 0)
    assert queue.calls == 1 + module.MOST_RECEIVES + module.MOST_RECEIVES


@pytest.mark.parametrize("everywhere", [False, True])
def test_what_is_carried_is_small(everywhere: bool) -> None:
    """The events of twenty Regions need less than 20 KB between two looks."""
    regions = tuple(f"ap-southeast-{number}" for number in range(20))
    request = UNORIGINATED if everywhere else BARE
    *_, last = looks(
        event(*regions, request={**request, "processors": {"changes": {}, "analytics": None}}),
        published(regions, everywhere=everywhere),
    )
    assert len(json.dumps(last["events"])) < 20_000
