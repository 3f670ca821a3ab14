"""The saved Logs Insights queries."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from meridian import queries
from meridian.template import STATES_LOG_GROUP, TASKS_LOG_GROUP
from tasks.shared.task import task

if TYPE_CHECKING:
    from meridian.queries import Query
    from tasks.shared.clients import Clients

QUERIES = queries.queries()
OF_TASKS = [query for query in QUERIES if query.log_group == TASKS_LOG_GROUP]
# What Lambda and Logs Insights themselves know.
BUILT_IN = {"@timestamp", "@message", "@logStream", "type"}


def test_every_section_has_its_query() -> None:
    """No heading of the page is without a query that is saved."""
    assert [query.title for query in QUERIES] == re.findall(r"^### (.+)$", queries.PAGE.read_text(), re.MULTILINE)


def test_the_groups_are_ours() -> None:
    """Each query is asked of a log group that exists."""
    assert {query.log_group for query in QUERIES} == {TASKS_LOG_GROUP, STATES_LOG_GROUP, "/meridian/<table>/processors"}


def test_names_differ() -> None:
    """Every query becomes a resource of its own."""
    assert len(queries.resources()) == len(QUERIES)


@pytest.mark.parametrize("query", OF_TASKS, ids=lambda query: query.title)
def test_fields_of_tasks_are_logged(query: Query, caplog: pytest.LogCaptureFixture) -> None:
    """A query of the tasks' log names only fields that a task's line has."""
    line = _line(caplog)
    named = set(re.findall(r"[a-z_@A-Z]+(?:\.[a-z_A-Z0-9]+)*", _fields(query.text))) - BUILT_IN
    assert {name for name in named if not _has(line, name)} == set()


def _fields(text: str) -> str:
    """The names after ``fields`` and ``by``, and those that are filtered by."""
    made = set(re.findall(r"(?:as |\?<)(\w+)", text))
    parts = re.findall(r"(?:fields | by |filter (?:ispresent\()?)([@\w., ]+)", text)
    names = " ".join(parts).replace(",", " ").split()
    return " ".join(name for name in names if name not in {"like", "in", "as", *made})


def _line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    @task()
    def change(_event: Any, aws: Clients) -> dict[str, str]:
        made = {"operation": "CreateTable", "region": "us-east-1", "request_id": "r", "resource": "orders"}
        aws.changes += [made, made]
        return {}

    with caplog.at_level("INFO"):
        change({"table": "orders"}, None)
    return vars(caplog.records[-1])


def _has(line: Any, name: str) -> bool:
    """Logs Insights names what lies in a list by its number."""
    for part in name.split("."):
        if isinstance(line, list) and part.isdigit():
            line = line[int(part)] if int(part) < len(line) else None
        elif isinstance(line, dict) and part in line:
            line = line[part]
        else:
            return False
    return True
