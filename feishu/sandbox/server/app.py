"""The sandbox as a web server: the chat page, the platform's API, and the control API."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from feishu.sandbox.sandbox import Sandbox
from feishu.sandbox.server.control import Control
from feishu.sandbox.server.host_guard import HostGuard
from feishu.sandbox.server.login import Login
from feishu.sandbox.server.openapi import OpenApi
from feishu.sandbox.server.organisation_control import OrganisationControl
from feishu.sandbox.server.registration import Registration
from feishu.sandbox.server.viewer.routes import Viewer

PAGE = Path(__file__).parents[1] / "page"
SHARED_PAGE = Path(__file__).parents[2] / "page"


def app_of(sandbox: Sandbox) -> HostGuard:
    """The ASGI app of a sandbox."""

    async def index(_request: Request) -> Response:
        return FileResponse(PAGE / "index.html", media_type="text/html; charset=utf-8")

    routes = [
        Route("/", index),
        *Login(sandbox.world, sandbox.clock).routes(),
        *Registration(sandbox.world).routes(),
        *OpenApi(sandbox.platform, sandbox.gateway, sandbox.faults).routes(),
        *Control(sandbox).routes(),
        *Viewer(sandbox.world, sandbox.platform.documents).routes(),
        *OrganisationControl(sandbox).routes(),
        Mount("/page/shared", StaticFiles(directory=SHARED_PAGE)),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    return HostGuard(Starlette(routes=routes))


@contextlib.asynccontextmanager
async def running(sandbox: Sandbox, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """The sandbox on a real server; yields its base URL. Port 0 takes a free one. Raises OSError when it is taken."""
    # IPPROTO_TCP is named because asyncio only switches off Nagle (40 ms a call) on sockets that say they are TCP.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    config = uvicorn.Config(
        app_of(sandbox), ws="none", log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    await sandbox.start()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        shown_host = f"[{host}]" if ":" in host else host
        yield f"http://{shown_host}:{listener.getsockname()[1]}"
    finally:
        await sandbox.stop()
        server.should_exit = True
        await serving
        listener.close()
