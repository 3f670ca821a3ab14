"""Make the pictures of the README: what `make demo` prints, as SVG, and pages of the audit.

make pictures
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from docs import audit_pictures

ROOT = Path(__file__).parents[1]
WIDTH = 100
# A step of a running execution, a line each: two pages of them would hide the results.
PROGRESS = re.compile(r"\s+\d+\.\d s  \S")


def main() -> None:
    draw_demo()
    audit_pictures.make()


def draw_demo() -> None:
    """Write docs/demo.svg."""
    ended = subprocess.run(
        [sys.executable, "deploy.py", "demo"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(WIDTH)},
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text("$ make demo", style="bold"))
    for line in _shortened(ended.stdout.splitlines()):
        text = Text(line, no_wrap=True)
        text.highlight_regex(r"^\d\. .*", "bold")
        text.highlight_regex(r"ACTIVE|\d+ of \d+ checks passed|0 resources left|SUCCEEDED|succeeded", "green")
        console.print(text)
    picture = console.export_svg(title="make demo")
    # Rich asks a font server; a reader's own monospaced font does as well and asks nobody.
    (ROOT / "docs/demo.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL))


def _shortened(lines: list[str]) -> list[str]:
    """The lines, with the first and last few of each run of progress."""
    shortened: list[str] = []
    run: list[str] = []
    for line in [*lines, ""]:
        if PROGRESS.match(line):
            run.append(line)
            continue
        shortened += run if len(run) <= 6 else [*run[:3], f"    ... {len(run) - 6} more lines ...", *run[-3:]]
        run = []
        shortened.append(line.rstrip())
    return shortened


if __name__ == "__main__":
    main()
