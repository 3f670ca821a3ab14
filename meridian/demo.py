"""The whole product on this machine: install, provision, prove, load, clean up, remove, and count what is left."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from meridian import control, embedded, executions, inventory, local, request, results, runs, status, traffic
from meridian.bundle import ROOT
from meridian.commandline import DONE, FAILED, WRONG, data, talk
from meridian.inputs import Workflow
from tasks.shared import record
from tasks.shared.request import complete

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from meridian.session import Session

EXAMPLE = ROOT / "definitions/examples/ecommerce.yaml"


def run(path: Path | None, *, as_json: bool) -> int:
    """Do it all with the request at ``path``, or the e-commerce example; 0 only if all of it was right."""
    path = path or EXAMPLE
    written = request.load(path)
    complete(written, name=str(path))  # refuses a wrong one before anything is started
    document = local.hurried(written)
    whole = Demo(document, Console(quiet=True) if as_json else data())
    with local.running(embedded.Delays()) as (_, session):
        code = whole.run(session.at(document["regions"][0]))
    if as_json:
        print(json.dumps({"ok": code == DONE, "seconds": whole.seconds, **whole.outcome}))
    return code


class Demo:
    """``outcome`` is what --json prints; ``seconds`` is how long each phase took."""

    def __init__(self, document: dict[str, Any], out: Console) -> None:
        self.document, self.out = document, out
        self.table = str(document["table"])
        self.outcome: dict[str, Any] = {}
        self.seconds: dict[str, float] = {}

    def run(self, session: Session) -> int:
        """Pass every phase, up to the first that does not end well."""
        phases: tuple[tuple[str, Callable[[Session], int]], ...] = (
            ("Count what is there", self._count),
            ("Install the control stack", lambda session: control.up(session, out=self.out)),
            (f"Provision {self.table} in {', '.join(self.document['regions'])}", self._provision),
            ("Compare every Region with the request", self._compare),
            ("Write in every Region, and watch what comes out", self._observe),
            ("Clean up", self._clean_up),
            ("Remove the control stack", control.down),
            ("Count what is left", self._count_again),
        )
        for number, (title, phase) in enumerate(phases, 1):
            talk().print(f"\n{number}. {title}", style="bold", highlight=False, markup=False)
            began = time.monotonic()
            code = phase(session)
            self.seconds[title] = round(time.monotonic() - began, 1)
            if code != DONE:
                talk().print(f"The demo stops here: {title} did not end well.", style="red", highlight=False)
                return code
        self._show_times()
        return DONE

    def _count(self, session: Session) -> int:
        self.before = inventory.take(session)
        asked = f"{len(self.before.resources)} resources in {self.before.regions} Regions"
        talk().print(f"{asked}, by {self.before.asked} listings.", highlight=False)
        return DONE

    def _provision(self, session: Session) -> int:
        talk().print("Looks are a second apart here, and 15 s on AWS (polling, validation).", style="dim")
        line = local.start_line(session, "file://request.json")
        talk().print(f"With the AWS CLI: {line}", style="dim", highlight=False, markup=False, soft_wrap=True)
        execution = self._execute(session, Workflow.PROVISION, self.document)
        if runs.code(execution) == DONE:
            self.outcome["validation"] = execution.output["validation"]
            results.show_validation(self.out, execution.output["validation"])
        return runs.code(execution)

    def _compare(self, session: Session) -> int:
        found = status.status(session, session.home, self.table)
        self.outcome["status"] = found.as_json()
        results.show_status(self.out, found)
        return WRONG if found.differences() else DONE

    def _observe(self, session: Session) -> int:
        deployed = record.load(session, session.home, self.table)["request"]
        found = traffic.observe(session, deployed)
        self.outcome["traffic"] = found
        traffic.show_traffic(self.out, found)
        return DONE if found["ok"] else WRONG

    def _clean_up(self, session: Session) -> int:
        given = {"table": self.table, "confirm": self.table}
        return runs.code(self._execute(session, Workflow.CLEANUP, given))

    def _execute(self, session: Session, workflow: Workflow, document: dict[str, Any]) -> Any:
        arn = executions.start(session.states, session.machine(workflow), workflow, document)
        return runs.watch(session, arn)

    def _count_again(self, session: Session) -> int:
        found = inventory.difference(self.before, inventory.take(session))
        self.outcome["left"] = [str(one) for one in found.left]
        self.outcome["missing"] = [str(one) for one in found.missing]
        self.outcome["unknown"] = list(found.unknown)
        results.show_difference(self.out, self.before, found)
        return DONE if found.none else FAILED

    def _show_times(self) -> None:
        drawn = Table(box=None, show_header=False, pad_edge=False)
        for title, seconds in {**self.seconds, "total": sum(self.seconds.values())}.items():
            drawn.add_row(title, f"{seconds:.1f} s")
        talk().print("", drawn)
