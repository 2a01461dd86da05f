"""The socket and the names of a room's server, and its end."""

from __future__ import annotations

import socket

import pytest

from lab.lessons.library import Lesson
from lab.lessons.room import serving as module
from lab.lessons.room.pages import TEMPLATES, Pages
from lab.lessons.room.room import Room
from lab.lessons.room.serving import addresses_of, hosts_of, serving
from lab.machines.listening import open_socket
from lab.project import find
from tests.lessons.room.conftest import CHOICES, Place


def test_one_address_is_as_it_is_and_all_are_those_of_the_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert addresses_of("127.0.0.1") == ("127.0.0.1",)
    assert addresses_of("teacher.lan") == ("teacher.lan",)
    address = type("Address", (), {})
    found = []
    for word in ("127.0.0.1", "172.17.0.1", "192.168.1.20"):
        item = address()
        item.address, item.family = word, socket.AF_INET
        found.append(item)
    monkeypatch.setattr("psutil.net_if_addrs", lambda: {"all": found})
    monkeypatch.setattr(module, "_main_address", lambda: "192.168.1.20")
    assert addresses_of("0.0.0.0") == ("192.168.1.20", "172.17.0.1", "127.0.0.1")


def test_the_hosts_are_this_machine_with_the_port() -> None:
    hosts = hosts_of("127.0.0.1", 8766)
    assert {"127.0.0.1:8766", "localhost:8766", f"{socket.gethostname()}:8766"} <= set(hosts)
    assert all(host.endswith(":8766") for host in hosts)
    assert "[::1]:8766" in hosts_of("::1", 8766)
    assert "localhost" in hosts_of("127.0.0.1", 80)


def test_at_the_end_open_pages_are_told_and_the_port_is_free(lesson: Lesson) -> None:
    pages, room = Pages(lesson, find().texts(TEMPLATES)), Room(CHOICES)
    with open_socket("127.0.0.1", 0) as listening:
        with serving(listening, "127.0.0.1", room, pages) as served:
            place = Place(room, served)
            port = place.port
            stream = place.student().events("/events")
            stream.state()
        assert stream.next()[0] == "end"
        stream.close()
    with open_socket("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


def test_a_page_that_is_closed_gives_its_place_back(place: Place) -> None:
    student = place.student()
    for _ in range(20):  # more than one student may have open at once
        stream = student.events("/events")
        assert stream.state()["stage"] == "join"
        stream.close()
        while len(place.served.site.feed):
            pass
