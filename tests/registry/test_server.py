"""The throw-away registry: the real program serves, and what can go wrong says what to do."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path

import psutil
import pytest

from lab.boxes import beside
from lab.boxes.base import Box
from lab.boxes.local import LocalBox
from lab.boxes.process import Child
from lab.errors import BoxError, HostError, RegistryError
from lab.model import Progress
from lab.registry import ports, server
from lab.registry.manifests import DOCKER, OCI
from lab.registry.ports import PORTS
from lab.registry.server import BASE, Registry, doors, serve
from lab.registry.serving import proof, wait_until_it_serves

PORT_HINT = (
    "end the program that listens there; only a new run can take another port: --registry-port names one, and without "
    "that option lab takes a free one"
)


def quiet(event: Progress) -> None:
    pass


@contextmanager
def taken(port: int = 0) -> Iterator[int]:
    """A port on which somebody listens; yields its number."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        yield listener.getsockname()[1]


def free_port() -> int:
    with taken() as port:
        pass
    return port


def ask(registry: Registry, method: str, url: str, data: bytes | None = None, kind: str = "") -> HTTPResponse:
    """The answer to the registry's own user."""
    headers = {**proof(registry.credentials), **({"Content-Type": kind} if kind else {})}
    answer = urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=60)
    assert isinstance(answer, HTTPResponse)
    return answer


def get(registry: Registry, path: str) -> tuple[int, bytes]:
    with ask(registry, "GET", f"http://{registry.prefix}{path}") as answer:
        return answer.status, answer.read()


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """A PATH that holds these scripts alone, beside the shell's own folder-less builtins."""
    for name, script in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


EMPTY = b"{}"
EMPTY_DIGEST = f"sha256:{hashlib.sha256(EMPTY).hexdigest()}"
MANIFESTS = {
    kind: json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(EMPTY),
                "digest": EMPTY_DIGEST,
            },
            "layers": [],
        }
    ).encode()
    for kind in (DOCKER, OCI)
}


def push(registry: Registry, repository: str, tag: str, kind: str = DOCKER) -> None:
    """The least image there is, as the registry's HTTP API takes it."""

    def send(method: str, url: str, data: bytes, kind: str) -> str:
        with ask(registry, method, url, data, kind) as answer:
            return answer.headers.get("Location") or ""

    here = f"http://{registry.prefix}/v2/{repository}"
    place = send("POST", f"{here}/blobs/uploads/", b"", "application/octet-stream")
    send("PUT", f"{place}&digest={EMPTY_DIGEST}", EMPTY, "application/octet-stream")
    send("PUT", f"{here}/manifests/{tag}", MANIFESTS[kind], kind)


# --- the real program (docker-registry; `make check` installs it)


def test_the_real_registry_serves_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)  # it remembers an earlier TMPDIR
    port = free_port()
    told: list[Progress] = []
    with serve(None, port, told.append) as registry:
        assert registry.prefix == f"localhost:{port}"
        assert registry.port == port
        assert get(registry, "/v2/")[0] == 200
        assert get(registry, "/v2/_catalog") == (200, b'{"repositories":[]}\n')
        [child] = [process for process in psutil.Process().children() if "serve" in process.cmdline()]
        folders = list(tmp_path.glob("lab-registry-*"))  # its settings and its images
        addresses = {item.laddr.ip for item in child.net_connections() if item.status == psutil.CONN_LISTEN}
        assert addresses == {"127.0.0.1"}  # nobody but this machine reaches it
    assert not child.is_running()
    assert folders
    assert not any(folder.exists() for folder in folders)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)
    assert [event.done for event in told] == [False, True]
    assert f"localhost:{port}" in told[1].what


def test_the_store_may_lie_anywhere(tmp_path: Path) -> None:
    store = tmp_path / "my lab, v2: {new} # 'here'"
    with serve(None, free_port(), quiet, store=store) as registry:
        place = f"http://{registry.prefix}/v2/lab-base/blobs/uploads/"
        ask(registry, "POST", place, b"").close()
    assert (store / "registry" / "docker").is_dir()


def test_the_registry_ends_with_an_error_too() -> None:
    port = free_port()
    with pytest.raises(ZeroDivisionError), serve(None, port, quiet):
        raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_only_the_base_image_outlives_a_run(tmp_path: Path) -> None:
    with serve(None, free_port(), quiet, store=tmp_path) as registry:
        for repository in (BASE, "lab-copy-bust-one"):
            push(registry, repository, "tag")
        kept = registry.digest(BASE, "tag")
        assert kept == f"sha256:{hashlib.sha256(MANIFESTS[DOCKER]).hexdigest()}"
        assert registry.digest("lab-copy-bust-one", "tag") == kept
        assert registry.digest(BASE, "another") is None
        push(registry, "lab-of-containerd", "tag", OCI)  # what an engine with containerd's store pushes
        assert registry.digest("lab-of-containerd", "tag") == f"sha256:{hashlib.sha256(MANIFESTS[OCI]).hexdigest()}"
    with serve(None, free_port(), quiet, store=tmp_path) as registry:
        assert registry.digest(BASE, "tag") == kept
        assert registry.digest("lab-copy-bust-one", "tag") is None


