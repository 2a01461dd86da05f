"""Images' configs from registries and files: a real HTTP server that behaves well and badly, real archives."""

from __future__ import annotations

import base64
import io
import json
import socket
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.registry.files import image_of_file, is_layout

from lab.errors import LabError, ReadError, RegistryError, UsageError
from lab.registry.client import Login, Repository, login_for, read_image
from lab.registry.manifests import Platform
from lab.registry.names import Reference, parse
from lab.registry.server import Registry
from lab.results.run import ImageFacts

CONFIG = json.dumps(
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "WorkingDir": "/w", "User": "u", "Shell": ["/bin/sh"], "OnBuild": None},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "a" * 64]},
        "moby.buildkit.cache.v0": "W10=",
    }
).encode()
AMD, ARM = Platform(), Platform("linux", "arm64")


def digest(data: bytes) -> str:
    return "sha256:" + sha256(data).hexdigest()


MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": digest(CONFIG)},
    }
).encode()
INDEX = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {"digest": digest(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}},
            {
                "digest": "sha256:" + "1" * 64,
                "platform": {"os": "unknown", "architecture": "unknown"},
                "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
            },
        ],
    }
).encode()
SCHEMA_1 = json.dumps({"schemaVersion": 1, "name": "x", "fsLayers": []}).encode()


