"""Which resource a call is authorized on, where MiniStack does not find it and asks for ``*`` instead."""

from __future__ import annotations

import json
from typing import Any

from meridian.embedded.internals import find, replace

EXTRACT = "ministack.core.iam_actions:extract_resource_arn"


def install() -> None:
    extract = find(EXTRACT)

    def resource_of(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> str:
        found: str = extract(service, method, path, headers, body, *rest)
        region, account = rest[-2:]
        if found != "*" or service not in _NAMED:
            return found
        return _NAMED[service](json.loads(body or b"{}"), f"{region}:{account}") or "*"

    replace(EXTRACT, resource_of)


def _table(call: dict[str, Any], _: str) -> str:
    """Tags and resource policies name the table by its ARN."""
    return str(call.get("ResourceArn") or "")


def _parameter(call: dict[str, Any], place: str) -> str:
    """Lists of names are authorized one by one; ours lie under one path, so the first stands for all."""
    name = call.get("Path") or next(iter(call.get("Names") or []), "")
    return f"arn:aws:ssm:{place}:parameter/{name.lstrip('/')}" if name else ""


_NAMED = {"dynamodb": _table, "ssm": _parameter}
