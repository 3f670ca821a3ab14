"""Waiting: how the wait grows, when it ends, and how many looks it can take."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import waiting
from tasks.shared.errors import DeadlineExceeded
from tasks.shared.waiting import Looked, Looped, busy, most_looks, now, ready, timestamp

DAY = 86_400


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(waiting, "now", made)
    return made


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = now()

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def event(began: datetime, *, deadline: int = 600, poll: int = 15, **execution: Any) -> Looped:
    return {
        "began": timestamp(began),
        "deadline_seconds": deadline,
        "poll_seconds": poll,
        "execution": {"Id": "e", **execution},
    }


def look(given: Looped) -> Looked:
    return busy(given, "replica of orders (CREATING)", "eu-west-1")


class TestWait:
    @pytest.mark.parametrize(
        ("elapsed", "wait"), [(0, 15), (149, 15), (160, 16), (1_000, 100), (3_000, 300), (80_000, 1_800)]
    )
    def test_grows_to_a_tenth_and_is_capped(self, clock: Clock, elapsed: int, wait: int) -> None:
        """The wait is the request's own at first, then a tenth of the time waited, and never above the cap."""
        began = clock.time
        clock.move(elapsed)
        assert look(event(began, deadline=DAY))["wait_seconds"] == wait

    def test_does_not_reach_beyond_the_deadline(self, clock: Clock) -> None:
        """The last wait ends at the deadline, so that the parent's own time limit never comes first."""
        began = clock.time
        clock.move(995.5)
        assert look(event(began, deadline=1_000, poll=300))["wait_seconds"] == 5

    def test_is_what_was_asked_when_the_clocks_differ(self, clock: Clock) -> None:
        """A loop that began in this machine's future waits as at the beginning."""
        assert look(event(clock.time + timedelta(seconds=30)))["wait_seconds"] == 15

    def test_says_what_it_waits_for(self, clock: Clock) -> None:
        """The answer carries the beginning of the loop on, and what is waited for."""
        began = clock.time
        assert look(event(began)) == {
            "status": "BUSY",
            "began": timestamp(began),
            "wait_seconds": 15,
            "detail": "replica of orders (CREATING)",
        }


class TestDeadline:
    def test_is_not_exceeded_before(self, clock: Clock) -> None:
        """A millisecond before the deadline the answer is still BUSY."""
        began = clock.time
        clock.move(599.998)
        assert look(event(began))["status"] == "BUSY"

    def test_names_what_where_why_and_what_to_do(self, clock: Clock) -> None:
        """Past the deadline the error has all four parts."""
        began = clock.time
        clock.move(600)
        with pytest.raises(DeadlineExceeded) as raised:
            look(event(began))
        assert str(raised.value) == (
            "Waited 600 s for replica of orders (CREATING) in eu-west-1: the request allows 600 s. "
            "Start the workflow again with the same input: everything already made is kept and used. "
            "The deadlines are under `polling` in the request."
        )

    @pytest.mark.parametrize("form", ["milliseconds", "seconds", "microseconds"])
    def test_counts_anew_after_a_redrive(self, clock: Clock, form: str) -> None:
        """A redrive gets the whole deadline again, however the service writes its time."""
        began = clock.time
        clock.move(7_200)
        redriven = clock.time.isoformat(timespec=form)
        assert look(event(began, RedriveTime=redriven))["wait_seconds"] == 15
        clock.move(601)
        with pytest.raises(DeadlineExceeded, match=r"Waited 60[012] s"):
            look(event(began, RedriveTime=redriven))

    def test_counts_from_the_loop_that_began_after_the_redrive(self, clock: Clock) -> None:
        """A redrive in the past does not lengthen or shorten a loop that began later."""
        redriven = timestamp(clock.time)
        clock.move(3_600)
        began = clock.time
        clock.move(200)
        assert look(event(began, RedriveTime=redriven))["wait_seconds"] == 20

    def test_takes_the_times_of_a_state_machine(self, clock: Clock) -> None:
        """`$$.State.EnteredTime` may be written with an offset and in microseconds."""
        given = event(clock.time)
        given["began"] = clock.time.isoformat()
        assert look(given)["status"] == "BUSY"


def test_ready_begins_the_next_loop() -> None:
    """READY carries the present moment, from which the next loop counts."""
    before = now()
    answer = ready("ACTIVE")
    assert (answer["status"], answer["wait_seconds"], answer["detail"]) == ("READY", 0, "ACTIVE")
    assert before - timedelta(milliseconds=1) <= datetime.fromisoformat(answer["began"]) <= now()


def looks_taken(clock: Clock, deadline: int, poll: int, delays: list[float]) -> int:
    """Walk the loop as the state machine does, every look and wait lasting a little longer than asked."""
    started, looks = event(clock.time, deadline=deadline, poll=poll), 0
    while True:
        clock.move(delays[looks % len(delays)])
        looks += 1
        try:
            clock.move(look(started)["wait_seconds"])
        except DeadlineExceeded:
            return looks


class TestMostLooks:
    @given(
        deadline=st.integers(1, DAY),
        poll=st.integers(1, 300),
        delays=st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=5),
    )
    def test_is_never_exceeded(self, deadline: int, poll: int, delays: list[float]) -> None:
        """No loop looks more often than the bound that the histories are computed from."""
        with pytest.MonkeyPatch.context() as patched:
            clock = Clock()
            patched.setattr(waiting, "now", clock)
            assert looks_taken(clock, deadline, poll, delays) <= most_looks(deadline, poll)

    @pytest.mark.parametrize(("deadline", "poll"), [(DAY, 1), (DAY, 15), (14_400, 15), (60, 1), (900, 300)])
    def test_is_reached_when_nothing_is_lost(self, clock: Clock, deadline: int, poll: int) -> None:
        """The bound is the number itself when looking takes no time."""
        assert looks_taken(clock, deadline, poll, [0]) == most_looks(deadline, poll)

    def test_of_a_day_is_some_hundreds(self) -> None:
        """A wait of a day at the shortest poll keeps a history far below 25,000 events."""
        assert most_looks(DAY, 1) < 450
