"""What the embedded AWS is told when it starts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

ACCOUNT = "123456789012"
ACCESS_KEY, SECRET_KEY = "test", "test"  # MiniStack's root caller
HOME_REGION = "us-east-1"

# Regions that AWS leaves off in a new account (Account Management, "Enable or disable AWS Regions").
OPT_IN_REGIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
)


@dataclass(frozen=True)
class Delays:
    """Seconds that a change takes; on AWS they are minutes. Zero makes it happen at once.

    ``minute`` is how long a minute of the Scheduler's rates, ages and retries takes; on AWS 60 seconds.
    """

    table: float = 1.0
    replica: float = 1.0
    replica_delete: float = 1.0
    stream: float = 1.0
    destination: float = 1.0
    update: float = 0.5
    replication_lag: float = 0.3
    event_source: float = 0.5
    stack: float = 0.5
    minute: float = 60.0


@dataclass(frozen=True)
class Settings:
    """All that the child process needs; travels as one JSON argument.

    ``source_lock_seconds`` is how long a Region that seeded a replica may not be deleted (AWS: 24 hours);
    0 switches that rule off.
    """

    socket: int
    port: int
    delays: Delays
    disabled_regions: tuple[str, ...] = OPT_IN_REGIONS
    source_lock_seconds: float = 0.0
    authorization: bool = True

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        values = json.loads(text)
        values["delays"] = Delays(**values["delays"])
        values["disabled_regions"] = tuple(values["disabled_regions"])
        return cls(**values)
