"""The facts of an execution, and its figures: what the page says of it before it draws anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from meridian.audit import cost, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meridian.audit.model import Audit

CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
REGION = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Fact:
    """``code``: it is an identifier, that one may want to copy."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True)
class Figure:
    name: str
    value: str
    note: str = ""


def facts(audit: Audit) -> Iterator[Fact]:
    """Give what identifies an execution; what is not known is left out."""
    yield Fact("Workflow", words.label(audit))
    yield Fact("Table", words.table(audit) or "-")
    yield Fact("Started by", _starter(audit))
    yield Fact("Started", words.moment(audit.started))
    yield Fact("Ended", words.moment(audit.stopped) if audit.stopped else words.ENDED[audit.status])
    yield Fact("Version", _last(audit.version_arn) or "none: the machine itself was started")
    if audit.alias_arn:
        yield Fact("Alias", _last(audit.alias_arn))
    for redrive in audit.redrives:
        yield Fact(f"Redrive {redrive.count}", words.moment(redrive.when))
    yield Fact("Read from", audit.source)
    yield Fact("Execution", audit.arn, code=True)
    if audit.starter.arn:
        yield Fact("On behalf of", audit.starter.arn, code=True)
    for kind, count in audit.unknown.items():
        yield Fact("Unknown to this version", f"{words.counted(count, 'event')} of type {kind}")


def figures(audit: Audit) -> Iterator[Figure]:
    """Give the numbers of the execution and all that it started."""
    tree = list(audit.tree())
    steps = [step for one in tree for step in one.steps if not step.child]
    retries = sum(len(step.retries) for step in steps)
    changes = sum(len(step.changes) for one in tree for step in one.steps)
    yield _duration(audit)
    yield Figure("Tasks at work", words.duration(sum(step.worked for step in steps)), "all branches added up")
    yield Figure("Executions", f"{len(tree):,}", f"{sum(one.events for one in tree):,} events")
    yield Figure("Retries", f"{retries:,}", "failed, then tried again")
    yield Figure("Changes", f"{changes:,}", "calls to AWS")
    yield Figure("Transitions", f"{cost.transitions(audit):,}", f"{cost.usd(audit):.4f} USD")


def _duration(audit: Audit) -> Figure:
    if audit.started is not None and audit.until is not None:
        return Figure("Duration", words.duration(audit.until - audit.started), "so far")
    return Figure("Duration", words.duration(audit.seconds))


def console(audit: Audit) -> str:
    """Address of the execution in the AWS console; empty where its partition is unknown."""
    partition, region = audit.arn.split(":")[1], audit.region
    if partition not in CONSOLES or not REGION.fullmatch(region):
        return ""
    page = f"#/v2/executions/details/{quote(audit.arn, safe='')}"
    return f"https://{region}.{CONSOLES[partition]}/states/home?region={region}{page}"


def _starter(audit: Audit) -> str:
    starter = audit.starter
    agent = f" with {starter.agent}" if starter.agent else ""
    return f"{starter.by}, {starter.principal}{agent}" if starter.principal else f"{starter.by}{agent}"


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]
