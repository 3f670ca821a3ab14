"""``deploy.py audit``, on a source of hand-made histories."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

import deploy
from meridian.audit import command, principal
from meridian.audit.archives import archive
from meridian.audit.archives.verification import Verified
from meridian.audit.joined import Joined
from meridian.audit.model import Outcome
from meridian.audit.page import rendering as page
from tests.unit.audit.samples import START, execution_arn
from tests.unit.audit.sources import VALIDATE, FakeSource
from tests.unit.histories import History

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from meridian.audit.model import Audit

ORDERS = {"table": "orders"}
GOOD, BAD = VALIDATE.format(1), VALIDATE.format(2)


def validated(*, well: bool) -> History:
    """A validation of one step."""
    history = History(ORDERS)
    if well:
        history.task("Summarize", 1, {"status": "READY"})
    else:
        history.fail(
            history.call(history.enter("Task", "Summarize", 1)), "ValidationFailed", "eu-west-1 did not see it."
        )
    return history


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> FakeSource:
    """What Step Functions knows: a validation that succeeded, and a later one that failed."""
    found = FakeSource()
    found.put("validate", GOOD, ORDERS, started=START, history=validated(well=True))
    found.put("validate", BAD, ORDERS, Outcome.FAILED, started=START + 60, history=validated(well=False))
    monkeypatch.setattr(command, "source", lambda _: Joined(found, FakeSource("s3://archive")))
    for name, value in (("account", "123456789012"), ("partition", "aws")):
        monkeypatch.setattr(f"meridian.session.Session.{name}", value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return found


def call(*arguments: str) -> Result:
    where = ("--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:9")  # on which nothing listens
    result = CliRunner().invoke(deploy.app, ["audit", *arguments, *where], env={"COLUMNS": "160"})
    assert not isinstance(result.exception, Exception), result.exception
    return result


def refusal(*arguments: str) -> str:
    """The one sentence with which it refuses."""
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.usefixtures("states")
class TestOne:
    def test_success(self) -> None:
        """An execution that succeeded is a tree on stdout and exit code 0."""
        result = call(execution_arn("validate", GOOD))
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.startswith("validate of orders succeeded")
        assert "Summarize" in result.stdout

    def test_failure(self) -> None:
        """An execution that failed is exit code 1, and its first lines say what and why."""
        result = call(execution_arn("validate", BAD))
        assert result.exit_code == 1
        assert "in Summarize: ValidationFailed." in result.stdout.splitlines()[0]
        assert "eu-west-1 did not see it." in result.stdout

    def test_name(self) -> None:
        """A name that `run` gave is enough."""
        assert call(GOOD).exit_code == 0

    def test_name_with_workflow(self, states: FakeSource) -> None:
        """Any other name is given with its workflow, as the list gives it."""
        states.put("validate", "9d5fa076-8f5e", ORDERS, started=START, history=validated(well=True))
        assert call("validate:9d5fa076-8f5e").stdout.startswith("validate of orders succeeded")

    def test_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Files are written beside each other; stdout stays empty, and people are told the verdict."""
        monkeypatch.setattr(page, "render", lambda audit: f"<html>{audit.name}</html>")
        html, lines = tmp_path / "page.html", tmp_path / "audit.jsonl"
        result = call(execution_arn("validate", BAD), "--html", str(html), "--jsonl", str(lines))
        assert (result.exit_code, result.stdout) == (1, "")
        assert html.read_text() == f"<html>{BAD}</html>"
        assert json.loads(lines.read_text().splitlines()[0])["status"] == "FAILED"
        assert result.stderr.splitlines() == [
            result.stderr.splitlines()[0],
            f"Written to {html} and {lines}.",
        ]

    def test_stdout(self) -> None:
        """JSON Lines on stdout are alone there."""
        result = call(execution_arn("validate", GOOD), "--jsonl", "-")
        assert [json.loads(line)["record"] for line in result.stdout.splitlines()] == ["execution", "step", "attempt"]

    def test_principal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On AWS, CloudTrail is asked who it was."""

        def told(_: object, audit: Audit) -> None:
            audit.starter = replace(audit.starter, principal="arn:aws:iam::123456789012:user/ann")

        monkeypatch.setattr("meridian.session.Session.is_local", False)
        monkeypatch.setattr("meridian.session.Session.client", lambda *_: None)
        monkeypatch.setattr(principal, "told", told)
        assert ", by arn:aws:iam::123456789012:user/ann with deploy.py" in call(execution_arn("validate", GOOD)).stdout

    def test_unknown(self) -> None:
        """An execution that nobody knows is a sentence."""
        assert refusal(execution_arn("validate", "nobody")).startswith("There is no execution arn:aws:states:")

    def test_other_account(self) -> None:
        """An ARN of another account than the credentials' says so, since nobody can know whether it exists there."""
        said = refusal(execution_arn("validate", GOOD).replace("123456789012", "210987654321"))
        assert "it is of account 210987654321, and the credentials are of 123456789012" in said

    @pytest.mark.parametrize(
        "execution",
        [
            "nobody",
            "nobody:x",
            "validate:",
            "validate:x:y",
            "arn:aws:states:us-east-1:1:execution:x",
            "arn:aws:states:us-east-1:123456789012:express:m:n:o",
            "arn:aws:states:us-east-1:123456789012:stateMachine:meridian-validate",
            "\x1b[2J",
            "",
        ],
    )
    def test_no_execution(self, execution: str) -> None:
        """What is no execution is refused without asking anybody, and echoed harmlessly."""
        assert "is neither an execution's ARN, nor WORKFLOW:NAME, nor a name" in refusal(execution)

    def test_other_region(self) -> None:
        """An ARN of another Region than --region is refused."""
        assert "the ARN says" in refusal(execution_arn("validate", GOOD).replace("us-east-1", "eu-west-1"))

    def test_nothing_is_read_for_a_bad_file(self, states: FakeSource, tmp_path: Path) -> None:
        """A file that can never be written is refused before a long history is read."""
        assert "is a directory" in refusal(execution_arn("validate", GOOD), "--html", str(tmp_path))
        assert states.described == []


