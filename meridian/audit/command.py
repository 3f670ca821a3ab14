"""``deploy.py audit``: read, judge, and print or write what was asked for. Every function gives the exit code."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from meridian.audit import asked as asking
from meridian.audit import files, words
from meridian.audit.model import ENDED_BADLY, StartedBy
from meridian.audit.named import found
from meridian.audit.source import ExecutionUnknown
from meridian.commandline import DONE, WRONG, data, talk
from meridian.inputs import Workflow, named_table
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    from meridian.audit.asked import Asked
    from meridian.audit.joined import Joined
    from meridian.audit.model import Audit
    from meridian.audit.source import Source
    from meridian.session import Session


def command(session: Session, asked: Asked) -> int:
    """Do what ``asked`` says. ``Refused`` where it contradicts itself, before anything is read."""
    for stream in (sys.stdout, sys.stderr):  # whoever starts an execution may write what a terminal cannot show
        with contextlib.suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # typed as TextIO
    way = asked.way()
    if way == "table":
        return _list(session, asked)
    if way == "diff":
        return _compare(session, asked)
    if way == "verify":
        return _verify(session, asked)
    return _last_good(session, asked) if way == "last_good" else _audit(session, asked)


def _audit(session: Session, asked: Asked) -> int:
    for file in (asked.html, asked.jsonl):
        files.require_writable(file)
    here, arn = found(session, asked.execution or "")
    audit = _read(here, source(here), arn)
    _name_principal(here, audit)
    if asked.html or asked.jsonl:
        _write(audit, asked)
    else:
        from meridian.audit.terminal import tree

        tree.show(data(), audit, full=asked.full)
    return _code(audit)


def _write(audit: Audit, asked: Asked) -> None:
    """Write the files, and tell people the verdict and where they are."""
    from meridian.audit import jsonl
    from meridian.audit.verdict import verdict

    if asked.html:
        from meridian.audit.page import rendering as page

        files.write(asked.html, (page.render(audit),))
    if asked.jsonl:
        files.write(asked.jsonl, jsonl.text(audit))
    written = [str(file) for file in (asked.html, asked.jsonl) if file not in (None, asking.STDOUT)]
    _talk(verdict(audit).sentence)
    if written:
        _talk(f"Written to {' and '.join(map(words.plain, written))}.")


def _list(session: Session, asked: Asked) -> int:
    from meridian.audit import listing
    from meridian.audit.terminal import views

    table, since = named_table(asked.table or ""), asking.moment(asked.since)
    histories = source(session)
    with _patience(f"Asking which executions worked on {table}, for up to two minutes"):
        listed = listing.listing(histories, Workflow, table, since)
    if asked.json:
        print(json.dumps(views.listing_as_json(listed)))
    else:
        views.show_listing(data(), listed, full=asked.full)
    if histories.unanswered:
        _talk(f"The archive is left out, because it could not be asked ({words.plain(histories.unanswered)}).")
    return DONE


def _compare(session: Session, asked: Asked) -> int:
    before, after = (_read(here, source(here), arn) for here, arn in (found(session, one) for one in asked.diff or ()))
    _show_difference(before, after, asked)
    return DONE


def _last_good(session: Session, asked: Asked) -> int:
    from meridian.audit import listing

    here, arn = found(session, asked.execution or "")
    histories = source(here)
    audit = _read(here, histories, arn)
    with _patience(f"Looking for an earlier {words.subject(audit)}"):
        good = listing.last_good(histories, audit)
    if good is None:
        raise Refused(
            f"Nothing to compare with: no {words.subject(audit)} succeeded in the 90 days before",
            remedy="Compare two executions of your choice with --diff A B.",
        )
    _show_difference(_read(here, histories, good.arn), audit, asked)
    return _code(audit)


def _verify(session: Session, asked: Asked) -> int:
    from meridian.audit.archives import archive
    from meridian.audit.terminal import views

    with _patience("Reading the archive"):
        verified = archive.verify(session)
    if asked.json:
        print(json.dumps(asdict(verified)))
    else:
        views.show_verified(data(), verified)
    return WRONG if verified.problems else DONE


def _show_difference(before: Audit, after: Audit, asked: Asked) -> None:
    from meridian.audit.compare import compare
    from meridian.audit.terminal import differences

    difference = compare(before, after)
    if asked.json:
        print(json.dumps(differences.difference_as_json(difference)))
    else:
        differences.show_difference(data(), difference)


def source(session: Session) -> Joined:
    """Step Functions, and the archive behind it."""
    from meridian.audit.archives.archive import Archive
    from meridian.audit.histories.step_functions import StepFunctions
    from meridian.audit.joined import Joined

    states = StepFunctions(session.states, sleep=_no_pause) if session.is_local else StepFunctions(session.states)
    return Joined(states, Archive(session))


def _no_pause(_: float) -> None:
    """An AWS on this machine may be asked as often as one likes."""


def _read(here: Session, histories: Source, arn: str) -> Audit:
    from meridian.audit.histories import reading

    try:
        with _patience("Reading histories"):
            return reading.read(histories, arn)
    except ExecutionUnknown as error:
        account = arn.split(":")[4]
        if account != here.account:
            raise Refused(
                f"{words.plain(arn)} cannot be read",
                why=f"it is of account {account}, and the credentials are of {here.account}",
                remedy="Choose a --profile of that account.",
            ) from error
        raise Refused(
            f"There is no execution {words.plain(arn)}",
            why="neither Step Functions, which forgets after 90 days, nor the archive has it",
            remedy="`audit --table NAME` lists those of a table.",
        ) from error


def _name_principal(session: Session, audit: Audit) -> None:
    """Ask CloudTrail who called; a parent or a schedule is known, and AWS on this machine has no such trail."""
    from meridian.audit import principal

    if not session.is_local and audit.starter.by in (StartedBy.COMMAND_LINE, StartedBy.BY_HAND):
        principal.told(session.client("cloudtrail", audit.region), audit)


def _code(audit: Audit) -> int:
    return WRONG if audit.status in ENDED_BADLY else DONE


def _patience(what: str) -> contextlib.AbstractContextManager[object]:
    """Say, where that can be taken back, what takes so long."""
    from rich.text import Text

    from meridian.progress import can_redraw

    console = talk()
    return console.status(Text(f"{what} …")) if can_redraw(console) else contextlib.nullcontext()


def _talk(line: str) -> None:
    talk().print(line, markup=False, highlight=False, soft_wrap=True)
