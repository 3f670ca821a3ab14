"""JSON with line breaks and indents, without changing what is written in it.

It is not parsed and written anew, which would round numbers and drop members of the same name; so JSON that is cut off
can be shown as well.
"""

from __future__ import annotations

import re

DEEPEST = 24  # indents; deeper ones add nothing but white space
INDENT = "  "
TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def pretty(text: str) -> str:
    """Lay a JSON object or array out; anything else is given back as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    laid_out: list[str] = []
    depth, before = 0, ""
    for token in TOKENS.findall(text):
        depth -= token in "}]"
        if before in ("{", "[") and token not in "}]" or before == "," or token in "}]" and before not in ("{", "["):
            laid_out.append("\n" + INDENT * min(max(depth, 0), DEEPEST))
        laid_out.append(": " if token == ":" else token)
        depth += token in "{["
        before = token
    return "".join(laid_out)
