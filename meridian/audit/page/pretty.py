"""JSON with line breaks and indents, without changing what is written in it.

It is not parsed and written anew, which would round numbers and drop members of the same name; so JSON that is cut off
can be shown as well.
"""

from __future__ import annotations

import re

DEEPEST = 24  # indents; deeper ones add nothing but white space
INDENT = "  "
OPENING, CLOSING = ("{", "["), ("}", "]")
PARTS = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def pretty(text: str) -> str:
    """Lay a JSON object or array out; anything else is given back as it is."""
    if not text.lstrip().startswith(OPENING):
        return text
    laid_out: list[str] = []
    depth, before = 0, ""
    for part in PARTS.findall(text):
        closes, opened = part in CLOSING, before in OPENING
        depth -= closes
        if before == "," or closes != opened:
            laid_out.append("\n" + INDENT * min(max(depth, 0), DEEPEST))
        laid_out.append(": " if part == ":" else part)
        depth += part in OPENING
        before = part
    return "".join(laid_out)
