"""Give what the processors failed on to them again, in every Region side by side.

LoadDeployment -> each Region: RedeliverFailures <-> (anything left to try?) -> SummarizeRedelivery
"""

from __future__ import annotations

from tasks.shared.redelivery import START
from workflows.blocks import REGION, TABLE, look, task
from workflows.state_machine import StateMachine
from workflows.states import Chain, Map, Pass

TIMEOUT_SECONDS = 7 * 86_400


def redeliver() -> StateMachine:
    given = {**REGION, "poll_seconds.$": "$.poll_seconds", "progress.$": "$.progress"}
    each = Chain(
        [
            look(task("RedeliverFailures", given, result_path="$.progress"), "$.progress"),
            Pass("RegionDone", parameters={"region.$": "$.region", "progress.$": "$.progress"}),
        ]
    )
    return StateMachine(
        "redeliver",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table"]}),
                Map(
                    "EachRegion",
                    each,
                    items_path="$.regions",
                    item_selector={
                        **TABLE,
                        "region.$": "$$.Map.Item.Value",
                        "poll_seconds.$": "$.request.polling.poll_seconds",
                        "progress": START,
                    },
                    result_path="$.outcomes",
                ),
                task(
                    "SummarizeRedelivery",
                    {"table.$": "$.table", "pending.$": "$.pending", "outcomes.$": "$.outcomes"},
                ),
            ]
        ),
        comment='Deliver again what the processors failed on. Input: {"table": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )
