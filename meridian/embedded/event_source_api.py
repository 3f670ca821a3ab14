"""Lambda's calls and CloudFormation's type for event source mappings of streams; MiniStack keeps those of queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.event_source_mappings import DEFAULTS, SERVICE, Mapping, Mappings, shown
from meridian.embedded.event_source_records import is_stream
from meridian.embedded.internals import find, replace, require
from meridian.embedded.services import RefusedByAws
from meridian.embedded.states_cloudformation import said_as_cloudformation

if TYPE_CHECKING:
    from collections.abc import Callable

RESPONSES = "ministack.core.responses:"
PROVISIONERS = "ministack.services.cloudformation.provisioners:"
HANDLER = f"{PROVISIONERS}_RESOURCE_HANDLERS.AWS::Lambda::EventSourceMapping"
# What a mapping has again when a template no longer says otherwise.
UNSET: dict[str, Any] = DEFAULTS | {"Enabled": True, "FilterCriteria": {}, "MetricsConfig": {}}
REPLACING = ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp")
Properties = dict[str, Any]
Made = tuple[str, dict[str, str]]


def install(mappings: Mappings) -> None:
    require(RESPONSES, "error_response_json", "json_response")
    require(PROVISIONERS, "_delete_predecessor", "_lambda_esm_attrs")
    _install_calls(mappings)
    _install_type(mappings)


def _install_calls(mappings: Mappings) -> None:
    create, get, every, update, delete, show = (
        find(f"{SERVICE}{name}")
        for name in ("_create_esm", "_get_esm", "_list_esms", "_update_esm", "_delete_esm", "_esm_response")
    )

    def create_mapping(data: dict[str, Any]) -> Any:
        if not is_stream(data.get("EventSourceArn", "")):
            return create(data)
        return _answer(lambda: mappings.create(data))

    def update_mapping(identifier: str, data: dict[str, Any]) -> Any:
        mapping = mappings.find(identifier)
        return update(identifier, data) if mapping is None else _answer(lambda: mappings.update(mapping, data))

    def delete_mapping(identifier: str) -> Any:
        mapping = mappings.find(identifier)
        return delete(identifier) if mapping is None else _answer(lambda: mappings.delete(mapping))

    def look(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def settled(given: Any) -> Any:
            mappings.settle()
            return original(given)

        return settled

    def response(mapping: Mapping) -> dict[str, Any]:
        described: dict[str, Any] = show(mapping)
        return described if not is_stream(mapping["EventSourceArn"]) else _described(mapping)

    replacements = {
        "_create_esm": create_mapping,
        "_delete_esm": delete_mapping,
        "_esm_response": response,
        "_get_esm": look(get),
        "_list_esms": look(every),
        "_update_esm": update_mapping,
    }
    for name, new in replacements.items():
        replace(f"{SERVICE}{name}", new)


def _described(mapping: Mapping) -> dict[str, Any]:
    return shown(mapping) | {"EventSourceMappingArn": find(f"{SERVICE}_esm_arn")(mapping["UUID"])}


def _answer(change: Callable[[], Mapping]) -> Any:
    try:
        return find(f"{RESPONSES}json_response")(_described(change()), 202)
    except RefusedByAws as error:
        return find(f"{RESPONSES}error_response_json")(error.code, error.message, error.status)


def _install_type(mappings: Mappings) -> None:
    """CloudFormation's type. A stack goes on once a change of a mapping is over, so here it is over at once."""
    original = dict(find(HANDLER))

    def create(logical: str, properties: Properties, stack: str) -> Made:
        if not is_stream(properties.get("EventSourceArn", "")):
            made: Made = original["create"](logical, properties, stack)
            return made
        mapping = mappings.create(_as_call(properties))
        mappings.finish(mapping)
        return _made(mapping["UUID"])

    def update(identifier: str, old: Properties, new: Properties, stack: str) -> Made:
        mapping = mappings.find(identifier)
        if not is_stream(new.get("EventSourceArn", "")):
            changed: Made = original["update"](identifier, old, new, stack)
            return changed
        if mapping is None or any(old.get(name) != new.get(name) for name in REPLACING):
            made = create(identifier, new, stack)
            find(f"{PROVISIONERS}_delete_predecessor")(delete, identifier, old)
            return made
        mappings.finish(mapping)
        mappings.update(mapping, UNSET | _as_call(new))
        mappings.finish(mapping)
        return _made(identifier)

    def delete(identifier: str, properties: Properties) -> None:
        mapping = mappings.find(identifier)
        if mapping is None:
            original["delete"](identifier, properties)
            return
        mappings.finish(mapping)
        mappings.delete(mapping)
        mappings.finish(mapping)

    find(HANDLER).update(create=said_as_cloudformation(create), update=said_as_cloudformation(update), delete=delete)


def _made(identifier: str) -> Made:
    attributes: dict[str, str] = find(f"{PROVISIONERS}_lambda_esm_attrs")(identifier)
    return identifier, attributes


def _as_call(properties: Properties) -> dict[str, Any]:
    """A template's properties as the call takes them; parameters come as text."""
    data = {name: _typed(value, DEFAULTS.get(name)) for name, value in properties.items()}
    if "Enabled" in data:
        data["Enabled"] = _typed(data["Enabled"], default=True)
    if "Tags" in data:
        data["Tags"] = {tag["Key"]: tag["Value"] for tag in data["Tags"]}
    return data


def _typed(value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        return str(value).lower() == "true"
    return int(value) if isinstance(default, int) else value
