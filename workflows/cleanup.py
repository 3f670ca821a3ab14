"""Remove everything that the deployment made: leaves first, the home Region last.

LoadDeployment -> ConfirmCleanup -> each replica: RemoveRegion
  -> the home Region's (DisableStreaming -> DescribeDestination -> DeleteStream -> DescribeStream)
  -> DeleteTable -> DescribeTable -> ForgetDeployment
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, TABLE, child, task, until_ready
from workflows.parts import streaming_off
from workflows.state_machine import StateMachine
from workflows.states import Chain, Map, Pass

TIMEOUT_SECONDS = 14 * 86_400


def cleanup() -> StateMachine:
    remove_replicas = Map(
        "EachReplica",
        child(
            "RemoveRegion",
            {"table.$": "$.table", "region.$": "$.region", "confirm.$": "$.region"},
            result_selector={"removed.$": "$.Output.removed"},
        ),
        items_path="$.cleanup.replicas",
        item_selector={"table.$": "$.table", "region.$": "$$.Map.Item.Value", "timeouts.$": "$.timeouts"},
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
            "began.$": "$$.State.EnteredTime",
        },
    )
    return StateMachine(
        "cleanup",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "confirm"]}),
                task("ConfirmCleanup", {**TABLE, **REQUEST, "confirm.$": "$.confirm"}, result_path="$.cleanup"),
                remove_replicas,
                home,
                streaming_off(),
                until_ready("DeleteTable", TABLE, result="$.deleted", deadline="table_seconds", began="$.stream.began"),
                until_ready(
                    "DescribeTable",
                    {**REGION, "wanted": "GONE"},
                    result="$.deleted",
                    deadline="table_seconds",
                    began="$.deleted.began",
                ),
                task("ForgetDeployment", {**TABLE, "replicas.$": "$.replicas"}),
            ]
        ),
        comment='Remove a table and all that was made for it. Input: {"table": "...", "confirm": "<the table>"}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
