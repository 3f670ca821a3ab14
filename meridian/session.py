"""Whose AWS, where: profile, endpoint and home Region, as the AWS CLI takes them."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from tasks.shared import names
from tasks.shared.clients import ATTEMPTS, CONNECT_TIMEOUT_SECONDS, Clients
from tasks.shared.errors import Refused

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_stepfunctions import SFNClient

READ_TIMEOUT_SECONDS = 30
CONNECTIONS = 32  # the inventory asks one service in every Region at once


def known_region(region: str) -> str:
    """Return ``region``; ``Refused`` where DynamoDB runs in no Region of that code."""
    from tasks.shared import problems, regions

    known = regions.partitions()
    if region in known:
        return region
    meant = problems.closest(region, known)
    raise Refused(
        f"{problems.shown(region)} is no Region in which DynamoDB runs",
        remedy=f"Did you mean {meant}?" if meant else "Use a Region's code, such as us-east-1.",
    )


class Session(Clients):
    """Clients of one profile and endpoint, and the home Region.

    ``region``, ``profile`` and ``endpoint_url`` are the AWS CLI's options; what is not given comes from where the
    AWS CLI takes it. Nothing is asked or imported before it is needed.
    """

    def __init__(self, *, endpoint_url: str | None = None, profile: str | None = None, region: str | None = None):
        super().__init__()
        self._endpoint_url, self._profile, self._region = endpoint_url, profile, region
        self._making = threading.Lock()

    @cached_property
    def boto(self) -> boto3.Session:
        """Raises ProfileNotFound."""
        import boto3

        return boto3.Session(profile_name=self._profile)

    @cached_property
    def home(self) -> str:
        """The home Region; ``Refused`` where none is configured."""
        region = self._region or self.boto.region_name
        if not region:
            raise Refused(
                "No home Region is chosen",
                remedy="Give --region, set AWS_DEFAULT_REGION, or put a region in the profile.",
            )
        return known_region(region)

    def at(self, home: str, says: str = "the request, by its first Region,") -> Session:
        """Return the same caller with ``home`` as home Region; ``Refused`` where --region names another.

        ``says`` is what the home Region comes from.
        """
        if self._region not in (None, home):
            raise Refused(
                f"--region is {self._region}, and {says} says that the home Region is {home}",
                remedy="Leave --region out.",
            )
        return Session(endpoint_url=self._endpoint_url, profile=self._profile, region=home)

    @property
    def options(self) -> str:
        """What was given of the AWS CLI's options but the Region, as one would write it after a command."""
        given = {"--endpoint-url": self._endpoint_url, "--profile": self._profile}
        return "".join(f" {option} {value}" for option, value in given.items() if value)

    @property
    def states(self) -> SFNClient:
        return cast("SFNClient", self.client("stepfunctions", self.home))

    @cached_property
    def account(self) -> str:
        return self._caller["Account"]

    @cached_property
    def partition(self) -> str:
        return self._caller["Arn"].split(":")[1]

    @cached_property
    def _caller(self) -> dict[str, str]:
        return cast("dict[str, str]", self.sts(self.home).get_caller_identity())

    def machine(self, workflow: str) -> str:
        """ARN of the state machine of ``workflow``."""
        name = names.state_machine(workflow)
        return f"arn:{self.partition}:states:{self.home}:{self.account}:stateMachine:{name}"

    @property
    def is_local(self) -> bool:
        """Whether this is an AWS on this machine, which may be asked as often as one likes."""
        return urlsplit(self.states.meta.endpoint_url).hostname in ("127.0.0.1", "::1", "localhost")

    def regions(self) -> list[str]:
        """Every Region that the account can use."""
        found = self.ec2(self.home).describe_regions()["Regions"]
        return sorted(str(region.get("RegionName")) for region in found)

    def client(self, service: str, region: str) -> Any:
        with self._making:  # boto3 makes clients safely in one thread only
            return super().client(service, region)

    def make(self, service: str, region: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=CONNECTIONS,
        )
        return self.boto.client(  # type: ignore[call-overload]  # the service is a variable
            service, region_name=region, endpoint_url=self._endpoint_url, config=config
        )
