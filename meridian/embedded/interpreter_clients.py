"""The calls that a service makes for a user: they come to this server, under the role that it was given."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import pkgutil
import threading
import uuid
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import InternalsMoved, find, replace, require
from meridian.embedded.settings import ACCESS_KEY, ACCOUNT, SECRET_KEY

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings

PARSER = "moto.stepfunctions.parser."
CALL_SECONDS = 900  # as long as the longest function may run
CONNECTIONS = 200  # one for each task that waits for its function


class Clients:
    """Clients of a service's own calls: one a service, Region and role, since making one is slow.

    ``caller`` is the session in which that service, Step Functions or the Scheduler, assumes a role.
    """

    def __init__(self, settings: Settings, caller: str = "states") -> None:
        self._settings = settings
        self._caller = caller
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()

    def get(self, region: str, service: str, state_credentials: Any = None) -> Any:
        """In the place of moto's ``boto_client_for``; the state machine's role makes the call."""
        role = getattr(state_credentials, "role_arn", "") if self._settings.authorization else ""
        with self._making:
            key = (region, service, role)
            if key not in self._clients:
                self._clients[key] = self._make(region, service, role)
            return self._clients[key]

    def _make(self, region: str, service: str, role: str) -> Any:
        import boto3
        from botocore.config import Config

        access_key, secret_key, token = _session(role, self._caller) if role else (ACCESS_KEY, SECRET_KEY, None)
        client = boto3.client(
            service,  # type: ignore[call-overload]  # the service is a variable
            region_name=region,
            endpoint_url=self._settings.endpoint_url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=Config(
                inject_host_prefix=False,
                max_pool_connections=CONNECTIONS,
                parameter_validation=False,
                read_timeout=CALL_SECONDS,
                retries={"total_max_attempts": 1},
            ),
        )
        client.meta.events.register("after-call", _give_request_id)
        return client


def _give_request_id(*, parsed: dict[str, Any], **_: Any) -> None:
    """The interpreter quotes it in every Cause; MiniStack's refusals of a missing permission have none."""
    parsed["ResponseMetadata"].setdefault("RequestId", str(uuid.uuid4()))


def _session(role_arn: str, caller: str) -> tuple[str, str, str]:
    """Credentials of the role, as MiniStack makes them for a function."""
    digest = hashlib.sha256(f"{caller}:{role_arn}".encode()).hexdigest()
    access_key, secret_key, token = f"ASIA{digest[:16].upper()}", digest, f"token-{digest}"
    name = role_arn.rsplit("/", 1)[-1]
    session = {
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{caller}",
        "UserId": f"{name}:{caller}",
        "SecretAccessKey": secret_key,
        "SessionToken": token,
    }
    find("ministack.services.sts:register_session")(access_key, session)
    return access_key, secret_key, token


def install(settings: Settings) -> None:
    """Every module of moto holds its own reference to ``boto_client_for``, which aims at moto's server."""
    require("ministack.services.sts:", "register_session")
    clients, replaced = Clients(settings), 0
    for module in pkgutil.walk_packages(find(PARSER.rstrip(".")).__path__, PARSER):
        with contextlib.suppress(ImportError):  # a few want packages that nothing of ours uses
            if hasattr(importlib.import_module(module.name), "boto_client_for"):
                replace(f"{module.name}:boto_client_for", clients.get)
                replaced += 1
    if not replaced:
        raise InternalsMoved(f"Nothing under {PARSER} makes clients with boto_client_for any more.")
