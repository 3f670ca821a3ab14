"""Remove everything that the deployment made: leaves first, the home Region last.

LoadDeployment -> ConfirmCleanup -> DeleteSchedule -> each replica: RemoveRegion
  -> the home Region's (DeleteProcessors -> DescribeStack -> UnstageCode -> DeleteFailureBucket)
  -> (DisableStreaming -> DescribeDestination -> DeleteStream -> DescribeStream)
  -> DeleteDestinationTable -> DeleteTable -> DescribeTable -> DeleteDashboard -> ForgetDeployment
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, TABLE, child, task, until_ready
from workflows.parts import processors_off, streaming_off
from workflows.state_machine import StateMachine
from workflows.states import Chain, Map, Pass

TIMEOUT_SECONDS = 14 * 86_400


def cleanup() -> StateMachine:
    remove_replicas = Map(
        "EachReplica",
        child(
            "RemoveRegion",
            {"table.$": "$.table", "region.$": "$.region", "confirm.$": "$.region", "failures.$": "$.failures"},
            result_selector={"removed.$": "$.Output.removed", "failure_bucket.$": "$.Output.failure_bucket"},
        ),
        items_path="$.cleanup.replicas",
        item_selector={
            "table.$": "$.table",
            "region.$": "$$.Map.Item.Value",
            "failures.$": "$.failures",
            "timeouts.$": "$.timeouts",
        },
        result_path="$.removed",
    )
    # Hours may have passed with the replicas: the home Region's deadlines count from here.
    home = Pass(
        "HomeRegion",
        parameters={
            **TABLE,
            "region.$": "$.home",
            **REQUEST,
            "replicas.$": "$.cleanup.replicas",
            "removed.$": "$.removed",
            "failures.$": "$.failures",
            "began.$": "$$.State.EnteredTime",
        },
    )
    return StateMachine(
        "cleanup",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "confirm", "failures"]}),
                task("ConfirmCleanup", {**TABLE, **REQUEST, "confirm.$": "$.confirm"}, result_path="$.cleanup"),
                until_ready("DeleteSchedule", TABLE, result="$.schedule", deadline="table_seconds"),
                remove_replicas,
                home,
                processors_off(),
                streaming_off(),
                until_ready(
                    "DeleteDestinationTable",
                    {**TABLE, **REQUEST},
                    result="$.destination_table",
                    deadline="table_seconds",
                    began="$.stream.began",
                ),
                until_ready(
                    "DeleteTable",
                    TABLE,
                    result="$.deleted",
                    deadline="table_seconds",
                    began="$.destination_table.began",
                ),
                until_ready(
                    "DescribeTable",
                    {**REGION, "wanted": "GONE"},
                    result="$.deleted",
                    deadline="table_seconds",
                    began="$.deleted.began",
                ),
                task("DeleteDashboard", TABLE, result_path=None),
                task("ForgetDeployment", {**TABLE, "replicas.$": "$.replicas"}, result_path="$.forgotten"),
                Pass(
                    "Report",
                    parameters={
                        "table.$": "$.table",
                        "removed.$": "$.forgotten.removed",
                        "failure_buckets": {"home.$": "$.failure_bucket", "replicas.$": "$.removed"},
                        "destination_table.$": "$.destination_table.detail",
                    },
                ),
            ]
        ),
        comment='Remove a table and all that was made for it. Input: {"table": "...", "confirm": "<the table>"}; '
        'with "failures": "delete" the records that the processors gave up on go too.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
