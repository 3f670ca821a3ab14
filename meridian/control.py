"""Install, update and remove the control stack, before the eyes of a person."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rich.table import Table

from meridian import bundle, removal, template, versions
from meridian.artifacts import Artifacts
from meridian.commandline import DONE, data, talk
from meridian.progress import can_redraw
from meridian.stack import POLL_SECONDS, Stack
from tasks.shared import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from rich.console import Console

    from meridian.session import Session
    from meridian.stack import Change, ChangeSet, Event

LOCAL_POLL_SECONDS = 0.1
NO_PARAMETERS: Mapping[str, object] = {}
STYLES = {"Add": "green", "Modify": "yellow", "Remove": "red"}
MOST_NAMES = 6  # that a line of the plan gives; of more it gives the number


def up(
    session: Session,
    *,
    plan_only: bool = False,
    parameters: Mapping[str, object] = NO_PARAMETERS,
    out: Console | None = None,
) -> int:
    """Bring the control stack of the home Region to what this checkout holds.

    The plan is CloudFormation's own, made from what lies in the artifact bucket; so the bucket is made, and code and
    template are put there, with ``plan_only`` too. ``parameters`` of the template that are None keep their value.
    ``out`` takes the plan, stdout if none is given.
    """
    stack = _stack(session)
    planned = _plan(session, stack, parameters)
    if planned.empty:
        talk().print(f"The control stack in {session.home} is up to date.", highlight=False)
        return DONE
    _show_plan(out or data(), planned, session.home)
    if plan_only:
        stack.discard(planned)
        talk().print("Nothing was changed.")
        return DONE
    _show_events(stack.apply(planned))
    gone = versions.prune(stack, session.client("lambda", session.home), session.states)
    if gone:
        talk().print(f"{len(gone)} versions that nothing calls any more were deleted.", highlight=False)
    return DONE


def down(session: Session) -> int:
    """Delete the control stack and the artifact bucket; ``Refused`` while a table is deployed or a workflow runs."""
    stack = _stack(session)
    machines = stack.resources("AWS::StepFunctions::StateMachine")
    removal.require_unused(session.ssm(session.home), session.states, machines)
    artifacts = _artifacts(session)
    if stack.status is None and not artifacts.exists():
        talk().print(f"Nothing is installed in {session.home}.", highlight=False)
        return DONE
    lost = removal.histories_that_go(session, machines)
    if lost:
        talk().print(lost, highlight=False, soft_wrap=True)
    _show_events(stack.delete())
    count = artifacts.delete()
    gone = f"The control stack in {session.home} is removed, and its bucket with {count} objects."
    talk().print(gone, highlight=False)
    stays = removal.archive_that_stays(session)
    if stays:
        talk().print(stays, highlight=False, soft_wrap=True)
    return DONE


def _plan(session: Session, stack: Stack, parameters: Mapping[str, object]) -> ChangeSet:
    artifacts = _artifacts(session)
    artifacts.ensure()
    with tempfile.TemporaryDirectory() as directory:
        code = bundle.build(Path(directory, "code.zip"))
        artifacts.upload(code)
    url = artifacts.upload_template(template.TEMPLATE.read_text())
    given = {name: str(value) for name, value in parameters.items() if value is not None}
    return stack.plan(url, {"ArtifactBucket": artifacts.bucket, "CodeSha256": code.sha256, **given})


def _artifacts(session: Session) -> Artifacts:
    return Artifacts(session.s3(session.home), session.account, session.home)


def _stack(session: Session) -> Stack:
    cloudformation = cast("CloudFormationClient", session.client("cloudformation", session.home))
    poll_seconds = LOCAL_POLL_SECONDS if session.is_local else POLL_SECONDS
    return Stack(cloudformation, names.CONTROL_STACK, poll_seconds=poll_seconds)


def _show_plan(out: Console, planned: ChangeSet, region: str) -> None:
    doing = "Create" if planned.creates else "Change"
    title = f"{doing} the stack {names.CONTROL_STACK} in {region}"
    drawn = Table(title=title, title_justify="left", title_style="", box=None, show_header=False, pad_edge=False)
    for (action, replaced, kind), changes in _grouped(planned.changes):
        listed = [change.logical_id for change in changes]
        what = f"[{STYLES.get(action, 'red')}]{action}{replaced}[/]"
        drawn.add_row(what, str(len(listed)), kind, ", ".join(listed) if len(listed) <= MOST_NAMES else "")
    out.print(drawn)


def _grouped(changes: Iterable[Change]) -> Iterator[tuple[tuple[str, str, str], list[Change]]]:
    def key(change: Change) -> tuple[str, str, str]:
        replaced = {"True": " (replace)", "Conditional": " (perhaps replace)"}.get(change.replacement, "")
        return change.action, replaced, change.kind

    for group, members in itertools.groupby(sorted(changes, key=key), key):
        yield group, list(members)


def _show_events(events: Iterable[Event]) -> None:
    """Draw one line that changes in place on a terminal, and print one a failure anywhere."""
    console, began, done = talk(), time.monotonic(), set()
    drawn = console.status("CloudFormation ...") if can_redraw(console) else contextlib.nullcontext()
    with drawn as line:
        for event in events:
            if event.status.endswith("_FAILED"):
                problem = f"{event.logical_id} ({event.kind}) {event.status}: {event.reason}"
                console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)
            elif event.status.endswith("_COMPLETE"):
                done.add(event.logical_id)
            if line:
                line.update(f"CloudFormation: {len(done)} resources done, {event.logical_id} {event.status}")
    if done:
        console.print(f"CloudFormation: {len(done)} resources in {time.monotonic() - began:.0f} s.", highlight=False)
