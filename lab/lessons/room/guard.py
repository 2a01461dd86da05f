"""What every request must meet before a route sees it, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from lab.lessons.room.doors import Doors

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

METHODS = ("GET", "HEAD", "POST")
LONGEST_TARGET = 512  # bytes of a path with its query
HEADERS = {
    # scripts, styles and requests of this server alone; no inline script, no frame, no form of another origin
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """Refuses requests for another host, of another origin, of other methods, and with a long or damaged path."""

    def __init__(self, app: App, doors: Doors) -> None:
        self.app = app
        self.doors = doors

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if scope["type"] != "http":
            return  # a web socket is closed without an answer
        refusal = self._refusal(scope)
        await (refusal or self.app)(scope, receive, with_headers)

    def _refusal(self, scope: MutableMapping[str, Any]) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.doors.hosts:
            return PlainTextResponse("Use the address that the projector shows.\n", 421)
        if scope["method"] not in METHODS:
            return PlainTextResponse("This method is not allowed.\n", 405)
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            return PlainTextResponse("The address is too long.\n", 414)
        if not scope["query_string"].isascii():  # a redirection to the same path without its last slash would fail
            return PlainTextResponse("The address has bytes that must be percent-encoded.\n", 400)
        origin = headers.get("origin")
        if scope["method"] == "POST" and origin is not None and origin.lower() != f"http://{hosts[0]}":
            return PlainTextResponse("This request comes from another site.\n", 403)
        return None
