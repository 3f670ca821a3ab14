"""Start a workflow, follow it, and say what came of it."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from meridian import causes, executions, progress, redelivery, results
from meridian.commandline import COMMAND, DONE, FAILED, WRONG, data, talk
from tasks.shared.archive import break_id
from tasks.shared.errors import Refused
from tasks.shared.task import CHANGES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.history import Execution
    from meridian.inputs import Input, Workflow
    from meridian.session import Session
    from tasks.shared.archive import Break

BREAK = "Somebody altered the archive. Break"
LOOKS_EVERY_SECONDS, LOCAL_LOOKS_EVERY_SECONDS = 1.0, 0.25


def run(session: Session, workflow: Workflow, given: Input, *, detach: bool, as_json: bool) -> int:
    """Start ``workflow`` and follow it, or with ``detach`` leave it to itself; give the exit code."""
    here = session.at(given.home) if given.home else session
    arn = executions.start(here.states, here.machine(workflow), workflow, given.document)
    if detach:
        print(json.dumps({"execution": arn}) if as_json else arn)
        _talk(_how_to_follow(here, arn))
        return DONE
    return finish(here, arn, as_json=as_json)


def follow(session: Session, arn: str, *, as_json: bool) -> int:
    """Follow the execution ``arn``, in whichever Region it runs."""
    parts = arn.split(":")
    if len(parts) != 8 or parts[2] != "states" or parts[5] != "execution":
        raise Refused(
            f"{arn} is no execution ARN",
            remedy="It looks like arn:aws:states:us-east-1:123456789012:execution:meridian-provision:NAME.",
        )
    return finish(session.at(parts[3], "the ARN"), arn, as_json=as_json)


def finish(session: Session, arn: str, *, as_json: bool = False) -> int:
    """Follow an execution to its end, print what came of it, and give the exit code."""
    executions.require(session.states, arn)
    with _goes_on(session, arn):
        execution = watch(session, arn)
    cause = causes.cause_of(execution)
    if cause is None:
        _show_output(execution, as_json=as_json)
    elif as_json:
        print(json.dumps({"execution": arn, "status": execution.status, **asdict(cause)}))
    for broken in (execution.output or {}).get("breaks", []):
        _talk(
            f"{BREAK} {break_id(broken)}: {_met(broken)} `{COMMAND} audit --verify{session.options}` tells what to do."
        )
    if cause:
        _talk(f"What it did until then: {COMMAND} audit {arn}{session.options}")
    return code(execution)


def watch(session: Session, arn: str) -> Execution:
    """Follow an execution to its end before the eyes of a person, and tell how it ended.

    Raises what ``follow`` raises, and KeyboardInterrupt.
    """
    every = LOCAL_LOOKS_EVERY_SECONDS if session.is_local else LOOKS_EVERY_SECONDS
    execution = progress.show(talk(), executions.follow(session.states, arn, every=every))
    cause = causes.cause_of(execution)
    if cause:
        results.show_cause(talk(), cause, execution.workflow, _seconds(execution))
    else:
        talk().print(f"{execution.workflow} succeeded after {_seconds(execution)} s.", style="green", highlight=False)
    return execution


def code(execution: Execution) -> int:
    """Exit code for an execution that has ended."""
    cause = causes.cause_of(execution)
    if cause is None:
        output = execution.output or {}
        unfinished = "redelivery" in output and redelivery.is_unfinished(output)
        return WRONG if unfinished or output.get("breaks") else DONE
    return WRONG if cause.error == "ValidationFailed" else FAILED


@contextlib.contextmanager
def _goes_on(session: Session, arn: str) -> Iterator[None]:
    """Say, however the following ends early, that the execution does not end with it."""
    try:
        yield
    except BaseException:
        _talk(f"The execution goes on. {_how_to_follow(session, arn)}")
        raise


def _how_to_follow(session: Session, arn: str) -> str:
    return f"Follow it with: {COMMAND} follow {arn}{session.options}"


def _show_output(execution: Execution, *, as_json: bool) -> None:
    output = without_changes(execution.output or {})
    if as_json:
        print(json.dumps(output))
    elif "redelivery" in output:
        redelivery.show(data(), output)
    elif "checks" in output or "validation" in output:
        results.show_validation(data(), output.get("validation", output))
    else:
        for name, value in output.items():
            data().print(f"{name}: {shown(name, value)}", markup=False, highlight=False, soft_wrap=True)


def without_changes(value: Any) -> Any:
    """An output without the calls that its tasks made (tasks/shared/task.py), which are for the audit."""
    if isinstance(value, dict):
        # A request's processors may have one that is named changes; it is no list.
        kept = {name: one for name, one in value.items() if name not in CHANGES or isinstance(one, dict)}
        return {name: without_changes(one) for name, one in kept.items()}
    return [without_changes(one) for one in value] if isinstance(value, list) else value


def shown(name: str, value: Any) -> str:
    """A member of a workflow's output in words: of failure buckets, those that were kept."""
    if name.startswith("failure_bucket"):
        kept = (f"{one['bucket']} keeps {one['kept']}{'+' if one['more'] else ''} objects" for one in _buckets(value))
        return ", ".join(kept) or "none kept"
    if name == "open":
        return f"{value} (still running: left for the next archive)"
    if name == "breaks":
        return ", ".join(map(break_id, value)) or "none"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)


def _buckets(value: Any) -> Iterator[dict[str, Any]]:
    """Every bucket with objects in an answer of DeleteFailureBucket, or in those of all Regions."""
    if isinstance(value, dict) and value.get("kept"):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _buckets(one)


def _met(broken: Break) -> str:
    """What the archive found and did about it."""
    named = broken["head"] or broken["found"]
    what = f"the newest manifest, {named['key']}," if named and named["key"] else "the newest manifest"
    kept = f"its good version of {broken['kept']['key']}" if broken["kept"] else "what it found, which nothing proves"
    return f"{what} is not what was archived; the archive went on from {kept}."


def _seconds(execution: Execution) -> int:
    if not execution.started or not execution.stopped:
        return 0
    return round((execution.stopped - execution.started).total_seconds())


def _talk(line: str) -> None:
    talk().print(line, markup=False, highlight=False, soft_wrap=True)
