"""Rules about keys and indexes that the request's schema cannot say, because they join several members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.shared.problems import Path, Problem, a_list, a_mapping, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_NON_KEY_ATTRIBUTES = 100  # DynamoDB: NonKeyAttributes summed over all indexes of a table
LONGEST_KEY_NAME_BYTES = 255  # DynamoDB: name of a key attribute, in UTF-8
INDEX_MEMBERS = ("global_secondary_indexes", "local_secondary_indexes")

Document = dict[str, Any]


def _key_types(document: Document) -> Iterator[Problem]:
    for path, schema in _key_schemas(document):
        if not _sound(schema):
            continue
        hashes, ranges = _named(schema, "HASH"), _named(schema, "RANGE")
        if not hashes:
            yield Problem(path, "has no HASH attribute; mark one attribute, the partition key, HASH.")
        if len(hashes) > 1:
            yield Problem(path, f"has {len(hashes)} HASH attributes; keep one, the partition key.")
        if len(ranges) > 1:
            yield Problem(path, f"has {len(ranges)} RANGE attributes; keep one, the sort key.")


def _undefined(document: Document) -> Iterator[Problem]:
    """DynamoDB wants the type of every key attribute."""
    definitions = document.get("attribute_definitions")
    if not isinstance(definitions, dict):
        return
    for path, schema in _key_schemas(document):
        for name in a_mapping(schema):
            if name not in definitions:
                yield Problem(
                    (*path, name),
                    f"no attribute definition gives its type; add `{shown(name)[1:-1]}: S` (or N, B) to "
                    "attribute_definitions.",
                )


def _unused(document: Document) -> Iterator[Problem]:
    """DynamoDB refuses the definition of an attribute that is in no key."""
    schemas = [schema for _, schema in _key_schemas(document)]
    given = [document[member] for member in INDEX_MEMBERS if member in document]
    if not all(isinstance(schema, dict) for schema in schemas) or not all(isinstance(one, list) for one in given):
        return
    used = {name for schema in schemas for name in schema}
    for name in a_mapping(document.get("attribute_definitions")):
        if name not in used:
            yield Problem(
                ("attribute_definitions", name),
                "no key of the table or of an index uses it; remove it (DynamoDB defines key attributes only).",
            )


def _name_bytes(document: Document) -> Iterator[Problem]:
    places = [(("attribute_definitions",), document.get("attribute_definitions")), *_key_schemas(document)]
    for path, names in places:
        for name in a_mapping(names):
            size = len(name.encode())
            if size > LONGEST_KEY_NAME_BYTES >= len(name):
                yield Problem(
                    (*path, name), f"the name has {size} bytes in UTF-8; use at most {LONGEST_KEY_NAME_BYTES}."
                )


def _local_indexes(document: Document) -> Iterator[Problem]:
    table = document.get("key_schema")
    indexes = list(_indexes(document, "local_secondary_indexes"))
    if not indexes or not _sound(table):
        return
    partition, sort = _named(table, "HASH"), _named(table, "RANGE")
    if not sort:
        yield Problem(
            ("local_secondary_indexes",),
            "the table has no sort key, and local secondary indexes need one; mark an attribute RANGE in key_schema, "
            "or use global_secondary_indexes.",
        )
    for path, index in indexes:
        schema, place = index.get("key_schema"), (*path, "key_schema")
        if not _sound(schema):
            continue
        if len(partition) == 1 and _named(schema, "HASH") not in ([], partition):
            yield Problem(place, f"its HASH attribute is not the table's; use `{shown(partition[0])[1:-1]}: HASH`.")
        if not _named(schema, "RANGE"):
            yield Problem(place, "has no RANGE attribute; mark one attribute, the index's sort key, RANGE.")
        elif _named(schema, "RANGE") == sort:
            yield Problem(place, "its RANGE attribute is the table's; use another attribute, or leave the index out.")


def _index_names(document: Document) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for path, index in _indexes(document):
        name = index.get("index_name")
        if isinstance(name, str) and first.setdefault(name, path) != path:
            yield Problem(
                (*path, "index_name"), f"another index is named {shown(name)} too; give each index a name of its own."
            )


def _projections(document: Document) -> Iterator[Problem]:
    table_keys = a_mapping(document.get("key_schema"))
    for path, index in _indexes(document):
        projection = a_mapping(index.get("projection"))
        kind = projection.get("projection_type", "ALL")
        place = (*path, "projection", "non_key_attributes")
        keys = {*table_keys, *a_mapping(index.get("key_schema"))}
        if kind == "INCLUDE" and "non_key_attributes" not in projection:
            yield Problem(place, "is missing, and INCLUDE needs it; list the attributes, or use ALL or KEYS_ONLY.")
        if kind in ("ALL", "KEYS_ONLY") and "non_key_attributes" in projection:
            yield Problem(place, f"goes only with INCLUDE, and projection_type is {kind}; remove one of the two.")
        for position, name in enumerate(a_list(projection.get("non_key_attributes"))):
            if isinstance(name, str) and name in keys:
                yield Problem((*place, position), f"{shown(name)} is a key, which every index holds; remove it.")


def _projected_in_all(document: Document) -> Iterator[Problem]:
    given = [a_mapping(index.get("projection")).get("non_key_attributes") for _, index in _indexes(document)]
    total = sum(len(a_list(names)) for names in given)
    if total > MOST_NON_KEY_ATTRIBUTES:
        yield Problem(
            ("global_secondary_indexes",),
            f"the indexes project {total} non_key_attributes in all, and DynamoDB allows {MOST_NON_KEY_ATTRIBUTES} a "
            "table; project fewer, or use ALL.",
        )


def _indexes(document: Document, *members: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for member in members or INDEX_MEMBERS:
        for position, index in enumerate(a_list(document.get(member))):
            yield (member, position), a_mapping(index)


def _key_schemas(document: Document) -> Iterator[tuple[Path, Any]]:
    yield ("key_schema",), document.get("key_schema")
    for path, index in _indexes(document):
        yield (*path, "key_schema"), index.get("key_schema")


def _sound(schema: object) -> bool:
    return isinstance(schema, dict) and all(kind in ("HASH", "RANGE") for kind in schema.values())


def _named(schema: object, wanted: str) -> list[str]:
    return [name for name, kind in a_mapping(schema).items() if kind == wanted]


RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _undefined,
    _unused,
    _name_bytes,
    _key_types,
    _index_names,
    _projections,
    _projected_in_all,
    _local_indexes,
)
