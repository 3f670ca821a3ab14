from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from moto import mock_aws
from typer.testing import CliRunner

import deploy
from meridian import inputs, runs
from meridian.readme import README, table_of_commands, with_commands
from tests.unit.histories import FakeStates, History, arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typer.testing import Result

ROOT = Path(__file__).parents[2]
ORDERS = "definitions/examples/orders.yaml"
HOME = ("--region", "us-east-1")
UNKNOWN_EXECUTION = arn("provision", "nobody")

COMMANDS = [command.name or command.callback.__name__ for command in deploy.app.registered_commands if command.callback]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller without any AWS setting, in the project's directory."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(ROOT)


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, and on which nothing else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def call(*arguments: str) -> Result:
    return CliRunner().invoke(deploy.app, arguments)


def refusal(*arguments: str) -> str:
    """The one sentence with which a command refuses."""
    result = call(*arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert not isinstance(result.exception, Exception), result.exception
    (line,) = result.stderr.splitlines()
    return line


class TestHelp:
    def test_no_command(self) -> None:
        """No command is answered with the help, as a misuse, and nothing else is said."""
        result = call()
        assert (result.exit_code, result.stderr) == (2, "")
        assert result.stdout.rstrip() == call("--help").stdout.rstrip()

    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command(self, command: str) -> None:
        """Every command explains itself and each of its options."""
        result = call(command, "--help")
        assert result.exit_code == 0
        group: Any = typer.main.get_command(deploy.app)
        assert group.commands[command].help
        assert all(option.help for option in group.commands[command].params)

    def test_readme(self) -> None:
        """The README's table of commands is that of the command line."""
        assert README.read_text() == with_commands(README.read_text())

    def test_table(self) -> None:
        """The table has a line for each command."""
        lines = table_of_commands().splitlines()[2:]
        assert [line.split("`")[1].split()[0] for line in lines] == COMMANDS

    def test_fast(self) -> None:
        """The command line itself needs no boto3, whose import takes longer than all else."""
        code = "import deploy, sys; sys.exit('boto3' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0  # noqa: S603


class TestMisuse:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["rum"], "Did you mean 'run'?"),
            (["status"], "Missing argument 'table'"),
            (
                ["run"],
                (
                    "Choose from: provision, add-region, deploy-processors, refresh-regions, validate, redeliver, "
                    "remove-region, cleanup, archive. See"
                ),
            ),
            (["run", "deploy"], "Invalid value for 'workflow': 'deploy' is not one of"),
            (["status", "x", *HOME], "'x' is no name of a table"),
            (["down", "--json"], "No such option: --json"),
            (["local", "--port", "99999"], "65535"),
            (["run", "provision"], "provision needs --request FILE"),
            (["run", "provision", "--request", "nowhere.yaml"], "nowhere.yaml cannot be read"),
            (["run", "provision", "--request", ORDERS, "--table", "orders"], "provision takes no --table"),
            (["run", "validate"], "validate needs --table NAME or --request FILE"),
            (["run", "validate", "--table", "orders", "--member", "eu-west-1"], "validate takes no --member"),
            (["run", "validate", "--table", "my table"], "'my table' is no name of a table"),
            (
                ["run", "validate", "--table", "shop", "--request", ORDERS],
                "--table is shop, and the request's table is orders",
            ),
            (["run", "add-region", "--table", "orders"], "add-region needs --member REGION"),
            (["run", "add-region", "--table", "orders", "--member", "eu-wets-1"], "Did you mean eu-west-1?"),
            (["run", "cleanup", "--table", "orders"], "Give --confirm orders if you want that. Nothing was started."),
            (["run", "cleanup", "--table", "orders", "--confirm", "order"], "Give --confirm orders"),
            (
                ["run", "remove-region", "--table", "orders", "--member", "eu-west-1", "--confirm", "orders"],
                "Give --confirm eu-west-1",
            ),
            (["run", "archive", "--table", "orders"], "archive takes no --table"),
            (["run", "archive", "--request", ORDERS], "archive takes no --request"),
            (["follow", "my-execution"], "my-execution is no execution ARN"),
            (["follow", UNKNOWN_EXECUTION, "--region", "eu-west-1"], "the ARN says that the home Region is us-east-1"),
            (["status", "orders"], "No home Region is chosen"),
            (["status", "orders", "--region", "us-nowhere-1"], "'us-nowhere-1' is no Region"),
            (["status", "orders", "--profile", "nobody"], "The config profile (nobody) could not be found"),
            (["status", "my table", *HOME], "'my table' is no name of a table"),
            (["status", "orders", *HOME, "--endpoint-url", "localhost"], "Invalid endpoint: localhost is no URL"),
            (["status", "orders", *HOME], "No AWS credentials were found"),
            (["schedule", "orders", "--pause", "--resume"], "--pause and --resume were given. Give one of them."),
            (["schedule", "orders", "--last", "0"], "Invalid value for '--last'"),
            (["schedule", "x", *HOME], "'x' is no name of a table"),
            (["up", *HOME], "No AWS credentials were found"),
            (
                ["run", "provision", "--request", ORDERS, "--region", "eu-west-1"],
                "by its first Region, says that the home Region is us-east-1",
            ),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_one_sentence(self, arguments: list[str], said: str) -> None:
        """A wrong call is refused with one sentence that says what is wrong, before AWS is asked."""
        assert said in refusal(*arguments)

    def test_no_pictures(self) -> None:
        """What is echoed stays as it was given: a name between colons is no emoji."""
        assert "arn:key:x is no execution ARN" in refusal("follow", "arn:key:x")

    def test_all_problems_of_a_request(self, tmp_path: Path) -> None:
        """Every problem of a request is told at once, a line each, and nothing is started."""
        path = tmp_path / "orders.json"
        path.write_text(json.dumps({"table": "a b", "regions": ["us-east-1", "us-east-1"], "colour": "red"}))
        result = call("run", "provision", "--request", str(path))
        assert result.exit_code == 2
        for member in ("table", "regions", "colour", "attribute_definitions", "key_schema"):
            assert any(line.startswith(member) for line in result.stderr.splitlines()), member
        assert "Nothing was created" in result.stderr

    def test_bad_yaml(self, tmp_path: Path) -> None:
        """A file that is no YAML is refused with the line that is wrong."""
        path = tmp_path / "orders.yaml"
        path.write_text("table: orders\nregions: [us-east-1\n")
        assert "line 3" in refusal("run", "provision", "--request", str(path))

    @pytest.mark.usefixtures("somebody")
    def test_no_answer(self, closed_port: int) -> None:
        """An endpoint that does not answer is named."""
        said = refusal("status", "orders", *HOME, "--endpoint-url", f"http://127.0.0.1:{closed_port}")
        assert f"127.0.0.1:{closed_port}" in said
        assert "does not answer" in said
        assert '". Check' in said

    def test_a_request_from_a_pipe(self) -> None:
        """A request that can be read only once, as that of `<(...)`, is read only once."""
        reader, writer = os.pipe()
        with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
            pipe.write((ROOT / ORDERS).read_text())
            pipe.close()
            given = inputs.compose(inputs.Workflow.PROVISION, Path(f"/dev/fd/{reader}"), None, None, None)
        assert (given.document["table"], given.home) == ("orders", "us-east-1")

    def test_options_before_the_command(self) -> None:
        """The AWS CLI's options may stand before the command, and those after it win."""
        assert "us-nowhere-1" in refusal("--region", "us-nowhere-1", "status", "orders")
        assert "eu-nowhere-1" in refusal("--region", "us-nowhere-1", "status", "orders", "--region", "eu-nowhere-1")


