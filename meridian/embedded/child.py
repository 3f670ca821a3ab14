"""The child process as its parent sees it: made, waited for, asked and ended."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings

START_SECONDS, STOP_SECONDS = 60.0, 10.0
GROUP_SECONDS = 0.2  # for functions to die of SIGKILL; in a container nobody may take their remains away
LOG_LINES = 20  # of the server's log, in the message of a start that failed
SOURCES = Path(__file__).resolve().parents[2]


class EmbeddedFailed(Exception):
    """The embedded AWS did not start, or refused what was asked; the message says why."""


def listen(port: int) -> socket.socket:
    """A listening socket that the child inherits: no other process can take the port in between."""
    listener = socket.socket()
    try:
        # A port that a server used a moment ago may be used again.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise EmbeddedFailed(f"Port {port} of 127.0.0.1 cannot be used: {error.strerror}.") from error
    return listener


class Child:
    """A server and the functions that it starts, with a directory of their own."""

    def __init__(self, settings: Settings) -> None:
        self._port = settings.port
        self._directory = Path(tempfile.mkdtemp(prefix="meridian-aws-"))
        self._process = self._spawn(settings)
        self._stopped = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def _spawn(self, settings: Settings) -> subprocess.Popen[bytes]:
        # A minimal environment: functions inherit it, and must not see the caller's credentials or paths.
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self._directory),
            "TMPDIR": str(self._directory),
            "PYTHONPATH": str(SOURCES),
            "PYTHONUTF8": "1",
        }
        with (self._directory / "server.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-m", "meridian.embedded", settings.to_json()],
                cwd=self._directory,
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the child that this process is gone, even by SIGKILL
                stdout=log,
                stderr=log,
                pass_fds=[settings.socket],
                start_new_session=True,  # Ctrl-C is for us to answer; and the group can be ended as one
            )

    def await_answer(self) -> None:
        """Wait until the server answers; raise ``EmbeddedFailed`` with its log if it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EmbeddedFailed(f"The embedded AWS ended as it started.\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                # The socket listens already, so this waits in its queue until the server takes it.
                if self.call("GET", "ready", timeout=0.5)[0] == http.client.OK:
                    return
        raise EmbeddedFailed(f"The embedded AWS did not answer within {START_SECONDS:.0f} s.\n{self.log()}")

    def call(self, method: str, order: str, body: str | None = None, timeout: float = 10.0) -> tuple[int, str]:
        """Ask the server's administration (gateway.py); its HTTP status and what it says."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(method, f"/_meridian/{order}", body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def log(self) -> str:
        """The last lines that the server wrote."""
        with contextlib.suppress(OSError):
            return "\n".join((self._directory / "server.log").read_text(errors="replace").splitlines()[-LOG_LINES:])
        return ""

    def stop(self) -> None:
        """End the server and every function, and remove their directory. A second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        self._kill_group()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _kill_group(self) -> None:
        """End what is left: the server if it did not listen, and functions that outlived it."""
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)
            deadline = time.monotonic() + GROUP_SECONDS
            while time.monotonic() < deadline:  # they are not our children to wait for
                os.killpg(self.pid, 0)
                time.sleep(0.005)
