"""ConfigureStream: one difference at a time, until there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tasks.configure_stream import ALL_METRICS, configure_stream
from tests.unit.tasks.scenarios import (
    AWAY,
    REQUEST,
    STREAM,
    Scenario,
    busy,
    kinesis,
    looped,
    no_stream,
    play,
    ready,
    refuse,
    stream,
    stream_arn,
    stream_tags,
)

if TYPE_CHECKING:
    from tests.unit.tasks.fakes import StubbedClients

EVERY = sorted(ALL_METRICS)


def wanting(**change: Any) -> Any:
    return looped(request={**REQUEST, "kinesis": {**REQUEST["kinesis"], **change}})


def measured(*metrics: str) -> dict[str, Any]:
    return {"EnhancedMonitoring": [{"ShardLevelMetrics": list(metrics)}]}


TAGGED = stream_tags(**{"meridian:table": "orders", "team": "MARKED"})
SHARD_QUOTA = "This request would exceed the shard limit for the account 123456789012 in eu-west-1"

SCENARIOS = [
    Scenario("A stream that is as the request says is left as it is", looped(), [stream(), TAGGED], ready("ACTIVE")),
    Scenario(
        "A tag that the request changed is changed on the stream, and one that somebody added stays",
        looped(),
        [
            stream(),
            stream_tags(**{"meridian:table": "orders", "team": "before", "theirs": "kept"}),
            kinesis(AWAY, "add_tags_to_stream", StreamName=STREAM, Tags={"team": "MARKED"}),
        ],
        ready("ACTIVE"),
    ),
    Scenario(
        "A stream that is changing is waited for",
        looped(),
        [stream(status="UPDATING")],
        busy("stream of orders (UPDATING)"),
    ),
    Scenario(
        "A stream that does not show yet is waited for",
        looped(),
        [no_stream()],
        busy("stream of orders (not there yet)"),
    ),
    Scenario(
        "Without streaming there is nothing to set",
        looped(request={**REQUEST, "kinesis": None}),
        [stream()],
        ready("no streaming"),
    ),
    Scenario(
        "Capacity on demand is set by ARN",
        wanting(stream_mode="ON_DEMAND"),
        [
            stream(),
            kinesis(
                AWAY,
                "update_stream_mode",
                StreamARN=stream_arn(AWAY),
                StreamModeDetails={"StreamMode": "ON_DEMAND"},
            ),
        ],
        busy("stream of orders (mode becomes ON_DEMAND)"),
    ),
    Scenario(
        "Shards of a stream on demand are Kinesis's own business",
        wanting(stream_mode="ON_DEMAND"),
        [stream(StreamModeDetails={"StreamMode": "ON_DEMAND"}, OpenShardCount=4), TAGGED],
        ready("ACTIVE"),
    ),
    *(
        Scenario(
            f"{present} shards become {step} on the way to {wanted}: a call may double or halve them",
            wanting(shard_count=wanted),
            [
                stream(OpenShardCount=present),
                kinesis(
                    AWAY,
                    "update_shard_count",
                    {"StreamName": STREAM},
                    StreamName=STREAM,
                    TargetShardCount=step,
                    ScalingType="UNIFORM_SCALING",
                ),
            ],
            busy(f"stream of orders ({present} shards become {step})"),
        )
        for present, wanted, step in ((1, 3, 2), (2, 3, 3), (4, 1, 2), (5, 1, 3), (3, 2, 2), (1, 2, 2))
    ),
    *(
        Scenario(
            f"Retention becomes {hours} hours",
            wanting(retention_period_hours=hours),
            [
                stream(RetentionPeriodHours=48),
                kinesis(AWAY, f"{change}_stream_retention_period", StreamName=STREAM, RetentionPeriodHours=hours),
            ],
            busy(f"stream of orders (retention becomes {hours} h)"),
        )
        for hours, change in ((24, "decrease"), (8_760, "increase"))
    ),
    Scenario(
        "Every metric is switched on",
        wanting(shard_level_metrics=["ALL"]),
        [stream(), kinesis(AWAY, "enable_enhanced_monitoring", StreamName=STREAM, ShardLevelMetrics=EVERY)],
        busy("stream of orders (shard-level metrics)"),
    ),
    Scenario(
        "Every metric is on, by name",
        wanting(shard_level_metrics=["ALL"]),
        [stream(**measured(*EVERY)), TAGGED],
        ready("ACTIVE"),
    ),
    Scenario(
        "Every metric is on, as ALL",
        wanting(shard_level_metrics=["ALL"]),
        [stream(**measured("ALL")), TAGGED],
        ready("ACTIVE"),
    ),
    Scenario(
        "Metrics are switched on before others are switched off",
        wanting(shard_level_metrics=["IncomingBytes"]),
        [
            stream(**measured("OutgoingBytes")),
            kinesis(AWAY, "enable_enhanced_monitoring", StreamName=STREAM, ShardLevelMetrics=["IncomingBytes"]),
        ],
        busy("stream of orders (shard-level metrics)"),
    ),
    Scenario(
        "Metrics that are not wanted are switched off",
        wanting(shard_level_metrics=["IncomingBytes"]),
        [
            stream(**measured("IncomingBytes", "OutgoingBytes")),
            kinesis(AWAY, "disable_enhanced_monitoring", StreamName=STREAM, ShardLevelMetrics=["OutgoingBytes"]),
        ],
        busy("stream of orders (shard-level metrics)"),
    ),
    Scenario(
        "One difference is mended a run: capacity first",
        wanting(shard_count=2, retention_period_hours=48, shard_level_metrics=["ALL"]),
        [
            stream(),
            kinesis(
                AWAY,
                "update_shard_count",
                StreamName=STREAM,
                TargetShardCount=2,
                ScalingType="UNIFORM_SCALING",
            ),
        ],
        busy("stream of orders (1 shards become 2)"),
    ),
    Scenario(
        "A quota of shards stops, and says what to raise",
        wanting(shard_count=2),
        [stream(), refuse("kinesis", AWAY, "update_shard_count", "LimitExceededException", SHARD_QUOTA)],
        raises="QuotaExceeded",
        says=[f"1 shards of the stream of orders cannot become 2 in eu-west-1: {SHARD_QUOTA}. Raise the quota in"],
    ),
    Scenario(
        "A change that began since the look keeps AWS's name, and the retry finds the stream UPDATING",
        wanting(retention_period_hours=48),
        [stream(), refuse("kinesis", AWAY, "increase_stream_retention_period", "ResourceInUseException")],
        raises="ResourceInUseException",
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_configure_stream(scenario: Scenario, aws: StubbedClients) -> None:
    """Each situation has its one answer, and no call is missing or left over."""
    play(configure_stream, scenario, aws)
