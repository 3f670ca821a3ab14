"""The Logs Insights queries of docs/logs.md, as resources of the control stack: what is documented is what is saved."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from meridian.bundle import ROOT
from tasks.shared import names

PAGE = ROOT / "docs/logs.md"
QUERY = re.compile(
    r"^### (?P<title>.+?)\n.*?^In `(?P<group>[^`]+)`:\n\n```\n(?P<text>.*?)\n```$", re.DOTALL | re.MULTILINE
)
OF_A_TABLE = "<table>"


class Query(NamedTuple):
    title: str
    log_group: str
    text: str


def queries() -> list[Query]:
    """Every query of the page, in its order."""
    sections = re.split(r"^(?=### )", PAGE.read_text(), flags=re.MULTILINE)[1:]
    return [Query(found["title"], found["group"], found["text"]) for one in sections if (found := QUERY.search(one))]


def resources() -> dict[str, Any]:
    """A saved query each; one for a table's own log group is saved without, for the person to choose it."""
    return {
        f"{''.join(word.capitalize() for word in re.findall('[A-Za-z]+', query.title))}Query": {
            "Type": "AWS::Logs::QueryDefinition",
            "Properties": {
                "Name": f"{names.PREFIX}/{query.title}",
                "QueryString": query.text,
                **({} if OF_A_TABLE in query.log_group else {"LogGroupNames": [query.log_group]}),
            },
        }
        for query in queries()
    }
