"""Write definitions/*.asl.json and the generated parts of docs/workflows.md.

python -m workflows            writes
python -m workflows --check    writes nothing, and exits 1 if a file is not what would be written
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workflows import checks, handbook
from workflows.add_region import add_region
from workflows.archive import archive
from workflows.cleanup import cleanup
from workflows.contracts import machine_arn
from workflows.deploy_processors import deploy_processors
from workflows.provision import provision
from workflows.redeliver import redeliver
from workflows.refresh_regions import refresh_regions
from workflows.remove_region import remove_region
from workflows.validate import validate

if TYPE_CHECKING:
    from workflows.state_machine import StateMachine

ROOT = Path(__file__).parents[1]
WORKFLOWS = (
    provision,
    add_region,
    deploy_processors,
    refresh_regions,
    validate,
    redeliver,
    remove_region,
    cleanup,
    archive,
)


def main(arguments: list[str], root: Path = ROOT) -> int:
    machines = [workflow() for workflow in WORKFLOWS]
    found = problems(machines)
    if found:
        print("\n".join(found), file=sys.stderr)
        return 2
    files = generated(machines, root)
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" not in arguments:
        for path in stale:
            path.write_text(files[path])
    elif stale:
        print(f"Not up to date: {', '.join(path.name for path in stale)}. Run `make definitions`.", file=sys.stderr)
        return 1
    return 0


def problems(machines: list[StateMachine]) -> list[str]:
    definitions = {machine_arn(machine.name): machine.to_dict() for machine in machines}
    return [
        f"{machine.name}: {problem}"
        for machine in machines
        for problem in checks.problems(machine.to_dict(), definitions)
    ]


def generated(machines: list[StateMachine], root: Path) -> dict[Path, str]:
    page = root / "docs" / "workflows.md"
    definitions = {root / "definitions" / f"{machine.name}.asl.json": machine.to_json() for machine in machines}
    return definitions | {page: handbook.filled(page.read_text(), machines)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
