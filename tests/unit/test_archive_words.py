"""What holds of the archive apart from any task: keys, heads, and what stays when the control stack goes."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meridian import removal
from tasks.shared import names
from tasks.shared.archive import canonical, file_key, fits, manifest_key, place
from tests.unit.tasks.executions import BEGAN, One, StepFunctions, machine_arn
from tests.unit.tasks.fakes import ACCOUNT, MotoClients, emptied, refusal
from tests.unit.tasks.scenarios import ENVIRONMENT, HOME
from tests.unit.tasks.test_archive_executions import run

if TYPE_CHECKING:
    from tasks.shared.archive import Head, Reference


def manifest(name: str) -> Reference:
    return {"key": f"manifests/{name}.json", "sha256": name}


W, X, Y, Z = map(manifest, "WXYZ")


def said(after: Reference, before: Reference | None, *, settled: bool = False) -> Head:
    return {**after, "before": before, "settled": settled}


@pytest.mark.parametrize(
    ("found", "heads", "fit"),
    [
        (None, [], True),
        (X, [], False),
        (None, [said(X, None)], True),
        (X, [said(X, None)], True),
        (None, [said(X, None, settled=True), said(X, None)], False),
        (Y, [said(Y, X, settled=True), said(Y, X)], True),
        (X, [said(Y, X, settled=True), said(Y, X)], False),
        (X, [said(Y, X), said(X, W, settled=True)], True),
        (W, [said(Y, X), said(X, W, settled=True)], False),
        (Y, [said(Z, X), said(Y, X, settled=True), said(Y, X)], True),
        (X, [said(Z, X), said(Y, X, settled=True), said(Y, X)], False),
        (Z, [said(Y, X, settled=True), said(Z, Y), said(Y, X)], True),
        (W, [said(Y, X, settled=True), said(Y, X), said(X, W, settled=True), said(X, W)], False),
    ],
    ids=[
        "nothing was ever archived",
        "the head was removed",
        "killed before the first manifest",
        "killed after the first manifest",
        "the only manifest was removed",
        "as it should be",
        "the newest was removed or rolled back",
        "killed before a manifest",
        "rolled back two",
        "another execution had been faster",
        "rolled back after that",
        "settled late by an execution that was slow",
        "rolled back far",
    ],
)
def test_what_fits_the_head(found: Reference | None, heads: list[Head], fit: bool) -> None:  # a table
    """A crash and two executions at once fit; what was taken away or put back does not."""
    assert fits(found, heads) is fit


NAME, COUNT = st.text("ab.-redriv0123", min_size=1, max_size=20), st.integers(0, 12)


@given(NAME, COUNT, NAME, COUNT)
def test_no_two_executions_share_a_key(first: str, redrives: int, second: str, again: int) -> None:
    """Whatever an execution is named, its file is nobody else's, and a redrive's is its own."""
    keys = file_key("m", first, 0, redrives), file_key("m", second, 0, again)
    assert (keys[0] == keys[1]) == ((first, redrives) == (second, again))


@pytest.mark.parametrize(("first", "second"), [("a.redrive-1", "a"), ("a.redrive-1.redrive-1", "a.redrive-1")])
def test_no_name_looks_like_anothers_redrive(first: str, second: str) -> None:
    """A name may end as a redrive does."""
    assert file_key("m", first, 0, 0) != file_key("m", second, 0, 1)


def test_manifests_are_in_the_order_of_days_and_numbers() -> None:
    """The tenth of a day comes after the ninth, and before the next day."""
    keys = [manifest_key("2026-11-21", number) for number in (10, 9, 1)]
    wanted = [*reversed(keys), manifest_key("2026-11-22", 1)]
    assert sorted([wanted[-1], *keys], key=place) == wanted


def test_only_json_is_written() -> None:
    """What is no JSON is no line."""
    with pytest.raises(TypeError, match="bytes is no JSON"):
        canonical({"body": b""})


def session(s3: Any) -> Any:
    return SimpleNamespace(account=ACCOUNT, home=HOME, s3=lambda _: s3)


def test_the_archive_stays() -> None:
    """Whoever removes the control stack is told of the bucket and the parameter, where there are any."""
    with emptied():
        s3: Any = MotoClients().s3(HOME)
        assert removal.archive_that_stays(session(s3)) == ""
        s3.create_bucket(Bucket=names.archive_bucket(ACCOUNT, HOME))
        stays = removal.archive_that_stays(session(s3))
    assert stays == (
        "The archive stays: bucket meridian-archive-123456789012-us-east-1, and SSM parameter /meridian-archive/head "
        "that proves it."
    )


def with_executions(found: StepFunctions) -> Any:
    def pages(**given: Any) -> Any:
        return [found.list_executions(**given, maxResults=1_000)]

    clients, paginator = MotoClients(), SimpleNamespace(paginate=pages)
    states = SimpleNamespace(get_paginator=lambda _: paginator)
    return SimpleNamespace(account=ACCOUNT, home=HOME, s3=clients.s3, ssm=clients.ssm, states=states)


def test_histories_that_go_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever removes the control stack is told how many ended executions are in no manifest, archive's own apart."""
    for name, value in {**ENVIRONMENT, "AWS_REGION": HOME}.items():
        monkeypatch.setenv(name, value)
    found = StepFunctions()
    found.add(One("run-1", BEGAN, BEGAN + 1), One("run-2", BEGAN, None))
    machines = [machine_arn(name) for name in ("meridian-validate", "meridian-archive")]
    with emptied():
        before = removal.histories_that_go(with_executions(found), machines)
        run(found)
        found.add(One("day-1", BEGAN, BEGAN + 2, machine="meridian-archive"))
        archived = removal.histories_that_go(with_executions(found), machines)
        found.add(One("run-3", time.time() - 60, time.time()))
        after = removal.histories_that_go(with_executions(found), machines)
    assert archived == ""
    assert before == after
    assert before.startswith(
        "Executions that ended and are not archived: 1. Their histories go with the state machines"
    )


def test_who_may_not_count_is_told_that_they_go() -> None:
    """A reader without the archive's permissions learns that something may be lost, though not how much."""

    def refuse(**_: Any) -> None:
        raise refusal("403", operation="HeadBucket")

    blind = with_executions(StepFunctions())
    blind.s3 = lambda _: SimpleNamespace(head_bucket=refuse)
    told = removal.histories_that_go(blind, [])
    assert told.startswith("Histories that are not archived go with the state machines. How many")


def test_who_may_not_look_is_told_nothing() -> None:
    """Removing the control stack does not fail for that."""

    def refuse(**_: Any) -> None:
        raise refusal("403", operation="HeadBucket")

    assert removal.archive_that_stays(session(SimpleNamespace(head_bucket=refuse))) == ""