@pytest.mark.usefixtures("somebody")
class TestNothingThere:
    """An account in which nothing of ours stands."""

    @pytest.fixture(autouse=True)
    def aws(self) -> Iterator[None]:
        with mock_aws():
            yield

    def test_unknown_table(self) -> None:
        """A table without a deployment is refused by its name and Region."""
        assert "No deployment of a table 'orders' is recorded in us-east-1" in refusal("status", "orders", *HOME)

    def test_no_control_stack(self) -> None:
        """A workflow that is not installed names the command that installs it, in the Region where it was sought."""
        said = refusal("run", "provision", "--request", ORDERS)
        assert "deploy.py up --region us-east-1`" in said

    def test_unknown_execution(self) -> None:
        """An unknown execution is refused; nothing says that it goes on."""
        assert "There is no such execution" in refusal("follow", UNKNOWN_EXECUTION)


class FakeSession:
    options, is_local = " --profile shop", True

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.states = DescribedStates({arn("validate"): events})

    def machine(self, workflow: str) -> str:
        return workflow


class DescribedStates(FakeStates):
    interrupted = False

    def describe_execution(self, **_: Any) -> None:
        pass

    def start_execution(self, *, stateMachineArn: str, **_: Any) -> dict[str, str]:  # noqa: N803  # the API's name
        return {"executionArn": arn(stateMachineArn)}

    def get_execution_history(self, **query: Any) -> dict[str, Any]:
        if self.interrupted:
            raise KeyboardInterrupt
        return super().get_execution_history(**query)


