"""One execution as one HTML file that needs nothing else: no network, no server, no other file.

Everything shown is untrusted. Jinja escapes it, and leaves out of all but payloads what does not show; what the script
needs lies in a block of JSON, and the script writes text, never markup. A Content-Security-Policy lets nothing run or
load but the page's own script and style, which it names by their hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

from meridian.audit import words
from meridian.audit.model import Outcome
from meridian.audit.page import facts
from meridian.audit.page.axis import clock
from meridian.audit.page.changed import changes
from meridian.audit.page.graphs import graphs
from meridian.audit.page.heatmap import heatmap
from meridian.audit.page.keys import Keys
from meridian.audit.page.path import critical_path
from meridian.audit.page.pretty import pretty
from meridian.audit.page.steps import steps
from meridian.audit.page.timeline import timeline
from meridian.audit.remedies import is_said_by_aws
from meridian.audit.so_far import so_far
from meridian.audit.verdict import verdict

if TYPE_CHECKING:
    from meridian.audit.model import Audit

PARTS = Path(__file__).parent / "templates"
OUTCOMES = {
    Outcome.SUCCEEDED: "Succeeded",
    Outcome.FAILED: "Failed",
    Outcome.CAUGHT: "Failed and caught",
    Outcome.TIMED_OUT: "Timed out",
    Outcome.ABORTED: "Stopped",
    Outcome.RUNNING: "Running",
    Outcome.PENDING_REDRIVE: "Waits to be redriven",
}
LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can spell half a character; UTF-8 cannot


def render(audit: Audit, now: float | None = None) -> str:
    """Draw an audit, with all its children, as an HTML document. ``now`` is as for ``verdict`` and ``so_far``."""
    judged, audit = verdict(audit, now), so_far(audit, now)
    environment = _environment()
    style = "".join((PARTS / name).read_text() for name in ("style.css", "graph.css"))
    script = (PARTS / "script.js").read_text()
    drawn, keys = heatmap(audit), Keys(audit)
    html = environment.get_template("page.html").render(
        audit=audit,
        verdict=judged,
        subject=words.subject(audit),
        facts=list(facts.facts(audit)),
        figures=list(facts.figures(audit)),
        console=facts.console(audit),
        graphs=graphs(audit, "step-"),
        timeline=timeline(audit, keys),
        path=critical_path(audit, keys),
        heatmap=drawn,
        sections=_sections(has_heatmap=drawn is not None),
        outcome=Outcome,
        outcomes=OUTCOMES,
        changes=changes(audit, keys),
        data={**steps(audit, keys), "outcomes": OUTCOMES},
        style=style,
        script=script,
        policy=policy(style, script),
    )
    return LONE_SURROGATE.sub("\ufffd", html)


def _sections(*, has_heatmap: bool) -> dict[str, str]:
    """Anchors of the page's sections, and what they are called in its navigation."""
    named = {"facts": "Facts", "timeline": "Timeline", "graph": "Graph", "latency": "Latency"}
    named |= {"changes": "Changes", "steps": "Steps", "payloads": "Input and output"}
    return {anchor: name for anchor, name in named.items() if anchor != "latency" or has_heatmap}


def policy(style: str, script: str) -> str:
    """Content-Security-Policy with which only this style and this script have any effect."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _that_shows(value: object) -> object:
    """What a template writes: of a text that is no markup, only what shows (escapes and bidi marks do not)."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return words.paragraphs(value)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PARTS),
        autoescape=True,
        finalize=_that_shows,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=clock,
        counted=words.counted,
        duration=words.span,
        label=words.label,
        moment=words.moment,
        paragraphs=words.paragraphs,
        pretty=lambda text: escape(pretty(text)),  # as it was recorded, to the character
    )
    environment.tests["said_by_aws"] = lambda failure: is_said_by_aws(failure.error, failure.why)
    # The filter tojson escapes <, >, & and what is not ASCII.
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return environment
