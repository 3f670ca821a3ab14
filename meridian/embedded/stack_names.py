"""Names that CloudFormation gives: other ones in each Region, for a role belongs to the whole account."""

from __future__ import annotations

import hashlib
from typing import Any

from meridian.embedded.internals import find, replace
from meridian.embedded.services import region

PHYSICAL_NAME = "ministack.services.cloudformation.provisioners:_physical_name"
SUFFIX = 13  # characters, as CloudFormation writes them


def install() -> None:
    name_of = find(PHYSICAL_NAME)

    def physical_name(*arguments: Any, **more: Any) -> str:
        name: str = name_of(*arguments, **more)
        suffix = hashlib.sha256(f"{region()}:{name}".encode()).hexdigest()[:SUFFIX]
        return name[:-SUFFIX] + (suffix if more.get("lowercase") else suffix.upper())

    replace(PHYSICAL_NAME, physical_name)
