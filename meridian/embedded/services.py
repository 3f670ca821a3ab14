"""The seam between MiniStack's routing and its services: one handler a service, which can be wrapped.

A wrapper comes after authorization, as the service itself does on AWS, and sees the Region of the
request through ``region()``.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, cast

from meridian.embedded.internals import find, require
from meridian.embedded.settings import ACCOUNT

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]  # called with the parts of a Request

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000


class Request(NamedTuple):
    """What MiniStack gives to the handler of a service."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]

    @property
    def operation(self) -> str:
        """Name of the operation that a call of a JSON service is for."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]


class RefusedByAws(Exception):
    """A call that AWS answers with an error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(f"{code}: {message}")


def install() -> None:
    require("ministack.core.responses:", "get_region", "request_scope")


def wrap(service: str, wrapper: Callable[[Handler], Handler]) -> None:
    """Put ``wrapper`` round the handler of one service, named by its endpoint prefix."""
    handlers = find("ministack.app:SERVICE_HANDLERS")
    handlers[service] = wrapper(find(f"ministack.app:SERVICE_HANDLERS.{service}"))


def wrap_every(wrapper: Callable[[str, Handler], Handler]) -> None:
    handlers = find("ministack.app:SERVICE_HANDLERS")
    for service, handler in list(handlers.items()):
        handlers[service] = wrapper(service, handler)


def region() -> str:
    """The Region that the present request is for."""
    return cast("str", find("ministack.core.responses:get_region")())


def in_region(name: str) -> Any:
    """Context in which MiniStack's internals see the account's resources of that Region."""
    return find("ministack.core.responses:request_scope")(ACCOUNT, name)


def content(body: bytes | str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(body or b"{}"))


def answer(data: dict[str, Any], status: int = 200) -> Answer:
    """An answer as the JSON services give it; DynamoDB's clients check the sum."""
    body = json.dumps(data, ensure_ascii=False).encode()
    return status, {"Content-Type": "application/x-amz-json-1.0", "x-amz-crc32": str(zlib.crc32(body))}, body


def refusal(error: RefusedByAws) -> Answer:
    status, headers, body = answer({"__type": error.code, "message": error.message}, error.status)
    return status, headers | {"x-amzn-errortype": error.code}, body


def page(items: list[Any], data: dict[str, Any]) -> tuple[list[Any], str | None]:
    """One page of ``items`` as Step Functions cuts them, and the token of the next."""
    size = data.get("maxResults") or DEFAULT_PAGE
    if not 0 < size <= LARGEST_PAGE:
        message = f"Value '{size}' at 'maxResults' failed to satisfy constraint: between 0 and {LARGEST_PAGE}"
        raise RefusedByAws("ValidationException", f"1 validation error detected: {message}")
    try:
        first = int(data.get("nextToken") or 0)
    except ValueError:
        raise RefusedByAws("InvalidToken", f"Invalid Token: '{data['nextToken']}'") from None
    last = first + size
    return items[first:last], str(last) if last < len(items) else None
