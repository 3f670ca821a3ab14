"""The list of a table's executions, and the last that succeeded."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from meridian.audit import listing as listings
from meridian.audit.histories.fold import fold
from meridian.audit.listing import last_good, listing
from meridian.audit.model import Outcome
from meridian.audit.terminal import views
from tasks.shared.errors import Refused
from tests.unit.audit.samples import HOSTILE, START, execution_arn
from tests.unit.audit.sources import VALIDATE, FakeSource

ORDERS = {"table": "orders"}
WORKFLOWS = ("provision", "add-region", "validate")
CHILD = {**ORDERS, "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": execution_arn("provision", "p")}


@pytest.fixture
def source() -> FakeSource:
    found = FakeSource()
    found.put("provision", "provision-orders-1c168adb-00000001", {**ORDERS, "regions": []}, started=START, seconds=96)
    found.put("validate", "child", CHILD, started=START + 90)
    found.put("validate", "other", {"table": "users"}, started=START + 95)
    cause = json.dumps({"errorType": "ValidationFailed", "errorMessage": "eu-west-1 did not see the put from x."})
    found.put(
        "validate",
        "by-schedule",
        ORDERS,
        Outcome.FAILED,
        started=START + 200,
        stateMachineAliasArn="arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate:scheduled",
        error="ValidationFailed",
        cause=cause,
    )
    return found


def printed(found: listings.Listing, *, full: bool = False, width: int = 160) -> str:
    file = io.StringIO()
    views.show_listing(Console(file=file, width=width), found, full=full)
    return file.getvalue()


class TestListing:
    def test_rows(self, source: FakeSource) -> None:
        """The executions of one table over all workflows, the newest first, each with its verdict and starter."""
        found = listing(source, WORKFLOWS, "orders", 0.0)
        assert [row.audit.name for row in found.rows] == ["by-schedule", "child", "provision-orders-1c168adb-00000001"]
        assert found.rows[0].verdict.sentence == "validate of orders failed after 5 s: ValidationFailed."
        assert [row.audit.starter.by.value for row in found.rows] == ["schedule", "parent execution", "deploy.py"]
        assert found.cut_at is None

    def test_since(self, source: FakeSource) -> None:
        """Only what was started since then."""
        assert [row.audit.name for row in listing(source, WORKFLOWS, "orders", START + 100).rows] == ["by-schedule"]

    def test_printed(self, source: FakeSource) -> None:
        """A line an execution; children are counted, and listed with --full."""
        found = listing(source, WORKFLOWS, "orders", 0.0)
        text = printed(found)
        lines = text.splitlines()
        assert lines[1].split()[:7] == ["2026-11-21", "12:03:20Z", "validate", "5", "s", "schedule", "FAILED:"]
        assert lines[2].split()[-2:] == ["SUCCEEDED", "provision-orders-1c168adb-00000001"]
        assert "1 execution that others started left out: --full lists all." in text
        assert "parent execution" in printed(found, full=True)

    @pytest.mark.parametrize("width", [60, 80, 120, 150, 160, 200])
    def test_nothing_is_lost(self, source: FakeSource, width: int) -> None:
        """However narrow the terminal, every character is there, and names are whole on one line."""
        name = "the-orders-of-ce-global-4-by-hand"
        long = {**ORDERS, "region": "ap-southeast-1"}
        error = "DynamoDb.ResourceNotFoundExceptionOfAVeryLongName"
        source.put("deploy-processors", name, long, Outcome.FAILED, started=START + 300, error=error)
        text = printed(listing(source, (*WORKFLOWS, "deploy-processors"), "orders", 0.0), width=width)
        assert "…" not in text
        for whole in (f"deploy-processors:{name}", "validate:by-schedule", "provision-orders-1c168adb-00000001"):
            assert any(line.endswith(whole) for line in map(str.rstrip, text.splitlines()))
        for said in ("deploy-processors ap-southeast-1", "console or AWS CLI", "SUCCEEDED", "2026-11-21 12:05:00Z"):
            assert said in text
        assert error in text or error[-8:] in text  # a column breaks it

    def test_names_can_be_given_back(self, source: FakeSource) -> None:
        """Only a name that does not tell its workflow is printed with that."""
        ends = [line.split()[-1] for line in printed(listing(source, WORKFLOWS, "orders", 0.0)).splitlines()[1:3]]
        assert ends == ["validate:by-schedule", "provision-orders-1c168adb-00000001"]

    def test_redriven(self, source: FakeSource) -> None:
        """An execution that was redriven says how often."""
        found = listing(source, WORKFLOWS, "orders", 0.0)
        found.rows = [replace(found.rows[0], redrives=1)]
        words = printed(found).split()
        assert words[words.index("redriven") + 1 :][:2] == ["1", "time"]

    def test_none(self, source: FakeSource) -> None:
        """No execution is said in a sentence."""
        assert printed(listing(source, WORKFLOWS, "nobody", START)) == (
            "No execution worked on nobody since 2026-11-21 12:00:00Z.\n"
        )

    def test_json(self, source: FakeSource) -> None:
        """As JSON the list is whole, with times as numbers."""
        found = json.loads(json.dumps(views.listing_as_json(listing(source, WORKFLOWS, "orders", 0.0))))
        assert [one["status"] for one in found["executions"]] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
        assert found["executions"][0]["failure"]["why"] == "eu-west-1 did not see the put from x."
        assert found["executions"][0]["started"] == START + 200

    def test_known_tables_are_not_asked(self, source: FakeSource) -> None:
        """An execution whose list or name tells that it is of another table costs no call."""
        source.put("validate", VALIDATE.format(9).replace("orders", "users"), {"table": "users"})
        source.put("validate", "archived", {"table": "users"}, table="users")
        listing(source, WORKFLOWS, "orders", 0.0)
        assert not [arn for arn in source.described if arn.endswith(("00000009", "archived"))]

    def test_name_of_a_person(self, source: FakeSource) -> None:
        """A name that only resembles ours is asked for its table."""
        source.put("validate", "validate-orders-20261121", ORDERS, started=START + 300)
        assert listing(source, WORKFLOWS, "orders", 0.0).rows[0].audit.name == "validate-orders-20261121"

    def test_bounded(self, source: FakeSource, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where there are too many to ask, the list says from when on it does not know."""
        monkeypatch.setattr(listings, "MOST_DESCRIBED", 2)
        found = listing(source, WORKFLOWS, "orders", 0.0)
        assert len(source.described) == 2
        assert found.cut_at == START + 90
        assert "There are more: none that started before 2026-11-21 12:01:30Z was asked for its table." in printed(
            found
        )

    def test_forgotten_meanwhile(self, source: FakeSource) -> None:
        """What is listed and then forgotten is left out."""
        del source.descriptions[execution_arn("validate", "by-schedule")]
        assert len(listing(source, WORKFLOWS, "orders", 0.0).rows) == 2

    def test_not_installed(self) -> None:
        """Where no workflow is known, the control stack is not installed there."""
        with pytest.raises(Refused, match="is not installed there"):
            listing(FakeSource(), WORKFLOWS, "orders", 0.0)

    def test_hostile(self, source: FakeSource) -> None:
        """No text of an execution acts on the terminal."""
        source.put("validate", HOSTILE, ORDERS, Outcome.FAILED, started=START + 400, error=HOSTILE, cause=HOSTILE)
        text = printed(listing(source, WORKFLOWS, "orders", 0.0))
        assert "[bold red]rich[/]" in text.replace("\n", "")
        assert not set(text) & set("\x1b\x07\x00\u202e")


class TestLastGood:
    def test_same_table(self, source: FakeSource) -> None:
        """The last success of the same workflow on the same table, before this one."""
        source.put("validate", VALIDATE.format(5), ORDERS, started=START + 150)
        source.put("validate", "later", ORDERS, started=START + 900)
        arn = execution_arn("validate", "by-schedule")
        good = last_good(source, fold(arn, source.describe(arn), ()))
        assert good
        assert good.name == VALIDATE.format(5)

    def test_same_region(self, source: FakeSource) -> None:
        """What works on one Region is compared with the same Region's."""
        for name, region in (("a", "eu-west-1"), ("b", "ap-southeast-1")):
            source.put("add-region", name, {**ORDERS, "region": region}, started=START + ord(name))
        arn = source.put("add-region", "c", {**ORDERS, "region": "eu-west-1"}, Outcome.FAILED, started=START + 500)
        good = last_good(source, fold(arn, source.describe(arn), ()))
        assert good
        assert good.name == "a"

    def test_none(self, source: FakeSource) -> None:
        """The first of its kind has nothing to be compared with."""
        arn = execution_arn("provision", "provision-orders-1c168adb-00000001")
        assert last_good(source, fold(arn, source.describe(arn), ())) is None
