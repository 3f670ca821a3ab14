"""The functions that the tests of the embedded AWS deploy. Runs in Lambda: standard library and boto3 only."""

# ruff: noqa: ARG001  # Lambda gives every handler an event and a context.

from __future__ import annotations

import os
import sys
import time
from typing import Any


class ReplicaBusy(Exception):
    """A typed error, for Retry and Catch."""


def echo(event: Any, context: Any) -> dict[str, Any]:
    return {"event": event, "function": context.function_name, "arn": context.invoked_function_arn}


def fail(event: Any, context: Any) -> None:
    print("about to fail")
    raise ReplicaBusy(f"the replica in {event.get('region', 'eu-west-1')} is busy")


def wait(event: Any, context: Any) -> str:
    time.sleep(event["seconds"])
    return "waited"


def surroundings(event: Any, context: Any) -> dict[str, Any]:
    return {"path": sys.path, "environment": dict(os.environ), "process": os.getpid()}


def not_json(event: Any, context: Any) -> object:
    return object()


def leave(event: Any, context: Any) -> None:
    os._exit(3)


def import_module(event: Any, context: Any) -> str:
    return __import__(event["name"]).__name__


def read_parameter(event: Any, context: Any) -> Any:
    import boto3

    return boto3.client("ssm").get_parameter(Name=event["name"])["Parameter"]["Value"]
