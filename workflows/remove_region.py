"""Take one Region away from a table: its processors, its streaming, its stream, its replica.

LoadDeployment -> CheckRemoval
  -> (DeleteProcessors -> DescribeStack -> UnstageCode -> DeleteFailureBucket)
  -> (DisableStreaming -> DescribeDestination -> DeleteStream -> DescribeStream)
  -> RemoveReplica -> DescribeTable -> ForgetRegion -> (started by itself?) RefreshRegions
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, task, until_ready
from workflows.parts import processors_off, refreshed, streaming_off
from workflows.state_machine import StateMachine
from workflows.states import Chain, Pass

TIMEOUT_SECONDS = 7 * 86_400


def remove_region() -> StateMachine:
    return StateMachine(
        "remove-region",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "region", "confirm", "failures"]}),
                task("CheckRemoval", {**REGION, **REQUEST, "confirm.$": "$.confirm"}, result_path="$.checked"),
                processors_off(),
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
                task("ForgetRegion", REGION, result_path="$.forgotten"),
                refreshed(
                    Pass(
                        "Report",
                        parameters={
                            "table.$": "$.table",
                            "removed.$": "$.forgotten.removed",
                            "failure_bucket.$": "$.failure_bucket",
                        },
                    )
                ),
            ]
        ),
        comment='Remove one Region from a table. Input: {"table": "...", "region": "...", "confirm": "<the region>"}; '
        'with "failures": "delete" the records that the processors gave up on go too.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
