"""Executions as a person names them: by ARN, by a name that begins with its workflow, or as ``validate:NAME``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meridian.audit import words
from meridian.inputs import Workflow
from tasks.shared.errors import Refused
from tasks.shared.problems import shown

if TYPE_CHECKING:
    from meridian.audit.model import Audit
    from meridian.session import Session

ARN = re.compile(r"arn:[\w-]+:states:([\w-]+):\d{12}:execution:[^:]+:[^:]+")
WITH_WORKFLOW = re.compile(rf"({'|'.join(Workflow)}):([^:]+)")


def found(session: Session, execution: str) -> tuple[Session, str]:
    """Session and ARN of an execution that is given by its ARN or as ``given_back`` gives it.

    ``Refused`` where it is neither.
    """
    match = ARN.fullmatch(execution)
    if match:
        return session.at(match[1], "the ARN"), execution
    named = WITH_WORKFLOW.fullmatch(execution)
    workflow, name = named.groups() if named else (_workflow_in(execution), execution)
    if not workflow or ":" in name:
        raise Refused(
            f"{shown(execution)} is neither an execution's ARN, nor WORKFLOW:NAME, nor a name that begins with a "
            "workflow's",
            remedy="ARNs look like arn:aws:states:us-east-1:123456789012:execution:meridian-provision:NAME.",
        )
    return session, f"{session.machine(workflow).replace(':stateMachine:', ':execution:')}:{name}"


def given_back(audit: Audit) -> str:
    """The shortest that ``found`` takes: the name, with its workflow where the name does not begin with that."""
    name = words.plain(audit.name)
    return name if _workflow_in(name) == audit.workflow else f"{words.plain(audit.workflow)}:{name}"


def _workflow_in(name: str) -> str:
    """The workflow that a name of ``run`` begins with; empty for any other name."""
    return max((workflow.value for workflow in Workflow if name.startswith(f"{workflow}-")), key=len, default="")