@pytest.mark.usefixtures("states")
class TestOthers:
    def test_list(self) -> None:
        """A table's executions, the newest first; exit code 0 whatever came of them."""
        result = call("--table", "orders", "--since", "2026-11-21")
        assert result.exit_code == 0
        assert [line.split()[-1] for line in result.stdout.splitlines()[1:3]] == [BAD, GOOD]

    def test_list_as_json(self) -> None:
        """The same as JSON."""
        found: dict[str, Any] = json.loads(call("--table", "orders", "--since", "2026-11-21", "--json").stdout)
        assert [one["status"] for one in found["executions"]] == ["FAILED", "SUCCEEDED"]

    def test_diff(self) -> None:
        """Two executions compared; exit code 0 whatever differs."""
        result = call("--diff", execution_arn("validate", GOOD), execution_arn("validate", BAD))
        assert result.exit_code == 0
        assert "FAILED ValidationFailed" in result.stdout

    def test_diff_as_json(self) -> None:
        """The same as JSON."""
        found = json.loads(
            call("--diff", execution_arn("validate", GOOD), execution_arn("validate", BAD), "--json").stdout
        )
        assert found["differs"] is True

    def test_last_good(self) -> None:
        """A failure beside the last success; the exit code is the failure's."""
        result = call(execution_arn("validate", BAD), "--last-good")
        assert result.exit_code == 1
        assert result.stdout.startswith("before: validate of orders succeeded")

    def test_no_last_good(self) -> None:
        """The first of its kind cannot be compared."""
        assert refusal(execution_arn("validate", GOOD), "--last-good").startswith(
            "Nothing to compare with: no validate of orders succeeded in the 90 days before."
        )

    def test_bad_table(self) -> None:
        """A table that cannot be is refused, and echoed harmlessly."""
        assert "is no name of a table" in refusal("--table", "\x1b[2Jx")


class TestVerify:
    @pytest.mark.parametrize(("problems", "code"), [([], 0), (["executions/a was altered."], 1)])
    def test_verify(self, problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """What was checked and each problem; exit code 1 if there is one."""
        found = Verified("meridian-archive", 2, 1_700, 9, 12_345, problems, ["Nothing was archived on 2026-11-20."])
        monkeypatch.setattr(archive, "verify", lambda _: found)
        result = call("--verify")
        assert result.exit_code == code
        first, note, *rest = result.stdout.splitlines()
        assert first == (
            "Checked in meridian-archive: 2 manifests, 1,700 executions, 9 definitions, 12,345 bytes of histories."
        )
        assert note == "Nothing was archived on 2026-11-20."
        assert rest == ([*problems, "1 problem."] if problems else ["All is as it was archived."])
        assert json.loads(call("--verify", "--json").stdout)["problems"] == problems


@pytest.mark.parametrize("arguments", [(), ("x", "--table", "t"), ("--since", "1d"), ("--verify", "--full")])
def test_contradictions(arguments: tuple[str, ...]) -> None:
    """What contradicts itself is one sentence, without any AWS."""
    assert "Nothing was written." in refusal(*arguments)
