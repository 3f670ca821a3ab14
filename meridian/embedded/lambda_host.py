"""The process that functions are forked from, because importing boto3 and Powertools is most of a cold start.

One host has imported what Lambda's runtime brings; for each zip it forks another, which imports the zip's Powertools
too; and that one forks a process for each function. A function still has its own process, its own environment and its
own zip. Like lambda_worker.py, it is run by a Python that knows only the standard library, and imports nothing of ours.

    host = <its end of a socket>    one JSON line and four descriptors in, the process id of the function out
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import random
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


DESCRIPTORS = 4  # standard input, output, error, and one whose other end tells that the process is gone
LONGEST_PART = 65_536
SERVICES = ("cloudformation", "cloudwatch", "dynamodb", "kinesis", "lambda", "s3", "sqs", "ssm")  # of most functions


class Host:
    """Forks functions of one zip, or, without ``code``, a host for each zip."""

    def __init__(self, control: socket.socket, packages: str, run: Callable[[str], None], code: str = "") -> None:
        self.control, self.packages, self.run, self.code = control, packages, run, code
        self.hosts: dict[str, socket.socket] = {}

    def serve(self) -> NoReturn:
        """Fork until the other end of the socket is closed."""
        while order := self._next():
            line, descriptors = order
            asked = json.loads(line)
            code = os.path.realpath(asked["code"])
            if self.code == code:
                answer = str(self._fork_function(asked, descriptors)).encode()
            else:
                other = self.hosts.get(code) or self._fork_host(code)
                socket.send_fds(other, [line], descriptors)
                answer = other.recv(LONGEST_PART)
            for descriptor in descriptors:
                os.close(descriptor)
            self.control.sendall(answer)
        os._exit(0)

    def _next(self) -> tuple[bytes, list[int]] | None:
        line, descriptors, _, _ = socket.recv_fds(self.control, LONGEST_PART, DESCRIPTORS)
        while line and not line.endswith(b"\n"):
            line += self.control.recv(LONGEST_PART)
        return (line, descriptors) if line else None

    def _fork_host(self, code: str) -> socket.socket:
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            self.control.close()
            for other in self.hosts.values():
                other.close()
            sys.path.insert(0, code)
            with contextlib.suppress(ImportError):
                importlib.import_module("aws_lambda_powertools")
                open_session()  # only here: it would cost a short handler more than it spares
            sys.path.remove(code)
            gc.freeze()
            Host(theirs, self.packages, self.run, code).serve()
        theirs.close()
        self.hosts[code] = ours
        return ours

    def _fork_function(self, asked: dict[str, Any], descriptors: list[int]) -> int:
        process = os.fork()
        if process == 0:
            try:
                self._become(asked, descriptors)
            finally:
                os._exit(1)
        return process

    def _become(self, asked: dict[str, Any], descriptors: list[int]) -> NoReturn:
        self.control.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.chdir(asked["directory"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        random.seed()
        self.run(self.packages)
        sys.stdout.flush()
        os._exit(0)


def warm() -> None:
    """Import what a first client imports. Nothing of this session and its credentials is kept."""
    import botocore.session

    session = botocore.session.Session()
    session.create_client("sts", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106  # no secret
    importlib.import_module("boto3")


def open_session() -> None:
    """Load what a first client loads: most of what a function costs. Clients, made later, read the environment then."""
    import boto3
    import botocore.session

    session = botocore.session.Session()
    boto3.setup_default_session(botocore_session=session)
    session.get_available_regions("sts")
    loader = session.get_component("data_loader")
    for service in SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)


def worker(path: str) -> Callable[[str], None]:
    """The ``run`` of lambda_worker.py, which is not to be found by its name here."""
    spec = importlib.util.spec_from_file_location("lambda_worker", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    run: Callable[[str], None] = module.run
    return run


def main(descriptor: str, worker_path: str, packages: str) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is reaped at once
    run = worker(worker_path)
    sys.path.append(packages)
    warm()
    sys.path.remove(packages)  # lambda_worker.py adds it again, behind the function's own code
    gc.freeze()
    Host(socket.socket(fileno=int(descriptor)), packages, run).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
