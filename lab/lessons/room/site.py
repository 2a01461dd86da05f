"""The routes of a room: a page to join, a page for each student, a page for the projector, and their events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from lab.errors import UsageError
from lab.lessons.room.doors import Doors
from lab.lessons.room.feed import Feed
from lab.lessons.room.guard import App, Guard
from lab.lessons.room.pages import FILES, Pages
from lab.lessons.room.room import Action, Room, Stage

LARGEST_BODY = 1024  # bytes of a form
BODY_SECONDS = 10.0
WAIT = "Too many wrong codes. Wait a minute, then try again."


class Site:
    """The answers for one room. Cookies have the port in their names, since browsers share cookies between ports."""

    def __init__(self, room: Room, doors: Doors, pages: Pages, urls: tuple[str, ...], port: int) -> None:
        self.room, self.doors, self.pages, self.urls = room, doors, pages, urls
        self.feed = Feed()
        self._seat, self._teacher = f"lab-seat-{port}", f"lab-teacher-{port}"
        room.listen(self.feed.wake)

    def application(self) -> App:
        """The application for a server."""
        routes = [
            Route("/", self.start),
            Route("/join", self.join, methods=["POST"]),
            Route("/predict", self.predict, methods=["POST"]),
            Route("/events", self.events),
            Route("/screen", self.screen),
            Route("/screen/events", self.screen_events),
            Route("/act", self.act, methods=["POST"]),
            *(Route(f"/{name}", _file(self.pages.files[name], kind)) for name, kind in FILES.items()),
        ]
        return Guard(Starlette(routes=routes), self.doors)

    async def start(self, request: Request) -> Response:
        """The page of a student; for others the page to join, with the code of the address in its field."""
        if self._seat_of(request):
            return HTMLResponse(self.pages.student())
        return HTMLResponse(self.pages.join(request.query_params.get("code", "")[:20]))

    async def join(self, request: Request) -> Response:
        """Give a seat to whoever has the code."""
        form = await _form(request)
        if self._seat_of(request):
            return RedirectResponse("/", 303)
        address = _address(request)
        if not self.doors.attempts.may_try(address):
            return HTMLResponse(self.pages.join(problem=WAIT), 429)
        if not self.doors.opens(form.get("code", "")):
            self.doors.attempts.note(address)
            return HTMLResponse(self.pages.join(problem="This is not the code on the projector."), 403)
        try:
            seat = self.room.join()
        except UsageError as error:
            return HTMLResponse(self.pages.join(problem=f"{error.message}."), 503)
        return self._with_cookie(RedirectResponse("/", 303), self._seat, seat)

    async def predict(self, request: Request) -> Response:
        """Keep the prediction of a student."""
        form = await _form(request)
        seat = self._need_seat(request)
        try:
            self.room.predict(seat, form.get("choice", ""))
        except UsageError as error:
            raise HTTPException(409, error.message) from error
        return Response(status_code=204)

    async def events(self, request: Request) -> Response:
        """The events of a student."""
        seat = self._need_seat(request)
        return self._stream(seat, lambda: self.room.student(seat))

    async def screen(self, request: Request) -> Response:
        """The page of the projector; the teacher's token moves from the address, which the room sees, to a cookie."""
        token = request.query_params.get("token")
        if token is not None:
            self._check_token(request, token)
            return self._with_cookie(RedirectResponse("/screen", 303), self._teacher, token)
        if not (self._is_teacher(request) or self._seat_of(request)):
            return RedirectResponse("/", 303)
        teacher = self._is_teacher(request)
        return HTMLResponse(self.pages.screen(self.urls, self.doors.shown_code, teacher=teacher))

    async def screen_events(self, request: Request) -> Response:
        """The events of the projector."""
        owner = "teacher" if self._is_teacher(request) else self._need_seat(request)
        return self._stream(owner, self._screen_state)

    async def act(self, request: Request) -> Response:
        """Do what the teacher asks."""
        form = await _form(request)
        if not self._is_teacher(request):
            raise HTTPException(403, "only the teacher does this")
        try:
            self.room.act(Action(form.get("action", "")))
        except ValueError as error:
            raise HTTPException(400, "there is no such action") from error
        except UsageError as error:
            raise HTTPException(409, error.message) from error
        return Response(status_code=204)

    def _screen_state(self) -> dict[str, Any]:
        state = self.room.screen()
        return {**state, "texts": self.pages.texts if state["stage"] == Stage.REVEAL else None}

    def _stream(self, owner: str, state: Callable[[], dict[str, Any]]) -> Response:
        if not self.feed.has_room(owner):
            raise HTTPException(503, "too many pages are open")
        return StreamingResponse(self.feed.stream(owner, state), media_type="text/event-stream")

    def _seat_of(self, request: Request) -> str | None:
        seat = request.cookies.get(self._seat, "")
        return seat if self.room.has(seat) else None

    def _need_seat(self, request: Request) -> str:
        seat = self._seat_of(request)
        if seat is None:
            raise HTTPException(403, "join first")
        return seat

    def _is_teacher(self, request: Request) -> bool:
        return self.doors.is_teacher(request.cookies.get(self._teacher, ""))

    def _check_token(self, request: Request, token: str) -> None:
        address = _address(request)
        if not self.doors.attempts.may_try(address):
            raise HTTPException(429, WAIT)
        if not self.doors.is_teacher(token):
            self.doors.attempts.note(address)
            raise HTTPException(403, "this is not the teacher's address")

    @staticmethod
    def _with_cookie(answer: Response, name: str, value: str) -> Response:
        answer.set_cookie(name, value, httponly=True, samesite="strict")
        return answer


def _file(text: str, kind: str) -> Callable[[Request], Response]:
    return lambda request: Response(text, media_type=kind)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; 413 if it is too large, 408 if it takes too long, 400 if it is no form."""
    body = b""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_BODY:
                    raise HTTPException(413)
    except TimeoutError as error:
        raise HTTPException(408) from error
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=5, keep_blank_values=True)
    except ValueError as error:
        raise HTTPException(400) from error
    return {name: values[-1] for name, values in fields.items()}
