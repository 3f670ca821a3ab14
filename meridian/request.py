"""Read a request from a file, in YAML or JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from tasks.shared.errors import RequestInvalid
from tasks.shared.problems import shown
from tasks.shared.request import complete

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.shared.request import Request

LARGEST_BYTES = 262_144  # Step Functions: the input of an execution
LONGEST_NUMBER = 30

EXAMPLES = "Examples are in definitions/examples/."


def load_completed(path: Path) -> Request:
    """The request in ``path``, checked and with its defaults; ``RequestInvalid`` lists every problem."""
    return complete(load(path), name=str(path))


def load(path: Path) -> dict[str, Any]:
    """The document in ``path``, as it was written; ``RequestInvalid`` where it cannot be read as one mapping."""
    try:
        document = _parsed(_text(path))
    except json.JSONDecodeError as error:
        raise _unreadable(path, "JSON", f"{error.msg}, in line {error.lineno}, column {error.colno}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _unreadable(path, "YAML", f"{_in_words(error)}{place}") from error
    except yaml.reader.ReaderError as error:
        raise _unreadable(path, "YAML", f"it holds the character {shown(chr(error.character))}") from error
    except (RecursionError, _Unacceptable) as error:
        why = str(error) if isinstance(error, _Unacceptable) else "it is nested too deeply"
        raise _unreadable(path, "a request", why) from error
    if not isinstance(document, dict):
        found = "is empty" if document is None else f"holds {shown(document)}"
        raise RequestInvalid(
            f"{path} {found}, and a request is a mapping", remedy=f"Begin it with `table: NAME`. {EXAMPLES}"
        )
    return document


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise RequestInvalid(f"{path} cannot be read", why=error.strerror or "", remedy=EXAMPLES) from error
    if len(content) > LARGEST_BYTES:
        raise RequestInvalid(
            f"{path} is larger than {LARGEST_BYTES:,} bytes, which is all that Step Functions takes as an input",
            remedy="Check that it is a request.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RequestInvalid(f"{path} is not UTF-8, in line {line}", remedy="Save it as UTF-8.") from error


def _unreadable(path: Path, kind: str, why: str) -> RequestInvalid:
    return RequestInvalid(f"{path} cannot be read as {kind}", why=why, remedy="Correct it there, and start again.")


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    if "'\\t'" in problem:
        return "a tab is where spaces must be"
    return f"{error.context}, {problem}" if problem.startswith("but ") else problem


class _Unacceptable(Exception):
    """What JSON allows and a request does not hold."""


def _parsed(text: str) -> Any:
    """JSON is not read as YAML, which refuses the tabs it may be indented with and halves its surrogate pairs."""
    if re.match(r'\s*\{\s*"', text):
        return json.loads(text, object_pairs_hook=_once_each, parse_int=_integer)
    return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader that takes even less


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name, value in pairs:
        if name in mapping:
            raise _Unacceptable(f"the member {shown(name)} is written twice")
        mapping[name] = value
    return mapping


def _integer(digits: str) -> int:
    """Python refuses to read a number of some thousand digits."""
    if len(digits) > LONGEST_NUMBER:
        raise _Unacceptable(f"a number has more than {LONGEST_NUMBER} digits")
    return int(digits)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as far as it is JSON: ``no``, ``0x10`` and ``2026-01-01`` are text, as they are in editors.

    Names of members are text however they look. Aliases are refused, since a few lines of them can stand for
    gigabytes, and so are tags, which make other things than JSON.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]  # no class variable in the stubs
    yaml_constructors: ClassVar[dict[str | None, Any]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # untyped in the stubs
        if isinstance(event, yaml.AliasEvent):
            raise _refused("an alias (`*name`) is used; write the value itself", event)
        if getattr(event, "tag", None) is not None:
            raise _refused("a tag (`!name`) is used; leave it out", event)
        return super().compose_node(parent, index)

    def mapping(self, node: Any) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("the name of a member is a list or a mapping, and text is wanted", key)
            if key.value in mapping:
                raise _refused(f"the member {shown(key.value)} is written twice", key)
            mapping[key.value] = self.construct_object(value, deep=True)
        return mapping

    def sequence(self, node: Any) -> list[Any]:
        return [self.construct_object(item, deep=True) for item in node.value]

    @classmethod
    def take(cls, kind: str, pattern: str, first: str, convert: Callable[[str], Any]) -> None:
        """Read unquoted words like ``pattern`` with ``convert``; ``first`` are the characters they begin with."""
        cls.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(rf"(?:{pattern})\Z"), [*first, ""])
        cls.add_constructor(f"tag:yaml.org,2002:{kind}", lambda _, node: convert(node.value))


def _refused(why: str, at: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, why, at.start_mark)


_Loader.take("null", "~|null|Null|NULL|", "~nN", lambda _: None)
_Loader.take("bool", "true|True|TRUE|false|False|FALSE", "tTfF", lambda word: word.lower() == "true")
_Loader.take("int", "[-+]?[0-9]+", "-+0123456789", _integer)
_Loader.take("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789", float)
_Loader.add_constructor("tag:yaml.org,2002:str", lambda _, node: node.value)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.sequence)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)
