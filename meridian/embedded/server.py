"""The child process: prepares its environment, patches both packages, serves until it is told to end."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, NoReturn

from meridian.embedded.internals import InternalsMoved
from meridian.embedded.settings import ACCESS_KEY, ACCOUNT, HOME_REGION, SECRET_KEY

if TYPE_CHECKING:
    from meridian.embedded.settings import Settings

GRACE_SECONDS = 2.0  # for a busy event loop to notice that the parent is gone
IDLE_CONNECTION_SECONDS = 75


def run(settings: Settings) -> None:
    """Serve until SIGTERM, SIGINT or the end of standard input; then leave nothing behind."""
    _prepare_environment(settings)
    # Nobody else needs the way to our sources: functions get their code from their zip.
    os.environ.pop("PYTHONPATH", None)
    try:
        asyncio.run(_serve(settings))
    except InternalsMoved as error:
        sys.exit(str(error))


def _prepare_environment(settings: Settings) -> None:
    """Both packages read these once, when they are imported."""
    os.environ.update(
        {
            "AUTH": str(settings.authorization).lower(),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_DEFAULT_REGION": HOME_REGION,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": settings.endpoint_url,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(settings.port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MOTO_ACCOUNT_ID": ACCOUNT,
            "SFTP_ENABLED": "0",
        }
    )


async def _serve(settings: Settings) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from meridian.embedded.gateway import application

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_end_with_parent, args=(loop, stop), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{settings.socket}"]
    config.accesslog = None
    config.loglevel = "ERROR"
    config.keep_alive_timeout = IDLE_CONNECTION_SECONDS

    async def leave_when_told() -> None:
        await stop.wait()
        _leave(0)  # without MiniStack's own end, which looks for Docker containers and loads an SSH server to stop it

    served = application(settings, loop)
    gc.freeze()  # all that was imported stays, and need not be looked at again and again
    await serve(served, config, shutdown_trigger=leave_when_told)


def _leave(code: int) -> NoReturn:
    """End now, with every function: they and Wait states may be busy for hours, and nobody waits for them."""
    if os.getpgrp() == os.getpid():  # the group is ours alone, see child.py
        os.killpg(0, signal.SIGTERM)  # to us it says what we are doing
    shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
    os._exit(code)


def _end_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Standard input ends when the parent does, however it died."""
    while os.read(0, 1024):
        pass
    loop.call_soon_threadsafe(stop.set)
    threading.Event().wait(GRACE_SECONDS)
    _leave(1)
