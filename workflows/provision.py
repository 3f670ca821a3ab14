"""Stand the whole deployment up, or bring it to what the request says.

    ValidateRequest -> CompareDeployment -> RecordDeployment -> CreateTable -> DescribeTable -> ProtectTable
      -> CreateDestinationTable -> each Region, the home Region too: AddRegion -> PublishDashboard -> CreateSchedule
      -> Validate -> Report

Everything before RecordDeployment only reads. The record comes before the first thing made, so that cleanup finds
whatever a failed provision left.
"""

from __future__ import annotations

from workflows.blocks import REQUEST, TABLE, child, task, until_ready
from workflows.state_machine import StateMachine
from workflows.states import Chain, Map, Pass

# The last fence only: the deadlines of the request end sooner, each with its own error.
TIMEOUT_SECONDS = 14 * 86_400

HOME = {**TABLE, "region.$": "$.home"}


def provision() -> StateMachine:
    add_regions = Map(
        "EachRegion",
        child(
            "AddRegion",
            {"table.$": "$.table", "region.$": "$.region"},
            result_selector={"region.$": "$.Output.region", "stage.$": "$.Output.stage"},
        ),
        items_path="$.regions",
        item_selector={"table.$": "$.table", "region.$": "$$.Map.Item.Value", "timeouts.$": "$.timeouts"},
        result_path="$.added",
    )
    report = Pass(
        "Report",
        parameters={**TABLE, "regions.$": "$.added", "validation.$": "$.validation.Output"},
    )
    return StateMachine(
        "provision",
        Chain(
            [
                task("ValidateRequest", {"document.$": "$"}),
                task("CompareDeployment", {**TABLE, **REQUEST}, result_path="$.compared"),
                task("RecordDeployment", {**TABLE, **REQUEST}, result_path="$.record"),
                until_ready("CreateTable", {**HOME, **REQUEST}, result="$.created", deadline="table_seconds"),
                until_ready(
                    "DescribeTable",
                    {**HOME, "wanted": "ACTIVE"},
                    result="$.created",
                    deadline="table_seconds",
                    began="$.created.began",
                ),
                until_ready(
                    "ProtectTable",
                    {**HOME, **REQUEST},
                    result="$.protected",
                    deadline="queue_seconds",
                    began="$.created.began",
                ),
                until_ready(
                    "CreateDestinationTable",
                    {**TABLE, **REQUEST},
                    result="$.destination",
                    deadline="table_seconds",
                    began="$.protected.began",
                ),
                add_regions,
                task("PublishDashboard", {**TABLE, **REQUEST}, result_path=None),
                # Hours may have passed with the replicas: the schedule's deadline counts from here.
                Pass("Schedule", parameters={"began.$": "$$.State.EnteredTime"}, result_path="$.schedule"),
                until_ready(
                    "CreateSchedule",
                    {**TABLE, **REQUEST},
                    result="$.schedule",
                    deadline="table_seconds",
                    began="$.schedule.began",
                ),
                child("Validate", {"table.$": "$.table"}, result_path="$.validation"),
                report,
            ]
        ),
        comment="Stand up a DynamoDB global table with streaming in every Region, and prove it. Input: the request.",
        timeout_seconds=TIMEOUT_SECONDS,
    )
