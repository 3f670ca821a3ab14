"""Parts that two workflows share: switching Kinesis streaming off."""

from __future__ import annotations

from workflows.blocks import REGION, until_ready
from workflows.states import Chain


def streaming_off(given: dict[str, str] = REGION) -> Chain:
    """DisableStreaming -> (disabled?) -> DeleteStream -> (gone?): the other way round loses records silently."""
    return Chain(
        [
            until_ready("DisableStreaming", given, result="$.destination", deadline="destination_seconds"),
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
