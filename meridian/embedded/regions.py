"""EC2's DescribeRegions as a new account sees it: the opt-in Regions are off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find, replace
from meridian.embedded.settings import OPT_IN_REGIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE = "ministack.services.ec2:_AWS_REGIONS"
ACTION = "ministack.services.ec2:_ACTION_MAP.DescribeRegions"


def install(disabled: Sequence[str]) -> None:
    describe = find(ACTION)
    names = every()

    def describe_regions(parameters: dict[str, Any]) -> Any:
        # A Region asked for by name is described whether it is enabled or not.
        everything = "AllRegions" in parameters and str(parameters["AllRegions"][0]).lower() == "true"
        named = any(key.startswith("RegionName") for key in parameters)
        shown = [name for name in names if everything or named or name not in disabled]
        replace(TABLE, [(name, _status(name, disabled)) for name in shown])
        return describe(parameters)

    replace(ACTION, describe_regions)


def every() -> list[str]:
    """Every commercial Region that MiniStack knows, for who asks before the first DescribeRegions."""
    return [name for name, _ in find(TABLE)]


def _status(name: str, disabled: Sequence[str]) -> str:
    if name in disabled:
        return "not-opted-in"
    return "opted-in" if name in OPT_IN_REGIONS else "opt-in-not-required"
