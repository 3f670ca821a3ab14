"""Bring what a Region knows of the others up to date: its alarms on replication, and the dashboard.

    LoadDeployment -> each Region: DeployProcessors -> PublishDashboard

A new version of the code and of the rules reaches every Region by this too.
"""

from __future__ import annotations

from workflows.blocks import REQUEST, TABLE, child, task
from workflows.state_machine import StateMachine
from workflows.states import Chain, Map, Pass

TIMEOUT_SECONDS = 2 * 86_400


def refresh_regions() -> StateMachine:
    deploy = Map(
        "EachRegion",
        child(
            "DeployProcessors",
            {"table.$": "$.table", "region.$": "$.region"},
            result_selector={"region.$": "$.Output.region"},
        ),
        items_path="$.regions",
        item_selector={"table.$": "$.table", "region.$": "$$.Map.Item.Value", "timeouts.$": "$.timeouts"},
        result_path="$.deployed",
    )
    return StateMachine(
        "refresh-regions",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table"]}),
                deploy,
                task("PublishDashboard", {**TABLE, **REQUEST}, result_path=None),
                Pass("Report", parameters={"table.$": "$.table", "regions.$": "$.regions"}),
            ]
        ),
        comment='Bring processors, alarms and dashboard up to date in every Region. Input: {"table": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
