"""Images' configs from registries: a real HTTP server that behaves well and badly."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from lab.errors import LabError, ReadError, RegistryError, UsageError
from lab.registry import web
from lab.registry.client import Repository, read_image
from lab.registry.logins import Login
from lab.registry.manifests import Platform
from lab.registry.names import Reference, parse
from lab.registry.server import Registry
from lab.results.facts import ImageFacts
from lab.retries import Attempts
from tests.conftest import HANGS
from tests.registry.serving import AMD, CONFIG, INDEX, MANIFEST, SCHEMA_1, Server, digest, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


# --- registries


def test_a_manifest_and_its_config(server: Server) -> None:
    found = server.image()
    assert found == ImageFacts(
        digest=digest(CONFIG),
        manifests=(digest(MANIFEST),),
        cache="W10=",
        diff_ids=("sha256:" + "a" * 64,),
        env=("PATH=/bin",),
        workdir="/w",
        user="u",
        shell=("/bin/sh",),
    )


def test_an_index_leads_to_the_platforms_manifest(server: Server) -> None:
    server.answers["/v2/x/manifests/latest"] = (200, {}, INDEX)
    assert server.image().manifests == (digest(INDEX), digest(MANIFEST))


def test_a_platform_that_is_not_there_is_said_with_those_that_are(server: Server) -> None:
    server.answers["/v2/x/manifests/latest"] = (200, {}, INDEX)
    with pytest.raises(ReadError, match=r"for windows/amd64: it exists for linux/arm64/v8, linux/amd64$") as error:
        server.image(Platform("windows", "amd64"))
    assert "--platform" in (error.value.hint or "")


def test_schema_1_is_refused_in_words(server: Server) -> None:
    server.answers["/v2/x/manifests/latest"] = (200, {}, SCHEMA_1)
    with pytest.raises(ReadError, match="its manifest has schema 1, which has no config and no inline cache"):
        server.image()


def test_a_token_is_fetched_without_a_login(server: Server) -> None:
    server.wanted = "Bearer t0k"
    server.challenge = f'Bearer realm="http://localhost:{server.port}/token",service="s",scope="repository:x:pull"'
    server.answers["/token"] = (200, {}, b'{"token": "t0k"}')
    assert server.image().cache == "W10="
    asked = [item for item in server.seen if item[0].startswith("/token")]
    assert asked == [("/token?service=s&scope=repository%3Ax%3Apull", None)]


def test_a_login_fetches_the_token_or_is_the_proof_itself(server: Server) -> None:
    login = Login("me", "pw")
    server.wanted = "Basic " + base64.b64encode(b"me:pw").decode()
    server.challenge = 'Basic realm="x"'
    assert server.image(login=login).cache == "W10="
    server.wanted, server.challenge = "Bearer t", f'Bearer realm="http://localhost:{server.port}/token"'
    server.answers["/token"] = (200, {}, b'{"access_token": "t"}')
    assert server.image(login=login).cache == "W10="
    assert (login.user, login.password) == ("me", "pw")
    assert "pw" not in repr(login)


@pytest.mark.parametrize("challenge", ['Basic realm="x"', "", "Bearer", 'Bearer realm="http://localhost:{port}/none"'])
def test_a_wanted_login_is_said(server: Server, challenge: str) -> None:
    server.wanted, server.challenge = "no", challenge.format(port=server.port)
    server.answers["/none"] = (401, {}, b"{}")
    with pytest.raises(RegistryError, match="the registry requires a login") as error:
        server.image()
    assert f"docker login localhost:{server.port}" in (error.value.hint or "")


def test_a_refused_login_is_said(server: Server) -> None:
    server.wanted, server.challenge = "no", 'Basic realm="x"'
    with pytest.raises(RegistryError, match=r"rejects the login that it was given$"):
        server.image(login=Login("me", "pw"))


def test_a_registry_that_does_not_answer_costs_the_time_it_was_given(server: Server) -> None:
    server.delay = 3
    with pytest.raises(RegistryError, match=r"does not answer within 0\.3 s"):
        server.image(seconds=0.3)


@pytest.mark.parametrize("headers", [{}, {"Content-Length": ""}, {"Content-Length": "5000"}])
def test_an_answer_that_comes_in_drops_costs_no_more(server: Server, headers: dict[str, str]) -> None:
    server.answers["/v2/x/manifests/latest"] = (200, headers, b" " * 5000)
    server.piece, server.pause = 1, 0.05  # no single read waits long enough for a time-out of its own
    with pytest.raises(RegistryError, match=r"does not answer within 0\.5 s"):
        server.image(seconds=0.5)


def test_a_head_that_comes_in_drops_costs_no_more() -> None:
    """Nothing but the start of a status line, a letter at a time."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                for letter in "HTTP/1.1 200 " + "O" * 200:
                    connection.sendall(letter.encode())
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        with pytest.raises(RegistryError, match=r"does not answer within 0\.5 s"):
            Repository(parse(f"localhost:{listener.getsockname()[1]}/x"), seconds=0.5).image(AMD)
        thread.join(timeout=5)


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"", b"HTTP/1.1 200 OK\r\n" * 200]
)
def test_what_speaks_no_http(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "ASKING", Attempts(most=1))  # the server of this test answers once
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(RegistryError, match=r"the request to .* failed: "):
            Repository(parse(f"localhost:{listener.getsockname()[1]}/x"), seconds=HANGS).image(AMD)
        thread.join(timeout=5)


def test_a_body_without_end_is_given_up(server: Server) -> None:
    server.answers["/v2/x/manifests/latest"] = (200, {}, b"[" + b" " * (17 << 20))
    with pytest.raises(ReadError, match="has 17825793 bytes, more than 16777216"):
        server.image(seconds=30)


