"""Hand-made audits: one that succeeded, one that failed deep in a child, one that runs, one of hostile texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.audit.model import Attempt, Audit, Change, Outcome, Payload, Redrive, StartedBy, Starter, Step

if TYPE_CHECKING:
    from collections.abc import Iterable

START = 1_795_262_400.0  # 2026-11-21T12:00:00Z
MACHINES = "arn:aws:states:us-east-1:123456789012"
REGIONS = ("us-east-1", "eu-west-1", "ap-southeast-1")
REQUEST = {"table": "orders", "regions": list(REGIONS), "kinesis": {"shard_count": 1}}
BY_COMMAND = Starter(StartedBy.COMMAND_LINE)

LIMIT = (
    "AWS refused CreateStream in eu-west-1: Request would exceed the shard limit for the account 123456789012 in "
    "eu-west-1. Start the workflow again with the same input: everything already made is kept and used."
)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>[bold red]rich[/]\x1b[31mred\x1b]8;;http://e\x07\x00\u202e"


def execution_arn(workflow: str, name: str) -> str:
    return f"{MACHINES}:execution:meridian-{workflow}:{name}"


def payload(document: Any) -> Payload:
    text = document if isinstance(document, str) else json.dumps(document)
    return Payload(text, len(text))


class Builder:
    """Writes an audit, step after step. ``clock`` is seconds since 1970 and moves with each step; set it to go back."""

    def __init__(self, workflow: str, name: str, given: Any, *, start: float = START, **more: Any) -> None:
        self.clock = start
        machine = f"{MACHINES}:stateMachine:meridian-{workflow}"
        self.audit = Audit(
            execution_arn(workflow, name),
            machine_arn=machine,
            version_arn=f"{machine}:4",
            started=start,
            input=payload(given),
            **more,
        )
        self.around: tuple[Step | None, int | None] = (None, None)
        self.region = ""

    def inside(self, container: Step | None, iteration: int | None = None, region: str = "") -> Builder:
        """Put the steps that follow into an iteration or branch of ``container``; None is back at the top."""
        self.around, self.region = (container, iteration), region
        return self

    def enter(self, kind: str, name: str, **more: Any) -> Step:
        parent, iteration = self.around
        fields: dict[str, Any] = {"parent": parent, "iteration": iteration, "region": self.region, **more}
        step = Step(len(self.audit.steps) + 1, name, kind, self.clock, **fields)
        self.audit.steps.append(step)
        self.audit.transitions += 1
        return step

    def leave(self, step: Step, outcome: Outcome = Outcome.SUCCEEDED, **more: Any) -> Step:
        step.left, step.outcome = self.clock, outcome
        for name, value in more.items():
            setattr(step, name, value)
        return step

    def quick(self, kind: str, name: str) -> Step:
        """A Choice, Pass or Succeed, which takes no time."""
        return self.leave(self.enter(kind, name))

    def wait(self, name: str, seconds: float, detail: str = "") -> Step:
        step = self.enter("Wait", name, detail=detail)
        self.clock += seconds
        return self.leave(step)

    def task(
        self,
        name: str,
        seconds: float = 0.4,
        *,
        retried: Iterable[tuple[str, float]] = (),
        error: str = "",
        cause: str = "",
        **more: Any,
    ) -> Step:
        """A task; ``retried`` are errors and the seconds until the next try. With ``error`` it fails."""
        function = "".join(f"-{one.lower()}" if one.isupper() else one for one in name.partition(" ")[0]).strip("-")
        more.setdefault("resource", f"arn:aws:lambda:us-east-1:123456789012:function:meridian-{function}:7")
        step = self.enter("Task", name, **more)
        for failed, rest in retried:
            step.attempts.append(self._attempt(seconds, Outcome.FAILED, failed, f"{failed}: come back later."))
            self.clock += rest
        ended = Outcome.FAILED if error else Outcome.SUCCEEDED
        step.attempts.append(self._attempt(seconds, ended, error, cause))
        self.audit.transitions += len(step.retries)
        return self.leave(step, ended, error=error, cause=cause)

    def _attempt(self, seconds: float, outcome: Outcome, error: str = "", cause: str = "") -> Attempt:
        since, self.clock = self.clock, self.clock + seconds
        return Attempt(since, since + 0.05, self.clock, outcome, error, cause)

    def loop(self, name: str, turns: int, seconds: float, detail: str = "", **more: Any) -> Step:
        """A wait loop: ``turns`` times BUSY with a wait, then READY. Give the last stay in the task."""
        for _ in range(turns):
            self.task(
                name, output=payload({"status": "BUSY", "wait_seconds": seconds, "detail": detail}), detail=detail
            )
            self.quick("Choice", f"{name}: ready?")
            self.wait(f"{name}: wait", seconds, detail)
        last = self.task(name, output=payload({"status": "READY"}), **more)
        self.quick("Choice", f"{name}: ready?")
        return last

    def child(self, name: str, child: Audit, **more: Any) -> Step:
        """A step that starts ``child`` and waits for it."""
        step = self.enter("Task", name, child=child, child_arn=child.arn, resource=child.machine_arn, **more)
        child.starter = Starter(StartedBy.PARENT, self.audit.arn)
        since, self.clock = self.clock, child.stopped or self.clock
        error = "" if child.status in (Outcome.SUCCEEDED, Outcome.RUNNING) else "States.TaskFailed"
        described = {"ExecutionArn": child.arn, "Status": child.status, "Error": child.error, "Cause": child.cause}
        cause = json.dumps(described) if error else ""
        ended = child.stopped
        step.attempts.append(Attempt(since, since + 0.05, ended, child.status, error, cause))
        if ended is not None:
            self.leave(step, child.status, error=error, cause=cause)
        return step

    def end(self, outcome: Outcome = Outcome.SUCCEEDED, output: Any = None, error: str = "", cause: str = "") -> Audit:
        """Close the execution at the clock, and give it; with RUNNING it stays open."""
        audit = self.audit
        audit.steps.sort(key=lambda step: step.entered)
        for number, step in enumerate(audit.steps, 1):
            step.id = number * 2
        audit.status, audit.error, audit.cause = outcome, error, cause
        audit.output = payload(output) if output is not None else Payload()
        if outcome is not Outcome.RUNNING:
            audit.stopped = self.clock
        audit.events = sum(2 + 3 * len(step.attempts) for step in audit.steps) + 2
        return audit


def change(operation: str, region: str, resource: str = "orders") -> Change:
    number = sum(map(ord, operation + region + resource))
    return Change(operation, region, f"{number:08x}-0000-4000-8000-{number:012x}", resource)


def replica_region(region: str, start: float = START + 20, turns: int = 4) -> Audit:
    """An add-region that succeeded: replica and stream side by side, the replica awaited in ``turns`` looks."""
    given = {"table": "orders", "region": region}
    build = Builder("add-region", f"child-{region}", given, start=start)
    build.region = region
    build.task("LoadDeployment", resource="arn:aws:lambda:us-east-1:123456789012:function:meridian-load-deployment:7")
    build.task("CheckAddition")
    both = build.enter("Parallel", "ReplicaAndStream", region=region)
    forked = build.clock
    build.inside(both, 0, region)
    added = build.task(
        "AddReplica", 0.8, retried=[("ThrottlingException", 2.0)], changes=[change("UpdateTable", region)]
    )
    build.quick("Choice", "AddReplica: ready?")
    last = build.loop("DescribeTable (replica)", turns, 10, f"replica {region} CREATING")
    build.quick("Succeed", "ReplicaReady")
    replica_ready, build.clock = build.clock, forked
    build.inside(both, 1, region)
    build.loop("CreateStream", 1, 5, "stream CREATING", changes=[change("CreateStream", region, "meridian-orders-1")])
    build.quick("Succeed", "StreamReady")
    build.clock = max(replica_ready, build.clock)
    build.leave(both)
    build.inside(None, region=region)
    processors = Builder("deploy-processors", f"child-{region}-processors", given, start=build.clock)
    processors.region = region
    processors.task("StageCode", changes=[change("PutObject", region, "meridian-code-123456789012")])
    processors.loop("DeployProcessors", 2, 5, "CREATE_IN_PROGRESS", changes=[change("CreateStack", region)])
    step = build.child("DeployProcessors", processors.end(output=given), region=region)
    audit = build.end(output={**given, "stage": "ACTIVE"})
    audit.critical = [one for one in audit.steps if one in (both, added, last, step) or one.name.endswith("wait")]
    return audit


def latencies(regions: Iterable[str] = REGIONS, slower: int = 0) -> dict[str, dict[str, int | None]]:
    """Milliseconds of each ordered pair, as Summarize gives them."""
    known = list(regions)
    return {
        origin: {reader: 400 + 150 * (i + j) + slower for j, reader in enumerate(known) if reader != origin}
        for i, origin in enumerate(known)
    }


def validation_output(slower: int = 0) -> dict[str, Any]:
    matrix = latencies(slower=slower)
    pairs = [(origin, reader) for origin in matrix for reader in matrix[origin]]
    return {
        "table": "orders",
        "regions": list(REGIONS),
        "pending": [],
        "passed": 3 * len(pairs),
        "failed": 0,
        "checks": [
            {
                "check": kind,
                "origin": origin,
                "reader": reader,
                "passed": True,
                "latency_ms": matrix[origin][reader],
                "not_before_ms": 0,
            }
            for kind in ("put", "update", "delete")
            for origin, reader in pairs
        ],
        "latency_ms": matrix,
        "streaming": {
            region: {"records": 3, "record_latency_ms": 700, "events": 3, "event_latency_ms": 900, "metrics": 3}
            for region in REGIONS
        },
    }


def validation(name: str = "child-validate", start: float = START + 90, turns: int = 2, slower: int = 0) -> Audit:
    """A validate that succeeded after ``turns`` looks, each latency greater by ``slower`` milliseconds."""
    build = Builder("validate", name, {"table": "orders"}, start=start)
    build.task("LoadDeployment")
    build.task("WriteProbes", 1.2, changes=[change("PutItem", region) for region in REGIONS])
    build.loop("ReadProbes", turns, 2, "4 of 18 checks are missing")
    build.task("Summarize")
    audit = build.end(output=validation_output(slower))
    audit.critical = list(audit.steps)
    return audit


def failed_validation(name: str = "validate-orders-1c168adb-00000003") -> Audit:
    """A scheduled validate in which one Region did not see a write."""
    build = Builder(
        "validate",
        name,
        {"table": "orders"},
        alias_arn=f"{MACHINES}:stateMachine:meridian-validate:scheduled",
        starter=Starter(StartedBy.SCHEDULE, f"{MACHINES}:stateMachine:meridian-validate:scheduled"),
    )
    build.task("LoadDeployment")
    build.task("WriteProbes", 1.2)
    build.loop("ReadProbes", 3, 5, "1 of 18 checks is missing")
    message = (
        "1 of 18 checks of orders failed within 300 s: ap-southeast-1 did not see the put from us-east-1. See what "
        "those Regions lack (`deploy.py status`, metric ReplicationLatency), then start validate again. The probes "
        "were deleted."
    )
    cause = json.dumps({"errorMessage": message, "errorType": "ValidationFailed", "requestId": "r", "stackTrace": []})
    step = build.task("Summarize", error="ValidationFailed", cause=cause)
    audit = build.end(Outcome.FAILED, error="ValidationFailed", cause=cause)
    audit.critical = [*audit.steps[:-1], step]
    return audit


def provision(name: str = "provision-orders-1c168adb-00000001", turns: int = 4) -> Audit:
    """A provision of three Regions that succeeded: Map, children, wait loops, retries, changes, a validation."""
    build = Builder("provision", name, REQUEST, starter=BY_COMMAND)
    home = REGIONS[0]
    build.task("ValidateRequest")
    build.task("CompareDeployment", region=home)
    build.task("RecordDeployment", changes=[change("PutParameter", home, "/meridian/orders")])
    build.loop("CreateTable", 2, 5, "table CREATING", region=home, changes=[change("CreateTable", home)])
    build.clock = START + 20
    each = build.enter("Map", "EachRegion")
    ends = []
    for index, region in enumerate(REGIONS):
        build.clock = START + 20
        build.inside(each, index, region)
        child = replica_region(region, turns=0 if region == home else turns + index - 1)
        ends.append(build.child("AddRegion", child))
    build.clock = max(step.left or 0 for step in ends)
    build.leave(each)
    build.inside(None)
    build.task("PublishDashboard", changes=[change("PutDashboard", home, "meridian-orders-1c168adb")])
    checked = build.child("Validate", validation(start=build.clock))
    build.quick("Pass", "Report")
    stages = [{"region": region, "stage": "ACTIVE"} for region in REGIONS]
    audit = build.end(output={"table": "orders", "home": home, "regions": stages, "validation": validation_output()})
    top = [step for step in audit.steps if step.parent is None]
    audit.critical = [*top[: top.index(each) + 1], ends[-1], *top[top.index(each) + 1 :]]
    assert checked in audit.critical
    audit.definition = {"StartAt": "ValidateRequest", "States": {"ValidateRequest": {"Type": "Task", "End": True}}}
    return audit


def failed() -> Audit:
    """A provision that failed in its second Region's add-region, in CreateStream; the third was aborted by that."""
    build = Builder("provision", "provision-orders-1c168adb-00000002", REQUEST, starter=BY_COMMAND)
    build.task("ValidateRequest")
    build.task("CreateTable", changes=[change("CreateTable", REGIONS[0])], region=REGIONS[0])
    build.clock = START + 20
    each = build.enter("Map", "EachRegion")
    children = [replica_region(REGIONS[0], turns=0), _failed_region(), _aborted_region()]
    steps = []
    for index, child in enumerate(children):
        build.clock = START + 20
        steps.append(build.inside(each, index, REGIONS[index]).child("AddRegion", child))
    steps[2].outcome, steps[2].error, steps[2].cause = Outcome.ABORTED, "", ""
    build.clock = children[1].stopped or START
    error, cause = steps[1].error, steps[1].cause
    build.leave(each, Outcome.FAILED)
    audit = build.end(Outcome.FAILED, error=error, cause=cause)
    audit.critical = [step for step in audit.steps if step.parent is None or step is steps[1]]
    return audit


