"""The ASGI application: MiniStack with our changes, and a small administration beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meridian.embedded import (
    authorization,
    buckets,
    control_plane,
    event_sources,
    executions,
    expiry,
    functions,
    interpreter,
    kinesis_records,
    query_definitions,
    regions,
    scheduler,
    scheduler_cloudformation,
    services,
    stack_names,
    stack_resources,
    stacks,
    states_api,
    states_cloudformation,
)
from meridian.embedded.faults import Faults
from meridian.embedded.internals import find
from meridian.embedded.replication import Replication
from meridian.embedded.timeline import Timeline

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from meridian.embedded.settings import Settings

ADMINISTRATION = "/_meridian/"


def application(settings: Settings, loop: asyncio.AbstractEventLoop) -> Callable[..., Any]:
    """Patch both packages and give the application to serve."""
    timeline = Timeline()
    replication = Replication(settings.delays.replication_lag, loop)
    faults = Faults(settings.disabled_regions)
    services.install()
    authorization.install()
    functions.install()
    interpreter.install(settings)
    executions.install()
    states_api.install()
    stack_names.install()
    states_cloudformation.install()
    scheduler_cloudformation.install()
    regions.install(settings.disabled_regions)
    replication.install()
    kinesis_records.install()
    expiry.install(loop)
    control_plane.install(settings, timeline)
    buckets.install()
    query_definitions.install()
    event_sources.install(settings)
    scheduler.install(settings)
    stack_resources.install()
    stacks.install(settings.delays.stack, faults)
    services.wrap_every(faults.wrap)  # outermost: a fault comes before the call has any effect
    return _Gateway(find("ministack.app:app"), faults, replication)


class _Gateway:
    def __init__(self, services: Callable[..., Any], faults: Faults, replication: Replication) -> None:
        self._services = services
        self._orders: dict[str, Callable[..., None]] = {
            "faults": faults.add,
            "faults/clear": faults.clear,
            "forget": executions.forget,
            "heal": replication.heal,
            "partition": replication.partition,
            "ready": lambda: None,
        }

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope["type"] == "http" and scope["path"].startswith(ADMINISTRATION):
            await self._administer(scope["path"].removeprefix(ADMINISTRATION), receive, send)
        else:
            await self._services(scope, receive, send)

    async def _administer(self, order: str, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        status, answer = 200, "{}"
        try:
            self._orders[order](**json.loads(body or b"{}"))
        except (KeyError, TypeError, ValueError) as error:
            status, answer = 400, f"{order}: {type(error).__name__}: {error}"
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": answer.encode()})
