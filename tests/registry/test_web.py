"""Questions over HTTP: proxies, limits, waits, and one clear error for each fault."""

from __future__ import annotations

import base64
import socket

import pytest

from lab.errors import LabError, ReadError, RegistryError
from lab.notices import Notice, Retried, listening
from lab.registry import web
from lab.registry.web import Web, json_body
from lab.retries import Attempts
from tests.registry.serving import Server

WEB = Web("x", 30)


def test_the_answer_to_a_question_and_to_a_form(server: Server) -> None:
    server.answers["/a"] = (200, {"X": "y"}, b"body")
    answer = WEB.ask(f"http://127.0.0.1:{server.port}/a", {})
    assert (answer.status, answer.headers["X"], answer.body) == (200, "y", b"body")
    assert WEB.ask(f"http://127.0.0.1:{server.port}/a", {}, form=b"k=v").body == b"body"
    assert server.posted == [b"k=v"]


def test_a_form_is_sent_again_to_the_same_host_alone(server: Server) -> None:
    server.answers["/a"] = (307, {"Location": "/b"}, b"")
    server.answers["/b"] = (200, {}, b"body")
    assert WEB.ask(f"http://127.0.0.1:{server.port}/a", {}, form=b"k=v").body == b"body"
    assert server.posted == [b"k=v", b"k=v"]
    server.answers["/a"] = (307, {"Location": f"http://localhost:{server.port}/b"}, b"")
    assert WEB.ask(f"http://127.0.0.1:{server.port}/a", {}, form=b"k=v").body == b"body"
    assert server.posted == [b"k=v"] * 3  # the other name of the host got a plain question


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_busy_gateway_is_asked_again(server: Server, status: int) -> None:
    server.answers["/a"] = (status, {}, b"")
    heard: list[Notice] = []

    def hear(notice: Notice) -> None:
        heard.append(notice)
        server.answers["/a"] = (200, {}, b"body")

    with listening(hear):
        assert WEB.ask(f"http://127.0.0.1:{server.port}/a", {}).body == b"body"
    [notice] = heard
    assert isinstance(notice, Retried)
    assert (notice.who, notice.what, notice.why) == (
        f"127.0.0.1:{server.port}",
        "ask",
        f"the answer has status {status}",
    )


@pytest.mark.parametrize(("status", "headers"), [(503, {"Retry-After": "60"}), (429, {}), (500, {}), (404, {})])
def test_other_answers_are_the_answer(server: Server, status: int, headers: dict[str, str]) -> None:
    server.answers["/a"] = (status, headers, b"")
    heard: list[Notice] = []
    with listening(heard.append):
        assert WEB.ask(f"http://127.0.0.1:{server.port}/a", {}).status == status
    assert heard == []


def test_a_refused_connection_is_tried_again_and_is_then_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ASKING", Attempts(most=3, first=0.01))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    heard: list[Notice] = []
    with listening(heard.append), pytest.raises(RegistryError, match="Connection refused"):
        WEB.ask(f"http://127.0.0.1:{port}/a", {})
    assert [item.attempt for item in heard if isinstance(item, Retried)] == [1, 2]


@pytest.mark.parametrize("chunked", [True, False])
def test_an_answer_of_more_than_the_limit_is_refused(server: Server, chunked: bool) -> None:
    server.answers["/a"] = (200, {"Content-Length": ""} if chunked else {}, b"x" * 101)
    with pytest.raises(ReadError, match=r"is larger than 100 bytes|has 101 bytes, more than 100"):
        WEB.ask(f"http://127.0.0.1:{server.port}/a", {}, largest=100)
    assert len(WEB.ask(f"http://127.0.0.1:{server.port}/a", {}, largest=101).body) == 101


@pytest.mark.parametrize(
    ("after", "said"),
    [("120", "; it asks to wait 120 s"), ("Thu, 26 Nov 2026 06:00:00 GMT", "; it asks to wait until Thu, "), ("", "")],
)
@pytest.mark.parametrize(("status", "why"), [(429, "received too many requests"), (503, "answers with status 503")])
def test_a_server_that_is_busy_says_when_to_ask_again(
    server: Server, after: str, said: str, status: int, why: str
) -> None:
    server.answers["/v2/x/manifests/latest"] = (status, {"Retry-After": after} if after else {}, b"")
    with pytest.raises(RegistryError) as error:
        server.image()
    assert why in error.value.message and (said in error.value.message if said else "wait" not in error.value.message)


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"Content-Type": "text/html; charset=utf-8"}, b"blocked"), ({}, b"\n <!DOCTYPE html><p>Sign in")],
)
def test_a_web_page_is_no_answer_of_a_registry(server: Server, headers: dict[str, str], body: bytes) -> None:
    server.answers["/a"] = (200, headers, body)
    answer = WEB.ask(f"http://127.0.0.1:{server.port}/a", {})
    with pytest.raises(RegistryError, match="cannot read x: HOST answers with a web page") as error:
        json_body(answer, "x", "HOST")
    assert error.value.hint and "proxy" in error.value.hint


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "http://", "http://[::1", "http://x:99999/", ""])
def test_addresses_that_are_not_supported(url: str) -> None:
    with pytest.raises(LabError, match="does not support its registry's address"):
        WEB.ask(url, {})


# --- proxies


@pytest.fixture
def proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, as the proxy that the environment names, with a user and a password."""
    monkeypatch.setenv("http_proxy", f"http://me:p%40w@127.0.0.1:{server.port}")
    return server


def test_a_proxy_is_asked_with_its_login(proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.answers["http://registry.invalid/v2/"] = (200, {}, b"through the proxy")
    assert WEB.ask("http://registry.invalid/v2/", {}).body == b"through the proxy"
    assert proxy.headers[-1]["Proxy-Authorization"] == "Basic " + base64.b64encode(b"me:p@w").decode()
    monkeypatch.setenv("no_proxy", ".invalid")
    with pytest.raises(RegistryError, match=r"the request to registry\.invalid failed"):
        WEB.ask("http://registry.invalid/v2/", {})


def test_this_machine_is_asked_without_a_proxy(proxy: Server) -> None:
    assert proxy.image().cache == "W10="
    assert all(path.startswith("/v2/") for path, _ in proxy.seen)


def test_a_secure_registry_is_asked_for_through_a_tunnel(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{server.port}")  # this proxy knows no CONNECT
    with pytest.raises(RegistryError, match=r"the request to registry\.invalid failed: Tunnel connection failed: 501"):
        WEB.ask("https://registry.invalid/v2/", {})


def test_a_proxy_with_a_nonsense_name_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://me:secret@proxy:1080")
    with pytest.raises(RegistryError) as error:
        WEB.ask("http://registry.invalid/v2/", {})
    assert "socks5://[login]@proxy:1080" in error.value.message and "secret" not in error.value.message
