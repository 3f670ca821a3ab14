"""Reaches into MiniStack and moto, or says clearly what is gone.

Neither promises its internals, so both are pinned, and everything touched is looked up through here
when the server starts.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any


class InternalsMoved(Exception):
    """A pinned package no longer holds what the embedded AWS patches."""


def find(path: str) -> Any:
    """``package.module:attribute.attribute`` as an object."""
    module, _, attributes = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in filter(None, attributes.split(".")):
            found = found[name] if isinstance(found, dict) else getattr(found, name)
    except (ImportError, AttributeError, KeyError) as error:
        raise InternalsMoved(
            f"{path} is not there any more ({error}). The embedded AWS is made for the versions of ministack and "
            "moto that pyproject.toml pins; install those."
        ) from error
    return found


def replace(path: str, new: Any) -> Any:
    """Put ``new`` in the place of the object at ``path`` and give the old one."""
    old = find(path)
    owner_path, separator, name = path.rpartition(".") if "." in path.partition(":")[2] else path.partition(":")
    owner = find(owner_path if separator == "." else f"{owner_path}:")
    if isinstance(owner, dict):
        owner[name] = new
    else:
        setattr(owner, name, new)
    return old


def require(prefix: str, *names: str) -> None:
    """Look up what is used only later, so that a start tells what is gone."""
    for name in names:
        find(f"{prefix}{name}")


def expect(path: str, *texts: str) -> None:
    """Check that the source at ``path``, text or code, still has what our replacement counts on."""
    found = find(path)
    source = found if isinstance(found, str) else inspect.getsource(found)
    for text in texts:
        if text not in source:
            raise InternalsMoved(f"{path} no longer holds {text!r}; the embedded AWS is made for another version.")
