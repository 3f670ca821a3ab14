"""What spares every process of the tests a third of its work, and changes nothing that they see.

And in which order files are given to the processes: at random, but those that take longest come first.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import JSONFileLoader

if TYPE_CHECKING:
    from collections.abc import Callable

# Minutes each; if one began when the others are done, it would run alone.
LONGEST = (
    "test_command_line.py",
    "test_product_denied.py",
    "test_product_examples.py",
    "test_stack.py",
    "test_product_provision.py",
    "test_product_failures.py",
    "test_product_processors.py",
)
OBJECTS, YOUNG, OLD = 20_000, 20, 20  # new objects before a collection, and collections before a larger one


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if item.path.parent.name != "embedded":
        return len(LONGEST) + 1
    return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)


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
