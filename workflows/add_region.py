"""Add one Region to a table, the home Region's streaming included.

    LoadDeployment -> CheckAddition -> RecordRegion (planned) -> (started by itself?) DeployProcessors (home)
      | AddReplica -> DescribeTable -> ProtectTable
      | (streaming wanted?) CreateStream -> DescribeStream -> ConfigureStream
      -> (streaming wanted?) EnableStreaming -> DescribeDestination
      -> DeployProcessors -> RecordRegion -> (started by itself?) RefreshRegions

Regions are added side by side; only the replica step queues, because a table takes one replica change at a time. What
knows of the other Regions (alarms, dashboard) is brought up to date at the end; provision does that once for all. The
home Region learns of the new one first: it stands in for writes from Regions that it does not know, and would count
the new Region's writes once more.
"""

from __future__ import annotations

from workflows.blocks import REGION, REQUEST, child, task, until_ready
from workflows.parts import refreshed
from workflows.state_machine import StateMachine
from workflows.states import Chain, Choice, ChoiceRule, Parallel, Pass, Succeed

TIMEOUT_SECONDS = 7 * 86_400


def add_region() -> StateMachine:
    made = Parallel(
        "ReplicaAndStream",
        [_replica(), _stream()],
        result_selector={"began.$": "$[0].protected.began"},  # hours may have passed: the next deadline counts from now
        result_path="$.made",
    )
    deployed = child("DeployProcessors", {"table.$": "$.table", "region.$": "$.region"}, result_path=None)
    streaming = Choice("StreamingWanted?")
    streaming.add_choice(ChoiceRule.IsNull("$.request.kinesis", value=False), Chain([_streaming(), deployed]))
    streaming.default_choice(deployed)
    Chain(
        [
            deployed,
            task("RecordRegion", {**REGION, "stage": "ACTIVE"}, result_path="$.recorded"),
            refreshed(
                Pass(
                    "Report",
                    parameters={"table.$": "$.table", "region.$": "$.region", "stage.$": "$.recorded.stage"},
                )
            ),
        ]
    )
    return StateMachine(
        "add-region",
        Chain(
            [
                task("LoadDeployment", {"input.$": "$", "expects": ["table", "region"]}),
                task("CheckAddition", {**REGION, **REQUEST}, result_path="$.checked"),
                task("RecordRegion (planned)", {**REGION, "stage": "PLANNED"}, result_path=None),
                _home_knows(made),
                made,
                streaming,
            ]
        ),
        comment='Add one Region to a table. Input: {"table": "...", "region": "..."}.',
        timeout_seconds=TIMEOUT_SECONDS,
    )


def _home_knows(then: Parallel) -> Choice:
    told = child("DeployProcessors (home)", {"table.$": "$.table", "region.$": "$.home"}, result_path=None)
    told.next(then)
    alone = Choice("HomeKnows?")
    alone.add_choice(ChoiceRule.BooleanEquals("$.alone", value=True), told)
    return alone


def _replica() -> Chain:
    return Chain(
        [
            until_ready("AddReplica", REGION, result="$.replica", deadline="queue_seconds"),
            until_ready(
                "DescribeTable (replica)",
                {**REGION, "wanted": "ACTIVE"},
                result="$.replica",
                deadline="replica_seconds",
                began="$.replica.began",
            ),
            until_ready(
                "ProtectTable (replica)",
                {**REGION, **REQUEST},
                result="$.protected",
                deadline="queue_seconds",
                began="$.replica.began",
            ),
            Succeed("ReplicaReady"),
        ]
    )


def _stream() -> Chain:
    wanted = Choice("StreamWanted?")
    wanted.add_choice(
        ChoiceRule.IsNull("$.request.kinesis", value=False),
        Chain(
            [
                until_ready("CreateStream", {**REGION, **REQUEST}, result="$.stream", deadline="stream_seconds"),
                until_ready(
                    "DescribeStream",
                    {**REGION, "wanted": "ACTIVE"},
                    result="$.stream",
                    deadline="stream_seconds",
                    began="$.stream.began",
                ),
                until_ready(
                    "ConfigureStream",
                    {**REGION, **REQUEST},
                    result="$.stream",
                    deadline="stream_seconds",
                    began="$.stream.began",
                ),
                Succeed("StreamReady"),
            ]
        ),
    )
    wanted.default_choice(Succeed("NoStream"))
    return Chain([wanted])


def _streaming() -> Chain:
    return Chain(
        [
            until_ready(
                "EnableStreaming",
                {**REGION, **REQUEST},
                result="$.destination",
                deadline="queue_seconds",  # the home table may be changing for other Regions until then
                began="$.made.began",
            ),
            until_ready(
                "DescribeDestination",
                {**REGION, "wanted": "ACTIVE"},
                result="$.destination",
                deadline="destination_seconds",
                began="$.destination.began",
            ),
        ]
    )
