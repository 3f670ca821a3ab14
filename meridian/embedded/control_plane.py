"""Puts the time, the states in between and the refusals of AWS's control plane before MiniStack's.

MiniStack does everything at once and accepts almost everything. Each operation that differs has a
function here or in a neighbor; it may refuse, let MiniStack do its part, now or later, and change
the answer. Every other call only has to find its table in a state that allows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meridian.embedded.calls import AnsweredOtherwise, Call, Gate, Operation
from meridian.embedded.destinations import Destinations
from meridian.embedded.replicas import Replicas
from meridian.embedded.services import (
    Answer,
    Handler,
    RefusedByAws,
    Request,
    answer,
    content,
    refusal,
    region,
    wrap,
)
from meridian.embedded.streams import Streams
from meridian.embedded.table_settings import TableSettings
from meridian.embedded.table_status import TableStatus
from meridian.embedded.tables import Tables

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings
    from meridian.embedded.timeline import Timeline


def install(settings: Settings, timeline: Timeline) -> None:
    delays, status = settings.delays, TableStatus(timeline)
    operations = {
        **Tables(delays, timeline, status, Replicas(settings, timeline, status)).operations(),
        **TableSettings(delays, timeline, status).operations(),
        **Destinations(delays, timeline).operations(),
    }
    wrap("dynamodb", lambda handler: _handle(handler, timeline, operations, status.gate))
    streams = Streams(delays, timeline)
    wrap("kinesis", lambda handler: _handle(handler, timeline, streams.operations(), streams.gate))


def _handle(handler: Handler, timeline: Timeline, operations: dict[str, Operation], gate: Gate) -> Handler:
    async def handle(*parts: Any) -> Answer:
        request = Request(*parts)

        async def service(data: dict[str, Any]) -> Answer:
            return await handler(*request._replace(body=answer(data)[2]))

        timeline.settle()
        name = request.operation
        try:
            data = content(request.body)
        except ValueError:  # MiniStack says what is wrong with it; CBOR is none of ours
            return await handler(*request)
        try:
            gate(name, data, region())
            if name in operations:
                return answer(await operations[name](Call(name, data, region(), service)))
        except RefusedByAws as error:
            return refusal(error)
        except AnsweredOtherwise as other:
            return other.given
        return await handler(*request)

    return handle