class TestOutcome:
    def finish(self, events: list[dict[str, Any]], *, as_json: bool = True) -> int:
        session: Any = FakeSession(events)
        return runs.finish(session, arn("validate"), as_json=as_json)

    def failed(self, error: str) -> list[dict[str, Any]]:
        history = History()
        failed = history.fail(history.call(history.enter("Task", "Summarize", 0)), error, "eu-west-1 did not see it.")
        return history.end("Failed", failed, error=error, cause='{"errorMessage": "eu-west-1 did not see it."}')

    def test_output(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Only the execution's output is on stdout; the exit code is 0."""
        history = History()
        assert self.finish(history.end("Succeeded", history.task("Summarize", 0), output='{"passed": 6}')) == 0
        assert json.loads(capsys.readouterr().out) == {"passed": 6}

    @pytest.mark.parametrize(("error", "code"), [("ValidationFailed", 1), ("QuotaExceeded", 2)])
    def test_failure(self, error: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
        """A validation that found something ends with 1, any other failure with 2; both say where and why."""
        assert self.finish(self.failed(error)) == code
        said = capsys.readouterr()
        for part in (error, "validate > Summarize", "eu-west-1 did not see it.", f"deploy.py audit {arn('validate')}"):
            assert part in said.err
        found = json.loads(said.out)
        assert (found["error"], found["status"], found["path"]) == (error, "FAILED", ["validate", "Summarize"])

    def test_matrix(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A validation prints who saw whom, and the latency Region by Region; what was not seen stands out."""
        seen = {"check": "put", "origin": "us-east-1", "reader": "eu-west-1", "passed": True, "latency_ms": 470}
        lost = {"check": "put", "origin": "eu-west-1", "reader": "us-east-1", "passed": False, "latency_ms": None}
        matrix = {"us-east-1": {"eu-west-1": 470}, "eu-west-1": {"us-east-1": None}}
        output = {"checks": [seen, lost], "latency_ms": matrix, "passed": 1, "failed": 1, "pending": ["sa-east-1"]}
        history = History()
        self.finish(history.end("Succeeded", 0, output=json.dumps(output)), as_json=False)
        said = capsys.readouterr().out
        for part in ("470", "not seen", "1 of 2 checks passed.", "not complete yet: sa-east-1"):
            assert part in said

    def test_interrupted(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Ctrl-C leaves the execution to itself and says how to follow it with the same options."""
        session: Any = FakeSession(History().events)
        session.states.interrupted = True
        with pytest.raises(KeyboardInterrupt):
            runs.finish(session, arn("validate"))
        assert f"deploy.py follow {arn('validate')} --profile shop" in capsys.readouterr().err

    def test_terminated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """SIGTERM ends a command as Ctrl-C does: it says that the execution goes on, and the code is the signal's."""
        session: Any = FakeSession(History().events)
        monkeypatch.setattr(session.states, "get_execution_history", lambda **_: signal.raise_signal(signal.SIGTERM))
        monkeypatch.setattr(runs, "follow", lambda *_, **__: runs.finish(session, arn("validate")))
        before = signal.signal(signal.SIGTERM, unanswered)
        result = call("follow", arn("validate"))
        signal.signal(signal.SIGTERM, before)
        assert result.exit_code == 128 + signal.SIGTERM
        assert "The execution goes on." in result.stderr

    @pytest.mark.parametrize(("as_json", "said"), [(True, {"execution": arn("validate")}), (False, arn("validate"))])
    def test_detached(self, capsys: pytest.CaptureFixture[str], *, as_json: bool, said: object) -> None:
        """What is not followed gives its ARN alone on stdout, as JSON where that is asked for."""
        session: Any = FakeSession([])
        given = inputs.Input({"table": "orders"}, "")
        assert runs.run(session, inputs.Workflow.VALIDATE, given, detach=True, as_json=as_json) == 0
        out = capsys.readouterr().out
        assert (json.loads(out) if as_json else out.strip()) == said


def unanswered(*_: object) -> None:
    raise AssertionError("nothing answers SIGTERM")


def test_without_its_libraries_it_says_how_to_install_them() -> None:
    """Another Python than the project's is told in one sentence what to run."""
    bare = [sys.executable, "-S", "-E", str(ROOT / "deploy.py"), "--help"]
    ended = subprocess.run(bare, capture_output=True, text=True, check=False)  # noqa: S603
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    assert "make .venv/installed" in ended.stderr
