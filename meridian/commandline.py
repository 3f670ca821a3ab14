"""What every command has: the AWS CLI's options, two consoles, and one sentence for each known error."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from meridian.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DONE, WRONG, FAILED = 0, 1, 2
COMMAND = ".venv/bin/python deploy.py"  # as the README calls it, and `make` makes it
WIDTH_IN_A_FILE = 160  # where there is no terminal to ask, a table shall keep a Region on one line

EndpointUrl = Annotated[str | None, typer.Option(help="Another AWS than the real one.", metavar="URL")]
Profile = Annotated[str | None, typer.Option(help="Profile of the AWS configuration.", metavar="NAME")]
Region = Annotated[str | None, typer.Option(help="Home Region, in which the workflows run.", metavar="REGION")]
OPTIONS = {"endpoint_url": EndpointUrl, "profile": Profile, "region": Region}


class OneSentence(TyperGroup):
    """Commands give their exit code; every error that we know becomes one sentence and exit code 2."""

    def main(self, args: Any = None, prog_name: str | None = None, *_: Any, **extra: Any) -> Any:
        standalone = extra.pop("standalone_mode", True)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except typer.TyperException as error:
            said = _misused(error)
            if said:  # nothing where the help was asked for by giving no command
                talk().print(said, markup=False, highlight=False, soft_wrap=True)
            code = FAILED
        except Exception as error:
            from meridian.refusals import sentence  # late: it needs botocore

            known = sentence(error)
            if known is None:
                raise
            talk().print(known, markup=False, highlight=False, soft_wrap=True)
            code = FAILED
        if not standalone:
            return code
        sys.exit(code or DONE)


def _misused(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    message += "" if message.endswith((".", "?", "!")) or not message else "."
    return f"{message} See `{context.command_path} --help`." if context and message else message


def on_aws(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the AWS CLI's options, and the session that they make as its first argument.

    The options may stand before the command's name too; those after it win.
    """
    signature = inspect.signature(command, eval_str=True)
    own = list(signature.parameters.values())[1:]

    def run(context: typer.Context, **given: Any) -> int:
        chosen = {name: given.pop(name) or (context.obj or {}).get(name) for name in OPTIONS}
        with ending_in_order():
            return command(Session(**chosen), **given)

    shared = [_parameter(name, annotation) for name, annotation in OPTIONS.items()]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    keyword_only = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    # Typer reads the signature to know its options.
    run.__signature__ = signature.replace(parameters=[context, *keyword_only, *shared])  # type: ignore[attr-defined]  # of functions
    run.__annotations__ = {}
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    return run


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def talk() -> Console:
    """Console for people: stderr."""
    return _console(stderr=True)


def data() -> Console:
    """Console for results: stdout."""
    return _console(stderr=False)


def _console(*, stderr: bool) -> Console:
    # Colors can be forced (FORCE_COLOR); moving the cursor in a file cannot be meant by that.
    is_terminal = (sys.stderr if stderr else sys.stdout).isatty()
    console = Console(stderr=stderr, force_interactive=is_terminal, emoji=False)  # ARNs and errors may hold ":x:"
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH_IN_A_FILE
    return console


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM unwind the stack as Ctrl-C does, so that what was started is ended."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
