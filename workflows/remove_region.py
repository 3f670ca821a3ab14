"""Take one Region away from a table: its streaming, its stream, its replica.

LoadDeployment -> CheckRemoval
  -> (DisableStreaming -> DescribeDestination -> DeleteStream -> DescribeStream)
  -> RemoveReplica -> DescribeTable -> ForgetRegion
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, task, until_ready
from workflows.parts import streaming_off
from workflows.state_machine import StateMachine
from workflows.states import Chain

TIMEOUT_SECONDS = 7 * 86_400


def remove_region() -> StateMachine:
    return StateMachine(
        "remove-region",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "region", "confirm"]}),
                task("CheckRemoval", {**REGION, **REQUEST, "confirm.$": "$.confirm"}, result_path="$.checked"),
                streaming_off(),
                until_ready(
                    "RemoveReplica", REGION, result="$.replica", deadline="queue_seconds", began="$.stream.began"
                ),
                until_ready(
                    "DescribeTable",
                    {**REGION, "wanted": "GONE"},
                    result="$.replica",
                    deadline="replica_seconds",
                    began="$.replica.began",
                ),
                task("ForgetRegion", REGION),
            ]
        ),
        comment='Remove one Region from a table. Input: {"table": "...", "region": "...", "confirm": "<the region>"}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
