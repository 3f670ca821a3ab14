"""Why an execution failed, what to do, and what is kept, by the error's name.

Errors of tasks carry all that in their message (tasks/shared/errors.py): it is only taken apart here. What Step
Functions and Lambda themselves report has a table below. Source of the names: Step Functions Developer Guide, "Handling
errors in Step Functions workflows"; Lambda Developer Guide, "Troubleshoot execution issues in Lambda".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from meridian.audit import words
from meridian.audit.model import Outcome
from tasks.shared import errors, names
from tasks.shared.errors import PASSING_CODES, START_AGAIN

if TYPE_CHECKING:
    from meridian.audit.model import Audit

LOGS = f"log group /{names.PREFIX}/tasks"
UP = "Bring the control stack up to date (`deploy.py up`)"
SEE_BELOW = f"See below what it waited for. {START_AGAIN}"
MEND = f"Mend that first. {START_AGAIN}"
READ_THE_LOG = f"Read what the function said last ({LOGS}). {START_AGAIN}"
DEFINITION = f"The definition does not fit its data, which is a mistake in the workflow. {UP}, then start again."
# With which a task's remedy begins. What stands before is what, where and why.
BEGINNINGS = (
    "Choose",
    "Disable",
    "DynamoDB keeps it",
    "Enable",
    "It goes last",
    "It is left",
    "Its Regions",
    "Mend",
    "Meridian does not",
    "Nothing was",
    "Provision it",
    "Raise",
    "Remove",
    "See what",
    "Start",
    "Switch",
    "The item was left",
)
REMEDY = re.compile(rf"(?<=[.!?])\s+(?=(?:{'|'.join(BEGINNINGS)})\b)")


class Remedy(NamedTuple):
    why: str
    do: str


# Of each error of Step Functions and Lambda, what it means where AWS gave no words, and what to do.
KNOWN = {
    "ABORTED": Remedy(
        "Somebody stopped it: CloudTrail's event StopExecution says who.",
        f"If that was not meant: {START_AGAIN}",
    ),
    "TIMED_OUT": Remedy(
        "It took longer than its state machine allows (TimeoutSeconds).",
        SEE_BELOW,
    ),
    "States.Timeout": Remedy("It took longer than its time-out allows.", READ_THE_LOG),
    "States.HeartbeatTimeout": Remedy("Its task sent no heartbeat for longer than it may.", READ_THE_LOG),
    "States.Permissions": Remedy(
        "The state machine's role may not do that.",
        f"{UP}, and see whether a permissions boundary or a service control policy limits its roles. {START_AGAIN}",
    ),
    "States.DataLimitExceeded": Remedy(
        "What a state gave or took was larger than 256 KiB.", f"Ask for less in one request. {START_AGAIN}"
    ),
    "States.Runtime": Remedy("Step Functions could not go on.", DEFINITION),
    "States.TaskFailed": Remedy(
        "What it started failed, and left no words.", f"Audit that execution on its own. {START_AGAIN}"
    ),
    "Lambda.Unknown": Remedy(
        "The function ended without an answer: it crashed, ran out of memory or was cut off.", READ_THE_LOG
    ),
    "Sandbox.Timedout": Remedy("The function took longer than its time-out allows.", READ_THE_LOG),
    "Runtime.ExitError": Remedy("The function's process ended before it answered.", READ_THE_LOG),
    "Runtime.OutOfMemory": Remedy("The function ran out of memory.", READ_THE_LOG),
    "Runtime.ImportModuleError": Remedy("The function's code is not whole.", f"{UP}. {START_AGAIN}"),
    "Runtime.HandlerNotFound": Remedy("The function's code is not whole.", f"{UP}. {START_AGAIN}"),
    "Lambda.ResourceNotFoundException": Remedy("The function is gone.", f"{UP}. {START_AGAIN}"),
    "Lambda.AWSLambdaException": Remedy("Lambda could not run the function.", START_AGAIN),
    "Lambda.ClientExecutionTimeoutException": Remedy("Lambda did not answer in time.", START_AGAIN),
    "Lambda.SdkClientException": Remedy("Lambda could not be reached.", START_AGAIN),
    "Lambda.ServiceException": Remedy("Lambda had a fault of its own.", START_AGAIN),
    "Lambda.TooManyRequestsException": Remedy("Lambda ran as many functions as the account allows.", START_AGAIN),
}
# Errors of which only one kind tells: part of AWS's words, then what to do.
TOLD_APART = {
    ("States.Runtime", "maximum number of history events"): (
        "It waited for very long. Start the workflow again with the same input: it goes on from where this one came to."
    ),
}
FITS_NOT = (  # errors of a definition
    "States.BranchFailed",
    "States.IntrinsicFailure",
    "States.NoChoiceMatched",
    "States.ParameterPathFailure",
    "States.QueryEvaluationError",
    "States.ResultPathMatchFailure",
)
UNKNOWN_STATES = Remedy("Step Functions could not go on.", MEND)
UNKNOWN = Remedy("No cause was given.", READ_THE_LOG)

REMOVALS = ("remove-region", "cleanup")
KEPT_BY_REMOVAL = "What was deleted is gone. Everything else still stands, and starting again goes on from there."
KEPT_BY_VALIDATION = "The table and its items are as they were. Probes are deleted wherever that is possible."
KEPT_BY_REDELIVERY = "What was not taken stays in its failure bucket."
KEPT_BY_ARCHIVE = "What is archived stays. The next archive goes on from there."
KEPT = {
    **dict.fromkeys(REMOVALS, KEPT_BY_REMOVAL),
    "validate": KEPT_BY_VALIDATION,
    "redeliver": KEPT_BY_REDELIVERY,
    "archive": KEPT_BY_ARCHIVE,
}


def remedy(error: str, message: str) -> Remedy:
    """Why it failed, in AWS's or the task's words where there are any, and what to do."""
    known = _known(error)
    for (name, part), do in TOLD_APART.items():
        if error == name and part in message:
            return Remedy(message, do)
    if not message:
        return known
    why, do = _halves(message)
    return Remedy(why, do or known.do)


def _halves(message: str) -> tuple[str, str]:
    """What, where and why; and what to do. Together they are the message."""
    found = REMEDY.search(message)
    return (message[: found.start()], message[found.end() :]) if found else (message, "")


def _known(error: str) -> Remedy:
    bare = error.rpartition(".")[2]
    if error in KNOWN:
        return KNOWN[error]
    if error in FITS_NOT:
        return Remedy("The definition does not fit its data.", DEFINITION)
    if bare in PASSING_CODES:
        return Remedy("AWS was busy for longer than it was asked again.", START_AGAIN)
    if error.startswith("States."):
        return UNKNOWN_STATES
    return Remedy(UNKNOWN.why, MEND) if _is_of_aws(error) else UNKNOWN


def _is_of_aws(error: str) -> bool:
    """Whether it looks like a code of AWS: ``AccessDeniedException``, ``StepFunctions.ExecutionLimitExceeded``."""
    return error.endswith(("Exception", "Exceeded", "NotFound", "Denied")) or "." in error


def is_said_by_aws(error: str, why: str) -> bool:
    """Whether ``why`` is AWS's words, and not those of a task or of the table above."""
    is_quoted = why.startswith("AWS ")  # by a task (tasks/shared/errors.py)
    is_plain = _is_of_aws(error) and not _is_kind(error, errors.MeridianError)
    return (is_quoted or is_plain) and why != _known(error).why


def is_refusal(error: str) -> bool:
    """Whether a task refused and touched nothing, as the class tree says."""
    return _is_kind(error, errors.Refused)


def _is_kind(error: str, of: type) -> bool:
    kind = getattr(errors, error, None)
    return isinstance(kind, type) and issubclass(kind, of)


def kept(audit: Audit, error: str) -> str:
    """What the execution, which ended badly, leaves."""
    made = sum(1 for one in audit.tree() for _ in one.changes())
    if is_refusal(error) and not made:
        return "Nothing was touched."
    workflow = audit.workflow
    if workflow in KEPT:
        return KEPT[workflow]
    said = f" ({words.counted(made, 'call')} changed something, listed below)" if made else ""
    refused = "The task that refused touched nothing. " if is_refusal(error) else ""
    running = [one for one in audit.tree() if one is not audit and one.status is Outcome.RUNNING]
    still = f" {words.counted(len(running), 'child execution')} still ran." if running else ""
    return f"{refused}Everything made before is kept{said}, and is used when it is started again.{still}"