def test_two_runs_at_once_do_not_share_a_store(tmp_path: Path) -> None:
    with serve(None, free_port(), quiet, store=tmp_path) as first:
        push(first, "lab-copy-bust-one", "tag")
        with serve(None, free_port(), quiet, store=tmp_path) as second:
            assert second.digest("lab-copy-bust-one", "tag") is None
        assert first.digest("lab-copy-bust-one", "tag")


def test_a_store_that_grew_too_large_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(None, free_port(), quiet, store=tmp_path) as registry:
        push(registry, BASE, "tag")
    monkeypatch.setattr("lab.registry.server.KEEP_BYTES", 100)  # the real bound would need a real 300 MB
    with serve(None, free_port(), quiet, store=tmp_path) as registry:
        assert registry.digest(BASE, "tag") is None


def test_a_port_asked_for_that_is_taken_is_an_error_of_the_host() -> None:
    with taken() as port, pytest.raises(HostError) as caught, serve(None, port, quiet):
        pass
    assert caught.value.message == f"cannot serve the registry on port {port}: something listens there"
    assert caught.value.hint == PORT_HINT


def test_a_port_that_is_not_for_this_user_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Denied(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # patched: root may use every port, and so may a plain user in many a container
    monkeypatch.setattr("lab.registry.ports.socket.socket", Denied)
    with pytest.raises(HostError) as caught, serve(None, 80, quiet):
        pass
    why = "permission denied (ports below 1024 are root's)"
    assert caught.value.message == f"cannot serve the registry on port 80: {why}"
    assert caught.value.hint == PORT_HINT


def test_a_default_port_that_is_taken_is_passed_over() -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # somebody else listens there: as good
            stack.enter_context(taken(5000))
        registry = stack.enter_context(serve(None, None, quiet))
        assert registry.port in range(5001, 5020)
        assert get(registry, "/v2/")[0] == 200


def test_a_port_that_another_lab_took_a_moment_before_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look finds the first port free, and then another lab's registry has it: a look that is always too early."""
    with serve(None, None, quiet) as other:
        first, looks = other.port, list[list[int]]()
        assert first
        second = ports.free_port(None, (), [first])

        def early(asked: int | None, boxes: Sequence[Box] = (), passed_over: Collection[int] = ()) -> int:
            looks.append(list(passed_over))
            return asked or next(port for port in (first, second) if port not in passed_over)

        monkeypatch.setattr(server, "free_port", early)
        with serve(None, None, quiet, store=tmp_path) as mine:
            assert mine.port == second
            assert get(mine, "/v2/")[0] == 200
        message = f"cannot serve the registry on port {first}: something listens there"
        with pytest.raises(RegistryError, match=message), serve(None, first, quiet):
            pass
    assert looks == [[], [first], []]
    assert beside.standing(tmp_path) == []


def test_without_any_free_port_it_says_so() -> None:
    with ExitStack() as stack:
        for port in PORTS:
            try:
                stack.enter_context(taken(port))
            except OSError:
                continue
        with pytest.raises(HostError) as caught, serve(None, None, quiet):
            pass
    assert caught.value.message == "cannot serve the registry: ports 5000 to 5019 are all taken"


# --- programs that are not as they should be


def test_without_a_program_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch)
    with pytest.raises(RegistryError) as caught, serve(None, free_port(), quiet):
        pass
    message = "cannot start a registry: none of docker-registry, registry and docker is on this machine or in a box"
    assert caught.value.message == message
    assert caught.value.hint and "python -m lab setup" in caught.value.hint and "--registry " in caught.value.hint


def test_a_program_that_ends_at_once_shows_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, docker_registry="echo configuration error >&2; exit 1")
    with pytest.raises(RegistryError) as caught, serve(None, free_port(), quiet):
        pass
    assert caught.value.message == "cannot start the registry: it ended at once"
    assert caught.value.tail() == ["configuration error"]


def test_a_program_of_the_other_name_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path, monkeypatch, registry="echo other name; exit 1")
    with pytest.raises(RegistryError) as caught, serve(None, free_port(), quiet):
        pass
    assert caught.value.tail() == ["other name"]


