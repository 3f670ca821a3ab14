"""Lambda functions: each runs in its own process from its own zip, and its errors keep their names."""

from __future__ import annotations

import hashlib
import queue
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from zipfile import BadZipFile, LargeZipFile, ZipFile

from meridian.embedded import lambda_worker
from meridian.embedded.internals import expect, find, replace, require
from meridian.embedded.lambda_processes import Processes

if TYPE_CHECKING:
    from collections.abc import Callable

# What AWS's Python runtime brings along; everything else must be in the zip.
RUNTIME_PACKAGES = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
# What the server is told in its environment, and a function would inherit. Powertools, for one, reads LOG_LEVEL.
OWN_SETTINGS = ("AUTH", "BIND_HOST", "GATEWAY_PORT", "IOT_MTLS_ENABLED", "LOG_LEVEL", "MINISTACK_ACCOUNT_ID",
                "MOTO_ACCOUNT_ID", "SFTP_ENABLED")  # fmt: skip
PENDING_SECONDS = 0.1  # that a new function is Pending; AWS takes seconds
DRAIN_SECONDS = 0.25  # at most, for the last log lines of an invocation

RUNTIME = "ministack.core.lambda_runtime:"
SERVICE = "ministack.services.lambda_svc:"
HANDLERS = "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS"
GET_OBJECT = "ministack.services.s3:_get_object_data"

_unpacking = threading.Lock()


def install() -> None:
    expect(f"{RUNTIME}_PYTHON_WORKER_SCRIPT", 'init["code_dir"]', '_ms_msg["event"]', '"status": "ready"')
    expect(
        f"{RUNTIME}Worker",
        "_stderr_queue",
        "_detect_runtime_binary(runtime)",
        "zf.extractall(code_dir)",
        '"timeout_ms"',
        "subprocess.Popen(\n            [binary, worker_path]",
        "env=spawn_env",
    )
    require("ministack.services.s3:", "_get_object_data")
    launcher = _launcher(Path(tempfile.gettempdir()) / "lambda-runtime")
    script = Path(lambda_worker.__file__).read_text()
    other_runtimes = find(f"{RUNTIME}_detect_runtime_binary")
    execute = find(f"{SERVICE}_execute_function_warm")

    def runtime_binary(runtime: str) -> tuple[str, str]:
        if runtime.startswith("python"):
            return str(launcher), script
        return cast("tuple[str, str]", other_runtimes(runtime))

    def execute_with_errors(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = cast("dict[str, Any]", execute(function, event, request_id))
        body = result.get("body")
        if isinstance(body, dict) and lambda_worker.FAILED in body:
            result |= {"body": body[lambda_worker.FAILED], "error": True}
        elif isinstance(body, dict) and body.get("errorType") == "Runtime.HandlerError":
            # The process is gone: it left by itself or was killed.
            message = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
            result["body"] = {"errorType": "Runtime.ExitError", "errorMessage": message}
        return result

    replace(f"{RUNTIME}_detect_runtime_binary", runtime_binary)
    replace(f"{RUNTIME}subprocess", Processes(launcher, OWN_SETTINGS))
    replace(f"{SERVICE}_execute_function_warm", execute_with_errors)
    replace(f"{RUNTIME}Worker._drain_stderr_bounded", _drain)
    replace(f"{SERVICE}_LAMBDA_STATE_TRANSITION_DELAY", PENDING_SECONDS)
    replace(f"{RUNTIME}zipfile", SimpleNamespace(ZipFile=SharedZip, BadZipFile=BadZipFile, LargeFileError=LargeZipFile))
    for step in ("create", "update"):
        handler = f"{HANDLERS}.AWS::Lambda::Function.{step}"
        replace(handler, _refusing_missing_code(find(handler)))


class SharedZip(ZipFile):
    """A zip that is unpacked once for all processes that run it.

    They then share what Python compiles too, which halves a cold start: forty functions from one zip
    would each unpack and compile the same libraries.
    """

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        content = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        shared = Path(tempfile.gettempdir()) / "lambda-code" / content
        with _unpacking:
            if not shared.exists():
                super().extractall(unfinished := shared.with_suffix(".part"), members, pwd)
                unfinished.rename(shared)
        Path(path).rmdir()  # MiniStack made it, empty
        Path(path).symlink_to(shared)


def _refusing_missing_code(handler: Callable[..., Any]) -> Callable[..., Any]:
    """CloudFormation fails a function whose zip is not in its bucket; MiniStack makes one without code."""

    def handle(*arguments: Any, **more: Any) -> Any:
        properties = [each for each in arguments if isinstance(each, dict)][-1]  # of an update, the new ones
        code = properties.get("Code", {})
        if "S3Key" in code and find(GET_OBJECT)(code["S3Bucket"], code["S3Key"]) is None:
            raise ValueError(f"Error occurred while GetObject. S3 Error Code: NoSuchKey. {code['S3Key']}")
        return handler(*arguments, **more)

    return handle


def _launcher(directory: Path) -> Path:
    """A Python that finds the standard library and the runtime's packages, and nothing else.

    The function's own directory comes first (lambda_worker.py). So a library that was left out of the
    zip is missing here too, and nothing of the repository is seen.
    """
    packages = directory / "packages"
    packages.mkdir(parents=True)
    for name in RUNTIME_PACKAGES:
        spec = find_spec(name)
        if spec and spec.origin:
            origin = Path(spec.origin)
            found = origin.parent if spec.submodule_search_locations else origin
            (packages / found.name).symlink_to(found)
    launcher = directory / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S -X utf8 "$@" "{packages}"\n')
    launcher.chmod(0o700)
    return launcher


def _drain(worker: Any, *_: Any, **__: Any) -> str:
    """The invocation's log lines: up to the mark that the worker sets, not for a while and a hope."""
    lines: list[str] = []
    deadline = time.monotonic() + DRAIN_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            line = worker._stderr_queue.get(timeout=left)  # noqa: SLF001  # the queue that the original drains
        except queue.Empty:
            break
        if line == lambda_worker.END_OF_LOG:
            break
        lines.append(line)
    return "\n".join(lines)
