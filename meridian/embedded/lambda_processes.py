"""Functions' processes, forked by lambda_host.py where MiniStack would start a Python for each."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meridian.embedded import lambda_host, lambda_worker

if TYPE_CHECKING:
    from collections.abc import Container


class Processes:
    """Stands in for the module ``subprocess`` where MiniStack starts what ``launcher`` names."""

    def __init__(self, launcher: Path, hidden: Container[str]) -> None:
        """``hidden`` are variables of the server's environment that no function gets."""
        self._launcher, self._hidden = str(launcher), hidden
        self._control, theirs = socket.socketpair()
        scripts = [str(Path(str(module.__file__))) for module in (lambda_host, lambda_worker)]
        command = [self._launcher, scripts[0], str(theirs.fileno()), scripts[1]]
        self._host = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])  # noqa: S603  # ours
        theirs.close()
        self._asking = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: list[str], **options: Any) -> Any:  # noqa: N802  # the name it stands in for
        if command[0] == self._launcher:
            seen = {name: value for name, value in options["env"].items() if name not in self._hidden}
            return Function(self._fork, options["cwd"], seen)
        return subprocess.Popen(command, **options)  # noqa: S603  # MiniStack asked for it

    def _fork(self, asked: dict[str, Any], descriptors: list[int]) -> int:
        with self._asking:
            socket.send_fds(self._control, [json.dumps(asked).encode() + b"\n"], descriptors)
            return int(self._control.recv(32))


class Function:
    """One function's process, as far as MiniStack uses ``Popen``."""

    def __init__(self, fork: Any, directory: str, environment: dict[str, str]) -> None:
        stdin, ours_in = os.pipe()
        ours_out, stdout = os.pipe()
        ours_error, stderr = os.pipe()
        self._gone, alive = os.pipe()
        asked = {"code": directory, "directory": directory, "environment": environment}
        theirs = [stdin, stdout, stderr, alive]
        try:
            self.pid = fork(asked, theirs)
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        self.stdin = os.fdopen(ours_in, "w", buffering=1)
        self.stdout = os.fdopen(ours_out)
        self.stderr = os.fdopen(ours_error)

    def __del__(self) -> None:
        os.close(self._gone)

    def poll(self) -> int | None:
        """Whether it has ended. With which code it did, only its host could know."""
        return self._wait(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._wait(timeout)
        if code is None:
            raise subprocess.TimeoutExpired("function", timeout or 0)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _wait(self, timeout: float | None) -> int | None:
        waiting = select.poll()
        waiting.register(self._gone, select.POLLIN)
        return 1 if waiting.poll(None if timeout is None else timeout * 1000) else None

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)
