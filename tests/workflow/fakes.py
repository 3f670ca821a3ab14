"""Functions as the workflows meet them: each answers as its task does, and takes only the event of its task."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from tasks.publish_validation import publish_validation
from tasks.shared import request as requests
from tasks.shared import timeouts
from tasks.shared.archive import START
from tasks.shared.clients import Clients
from tasks.shared.probes import pairs
from tasks.shared.streaming import STEPS
from tasks.shared.task import STARTED_BY
from tasks.summarize import summarize
from tasks.summarize_redelivery import summarize_redelivery
from workflows.contracts import LOGGED, gives, takes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.shared.request import Request
    from tests.workflow.interpreter import Function

TASKS = sorted(path.stem for path in (Path(__file__).parents[2] / "tasks").glob("[a-z]*.py"))
REGIONS = ["us-east-1", "eu-west-1", "ap-southeast-1"]
BEGAN = "2026-01-01T00:00:00.000Z"
WAIT_SECONDS = 7

REQUEST: dict[str, Any] = dict(
    requests.complete(
        {
            "table": "orders",
            "regions": REGIONS,
            "attribute_definitions": {"orderId": "S"},
            "key_schema": {"orderId": "HASH"},
            "kinesis": {"stream_mode": "ON_DEMAND"},
        }
    )
)
WITHOUT_KINESIS = {**REQUEST, "kinesis": None}


class Stranger(Exception):
    """The event is not what the task takes."""


def error(name: str, message: str = "") -> Exception:
    """An exception whose class has that name, which is what Retry and Catch see."""
    kind: type[Exception] = type(name, (Exception,), {})
    return kind(message or name)


def functions(request: dict[str, Any] = REQUEST, busy: int = 1) -> dict[str, Function]:
    """A function for each task. Those in a loop answer BUSY ``busy`` times in each execution and state, then READY."""
    looks: Counter[tuple[str, str]] = Counter()

    def function(task: str) -> Function:
        def run(event: dict[str, Any]) -> Any:
            require(takes(task) <= set(event) <= takes(task) | LOGGED, f"{task} got {sorted(event)}")
            place = event["execution"]["Id"], event["state"]["Name"]
            looks[place] += 1
            answer = _answer(task, event, request, "BUSY" if looks[place] <= busy else "READY")
            require(set(answer) >= set(gives(task) or ()), f"{task} answers {sorted(answer)}")
            return answer

        return run

    return {task: function(task) for task in TASKS}


def require(holds: bool, message: str) -> None:
    if not holds:
        raise Stranger(message)


def _deployment(request: dict[str, Any]) -> dict[str, Any]:
    regions = request["regions"]
    of_request = {"table": request["table"], "home": regions[0], "request": request, "regions": regions}
    return {**of_request, "timeouts": timeouts.of(cast("Request", request)), "began": BEGAN}


def _loaded(event: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    given = {key: event["input"].get(key, "") for key in ("region", "confirm", "failures")}
    return {**_deployment(request), **given, "pending": [], "alone": STARTED_BY not in event["input"]}


def _written(event: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Seen everywhere already, so that the real Summarize has something to judge."""
    seen: dict[str, dict[str, Any]] = {region: {} for region in request["regions"]}
    for origin, reader in pairs(request["regions"]):
        seen[origin][reader] = {"latency_ms": 5}
    return {"run": "r", "step": event["step"], "written_at": {}, "seen": seen, "looks": 0, "began": BEGAN}


def _records(event: dict[str, Any]) -> dict[str, Any]:
    """Every write's record in its own Region's stream."""
    found = {step: {step: 5} for step in STEPS}
    return {**event["streaming"], "records": {region: {"from_ms": 0, "found": found} for region in event["regions"]}}


def _summarized(event: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return dict(summarize.run(cast("Any", event), Clients()))  # it calls nothing, so it may be the real one


class Counted(Clients):
    """CloudWatch that takes every metric."""

    def make(self, service: str, region: str) -> Any:  # noqa: ARG002  # every client has this shape
        events = SimpleNamespace(register=lambda *_: None)
        return SimpleNamespace(put_metric_data=lambda **_: {}, meta=SimpleNamespace(events=events))


def _published(event: dict[str, Any], _: dict[str, Any]) -> dict[str, Any]:
    return dict(publish_validation.run(cast("Any", event), Counted()))  # the real one, which fails as it was judged


# What each task answers that is in no loop, from its event and the request.
ANSWERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]] = {
    "validate_request": lambda _, request: _deployment(request),
    "load_deployment": _loaded,
    "compare_deployment": lambda _, __: {"missing": []},
    "record_deployment": lambda _, __: {"sha256": "0" * 64},
    "check_addition": lambda _, request: {"request": request},
    "check_removal": lambda event, _: {"region": event["region"]},
    "record_region": lambda event, _: {key: event[key] for key in ("table", "region", "stage")},
    "forget_region": lambda event, _: {"table": event["table"], "removed": event["region"]},
    "confirm_cleanup": lambda _, request: {"replicas": request["regions"][1:]},
    "forget_deployment": lambda event, _: {"table": event["table"], "removed": [*event["replicas"], event["home"]]},
    "write_probes": _written,
    "summarize": _summarized,
    "publish_validation": _published,
    "stage_code": lambda _, __: {"code_key": "code", "config_key": "config", "template_url": "https://template"},
    "create_failure_bucket": lambda _, __: {"bucket": "failures"},
    "unstage_code": lambda _, __: {"bucket": "code"},
    "delete_failure_bucket": lambda _, __: {"bucket": "failures", "kept": 0, "more": False},
    "publish_dashboard": lambda _, __: {"dashboard": "orders", "change": "put"},
    "delete_dashboard": lambda _, __: {"dashboard": "orders", "deleted": True},
    "create_archive_bucket": lambda _, __: {"bucket": "archive", "archived": START},
    "summarize_redelivery": lambda event, _: dict(summarize_redelivery.run(cast("Any", event), Clients())),
}
# What the answer of a task in a loop holds besides the loop's own members.
LOOKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "read_probes": lambda event: dict(event["probes"]),
    "read_records": _records,
    "read_metrics": lambda event: dict(event["streaming"]),
    "read_events": lambda event: dict(event["streaming"]),
    "redeliver_failures": lambda event: dict(event["progress"]),
    "archive_executions": lambda event: dict(event["archived"]),
    "deploy_processors": lambda _: {"began": BEGAN, "detail": "", "revision": "r"},
}


def _answer(task: str, event: dict[str, Any], request: dict[str, Any], status: str) -> dict[str, Any]:
    if task in ANSWERS:
        return ANSWERS[task](event, request)
    looked = {"status": status, "wait_seconds": WAIT_SECONDS}
    return {**(LOOKS[task](event) if task in LOOKS else {"began": BEGAN, "detail": ""}), **looked}