def test_a_secure_registry_whose_certificate_nobody_knows(server: Server) -> None:
    """Plain HTTP where TLS is spoken: the name is no loopback one, so it is asked by TLS."""
    reference = Reference(f"registry.localhost:{server.port}", "x", "latest")
    repository = Repository(reference, seconds=3)
    repository.base = f"https://127.0.0.1:{server.port}"
    with pytest.raises(RegistryError, match="no secure connection to 127"):
        repository.image(AMD)


def test_nobody_listens() -> None:
    with pytest.raises(RegistryError, match=r"the request to .* failed: Connection refused"):
        Repository(parse("localhost:1/x"), seconds=2).image(AMD)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {}, b""), "the registry has no such image"),
        ((500, {}, b"oops"), "answers with status 500"),
        ((429, {}, b""), "too many requests"),
        ((200, {}, b"<html>"), "answers with a web page, not as a registry does"),
        ((200, {}, b"[]"), "it is not a JSON object"),
        ((200, {}, b"{}"), "names no config"),
        ((200, {}, b'{"manifests": [7, {}]}'), "it exists for no platform$"),
        ((200, {}, b"[" * 100_000), "it is not JSON"),
        ((200, {"Content-Length": "99"}, b"{}"), "is not complete"),
        ((307, {"Location": "/v2/x/manifests/latest"}, b""), "redirects more than"),
        ((307, {"Location": "file:///etc/passwd"}, b""), "registry's address file:///etc/passwd"),
    ],
)
def test_what_a_registry_may_send(server: Server, answer: tuple[int, dict[str, str], bytes], said: str) -> None:
    server.answers["/v2/x/manifests/latest"] = answer
    with pytest.raises(LabError, match=said):
        server.image(seconds=1)


def test_bytes_that_are_not_those_of_the_digest_are_refused(server: Server) -> None:
    server.answers[f"/v2/x/blobs/{digest(CONFIG)}"] = (200, {}, CONFIG + b" ")
    with pytest.raises(ReadError, match="do not match their digest"):
        server.image()


def test_an_image_named_by_its_digest_is_that_very_one(server: Server) -> None:
    server.answers[f"/v2/x/manifests/sha256:{'5' * 64}"] = (200, {}, MANIFEST)
    server.name += f"@sha256:{'5' * 64}"
    with pytest.raises(ReadError, match="do not match their digest"):
        server.image()


def test_a_login_does_not_follow_a_redirect_to_another_host(server: Server) -> None:
    with serving() as other:
        server.wanted, server.challenge = "Basic " + base64.b64encode(b"me:pw").decode(), "Basic"
        place = f"/v2/x/blobs/{digest(CONFIG)}"
        server.answers[place] = (307, {"Location": f"http://127.0.0.1:{other.port}{place}"}, b"")
        assert server.image(login=Login("me", "pw")).cache == "W10="
        assert other.seen == [(place, None)]


def test_a_login_does_not_follow_the_token_to_another_host(server: Server) -> None:
    with serving() as other:
        server.wanted, server.challenge = "Bearer t", f'Bearer realm="http://127.0.0.1:{server.port}/token"'
        server.answers["/token"] = (307, {"Location": f"http://127.0.0.1:{other.port}/token"}, b"")
        other.answers["/token"] = (200, {}, b'{"token": "t"}')
        assert server.image(login=Login("me", "pw")).cache == "W10="
        assert other.seen == [("/token", None)]
        assert ("/token?service=&scope=repository%3Ax%3Apull", Login("me", "pw").basic) in server.seen


def test_a_runs_own_image_is_read_by_port_and_what_fails_is_its_problem(server: Server) -> None:
    ours = Registry("localhost:5000", "docker-registry", server.port)
    assert read_image("localhost:5000/x:latest", ours).cache == "W10="
    assert "no such image" in (read_image("localhost:5000/y", ours).problem or "")
    assert "as an image's name" in (read_image("UPPER", ours).problem or "")


# --- names and logins


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alpine", Reference("docker.io", "library/alpine", "latest")),
        ("user/test", Reference("docker.io", "user/test", "latest")),
        ("docker.io/user/test:1", Reference("docker.io", "user/test", "1")),
        ("index.docker.io/library/alpine", Reference("docker.io", "library/alpine", "latest")),
        ("localhost/x", Reference("localhost", "x", "latest")),
        ("localhost:5000/a/b:t", Reference("localhost:5000", "a/b", "t")),
        ("ghcr.io/a/b@sha256:" + "0" * 64, Reference("ghcr.io", "a/b", "sha256:" + "0" * 64)),
        ("alpine:3.11.6@sha256:" + "0" * 64, Reference("docker.io", "library/alpine", "sha256:" + "0" * 64)),
        ("[::1]:5000/x", Reference("[::1]:5000", "x", "latest")),
    ],
)
def test_names_as_docker_reads_them(text: str, found: Reference) -> None:
    assert parse(text) == found


@pytest.mark.parametrize("text", ["", "UPPER", "a//b", "a:", "a@sha256:12", "http://x/y", "a b", "-x", "x:y:z", "é"])
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="as an image's name"):
        parse(text)


def test_only_this_machine_is_asked_without_tls() -> None:
    plain = {"localhost:5000/x": True, "127.0.0.1/x": True, "[::1]:5000/x": True, "ghcr.io/x": False, "x": False}
    assert {name: parse(name).plain_http for name in plain} == plain
    assert not parse("localhost.evil.example/x").plain_http
