"""Make the pictures of the audit: really provision a table on this machine, and let another provision really fail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from docs import chromium
from meridian import control, embedded, executions, local, request
from meridian.audit.histories.reading import read
from meridian.audit.histories.step_functions import StepFunctions
from meridian.audit.page.rendering import render
from meridian.inputs import Workflow
from tasks.shared.clients import ATTEMPTS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from meridian.audit.model import Audit
    from meridian.session import Session

DOCS = Path(__file__).parent
EXAMPLES = DOCS.parent / "definitions/examples"
WIDTH, TALLEST = 1280, 4000  # pixels
# So long do a table, a replica, a stream, a destination and a stack take: some seconds, as one sees waiting best.
DELAYS = embedded.Delays(3.0, 6.0, 3.0, 3.0, 3.0)
DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/meridian-enable-streaming/meridian-enable-streaming is not "
    "authorized to perform: dynamodb:EnableKinesisStreamingDestination with an explicit deny in a service control "
    "policy"
)


def make() -> None:
    """Write docs/audit-*.png. Needs Chromium."""
    path = chromium.find()
    if path is None:
        sys.exit(f"The pictures need Chromium: {chromium.NONE_FOUND}.")
    with chromium.launched(path) as browser:
        with local.running(DELAYS) as (aws, session):
            good, bad = _executions(aws, session)
        _picture(browser, good, "audit-provision.png", ("", "#timeline"), unfold="ap-southeast-1")
        _picture(browser, good, "audit-dark.png", ("#graph", "#latency"), color_scheme="dark")
        _picture(browser, bad, "audit-failed.png", ("", "#timeline"))


def _executions(aws: embedded.EmbeddedAws, session: Session) -> tuple[Audit, Audit]:
    """A provision that succeeds after throttling, and one that is denied something in its second Region."""
    good, bad = (local.hurried(request.load(EXAMPLES / f"{name}.yaml")) for name in ("ecommerce", "orders"))
    here = session.at(good["regions"][0])
    control.up(here, out=Console(quiet=True))
    # As often as a task tries by itself, so that it fails and Step Functions tries again.
    throttled = ("kinesis:CreateStream", "ap-southeast-1", "LimitExceededException", "Rate exceeded.", ATTEMPTS)
    aws.fail(*throttled)
    succeeded = _provision(here, good)
    aws.fail(*throttled)
    aws.fail("dynamodb:EnableKinesisStreamingDestination", "eu-west-1", "AccessDeniedException", DENIED)
    return succeeded, _provision(here, bad)


def _provision(here: Session, document: dict[str, Any]) -> Audit:
    arn = executions.start(here.states, here.machine(Workflow.PROVISION), Workflow.PROVISION, document)
    for _ in executions.follow(here.states, arn):
        pass
    return read(StepFunctions(here.states), arn)


def _picture(
    browser: Browser, audit: Audit, name: str, sections: tuple[str, str], unfold: str = "", **options: Any
) -> None:
    """Photograph the page from the first of two sections, or its beginning, to the end of the second.

    ``unfold`` is in the line of the timeline that is opened before.
    """
    since, until = sections
    page = browser.new_page(viewport={"width": WIDTH, "height": TALLEST}, **options)
    page.set_content(render(audit))
    if unfold:
        page.locator("summary", has_text=unfold).first.click()
        page.mouse.move(0, 0)
    section = "(id) => {const box = document.querySelector(id).closest('section').getBoundingClientRect(); "
    bottom = page.evaluate(f"{section} return box.bottom }}", until) + 28
    top = page.evaluate(f"{section} return box.top }}", since) - 28 if since else 0
    page.screenshot(path=DOCS / name, clip={"x": 0, "y": top, "width": WIDTH, "height": bottom - top})
    page.close()
