"""AWS on this machine, with the control stack installed, for as long as one wants it."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.console import Console

from meridian import control, embedded, request
from meridian.bundle import ROOT
from meridian.commandline import COMMAND, DONE, ending_in_order, talk
from meridian.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLE = ROOT / "definitions/examples/orders.yaml"
HURRIED = ("polling", "validation")
LOOKS_EVERY_SECONDS = 1.0


@contextlib.contextmanager
def running(delays: embedded.Delays, port: int = 0) -> Iterator[tuple[embedded.EmbeddedAws, Session]]:
    """Run an embedded AWS, and give a session on it that no setting of the caller's reaches.

    It ends with the block, and by SIGTERM and Ctrl-C too.
    """
    with ending_in_order(), embedded.start(delays, port=port) as aws, _environment(aws.environment):
        yield aws, Session(endpoint_url=aws.endpoint_url)


def serve(port: int, delay: float) -> int:
    """Keep an embedded AWS up until a signal ends it. ``delay``: seconds that a table, replica or stream takes.

    ``EmbeddedFailed`` where it ends by itself.
    """
    delays = embedded.Delays(delay, delay, delay, delay, delay, update=delay / 2)
    with running(delays, port) as (aws, session):
        code = control.up(session, out=Console(quiet=True))
        if code != DONE:
            return code
        for name, value in aws.environment.items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        _explain(session)
        with contextlib.suppress(KeyboardInterrupt):
            while _listens(aws.endpoint_url):
                time.sleep(LOOKS_EVERY_SECONDS)
            raise embedded.EmbeddedFailed("The AWS on this machine has ended, with all that was in it. Start it again.")
    return DONE


def hurried(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request with a second between two looks: a replica takes minutes on AWS, and a second here."""
    return {**document, **{member: {**(document.get(member) or {}), "poll_seconds": 1} for member in HURRIED}}


def start_line(session: Session, given: str) -> str:
    """The AWS CLI's line that provisions what ``given`` says: JSON, or ``file://`` and where it lies."""
    machine = session.machine("provision")
    return f"aws stepfunctions start-execution --state-machine-arn {machine} --input {shlex.quote(given)}"


def _listens(url: str) -> bool:
    """Whether anything takes connections at ``url``; a server that is busy does."""
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=LOOKS_EVERY_SECONDS).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        pass
    return True


def _explain(session: Session) -> None:
    for line in (
        "",
        "AWS runs on this machine until you press Ctrl-C. In another terminal,",
        "in this directory, after the export lines (.venv/bin/aws is an AWS CLI):",
        "",
        f"  {start_line(session, json.dumps(hurried(request.load(EXAMPLE))))}",
        f"  {COMMAND} run provision --request {EXAMPLE.relative_to(ROOT)}",
    ):
        talk().print(line, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Put ``variables`` in place of every AWS setting of the caller's, whose profile may name anything."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("AWS_")}
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ.update({**variables, **nothing})
    try:
        yield
    finally:
        for name in variables.keys() | nothing.keys():
            os.environ.pop(name, None)
        os.environ.update(kept)
