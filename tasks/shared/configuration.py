"""The configuration of a table's processors: a document in S3 under its hash, larger than an environment may be.

Who writes and who reads it share no code: ``processors`` imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tasks.shared import names
from tasks.shared import request as requests

if TYPE_CHECKING:
    from tasks.shared.request import Request

KEPT = ("table", "key_schema", "attribute_definitions", "origin_attribute", "time_to_live", "processors")


def document(request: Request) -> dict[str, Any]:
    """What the processors are told of the request, the same in every Region."""
    told: dict[str, Any] = dict(request)
    return {**{name: told[name] for name in KEPT}, "home": requests.home(request)}


def body(request: Request) -> bytes:
    """The document's canonical JSON."""
    return json.dumps(document(request), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def key(request: Request) -> str:
    """Where the document lies in a code bucket."""
    digest = hashlib.sha256(body(request)).hexdigest()
    return f"{names.code_prefix(request['table'])}config/{digest}.json"
