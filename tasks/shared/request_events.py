"""Rules about what one event or metric rule of a request may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared.problems import Path, Problem, a_list, a_mapping, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.shared.request_keys import Document

    Rule = tuple[Path, dict[str, Any]]

RESERVED_SOURCES = ("aws.", "meridian.")
RESERVED_NAMESPACES = ("AWS/", "Meridian/")
OWN_MEMBER = "meridian"  # of every event's detail


def entity(path: Path, written: object, document: Document) -> Iterator[Problem]:
    """Problems of the filter at ``path``, by which kind of item it picks."""
    if not isinstance(written, dict):
        return
    ways = [name for name in ("begins_with", "equals") if name in written]
    if len(ways) == 2:
        yield Problem(path, "has begins_with and equals; keep one of the two.")
    if not ways:
        yield Problem(path, 'says of no text; add one of the two, as in `begins_with: "ORDER#"` or `equals: "order"`.')
    name = written.get("attribute")
    kind = a_mapping(document.get("attribute_definitions")).get(name) if isinstance(name, str) else None
    if kind in ("N", "B"):
        yield Problem(
            (*path, "attribute"),
            f"{shown(name)} has type {kind}, and only text can be compared; name an attribute of type S.",
        )


def _entities(document: Document) -> Iterator[Problem]:
    for path, rule in (*_rules(document, "changes"), *_rules(document, "analytics")):
        yield from entity((*path, "entity"), rule.get("entity"), document)


def _changed(document: Document) -> Iterator[Problem]:
    keys = a_mapping(document.get("key_schema"))
    for path, rule in (*_rules(document, "changes"), *_rules(document, "analytics")):
        changed = rule.get("changed")
        directed, becomes = rule.get("direction") in ("INCREASE", "DECREASE"), bool(a_list(rule.get("becomes")))
        if isinstance(changed, str) and changed in keys:
            yield Problem(
                (*path, "changed"), f"{shown(changed)} is a key, which never changes; name another attribute."
            )
        if changed is None:
            for name in [*["becomes"] * becomes, *["direction"] * directed]:
                yield Problem((*path, name), "goes only with changed, which names the attribute; add it.")
        elif directed and becomes:
            yield Problem((*path, "direction"), "is for numbers, and becomes is for text; keep one of the two.")


def _sources(document: Document) -> Iterator[Problem]:
    for path, rule in _rules(document, "changes"):
        source = rule.get("source")
        prefix = _reserved(source, RESERVED_SOURCES)
        if prefix:
            yield Problem((*path, "source"), f"the prefix `{prefix}` is reserved; choose another source.")


def _details(document: Document) -> Iterator[Problem]:
    for path, rule in _rules(document, "changes"):
        for name, field in a_mapping(rule.get("detail")).items():
            place = (*path, "detail", name)
            if name == OWN_MEMBER:
                yield Problem(place, "is reserved for what every event carries; choose another name.")
            if isinstance(field, dict):
                yield from _field(place, field)


def _field(path: Path, field: dict[str, Any]) -> Iterator[Problem]:
    value, attribute = field.get("value", "ITEM"), field.get("attribute")
    if value in ("ITEM", "NEW", "OLD") and attribute is None:
        yield Problem(
            (*path, "attribute"), f"is missing, and {value} needs it; name the attribute, or use `value: TIME`."
        )
    if value == "TIME":
        for name in ("attribute", "after"):
            if field.get(name):
                yield Problem((*path, name), "does not go with TIME, the record's own time; remove one of the two.")


def _metrics(document: Document) -> Iterator[Problem]:
    for path, rule in _rules(document, "analytics"):
        value, attribute = rule.get("value", "COUNT"), rule.get("attribute")
        if value == "COUNT" and isinstance(attribute, str):
            yield Problem((*path, "attribute"), "does not go with COUNT; remove it, or use `value: ATTRIBUTE`.")
        if value in ("ATTRIBUTE", "DIFFERENCE") and attribute is None:
            yield Problem((*path, "attribute"), f"is missing, and {value} needs it; name the attribute of the number.")
        others = [kind for kind in ("INSERT", "REMOVE", "EXPIRE") if kind in a_list(rule.get("when"))]
        if value == "DIFFERENCE" and others:
            yield Problem(
                (*path, "when"), f"{others[0]} has one image, and DIFFERENCE compares two; use `when: [MODIFY]` alone."
            )


def _namespace(document: Document) -> Iterator[Problem]:
    namespace = a_mapping(a_mapping(document.get("processors")).get("analytics")).get("namespace")
    prefix = _reserved(namespace, RESERVED_NAMESPACES)
    if prefix:
        yield Problem(
            ("processors", "analytics", "namespace"), f"the prefix `{prefix}` is reserved; choose another namespace."
        )


def _reserved(name: object, prefixes: tuple[str, ...]) -> str:
    """The one of ``prefixes`` with which ``name`` begins, in whatever case."""
    if not isinstance(name, str):
        return ""
    return next((prefix for prefix in prefixes if name.lower().startswith(prefix.lower())), "")


def _rules(document: Document, processor: str) -> Iterator[Rule]:
    rules = a_mapping(a_mapping(document.get("processors")).get(processor)).get("rules")
    for position, rule in enumerate(a_list(rules)):
        yield ("processors", processor, "rules", position), a_mapping(rule)


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _entities,
    _changed,
    _sources,
    _details,
    _metrics,
    _namespace,
)