def test_an_answer_that_is_no_http_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # another program that took the port between the look and the start; the registry then ends by itself
    script = """
import re, socket, sys
port = int(re.search(r"addr: 127.0.0.1:(\\d+)", open(sys.argv[2]).read())[1])
with socket.create_server(("127.0.0.1", port)) as server:
    peer, _ = server.accept()
    peer.sendall(b"SSH-2.0-x\\r\\n")
    peer.close()
    print("address already in use")
"""
    (tmp_path / "fake.py").write_text(script, encoding="utf-8")
    programs(tmp_path, monkeypatch, docker_registry=f'exec {sys.executable} {tmp_path}/fake.py "$@"')
    with pytest.raises(RegistryError) as caught, serve(None, free_port(), quiet):
        pass
    assert caught.value.tail() == ["address already in use"]


def test_the_registry_of_another_lab_on_the_port_is_not_taken_for_its_own(tmp_path: Path) -> None:
    """Two labs may choose the same free port; the program of one of them then ends, a little later."""
    with serve(None, None, quiet) as other:
        child = Child(["sh", "-c", "sleep 1; echo address already in use"], tmp_path / "log")
        with pytest.raises(RegistryError) as caught:
            wait_until_it_serves(other.port or 0, child, other.credentials)
    assert caught.value.tail() == ["address already in use"]


def test_docker_serves_where_no_program_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f'echo "$@" >> {tmp_path}/asked; case $1 in start) echo no network >&2; exit 125 ;; esac'
    programs(tmp_path, monkeypatch, docker=script)
    port = free_port()
    with pytest.raises(RegistryError) as caught, serve(None, port, quiet):
        pass
    assert caught.value.message == "cannot start registry:2 in this machine's Docker: exit status 125"
    assert caught.value.tail() == ["no network"]
    made, copied, started, removed = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    name = made.split()[3]
    assert name.startswith(f"lab-registry-{os.getpid()}-")  # noted before Docker is asked
    settings = "-e REGISTRY_AUTH=htpasswd -e REGISTRY_AUTH_HTPASSWD_REALM=lab -e REGISTRY_AUTH_HTPASSWD_PATH=/users"
    assert made == f"create --rm --name {name} -p 127.0.0.1:{port}:5000 {settings} registry:2"
    assert copied.split()[0] == "cp" and copied.split()[2] == f"{name}:/users"
    assert (started, removed) == (f"start {name}", f"rm -f -v {name}")


def test_a_killed_labs_registry_goes_with_its_folder(tmp_path: Path) -> None:
    """What `down` and the next run do; the killed lab is a process of its own."""
    code = """
import sys, time
from pathlib import Path
from lab.registry.server import serve
with serve(None, None, lambda event: None, store=Path(sys.argv[1])):
    print("serving", flush=True)
    time.sleep(100_000)
"""
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout and lab.stdout.readline() == "serving\n"
        [item] = beside.standing(tmp_path)
        assert (item.what, item.owned, len(item.pids)) == ("registry", True, 1)
        assert beside.sweep(tmp_path) == []  # its lab lives
        registry = psutil.Process(item.pids[0])
        lab.kill()
    [item] = beside.standing(tmp_path)
    assert (item.owned, item.pids) == (False, (registry.pid,))
    assert beside.sweep(tmp_path) == ["registry"]
    assert not registry.is_running()
    assert beside.standing(tmp_path) == []


# --- an external one, and doors


def test_an_external_registry_is_used_as_it_is() -> None:
    with serve("docker.io/me/", 5000, quiet) as registry:
        assert registry == Registry("docker.io/me", "external", None)


class Doorway(LocalBox):
    """A box that notes which doors are open."""

    @contextmanager
    def registry_door(self, box_port: int, host_port: int) -> Iterator[None]:
        DOORS.append((self.name, box_port, host_port))
        try:
            yield
        finally:
            DOORS.remove((self.name, box_port, host_port))


class Walled(LocalBox):
    """A box whose door cannot be opened."""

    @contextmanager
    def registry_door(self, box_port: int, host_port: int) -> Iterator[None]:
        raise BoxError("a wall")
        yield


DOORS: list[tuple[str, int, int]] = []


def test_the_doors_that_are_open_close_where_another_one_cannot_be_opened() -> None:
    boxes: list[Box] = [Walled("one"), Doorway("two"), Doorway("three")]
    with pytest.raises(BoxError, match="a wall"), doors(Registry("localhost:5003", "docker-registry", 5003), boxes):
        raise AssertionError("the context must not begin")
    assert DOORS == []


def test_every_box_gets_a_door_to_the_labs_own_registry() -> None:
    boxes: list[Box] = [Doorway("one"), Doorway("two")]
    with doors(Registry("localhost:5003", "docker-registry", 5003), boxes):
        assert sorted(DOORS) == [("one", 5003, 5003), ("two", 5003, 5003)]
    assert DOORS == []
    with doors(Registry("docker.io/me", "external"), boxes):
        assert DOORS == []
    with doors(Registry("localhost:5003", "docker-registry in one", 5003, inside="one"), boxes):
        assert DOORS == [("two", 5003, 5003)]
