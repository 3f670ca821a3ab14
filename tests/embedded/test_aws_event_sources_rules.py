"""What happens to a batch that fails, and which records a filter passes: the rules, without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from meridian.embedded.event_patterns import is_valid, matches
from meridian.embedded.event_source_delivery import FOR_EVER, Answer, Delivery, Lost, Rules
from meridian.embedded.event_source_records import Record
from meridian.embedded.event_source_windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

OK = Answer(None)
FAILED = Answer(failed=True)
THROTTLED = Answer(throttled=True)


class Run:
    """One delivery of records named by letters, with a clock that pauses move."""

    def __init__(self, rules: Rules, function: Callable[[str, int], Answer]) -> None:
        self.calls: list[str] = []
        self.done: list[str] = []
        self.lost: list[tuple[str, str]] = []
        self.documents: list[Lost] = []
        self.now = 1000.0
        self._function = function
        self._delivery = Delivery(
            rules, self._invoke, self._mark, self._give_up, lambda: len(self.calls) < 50, self._pause, lambda: self.now
        )

    def of(self, names: str) -> Run:
        self._delivery.deliver([Record(name, 1000.0, name, {}, {}) for name in names])
        return self

    def _invoke(self, records: Sequence[Record]) -> Answer:
        self.calls.append("".join(record.sequence for record in records))
        return self._function(self.calls[-1], len(self.calls))

    def _mark(self, record: Record) -> None:
        self.done.append(record.sequence)

    def _give_up(self, lost: Lost) -> None:
        self.documents.append(lost)
        self.lost.append(("".join(record.sequence for record in lost.records), lost.condition))

    def _pause(self, seconds: float) -> None:
        self.now += seconds


def reporting(*names: str) -> Callable[[str, int], Answer]:
    """A function that reports those records of its batch, whatever else."""

    def function(batch: str, _: int) -> Answer:
        return Answer({"batchItemFailures": [{"itemIdentifier": name} for name in names if name in batch]})

    return function


def isolating(*names: str) -> Callable[[str, int], Answer]:
    """A function that reports those records, but fails where the first of several is one of them."""

    def function(batch: str, call: int) -> Answer:
        return FAILED if len(batch) > 1 and batch[0] in names else reporting(*names)(batch, call)

    return function


def failing_on(name: str) -> Callable[[str, int], Answer]:
    return lambda batch, _: FAILED if name in batch else OK


def test_a_poison_record_is_lost_alone() -> None:
    """Where a function answers up to a poison record and fails where it comes first, all others are done in order."""
    run = Run(Rules(bisect=True, retries=1, partial=True), isolating("c")).of("abcde")
    assert run.calls == ["abcde", "cde", "c", "c", "de"]
    assert run.lost == [("c", "RetryAttemptsExhausted")]
    assert run.done == ["b", "c", "e"]


def test_a_partial_answer_splits_at_the_record_that_it_reports() -> None:
    """Only the rest comes again; a rest that is reported from its first record is not split, and is lost whole."""
    run = Run(Rules(bisect=True, retries=2, partial=True), reporting("c")).of("abcde")
    assert run.calls == ["abcde", "cde", "cde", "cde"]
    assert run.lost == [("cde", "RetryAttemptsExhausted")]
    assert run.done == ["b", "e"]


def test_an_answer_that_names_no_record_halves_nothing() -> None:
    """The whole batch comes again, as often as it may; only a function that fails is a reason to halve."""
    bad = Answer({"batchItemFailures": [{"itemIdentifier": ""}]})
    run = Run(Rules(bisect=True, retries=1, partial=True), lambda *_: bad).of("abc")
    assert run.calls == ["abc", "abc"]
    assert run.lost == [("abc", "RetryAttemptsExhausted")]


def test_a_failing_batch_is_halved_without_using_up_retries() -> None:
    """Bisection alone finds the poison record too; only the single record counts its tries."""
    run = Run(Rules(bisect=True, retries=2), failing_on("b")).of("abcd")
    assert run.calls == ["abcd", "ab", "a", "b", "b", "b", "cd"]
    assert run.lost == [("b", "RetryAttemptsExhausted")]


def test_without_bisection_the_rest_of_the_batch_is_lost() -> None:
    """A partial answer is the checkpoint; what comes behind is tried as often as allowed and given up together."""
    run = Run(Rules(retries=2, partial=True), reporting("b")).of("abc")
    assert run.calls == ["abc", "bc", "bc"]
    assert run.lost == [("bc", "RetryAttemptsExhausted")]
    assert run.documents[0].invocations == 3


def test_the_lowest_reported_record_is_the_checkpoint() -> None:
    """Everything behind the first failed record comes again, also what succeeded."""

    def function(_: str, call: int) -> Answer:
        return Answer({"batchItemFailures": [{"itemIdentifier": "d"}, {"itemIdentifier": "b"}]}) if call == 1 else OK

    assert Run(Rules(partial=True), function).of("abcde").calls == ["abcde", "bcde"]


@pytest.mark.parametrize("body", [None, "", {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_answer_is_a_success(body: Any) -> None:
    """Nothing reported means that the whole batch succeeded."""
    assert Run(Rules(partial=True), lambda *_: Answer(body)).of("ab").done == ["b"]


@pytest.mark.parametrize(
    "body",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"wrong": "b"}]},
        ["b"],
    ],
)
def test_an_answer_that_names_no_record_fails_the_batch(body: Any) -> None:
    """An identifier that is empty, unknown or under another name makes the whole batch a failure."""
    run = Run(Rules(partial=True, retries=0), lambda *_: Answer(body)).of("ab")
    assert run.lost == [("ab", "RetryAttemptsExhausted")]


def test_reports_mean_nothing_unless_the_mapping_asks_for_them() -> None:
    """Without ReportBatchItemFailures an answer is a success, whatever it says."""
    assert Run(Rules(retries=0), reporting("a")).of("ab").lost == []


def test_age_ends_the_tries() -> None:
    """Records that became too old are given up, though retries are without end."""
    run = Run(Rules(age=60), lambda *_: FAILED)
    run._delivery.pause = lambda _: setattr(run, "now", run.now + 25)
    run.of("ab")
    assert (run.calls, run.lost) == (["ab", "ab", "ab"], [("ab", "RecordAgeExceeded")])


def test_what_is_too_old_already_is_not_delivered() -> None:
    """Old records of a batch are given up before the first try, and the young ones are delivered."""
    run = Run(Rules(age=60), lambda *_: OK)
    run._delivery.deliver([Record("a", 900.0, "a", {}, {}), Record("b", 990.0, "b", {}, {})])
    assert (run.calls, run.lost, run.done) == (["b"], [("a", "RecordAgeExceeded")], ["a", "b"])
    assert run.documents[0].answer is None


def test_throttling_uses_up_no_retries() -> None:
    """A throttled invocation is tried again even where no retry is allowed."""
    run = Run(Rules(retries=0), lambda _, call: THROTTLED if call < 5 else OK).of("ab")
    assert (len(run.calls), run.lost, run.done) == (5, [], ["b"])


def test_without_limits_a_batch_is_tried_for_ever() -> None:
    """The default of a mapping never gives up; it ends with the mapping."""
    run = Run(Rules(retries=FOR_EVER), failing_on("a")).of("ab")
    assert (len(run.calls), run.lost, run.done) == (50, [], [])


INSERT = {
    "eventName": "INSERT",
    "dynamodb": {"Keys": {"id": {"S": "ORDER#1"}}, "NewImage": {"origin": {"S": "eu"}, "total": {"N": "5"}}},
}
REMOVE = {"eventName": "REMOVE", "dynamodb": {"OldImage": {"origin": {"S": "us"}}}}


@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ({"eventName": ["INSERT", "MODIFY"]}, True),
        ({"eventName": ["REMOVE"]}, False),
        ({"dynamodb": {"Keys": {"id": {"S": [{"prefix": "ORDER#"}]}}}}, True),
        ({"dynamodb": {"Keys": {"id": {"S": [{"suffix": "#2"}]}}}}, False),
        ({"dynamodb": {"NewImage": {"origin": {"S": [{"anything-but": ["eu", "us"]}]}}}}, False),
        ({"dynamodb": {"NewImage": {"origin": {"S": [{"anything-but": {"prefix": "u"}}]}}}}, True),
        ({"dynamodb": {"OldImage": {"origin": {"S": [{"anything-but": "eu"}]}}}}, False),  # it is not there at all
        ({"dynamodb": {"NewImage": {"origin": {"S": [{"exists": True}]}}}}, True),
        ({"dynamodb": {"OldImage": {"origin": {"S": [{"exists": False}]}}}}, True),
        ({"dynamodb": {"NewImage": [{"exists": True}]}}, False),  # only leaves exist
        ({"dynamodb": {"NewImage": {"total": {"N": [{"numeric": [">", 1]}]}}}}, False),  # numbers are text
        ({"dynamodb": {"NewImage": {"total": {"N": [5]}}}}, False),
        ({"$or": [{"eventName": ["REMOVE"]}, {"dynamodb": {"NewImage": {"total": {"N": ["5"]}}}}]}, True),
    ],
)
def test_a_pattern_passes_what_it_names(pattern: dict[str, Any], passes: bool) -> None:
    """Patterns look at leaves, in EventBridge's way."""
    assert matches(pattern, INSERT) is passes