class Server:
    """A registry on loopback; `answers` maps a path to status, headers, body; `seen` holds what was asked with what."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {
            "/v2/x/manifests/latest": (200, {}, MANIFEST),
            f"/v2/x/manifests/{digest(MANIFEST)}": (200, {}, MANIFEST),
            f"/v2/x/blobs/{digest(CONFIG)}": (200, {}, CONFIG),
        }
        self.wanted: str | None = None  # the Authorization without which the answer is 401
        self.challenge = ""
        self.delay = 0.0
        self.piece, self.pause = 1 << 20, 0.0  # bytes that are sent at once, and seconds between them
        self.seen: list[tuple[str, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, self.headers.get("Authorization")))
                time.sleep(outer.delay)
                path = self.path.partition("?")[0]
                status, headers, body = outer.answers.get(path, (404, {}, b"{}"))
                if path.startswith("/v2/") and outer.wanted not in (None, self.headers.get("Authorization")):
                    status, headers, body = 401, {"WWW-Authenticate": outer.challenge}, b"{}"
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked did not wait
                    for start in range(0, len(body), outer.piece):
                        self.wfile.write(body[start : start + outer.piece])
                        time.sleep(outer.pause)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.name = f"localhost:{self.port}/x"

    def image(self, platform: Platform = AMD, login: Login | None = None, seconds: float = 5) -> ImageFacts:
        return Repository(parse(self.name), login=login, seconds=seconds).image(platform)


@contextmanager
def serving() -> Iterator[Server]:
    """A registry that runs as long as the block."""
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


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
def test_what_speaks_no_http(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(said)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(RegistryError, match=r"the request to .* failed: "):
            Repository(parse(f"localhost:{listener.getsockname()[1]}/x"), seconds=3).image(AMD)
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
        ((200, {}, b'{"manifests": [7, {}]}'), "it exists for"),
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


@pytest.mark.parametrize(
    ("config", "login"),
    [
        (
            {"auths": {"https://index.docker.io/v1/": {"auth": base64.b64encode(b"me:p:w").decode()}}},
            Login("me", "p:w"),
        ),
        ({"auths": {"https://index.docker.io/v1/": {}}, "credsStore": "desktop"}, None),
        ({"auths": {"ghcr.io": {"auth": "!!"}}}, None),
        ({"auths": []}, None),
        ([], None),
    ],
)
def test_logins_that_stand_plainly_in_dockers_config(tmp_path: Path, config: object, login: Login | None) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = login_for("docker.io", tmp_path / "config.json")
    assert found == (login and replace(login, source=str(tmp_path / "config.json")))
    assert login_for("ghcr.io", tmp_path / "none") is None


# --- files


def archive(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            made.addfile(item, io.BytesIO(content))
    return path


def blob(data: bytes) -> str:
    return f"blobs/sha256/{digest(data)[7:]}"


SAVED = {
    "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": []}]).encode(),
    "c.json": CONFIG,
}
LAYOUT = {
    "oci-layout": b"{}",
    "index.json": json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest(INDEX)}]}).encode(),
    blob(INDEX): INDEX,
    blob(MANIFEST): MANIFEST,
    blob(CONFIG): CONFIG,
}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archives_of_docker_save_and_of_oci(tmp_path: Path, mode: str) -> None:
    assert image_of_file(archive(tmp_path / "saved.tar", SAVED, mode), AMD).cache == "W10="
    found = image_of_file(archive(tmp_path / "oci.tar", LAYOUT, mode), AMD)
    assert (found.cache, found.digest, found.manifests[-1]) == ("W10=", digest(CONFIG), digest(MANIFEST))


def test_a_layouts_folder(tmp_path: Path) -> None:
    for name, content in LAYOUT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert image_of_file(tmp_path, AMD).cache == "W10="
    with pytest.raises(ReadError, match="it exists for linux/arm64/v8, linux/amd64"):
        image_of_file(tmp_path, Platform("linux", "s390x"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "neither manifest.json nor index.json"),
        ({**SAVED, "manifest.json": b"{"}, "it is not JSON"),
        ({**SAVED, "manifest.json": b"[]"}, "it contains 0 images"),
        ({**SAVED, "manifest.json": json.dumps([{"Config": "c.json"}] * 2).encode()}, "it contains 2 images"),
        ({"manifest.json": SAVED["manifest.json"]}, "its manifest names c.json, which is missing"),
        ({**SAVED, "c.json": b"nonsense"}, "it is not JSON"),
        ({**SAVED, "c.json": b'{"moby.buildkit.cache.v0": 7}'}, "it is not text in base64"),
        ({**LAYOUT, blob(CONFIG): b"{}"}, "do not match its digest"),
        (
            {name: data for name, data in LAYOUT.items() if name != blob(MANIFEST)},
            "the blob sha256:[0-9a-f]{64} is missing",
        ),
        (
            {**LAYOUT, "index.json": json.dumps({"manifests": [{"digest": "../../etc/passwd"}]}).encode()},
            "the blob .* is missing",
        ),
    ],
)
def test_archives_that_are_not_whole(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(ReadError, match=said):
        image_of_file(archive(tmp_path / "a.tar", files), AMD)


def test_files_that_are_no_archives(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no archive at all")
    with pytest.raises(ReadError, match="it is not an archive of an image"):
        image_of_file(tmp_path / "a", AMD)
    whole = archive(tmp_path / "b.tar", SAVED, "w:gz").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReadError, match=r"it is not an archive of an image|it contains neither manifest\.json"):
        image_of_file(tmp_path / "cut", AMD)
    with pytest.raises(ReadError, match="No such file"):
        image_of_file(tmp_path / "gone", AMD)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\x28\xb5\x2f\xfd rest", "compressed with zstd"),
        (b"\xfd7zXZ\x00" + b"\xff" * 100, "it is not an archive of an image"),
        (b"BZh9" + b"\xff" * 100, "it is not an archive of an image"),
        (b"\x1f\x8b\x08\x00" + b"\xff" * 100, "it is not an archive of an image"),
        (b"", "it is not an archive of an image"),
    ],
)
def test_files_packed_in_ways_that_are_not_read(tmp_path: Path, start: bytes, said: str) -> None:
    (tmp_path / "a").write_bytes(start)
    with pytest.raises(ReadError, match=said) as error:
        image_of_file(tmp_path / "a", AMD)
    assert "\n" not in error.value.message and error.value.hint


@given(st.binary(max_size=64), st.integers(0, 2000))
def test_damaged_archives_are_read_errors(damage: bytes, place: int) -> None:
    """Bytes of a good archive overwritten anywhere: what comes of it is an image or a ReadError."""
    with tempfile.TemporaryDirectory() as folder:
        path = archive(Path(folder) / "a.tar", SAVED)
        whole = path.read_bytes()
        path.write_bytes(whole[:place] + damage + whole[place + len(damage) :])
        with suppress(ReadError):
            assert isinstance(image_of_file(path, AMD), ImageFacts)


def test_a_folder_that_holds_an_image(tmp_path: Path) -> None:
    assert not is_layout(tmp_path)
    (tmp_path / "index.json").write_bytes(b"{}")
    assert is_layout(tmp_path)
