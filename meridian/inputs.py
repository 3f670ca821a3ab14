"""What a workflow is started with, checked before anything is started."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from meridian.session import known_region
from tasks.shared.errors import ConfirmationMissing, RequestInvalid
from tasks.shared.problems import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Workflow(StrEnum):
    PROVISION = "provision"
    ADD_REGION = "add-region"
    DEPLOY_PROCESSORS = "deploy-processors"
    REFRESH_REGIONS = "refresh-regions"
    VALIDATE = "validate"
    REDELIVER = "redeliver"
    REMOVE_REGION = "remove-region"
    CLEANUP = "cleanup"
    ARCHIVE = "archive"


# What the input of a workflow holds besides its table. provision's is the whole request.
NEEDS = {
    Workflow.VALIDATE: (),
    Workflow.REDELIVER: (),
    Workflow.REFRESH_REGIONS: (),
    Workflow.ADD_REGION: ("region",),
    Workflow.DEPLOY_PROCESSORS: ("region",),
    Workflow.REMOVE_REGION: ("region", "confirm"),
    Workflow.CLEANUP: ("confirm",),
}
REMOVALS = (Workflow.REMOVE_REGION, Workflow.CLEANUP)
OPTION = {
    "table": "--table",
    "region": "--member",
    "confirm": "--confirm",
    "failures": "--delete-failures",
    "request": "--request",
}
TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


class Input(NamedTuple):
    """``home`` is empty where the input does not say it."""

    document: dict[str, Any]
    home: str


def compose(  # noqa: PLR0913  # the command's options
    workflow: Workflow,
    request: Path | None,
    table: str | None,
    member: str | None,
    confirm: str | None,
    *,
    delete_failures: bool = False,
) -> Input:
    """Make and check the input of ``workflow``. ``RequestInvalid`` or ``ConfirmationMissing``; nothing is started."""
    from meridian import request as requests
    from tasks.shared.request import complete

    given = {"region": member, "confirm": confirm, "failures": "delete" if delete_failures else None}
    if workflow is Workflow.PROVISION:
        _refuse_surplus(workflow, {**given, "table": table}, ())
        if request is None:
            raise RequestInvalid("provision needs --request FILE", remedy="Examples are in definitions/examples/.")
        document = requests.load(request)  # once: a pipe gives it no second time
        # As it was written: that is what the execution shall show, and the workflow completes it again.
        return Input(document, complete(document, name=str(request))["regions"][0])
    if workflow is Workflow.ARCHIVE:
        _refuse_surplus(workflow, {**given, "table": table, "request": str(request or "")}, ())
        return Input({}, "")
    _refuse_surplus(workflow, given, (*NEEDS[workflow], *(("failures",) if workflow in REMOVALS else ())))
    asked = requests.load_completed(request) if request else None
    name = _only(table, asked["table"] if asked else None)
    if not name:
        raise RequestInvalid(f"{workflow} needs --table NAME or --request FILE", remedy="Nothing was started.")
    members = {"table": named_table(name), **{key: _needed(workflow, key, given[key]) for key in NEEDS[workflow]}}
    _require_confirmation(workflow, members)
    if delete_failures:
        members["failures"] = "delete"
    return Input(members, asked["regions"][0] if asked else "")


def named_table(table: str) -> str:
    """Return ``table``; ``RequestInvalid`` where no table can have that name."""
    if TABLE_NAME.fullmatch(table):
        return table
    raise RequestInvalid(
        f"{shown(table)} is no name of a table", remedy="It has 3 to 255 characters of a-z, A-Z, 0-9, '_', '.' and '-'."
    )


def _refuse_surplus(workflow: Workflow, given: Mapping[str, str | None], takes: tuple[str, ...]) -> None:
    surplus = [OPTION[name] for name, value in given.items() if value and name not in takes]
    if surplus:
        raise RequestInvalid(f"{workflow} takes no {' and no '.join(surplus)}", remedy="Nothing was started.")


def _only(table: str | None, of_request: str | None) -> str:
    """Name of the table, which may be given twice but not differently."""
    if table and of_request and table != of_request:
        raise RequestInvalid(f"--table is {table}, and the request's table is {of_request}", remedy="Give one of them.")
    return table or of_request or ""


def _needed(workflow: Workflow, name: str, value: str | None) -> str:
    if name == "confirm":
        return value or ""  # told apart below, with what it would cost
    if not value:
        raise RequestInvalid(f"{workflow} needs {OPTION[name]} REGION", remedy="Nothing was started.")
    return known_region(value)


def _require_confirmation(workflow: Workflow, document: Mapping[str, str]) -> None:
    if "confirm" not in document:
        return
    wanted, what = document["table"], f"cleanup deletes {document['table']} with all its data, in every Region"
    if workflow is Workflow.REMOVE_REGION:
        wanted, what = document["region"], f"remove-region deletes the replica in {document['region']} and its stream"
    if document["confirm"] != wanted:
        raise ConfirmationMissing(what, remedy=f"Give --confirm {wanted} if you want that. Nothing was started.")
