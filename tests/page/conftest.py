"""The audit's page in a real browser: the system's Chromium, headless, driven by Playwright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from docs import chromium
from meridian.audit.page.rendering import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from meridian.audit.model import Audit

    Open = Callable[..., "Page"]

FIRST_SCREEN = {"width": 1280, "height": 800}
LONGEST_MS = 10_000  # of one action; the machine may be busy


# Of a module, not of the session: Playwright keeps an event loop running in the thread, where no other test shall
# meet it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium; the tests are skipped where there is none."""
    path = chromium.find()
    if path is None:
        pytest.skip(f"no Chromium: {chromium.NONE_FOUND}")
    with chromium.launched(path) as browser:
        yield browser


class Watched:
    """What a page did that it must not do: errors on the console, dialogs, requests."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.dialogs: list[str] = []
        self.requests: list[str] = []
        self.failures: list[str] = []  # why requests came to nothing

    def watch(self, page: Page) -> None:
        page.on("console", lambda said: self.errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", self._dismiss)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.failures.append(request.failure or ""))

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def show(browser: Browser, tmp_path: Path, watched: Watched) -> Iterator[Open]:
    """Open an audit, or HTML, from a file; whatever it does is seen by ``watched``."""
    pages: list[Page] = []

    def show(what: Audit | str, **options: Any) -> Page:
        file = tmp_path / "audit.html"
        file.write_text(what if isinstance(what, str) else render(what), encoding="utf-8")
        page = browser.new_page(**{"viewport": FIRST_SCREEN, "color_scheme": "light", **options})
        page.set_default_timeout(LONGEST_MS)
        watched.watch(page)
        pages.append(page)
        page.goto(file.as_uri())
        watched.requests.remove(file.as_uri())
        return page

    yield show
    for page in pages:
        page.close()
