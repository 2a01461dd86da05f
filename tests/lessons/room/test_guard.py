"""What is refused before a route sees it, asked over real sockets, and the headers of every answer."""

from __future__ import annotations

import socket

import pytest

from lab.lessons.room.guard import HEADERS
from tests.conftest import HANGS
from tests.lessons.room.conftest import Place


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""])
def test_a_request_for_another_host_is_refused(host: str, place: Place) -> None:
    client = place.stranger()
    answer = client.ask("GET", "/", Host=host)
    assert answer.status == 421
    assert "lab" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_the_names_of_this_machine_are_answered(host: str, place: Place) -> None:
    assert place.stranger().ask("GET", "/", Host=f"{host}:{place.port}").status == 200


def test_two_hosts_in_one_request_are_refused(place: Place) -> None:
    with socket.create_connection(("127.0.0.1", place.port), timeout=HANGS) as plain:
        good = f"127.0.0.1:{place.port}".encode()
        plain.sendall(b"GET / HTTP/1.1\r\nHost: " + good + b"\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert plain.recv(100).split()[1] in (b"400", b"421")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_a_form_of_another_site_is_refused(origin: str, place: Place) -> None:
    teacher = place.teacher()
    assert teacher.ask("POST", "/act", b"action=open", Origin=origin).status == 403
    assert place.room.stage == "join"
    assert teacher.ask("POST", "/act", b"action=open", Origin=f"http://127.0.0.1:{place.port}").status == 204
    assert place.room.stage == "predict"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "MADEUP"])
def test_other_methods_are_refused(method: str, place: Place) -> None:
    assert place.stranger().ask(method, "/").status == 405


def test_a_long_address_is_refused(place: Place) -> None:
    assert place.stranger().get(f"/?code={'A' * 600}").status == 414
    try:
        status = place.stranger().get(f"/{'A' * 100_000}").status
    except ConnectionError:
        status = 414  # the server has closed the connection before all of the address was sent
    assert status in (400, 414, 431)


@pytest.mark.parametrize("path", ["/", "/room.css", "/student.js", "/screen", "/nothing", "/join"])
def test_every_answer_has_the_headers_also_if_it_refuses(path: str, place: Place) -> None:
    answer = place.stranger().get(path)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "Server" not in answer.headers
