"""What spares every process of the tests a third of its work, and changes nothing that they see."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from botocore.loaders import JSONFileLoader

if TYPE_CHECKING:
    from collections.abc import Callable

OBJECTS, YOUNG, OLD = 20_000, 20, 20  # new objects before a collection, and collections before a larger one


def pytest_collection_finish() -> None:
    """Collections look at what the tests leave behind, and not at all that was imported for them."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, YOUNG, OLD)


def _once(load: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Many a test has a session of its own, and each would read the same megabytes of service models."""
    read: dict[str, Any] = {}

    def load_once(self: JSONFileLoader, path: str) -> Any:
        if path not in read:
            read[path] = load(self, path)
        return read[path]

    return load_once


JSONFileLoader.load_file = _once(JSONFileLoader.load_file)  # type: ignore[assignment, method-assign]  # a function
