"""The server of a room: a socket, the names under which it is reached, and a thread that answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from lab.lessons.room.doors import Doors
from lab.lessons.room.pages import Pages
from lab.lessons.room.room import Room
from lab.lessons.room.site import Site
from lab.machines.listening import LOOPBACK, MOST_CONNECTIONS, bracketed, is_every_address, network_addresses
from lab.machines.prompt_clients import PromptClients
from lab.workers import wait_for

ELSEWHERE = "192.0.2.1"  # an address of RFC 5737, which no network has
LARGEST_HEAD = 16 << 10  # bytes of a request without its body
IDLE_SECONDS, START_SECONDS, STOP_SECONDS = 10, 30, 5


@dataclass(frozen=True, slots=True)
class Served:
    """A room that is served: its site, the addresses for students, and that of the teacher with the token."""

    site: Site
    urls: tuple[str, ...]
    teacher: str


def addresses_of(listen: str) -> tuple[str, ...]:
    """The addresses by which others reach this machine: the one given, or for 0.0.0.0 and :: those of its networks."""
    if not is_every_address(listen):
        return (listen,)
    outside = network_addresses(listen)
    outside.sort(key=lambda word: word != _main_address())  # stable: the address of the room's network comes first
    return (*outside, LOOPBACK)


def _main_address() -> str:
    """The address from which this machine reaches other networks; "" without one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
        probe.connect((ELSEWHERE, 9))
        return str(probe.getsockname()[0])
    return ""


def hosts_of(listen: str, port: int) -> tuple[str, ...]:
    """The values of the header Host that belong to this server."""
    own = socket.gethostname()
    names = sorted({*addresses_of(listen), listen, LOOPBACK, "localhost", own, f"{own}.local"})
    hosts = [bracketed(name) for name in names]
    return (*(f"{host}:{port}" for host in hosts), *(hosts if port == 80 else ()))  # browsers leave out port 80


@contextmanager
def serving(listening: socket.socket, listen: str, room: Room, pages: Pages) -> Iterator[Served]:
    """Answer on a socket in a thread for the time of the context; then all pages are told that the lesson has ended."""
    port = listening.getsockname()[1]
    addresses = [f"http://{bracketed(address)}:{port}" for address in addresses_of(listen)]
    urls = tuple(addresses[:-1] or addresses)
    doors = Doors(hosts_of(listen, port))
    site = Site(room, doors, pages, urls, port)
    server = uvicorn.Server(_config(site))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="room", daemon=True)
    thread.start()
    try:
        wait_for("the server of the room", lambda: server.started or "it starts", timeout=START_SECONDS, every=0.02)
        yield Served(site, urls, f"{addresses[-1]}/screen?token={doors.token}")
    finally:
        site.feed.end()
        server.should_exit = True
        thread.join(STOP_SECONDS)


def _config(site: Site) -> uvicorn.Config:
    return uvicorn.Config(
        site.application(),
        http=PromptClients,
        ws="none",
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=1,
    )