def _failed_region() -> Audit:
    region = "eu-west-1"
    build = Builder("add-region", f"child-{region}", {"table": "orders", "region": region}, start=START + 20)
    build.region = region
    build.task("LoadDeployment")
    both = build.enter("Parallel", "ReplicaAndStream")
    forked = build.clock
    build.inside(both, 0, region)
    build.task("AddReplica", changes=[change("UpdateTable", region)])
    waiting = build.enter("Wait", "AddReplica: wait", detail="replica eu-west-1 CREATING")
    build.clock = forked
    build.inside(both, 1, region)
    cause = json.dumps({"errorMessage": LIMIT, "errorType": "LimitExceededException", "requestId": "r"})
    retried = [("LimitExceededException", wait) for wait in (2.0, 4.0, 8.0, 16.0, 30.0)]
    lost = build.task("CreateStream", 0.5, retried=retried, error="LimitExceededException", cause=cause)
    build.leave(waiting, Outcome.ABORTED)
    build.leave(both, Outcome.FAILED)
    audit = build.end(Outcome.FAILED, error="LimitExceededException", cause=cause)
    audit.critical = [audit.steps[0], both, lost]
    return audit


def _aborted_region() -> Audit:
    region = "ap-southeast-1"
    build = Builder("add-region", f"child-{region}", {"table": "orders", "region": region}, start=START + 20)
    build.region = region
    build.task("LoadDeployment")
    step = build.enter("Wait", "AddReplica: wait")
    build.clock += 60
    build.leave(step, Outcome.ABORTED)
    return build.end(Outcome.ABORTED)


