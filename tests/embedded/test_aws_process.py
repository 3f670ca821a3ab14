"""The process of the embedded AWS: it starts, it ends, and it leaves nothing behind."""

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

from meridian.embedded import EmbeddedAws, EmbeddedFailed, internals, start
from tests.embedded.aws_calls import HANDLERS, client_of, make_function, until, zipped

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import sys, time
from meridian.embedded import start
running = start()
print(running.pid, running.endpoint_url, flush=True)
time.sleep(60)
"""


@pytest.fixture
def running() -> Iterator[EmbeddedAws]:
    with start() as embedded:
        yield embedded


WITH_ONE_FUNCTION = 4  # the server, the two that functions are forked from, and the function


def members(group: int) -> list[int]:
    """Processes of a process group that are alive: a server and its functions."""
    listed = subprocess.check_output(["ps", "-A", "-o", "pid=,pgid=,stat="], text=True)  # noqa: S607
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pid, pgid, stat in rows if int(pgid) == group and not stat.startswith("Z")]


def call_a_function(embedded: EmbeddedAws) -> dict[str, Any]:
    client = client_of(embedded)
    arn = make_function(client, "handlers.surroundings", zipped(handlers=HANDLERS))
    return dict(json.load(client("lambda").invoke(FunctionName=arn)["Payload"]))


def test_it_ends_with_its_block() -> None:
    """Leaving the block ends the server and its functions and removes their directory."""
    with start() as embedded:
        surroundings = call_a_function(embedded)
        directory = Path(surroundings["environment"]["HOME"])
        assert len(members(embedded.pid)) == WITH_ONE_FUNCTION
        assert directory.is_dir()
        assert embedded.log() == ""
    assert members(embedded.pid) == []
    assert not directory.exists()
    embedded.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
def test_it_listens_on_this_machine_only(embedded: EmbeddedAws) -> None:
    """The server is reached at 127.0.0.1 and at no other address."""
    host, port = embedded.endpoint_url.removeprefix("http://").split(":")
    assert host == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", int(port)))
    with socket.socket() as other:
        other.bind(("127.0.0.2", int(port)))


def test_two_run_side_by_side(embedded: EmbeddedAws) -> None:
    """Two embedded AWS have nothing in common."""
    with start() as other:
        client_of(embedded)("sqs").create_queue(QueueName="mine")
        assert client_of(other)("sqs").list_queues().get("QueueUrls", []) == []
        assert embedded.endpoint_url != other.endpoint_url


def test_a_port_can_be_chosen_and_used_again() -> None:
    """The port that is asked for is used, and free again afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for _ in range(2):
        with start(port=port) as embedded:
            assert embedded.endpoint_url == f"http://127.0.0.1:{port}"
            client_of(embedded)("sqs").list_queues()


def test_a_taken_port_is_refused(embedded: EmbeddedAws) -> None:
    """A port that is taken gives one clear sentence."""
    port = int(embedded.endpoint_url.rpartition(":")[2])
    with pytest.raises(EmbeddedFailed, match=f"Port {port} of 127.0.0.1 cannot be used"):
        start(port=port)


def test_a_start_that_fails_shows_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that ends as it starts is reported with what it said."""
    monkeypatch.setattr("meridian.embedded.child.SOURCES", tmp_path)
    with pytest.raises(EmbeddedFailed, match="No module named"):
        start()


def test_it_ends_when_its_parent_is_killed() -> None:
    """A parent that dies by SIGKILL takes the server and its functions with it."""
    command = [sys.executable, "-c", PARENT]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    with parent:
        assert parent.stdout is not None
        pid, url = parent.stdout.readline().split()
        directory = Path(call_a_function(_reached(int(pid), url))["environment"]["HOME"])
        assert len(members(int(pid))) == WITH_ONE_FUNCTION
        parent.send_signal(signal.SIGKILL)
    until(lambda: members(int(pid)), [])
    assert not directory.exists()


def _reached(pid: int, url: str) -> EmbeddedAws:
    """What a client needs of an embedded AWS that another process started."""
    other = object.__new__(EmbeddedAws)
    other.pid, other.endpoint_url = pid, url
    other.environment = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return other


def test_functions_end_when_the_server_is_killed(running: EmbeddedAws) -> None:
    """A server that dies by SIGKILL leaves no function behind, not even one that is working."""
    client = client_of(running)
    arn = make_function(client, "handlers.wait", zipped(handlers=HANDLERS))
    client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload='{"seconds": 60}')
    until(lambda: len(members(running.pid)), WITH_ONE_FUNCTION)
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: members(running.pid), [])


def test_it_ends_on_sigterm(running: EmbeddedAws) -> None:
    """SIGTERM ends the server and what it started, while a state machine waits."""
    call_a_function(running)
    os.kill(running.pid, signal.SIGTERM)
    until(lambda: members(running.pid), [])


def test_the_environment_is_what_a_shell_needs(embedded: EmbeddedAws) -> None:
    """The environment holds the endpoint, credentials and a Region."""
    assert embedded.environment["AWS_ENDPOINT_URL"] == embedded.endpoint_url
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"} <= set(embedded.environment)


@pytest.mark.parametrize("path", ["moto.gone:", "moto.core.responses:Gone", "ministack:gone.gone"])
def test_a_missing_internal_is_named(path: str) -> None:
    """An internal that a new version lost is named, with what to do."""
    with pytest.raises(internals.InternalsMoved, match=f"{path} is not there any more .* pyproject.toml pins"):
        internals.find(path)


def test_a_changed_protocol_is_named() -> None:
    """An internal that is there but speaks otherwise is named too."""
    with pytest.raises(internals.InternalsMoved, match="no longer holds 'hello'"):
        internals.expect("os:sep", "hello")
