"""The README's table of commands, from the command line itself.

python -m meridian.readme            writes it into README.md
python -m meridian.readme --check    writes nothing, and exits 1 if it is not what would be written
"""

from __future__ import annotations

import re
import sys
from typing import Any

import typer

import deploy
from meridian.bundle import ROOT
from meridian.commandline import OPTIONS

README = ROOT / "README.md"
BEGIN, END = "<!-- commands -->", "<!-- /commands -->"


def table_of_commands() -> str:
    """Every command with what it takes, but for the AWS CLI's options, and the first sentence of its help."""
    group: Any = typer.main.get_command(deploy.app)
    rows = [f"| `{_usage(name, command)}` | {_summary(command)} |" for name, command in group.commands.items()]
    return "\n".join(["| command | what it does |", "|---|---|", *rows])


def with_commands(text: str) -> str:
    """The README ``text`` with the table between its two marks."""
    table = f"{BEGIN}\n{table_of_commands()}\n{END}"
    return re.sub(rf"{BEGIN}.*?{END}", lambda _: table, text, flags=re.DOTALL)


def main(arguments: list[str]) -> int:
    text = README.read_text()
    wanted = with_commands(text)
    if arguments != ["--check"]:
        README.write_text(wanted)
    elif text != wanted:
        print("README.md is not up to date. Run `make definitions`.", file=sys.stderr)
        return 1
    return 0


def _usage(name: str, command: Any) -> str:
    own = [one for one in command.params if one.name not in OPTIONS]
    arguments = [one.metavar or one.name.upper() for one in own if one.required]
    options = [f"[{_option(one)}]" for one in own if not one.required]
    return " ".join([name, *arguments, *options])


def _option(one: Any) -> str:
    value = one.metavar or one.name.upper()
    if one.param_type_name == "argument":
        return str(value)
    return one.opts[0] if one.is_flag else f"{one.opts[0]} {value}"


def _summary(command: Any) -> str:
    return str(command.help).partition("\n\n")[0].replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