def running() -> Audit:
    """A redriven add-region that somebody started by hand, in the middle of waiting for its replica."""
    build = Builder("add-region", "by-hand", {"table": "orders", "region": "eu-west-1"})
    build.region = "eu-west-1"
    build.task("LoadDeployment")
    for _ in range(3):
        build.task("AddReplica", detail="another replica CREATING")
        build.quick("Choice", "AddReplica: ready?")
        build.wait("AddReplica: wait", 10, "another replica CREATING")
    step = build.enter("Task", "AddReplica")
    step.attempts.append(Attempt(build.clock, build.clock + 0.1))
    audit = build.end(Outcome.RUNNING)
    audit.redrives = [Redrive(START + 5, 1)]
    audit.critical = list(audit.steps)
    return audit


def hostile() -> Audit:
    """An execution whose every text tries to be markup, a script or a terminal's command."""
    build = Builder("validate", f"x{HOSTILE}", {"table": HOSTILE, HOSTILE: HOSTILE})
    build.region = HOSTILE
    build.task(HOSTILE, retried=[(HOSTILE, 1.0)], changes=[Change(HOSTILE, HOSTILE, HOSTILE, HOSTILE)])
    step = build.task("Summarize", error=HOSTILE, cause=HOSTILE, detail=HOSTILE, output=payload(HOSTILE))
    step.unknown = [HOSTILE]
    audit = build.end(Outcome.FAILED, output=HOSTILE, error=HOSTILE, cause=HOSTILE)
    audit.unknown = {HOSTILE: 3}
    audit.critical = list(audit.steps)
    audit.unread = HOSTILE
    audit.definition = {
        "Comment": HOSTILE,
        "StartAt": HOSTILE,
        "States": {HOSTILE: {"Type": "Task", "Next": "Summarize"}, "Summarize": {"Type": "Task", "End": True}},
    }
    return audit
