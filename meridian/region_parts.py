"""What the parts of the region stack's template are put together from."""

from __future__ import annotations

from typing import Any

Resource = dict[str, Any]

TAGS = [{"Key": "meridian:table", "Value": {"Ref": "Table"}}]
NOTHING = {"Ref": "AWS::NoValue"}


def resource(kind: str, condition: str = "", **properties: Any) -> Resource:
    """A resource, made where ``condition`` holds; always if that is empty."""
    return {"Type": kind, **({"Condition": condition} if condition else {}), "Properties": properties}


def event_bus() -> Any:
    """The bus's name, through the bus itself where this stack makes it, so that it is there first and goes last."""
    return {"Fn::If": ["MakesEventBus", {"Ref": "EventBus"}, {"Ref": "EventBusName"}]}
