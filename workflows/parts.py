"""Parts that two workflows share: taking processors and Kinesis streaming away, and telling the other Regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workflows.blocks import REGION, child, task, until_ready
from workflows.states import Chain, Choice, ChoiceRule

if TYPE_CHECKING:
    from workflows.states import Pass


def processors_off() -> Chain:
    """The Region's stack, then its code, then the failure bucket if it is empty or may go."""
    return Chain(
        [
            until_ready("DeleteProcessors", REGION, result="$.processors", deadline="stack_seconds"),
            until_ready(
                "DescribeStack",
                {**REGION, "wanted": "GONE"},
                result="$.processors",
                deadline="stack_seconds",
                began="$.processors.began",
            ),
            task("UnstageCode", REGION, result_path=None),
            task("DeleteFailureBucket", {**REGION, "failures.$": "$.failures"}, result_path="$.failure_bucket"),
        ]
    )


def refreshed(end: Pass) -> Chain:
    """Bring alarms and dashboard of the other Regions up to date, unless the parent does, and end."""
    alone = Choice("StartedByItself?")
    alone.add_choice(
        ChoiceRule.BooleanEquals("$.alone", value=True),
        Chain([child("RefreshRegions", {"table.$": "$.table"}, result_path=None), end]),
    )
    alone.default_choice(end)
    return Chain([alone])


def streaming_off(given: dict[str, str] = REGION) -> Chain:
    """DisableStreaming -> (disabled?) -> DeleteStream -> (gone?): the other way round loses records silently."""
    return Chain(
        [
            until_ready(
                "DisableStreaming",
                given,
                result="$.destination",
                deadline="destination_seconds",
                began="$.processors.began",
            ),
            until_ready(
                "DescribeDestination",
                {**given, "wanted": "DISABLED"},
                result="$.destination",
                deadline="destination_seconds",
                began="$.destination.began",
            ),
            until_ready(
                "DeleteStream", given, result="$.stream", deadline="stream_seconds", began="$.destination.began"
            ),
            until_ready(
                "DescribeStream",
                {**given, "wanted": "GONE"},
                result="$.stream",
                deadline="stream_seconds",
                began="$.stream.began",
            ),
        ]
    )
