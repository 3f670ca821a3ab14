"""Stacks take a while, the making of a resource can be made to fail, and templates are found by every S3 address."""

from __future__ import annotations

import asyncio
import functools
import re
import uuid
from typing import TYPE_CHECKING, Any

from meridian.embedded.internals import find, replace, require

if TYPE_CHECKING:
    from collections.abc import Callable

    from meridian.embedded.faults import Faults

CLOUDFORMATION = "ministack.services.cloudformation"
DELETING = "DELETE_IN_PROGRESS"
NOTHING_YET = "REVIEW_IN_PROGRESS"  # a stack that is only a change set; it goes at once
DOCUMENT = f"{CLOUDFORMATION}.helpers:_resolve_document"
BUCKET_IN_HOST = re.compile(r"^https://(?P<bucket>[^/]+)\.s3[.-][^/]*amazonaws\.com[^/]*/(?P<key>.+)$")


def install(seconds: float, faults: Faults) -> None:
    """``seconds`` is how long a stack is IN_PROGRESS before anything of it happens."""
    require(f"{CLOUDFORMATION}:", "_stacks")
    for module in ("changesets", "handlers"):
        path = f"{CLOUDFORMATION}.{module}:_deploy_stack_async"
        replace(path, _after(seconds, find(path)))
    path = f"{CLOUDFORMATION}.handlers:_delete_stack_async"
    replace(path, _deleting_after(seconds, find(path)))
    for step in ("_provision_resource", "_update_resource"):
        path = f"{CLOUDFORMATION}.stacks:{step}"
        replace(path, _failing(find(path), faults))
    replace(DOCUMENT, _found_by_host(find(DOCUMENT)))


def _after(seconds: float, deploy: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(deploy)
    async def late(*arguments: Any, **more: Any) -> None:
        await asyncio.sleep(seconds)
        await deploy(*arguments, **more)

    return late


def _deleting_after(seconds: float, delete: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(delete)
    async def late(name: str, *arguments: Any, **more: Any) -> None:
        stack = find(f"{CLOUDFORMATION}:_stacks").get(name)
        if stack is None or stack["StackStatus"] == DELETING:
            return  # the first call is at it
        if stack["StackStatus"] != NOTHING_YET:
            stack["StackStatus"] = DELETING
            await asyncio.sleep(seconds)
        await delete(name, *arguments, **more)

    return late


def _failing(step: Callable[..., Any], faults: Faults) -> Callable[..., Any]:
    """Let a fault that waits for this type of resource be the reason why it fails."""

    @functools.wraps(step)
    def make(kind: str, *arguments: Any) -> Any:
        fault = faults.next("cloudformation", {kind})
        if fault is None:
            return step(kind, *arguments)
        reason = f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {fault.code})"
        raise ValueError(f'Resource handler returned message: "{fault.message}" {reason}')

    return make


def _found_by_host(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack takes the bucket from the path of an address only."""

    @functools.wraps(resolve)
    def resolve_document(parameters: dict[str, Any], body: str, url: str, label: str) -> Any:
        [address] = parameters.get(url) or [""]
        split = BUCKET_IN_HOST.match(address)
        if split:
            parameters = parameters | {url: [f"https://s3.amazonaws.com/{split['bucket']}/{split['key']}"]}
        return resolve(parameters, body, url, label)

    return resolve_document
