"""Offer a pack to a room over HTTP: its files, a page that says what to type, and a page of wheels that pip can read.

Only GET and HEAD of a file that the manifest lists are answered, and of the three pages. A path is looked up among the
names of the manifest and never joined to the folder, so no other file can be read.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from lab.machines.listening import MOST_CONNECTIONS
from lab.machines.pack.arrival import PIECE
from lab.machines.pack.manifest import FOLDERS, NAME, Entry, Manifest, Sort
from lab.machines.pack.pages import start_page, wheels_page
from lab.machines.prompt_clients import PromptClients

IDLE_SECONDS = 10
MOST_CLIENTS = 4096  # addresses whose pace is remembered
BURST = 0.25  # seconds of a rate that may be sent at once

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
# 'none' lets no script, style from elsewhere, frame or form of another origin into the page
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'"


class PieceResponse(FileResponse):
    """A file in pieces of the size that copies use: fewer of them cost less time."""

    chunk_size = PIECE


class Pace:
    """Bytes a second that may be sent; those who wait are served in the order in which they came."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._free = 0.0  # the time at which all that was sent so far is paid for

    async def take(self, size: int) -> None:
        """Wait until `size` more bytes may be sent."""
        now = asyncio.get_running_loop().time()
        self._free = max(now, self._free) + size / self.rate
        await asyncio.sleep(max(0.0, self._free - now - BURST))


class Paced:
    """An application whose answers keep to a pace: of all clients together, and of each client (by its address)."""

    def __init__(self, app: App, rate: float | None, client_rate: float | None) -> None:
        self.app = app
        self.all = Pace(rate) if rate else None
        self.client_rate = client_rate
        self.clients: dict[str, Pace] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        paces = [pace for pace in (self.all, self._of(scope)) if pace]

        async def slowly(message: Message) -> None:
            for pace in paces:
                if size := len(message.get("body", b"")):
                    await pace.take(size)
            await send(message)

        await self.app(scope, receive, slowly if paces else send)

    def _of(self, scope: MutableMapping[str, Any]) -> Pace | None:
        if not self.client_rate:
            return None
        address = (scope.get("client") or ("",))[0]
        if address not in self.clients and len(self.clients) >= MOST_CLIENTS:
            self.clients.clear()
        return self.clients.setdefault(address, Pace(self.client_rate))


def application(folder: Path, manifest: Manifest, rate: float | None = None, client_rate: float | None = None) -> App:
    """The application that answers for a pack; rates are in bytes a second, None for no limit."""
    files = manifest.by_path()
    text = manifest.text()

    async def start(request: Request) -> Response:
        return _page(start_page(manifest, _base(request)))

    async def wheels(request: Request) -> Response:
        return _page(wheels_page(manifest.of(Sort.WHEEL)))

    async def listing(request: Request) -> Response:
        return Response(text, media_type="application/json")

    async def file(request: Request) -> Response:
        entry = files.get(request.path_params["path"])
        if entry is None:
            raise HTTPException(404)
        return _file(folder, entry)

    routes = [
        Route("/", start),
        Route(f"/{FOLDERS[Sort.WHEEL]}/", wheels),
        Route(f"/{NAME}", listing),
        Route("/{path:path}", file),
    ]
    whole = Starlette(routes=routes)
    whole.router.redirect_slashes = False  # such a redirection fails for a query that is no UTF-8
    return Paced(whole, rate, client_rate)


def _page(text: str) -> Response:
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"})


def _file(folder: Path, entry: Entry) -> Response:
    """A file with its sum as its tag: a client that continues a download asks for the rest of just these bytes."""
    headers = {"ETag": f'"{entry.sha256}"', "X-Content-Type-Options": "nosniff"}
    kind = None if entry.sort is Sort.PAGE else "application/octet-stream"
    return PieceResponse(folder / entry.path, headers=headers, media_type=kind)


def _base(request: Request) -> str:
    """The address that the client used, such as http://192.168.1.20:8765."""
    return str(request.base_url).rstrip("/")


def serve(app: App, listening: socket.socket) -> None:
    """Answer until a signal stops the process."""
    config = uvicorn.Config(
        app,
        http=PromptClients,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    uvicorn.Server(config).run(sockets=[listening])
