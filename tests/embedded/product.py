"""Meridian as a user has it: installed on the embedded AWS, started through Step Functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import yaml

from meridian import causes, executions
from meridian.bundle import ROOT

if TYPE_CHECKING:
    from meridian.causes import Cause
    from meridian.embedded import EmbeddedAws
    from meridian.history import Execution
    from meridian.session import Session

EXAMPLES = ROOT / "definitions/examples"
HASTE = {
    "polling": {"poll_seconds": 1},
    "validation": {"poll_seconds": 1, "deadline_seconds": 15, "streaming_deadline_seconds": 60},
}


def new_table() -> str:
    return f"table-{uuid4().hex[:8]}"


def request(table: str, *regions: str, **more: Any) -> dict[str, Any]:
    """A small request that streams, looked at every second."""
    return {
        "table": table,
        "regions": list(regions),
        "attribute_definitions": {"orderId": "S", "customerId": "N"},
        "key_schema": {"orderId": "HASH", "customerId": "RANGE"},
        "kinesis": {},
        **HASTE,
        **more,
    }


def example(name: str) -> dict[str, Any]:
    """A shipped example, looked at every second."""
    return {**yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()), **HASTE}


@dataclass
class Product:
    aws: EmbeddedAws
    session: Session

    def run(self, workflow: str, document: dict[str, Any]) -> Execution:
        """Start a workflow and give what came of it, once it has ended."""
        arn = self.start(workflow, document)
        return list(executions.follow(self.session.states, arn, every=0.3))[-1]

    def start(self, workflow: str, document: dict[str, Any]) -> str:
        return executions.start(self.session.states, self.session.machine(workflow), workflow, document)

    def succeed(self, workflow: str, document: dict[str, Any]) -> dict[str, Any]:
        """Run a workflow that shall succeed, and give its output."""
        ended = self.run(workflow, document)
        assert ended.status == "SUCCEEDED", causes.cause_of(ended)
        return ended.output or {}

    def fail(self, workflow: str, document: dict[str, Any]) -> Cause:
        """Run a workflow that shall fail, and give its first cause."""
        cause = causes.cause_of(self.run(workflow, document))
        assert cause is not None, f"{workflow} succeeded"
        return cause

    def cleanup(self, table: str) -> dict[str, Any]:
        return self.succeed("cleanup", {"table": table, "confirm": table})

    def members(self, table: str) -> dict[str, str]:
        """Status of the table in every Region that lists it, the home Region too."""
        home = self.session.dynamodb(self.session.home).describe_table(TableName=table)["Table"]
        replicas = {str(one.get("RegionName")): str(one.get("ReplicaStatus")) for one in home.get("Replicas", [])}
        return {self.session.home: home["TableStatus"], **replicas}
