"""What the request's schema says: a sentence for each of its violations, and its defaults.

The schema is the file that editors complete requests with, so a rule or a default is written once.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from tasks.shared.problems import Path, Problem, closest, place, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema import ValidationError

    # A ValidationError as the library raises it; the stubs allow for one whose fields were never set.
    Violation = Any

# definitions/ lies beside tasks/, in the repository and in the Lambda zip.
FILE = File(__file__).parents[2] / "definitions" / "request.schema.json"

LONGEST_EXAMPLE = 120

TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "object": "a mapping",
    "string": "text",
}


@cache
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


def violations(document: Any) -> Iterator[Problem]:
    """Each violation of the schema as a ``Problem``, in no particular order."""
    mistyped: set[Path] = set()
    for error in _validator().iter_errors(document):
        path = tuple(error.absolute_path)
        if path in mistyped:  # a value of the wrong type breaks the other rules of its place too
            continue
        if error.validator == "type":
            mistyped.add(path)
        yield from _SENTENCES[str(error.validator)](error, path)


def completed(document: Any, part: dict[str, Any] | None = None) -> Any:
    """Copy of ``document`` in which every member that is absent has the schema's default."""
    part = resolved(schema() if part is None else part)
    if isinstance(document, dict):
        known = part.get("properties", {})
        defaults = {name: resolved(one)["default"] for name, one in known.items() if "default" in resolved(one)}
        names = [name for name in known if name in document or name in defaults]
        names += [name for name in document if name not in known]
        given = {**defaults, **document}
        others = part.get("additionalProperties") or {}
        return {name: completed(given[name], known.get(name, others)) for name in names}
    if isinstance(document, list):
        return [completed(item, part.get("items", {})) for item in document]
    return int(document) if isinstance(document, float) else document  # JSON may write 3 as 3.0


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """Follow a ``$ref`` to the schema's own definitions."""
    reference = part.get("$ref")
    return schema()["definitions"][reference.rpartition("/")[2]] if reference else part


@cache
def _validator() -> Any:
    from jsonschema import Draft7Validator, validators  # late: tasks that only read a request do without

    rules = {"pattern": _pattern, "uniqueItems": _unique_items}
    # The library loses a reference inside what another one names where the schema has an URN; editors want the URN.
    nameless = {name: part for name, part in schema().items() if name != "$id"}
    return validators.extend(Draft7Validator, rules)(nameless)  # type: ignore[no-untyped-call]  # untyped in the stubs


def _pattern(_: object, pattern: str, text: object, __: object) -> Iterator[ValidationError]:
    """JSON Schema's ``$`` is the end; Python's would let a line break follow."""
    from jsonschema import ValidationError

    if isinstance(text, str) and not re.fullmatch(pattern, text):
        yield ValidationError("pattern")


def _unique_items(_: object, unique: bool, items: object, __: object) -> Iterator[ValidationError]:
    """One violation for each repetition, at its own place, in time that grows with the list's length only."""
    from jsonschema import ValidationError

    if not (unique and isinstance(items, list)):
        return
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        seen = first.setdefault(json.dumps(item, sort_keys=True), index)
        if seen != index:
            yield ValidationError(str(seen), path=[index])


def _type(error: Violation, path: Path) -> Iterator[Problem]:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    words = " or ".join(TYPES[name] for name in wanted)
    found = shown(error.instance)
    if error.instance is None:
        yield Problem(path, f"is empty, and {words} is wanted; {_as_in(error)}, or leave it out for the default.")
    elif wanted == ["string"] and not isinstance(error.instance, (dict, list)):
        yield Problem(path, f"is {found} without quotes, and text is wanted; put it in quotes.")
    elif isinstance(error.instance, str) and wanted[0] in ("integer", "boolean"):
        yield Problem(path, f"is the text {found}, and {words} is wanted; write it so, without quotes.")
    else:
        yield Problem(path, f"is {found}, and {words} is wanted; {_as_in(error)}.")


def _as_in(error: Violation) -> str:
    examples = error.schema.get("examples", [])
    example = json.dumps(examples[0]) if examples else ""
    return f"write it as in `{example}`" if 0 < len(example) <= LONGEST_EXAMPLE else "see the example requests"


def _required(error: Violation, path: Path) -> Iterator[Problem]:
    """The library reports each missing member by itself and names it only in its message."""
    name = next(name for name in error.validator_value if error.message.startswith(f"'{name}' "))
    example = json.dumps(resolved(error.schema["properties"][name])["examples"][0])
    yield Problem((*path, name), f"is missing; add it, as in `{name}: {example}`.")


def _unknown(error: Violation, path: Path) -> Iterator[Problem]:
    known = error.schema["properties"]
    for name in error.instance:
        if name not in known:
            meant = closest(name, known)
            fix = f"did you mean `{meant}`?" if meant else f"the members here are {', '.join(known)}."
            yield Problem((*path, name), f"is not a member of a request; {fix}")


def _enum(error: Violation, path: Path) -> Iterator[Problem]:
    allowed = error.validator_value
    meant = closest(error.instance, allowed)
    fix = f"did you mean {meant}?" if meant else "choose one of these."
    yield Problem(path, f"{shown(error.instance)} is none of {', '.join(allowed)}; {fix}")


def _not_matching(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"{shown(error.instance)} has other characters; {error.schema['patternErrorMessage']}")


def _repeated(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"is the same as {place((*path[:-1], int(error.message)))}; remove one of them.")


def _too_small(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"is {shown(error.instance)}; use {error.validator_value} at the least.")


def _too_large(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"is {shown(error.instance)}; use {error.validator_value} at the most.")


def _too_short(error: Violation, path: Path) -> Iterator[Problem]:
    yield _length(error, path, "at least")


def _too_long(error: Violation, path: Path) -> Iterator[Problem]:
    yield _length(error, path, "at most")


def _length(error: Violation, path: Path, bound: str) -> Problem:
    is_name = "propertyNames" in error.absolute_schema_path
    subject = "the name has" if is_name else "has"
    here = (*path, error.instance) if is_name else path
    return Problem(here, f"{subject} {len(error.instance)} characters; use {bound} {error.validator_value}.")


def _too_few(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"has {len(error.instance)} entries; give at least {error.validator_value}.")


def _too_many(error: Violation, path: Path) -> Iterator[Problem]:
    yield Problem(path, f"has {len(error.instance)} entries; leave at most {error.validator_value}.")


_SENTENCES: dict[str, Callable[[ValidationError, Path], Iterator[Problem]]] = {
    "additionalProperties": _unknown,
    "enum": _enum,
    "maxItems": _too_many,
    "maxLength": _too_long,
    "maxProperties": _too_many,
    "maximum": _too_large,
    "minItems": _too_few,
    "minLength": _too_short,
    "minimum": _too_small,
    "pattern": _not_matching,
    "required": _required,
    "type": _type,
    "uniqueItems": _repeated,
}