def test_an_origin_filter_takes_removals_by_their_old_image() -> None:
    """A filter on the new image drops removals; one on the old image with no new one passes them."""
    removed_in_us = {
        "dynamodb": {"NewImage": {"origin": {"S": [{"exists": False}]}}, "OldImage": {"origin": {"S": ["us"]}}}
    }
    assert not matches({"dynamodb": {"NewImage": {"origin": {"S": ["us"]}}}}, REMOVE)
    assert matches(removed_in_us, REMOVE)
    assert not matches(removed_in_us, INSERT)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"a": "b"}', '{"a": []}', '{"a": [{"like": "b"}]}'])
def test_a_text_that_is_no_pattern_is_known(text: str) -> None:
    """Broken JSON, empty objects and unknown rules are no patterns."""
    assert not is_valid(text)


def test_a_window_carries_the_functions_state() -> None:
    """The state that a function answers is in the next event of the window, and ends with it."""
    window = Window(60)
    assert window.admits(Record("a", 125.0, "a", {}, {}))
    assert not window.admits(Record("b", 181.0, "b", {}, {}))
    window.keep({"state": {"sum": 3}})
    event = window.of_event("shard", "stream", final=True)
    assert event["window"] == {"start": "1970-01-01T00:02:00Z", "end": "1970-01-01T00:03:00Z"}
    assert (event["state"], event["isFinalInvokeForWindow"]) == ({"sum": 3}, True)
    assert (window.ended(179.0), window.ended(180.0)) == (False, True)
    window.close()
    assert window.of_event("shard", "stream", final=False) == {}
