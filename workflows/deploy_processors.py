"""Bring a Region's processors, their stack and their code, to what the request says.

    LoadDeployment -> StageCode -> CreateFailureBucket -> DeployProcessors -> DescribeStack

The stack is there in every Region, also where no processor is asked for: it may hold alarms, and what an earlier
request asked for goes with its next update.
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, task, until_ready
from workflows.state_machine import StateMachine
from workflows.states import Chain, Pass

TIMEOUT_SECONDS = 86_400


def deploy_processors() -> StateMachine:
    staged = {f"{name}.$": f"$.staged.{name}" for name in ("code_key", "config_key", "template_url")}
    return StateMachine(
        "deploy-processors",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "region"]}),
                task("StageCode", {**REGION, **REQUEST}, result_path="$.staged"),
                task("CreateFailureBucket", {**REGION, **REQUEST}, result_path="$.failures"),
                until_ready(
                    "DeployProcessors", {**REGION, **REQUEST, **staged}, result="$.deployed", deadline="stack_seconds"
                ),
                until_ready(
                    "DescribeStack",
                    {**REGION, "wanted.$": "$.deployed.revision"},
                    result="$.stack",
                    deadline="stack_seconds",
                    began="$.deployed.began",
                ),
                Pass(
                    "Report",
                    parameters={
                        "table.$": "$.table",
                        "region.$": "$.region",
                        "status.$": "$.stack.detail",
                        "revision.$": "$.deployed.revision",
                    },
                ),
            ]
        ),
        comment='Bring the processors of one Region to what was accepted. Input: {"table": "...", "region": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
