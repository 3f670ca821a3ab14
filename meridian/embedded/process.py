"""Starts the embedded AWS, and what can be asked of it while it runs."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any, Self

from meridian.embedded.child import Child, EmbeddedFailed, listen
from meridian.embedded.settings import ACCESS_KEY, HOME_REGION, OPT_IN_REGIONS, SECRET_KEY, Delays, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

DEFAULT_DELAYS = Delays()


class EmbeddedAws:
    """A running embedded AWS. Leaving its ``with`` block ends it and removes what it kept on disk."""

    def __init__(self, child: Child, settings: Settings) -> None:
        self._child = child
        self.endpoint_url = settings.endpoint_url
        self.pid = child.pid
        self.environment = {
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": HOME_REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # Some Step Functions calls would go to sync-127.0.0.1 otherwise.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and every function, and remove their directory. A second call does nothing."""
        self._child.stop()

    def fail(self, service_operation: str, region: str, code: str, message: str, times: int = 1) -> None:
        """Let the next ``times`` calls of an operation in ``region`` end in an error of AWS.

        ``service_operation`` is the service's endpoint prefix and the operation, ``dynamodb:UpdateTable`` or
        ``states:StartExecution``. ``region`` may be ``*``. The error comes with the HTTP status that AWS gives
        to its code. ``AWS::SQS::Queue``, or any other type, is the next resource of that type that a stack makes
        or updates.
        """
        self._tell("faults", operation=service_operation, region=region, code=code, message=message, times=times)

    def clear_faults(self) -> None:
        """Forget every fault that ``fail`` left."""
        self._tell("faults/clear")

    def forget_execution(self, arn: str) -> None:
        """Let Step Functions forget an execution that has ended, as it does after 90 days."""
        self._tell("forget", arn=arn)

    def partition(self, region: str) -> None:
        """Hold back replication from and to ``region`` until ``heal``; reads and writes there go on."""
        self._tell("partition", region=region)

    def heal(self, region: str) -> None:
        """Deliver what ``partition`` held back."""
        self._tell("heal", region=region)

    def log(self) -> str:
        """What the server has written so far; empty when all is well."""
        return self._child.log()

    def _tell(self, order: str, **values: Any) -> None:
        status, answer = self._child.call("POST", order, json.dumps(values))
        if status != http.client.OK:
            raise EmbeddedFailed(answer)


def start(
    delays: Delays = DEFAULT_DELAYS,
    *,
    port: int = 0,
    disabled_regions: Sequence[str] = OPT_IN_REGIONS,
    source_lock_seconds: float = 0.0,
    authorization: bool = True,
) -> EmbeddedAws:
    """Start an embedded AWS and wait until it answers.

    ``port`` 0 takes a free one. ``disabled_regions`` are those the account has not opted in to.
    ``source_lock_seconds``: for that long a Region that seeded a replica cannot be deleted (AWS: 24 hours; 0: never).
    With ``authorization`` every role's policies are enforced; the caller is the account's root.

    Raises ``EmbeddedFailed`` with the last lines of the server's log if the port is taken or nothing answers.
    """
    with listen(port) as listener:
        settings = Settings(
            socket=listener.fileno(),
            port=listener.getsockname()[1],
            delays=delays,
            disabled_regions=tuple(disabled_regions),
            source_lock_seconds=source_lock_seconds,
            authorization=authorization,
        )
        child = Child(settings)
    try:
        child.await_answer()
    except BaseException:
        child.stop()
        raise
    return EmbeddedAws(child, settings)
