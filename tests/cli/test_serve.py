"""`lab serve` as a process of its own, and those who read from it: browsers, pip, strangers, and forty participants."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab.cli.serve import _addresses
from lab.machines.pack.gathering import Item
from lab.machines.pack.making import make
from lab.machines.pack.manifest import NAME, Sort, parse
from tests.cli.program import Place
from tests.conftest import HANGS, ROOT
from tests.machines.pack.packs import FILES, planned, silent, write_sources

pytestmark = pytest.mark.slow

BOX = "boxes/one-0123456789ab.box"
WHEEL = "wheels/docker_cache_lab-0.1.0-py3-none-any.whl"


def wheel() -> bytes:
    """A wheel of one empty module, named as lab's."""
    out = io.BytesIO()
    about = "docker_cache_lab-0.1.0.dist-info"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("example_module.py", "")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: docker-cache-lab\nVersion: 0.1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small pack, with a file beside it and a file in it that its manifest does not list."""
    top = tmp_path_factory.mktemp("served")
    items = write_sources(top / "sources")
    (top / "sources" / "wheel").write_bytes(wheel())
    items.append(Item(top / "sources" / "wheel", WHEEL, Sort.WHEEL, "docker_cache_lab"))
    make(planned(items, top / "pack"), silent)
    (top / "secret").write_text("secret")
    (top / "pack" / "secret").write_text("secret")
    (top / "pack" / "boxes" / "link").symlink_to(top / "secret")
    return top / "pack"


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The server of a pack on a free port, and its address."""
    argv = [sys.executable, "-m", "lab", "serve", str(folder), "--port", "0", "--json", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        try:
            text = ""
            while not text.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, process.stderr.read()
                text += line
            yield json.loads(text)["urls"][0], process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serving(folder) as (address, _):
        yield address


def ask(url: str, path: str, verb: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and content of one request, whose path is sent as it is."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=HANGS)
    try:
        connection.putrequest(verb, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_only_this_machine_can_connect_unless_an_address_is_named(url: str) -> None:
    assert urlsplit(url).hostname == "127.0.0.1"


def test_each_file_of_the_manifest_is_served(url: str, folder: Path) -> None:
    found = parse(ask(url, f"/{NAME}")[2], "it")
    assert {entry.path for entry in found.files} == {*FILES, WHEEL}
    for entry in found.files:
        code, headers, content = ask(url, f"/{entry.path}")
        assert (code, content) == (200, (folder / entry.path).read_bytes())
        assert headers["etag"] == f'"{entry.sha256}"'


def test_a_part_of_a_file_is_served(url: str) -> None:
    content = FILES[BOX][1]
    code, headers, part = ask(url, f"/{BOX}", Range=f"bytes={len(content) - 10}-")
    assert (code, part) == (206, content[-10:])
    assert headers["content-range"] == f"bytes {len(content) - 10}-{len(content) - 1}/{len(content)}"
    same = f'"{hashlib.sha256(content).hexdigest()}"'
    assert ask(url, f"/{BOX}", Range="bytes=5-9", If_Range=same)[2] == content[5:10]
    assert ask(url, f"/{BOX}", Range="bytes=5-9", If_Range='"another"')[::2] == (200, content)
    assert ask(url, f"/{BOX}", Range=f"bytes={len(content)}-")[0] == 416


def test_head_gives_the_size_alone(url: str) -> None:
    code, headers, content = ask(url, f"/{BOX}", "HEAD")
    assert (code, headers["content-length"], content) == (200, str(len(FILES[BOX][1])), b"")


@pytest.mark.parametrize(
    "path",
    [
        "/secret",
        "/boxes/link",
        "/../secret",
        "/boxes/../../secret",
        "/boxes/..%2f..%2fsecret",
        "/%2e%2e/secret",
        "//etc/passwd",
        "/boxes/%00",
        "/boxes/",
        "/boxes",
        "/docs/",
        f"/./{BOX}",
        f"/{BOX}/",
        "/.manifest.json",
        "/manifest.json.unfinished",
    ],
)
def test_nothing_but_the_files_of_the_manifest_is_served(url: str, path: str) -> None:
    code, _, content = ask(url, path)
    assert code in (307, 400, 404)
    assert b"secret" not in content


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", f"/{BOX}", f"/{NAME}", "/wheels/"])
def test_only_get_and_head_are_answered(url: str, verb: str, path: str) -> None:
    assert ask(url, path, verb)[0] == 405


def test_the_page_states_what_to_type_with_the_address_that_was_asked(url: str) -> None:
    code, headers, page = ask(url, "/")
    text = page.decode()
    assert code == 200 and "default-src 'none'" in headers["content-security-policy"]
    wheels = f"--trusted-host 127.0.0.1 --find-links {url}/wheels/ docker-cache-lab"
    for command in (f"pip install --no-index {wheels}", f"lab up --lineup debian --from {url}"):
        assert command in text
    assert "lab setup --from" not in text  # this pack has no packages of Debian
    assert 'href="/docs/index.html"' in text
    text = ask(url, "/", Host="$(id)<script>")[2].decode()
    assert "$(id)" not in text and "<script" not in text


def test_pip_installs_from_the_page_of_wheels(url: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--no-index", "--find-links", f"{url}/wheels/", "--no-deps"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    env |= {"PIP_CONFIG_FILE": os.devnull}
    argv += ["--target", str(tmp_path / "there"), "docker-cache-lab"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "example_module.py").is_file()


FORTY = """\
import os, sys, traceback
from pathlib import Path
from lab.machines.pack.sources import open_source

url, work = sys.argv[1], Path(sys.argv[2])
children = []
for number in range(40):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            source = open_source(url, work / f"{number:02d}")
            source.get(source.manifest.files, lambda event: None)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    children.append(child)
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children))
"""


def test_forty_clients_at_once_lose_nothing(url: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-c", FORTY, url, str(tmp_path)]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stderr
    folders = list(tmp_path.glob("*/packs/*"))
    assert len(folders) == 40
    for folder in folders:
        for path, (_, content) in FILES.items():
            assert (folder / path).read_bytes() == content


def seconds(url: str, path: str) -> float:
    """How long one download takes."""
    began = time.monotonic()
    assert ask(url, path)[0] == 200
    return time.monotonic() - began


@pytest.mark.parametrize("option", ["--limit", "--limit-client"])
def test_a_limit_makes_a_download_as_slow_as_it_says(folder: Path, option: str) -> None:
    """2 MB at 2 MB/s take a second; at most a quarter of it is sent at once. A slow machine only takes longer."""
    with serving(folder, option, "2") as (address, _):
        assert seconds(address, f"/{BOX}") > 0.7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_in_order(folder: Path, number: signal.Signals) -> None:
    with serving(folder) as (address, process):
        assert ask(address, "/")[0] == 200
        process.send_signal(number)
        _, err = process.communicate(timeout=HANGS)
        assert process.returncode == 0, err
        assert "Traceback" not in err


def test_a_damaged_pack_is_refused_before_anything_listens(here: Place, folder: Path, tmp_path: Path) -> None:
    items = write_sources(tmp_path / "sources")
    make(planned(items, tmp_path / "pack"), silent)
    (tmp_path / "pack" / BOX).write_bytes(b"\xff" + FILES[BOX][1][1:])
    done = here.lab("serve", tmp_path / "pack", "--port", "0")
    assert done.returncode == 3
    assert f"{BOX} is damaged" in " ".join(done.stderr.split())


def test_a_port_in_use_is_an_error_of_this_machine(here: Place, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = here.lab("serve", folder, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 5
    assert "--port 0 takes a free port" in " ".join(done.stderr.split())


def test_a_named_address_is_printed_as_it_is() -> None:
    assert _addresses("192.0.2.7") == ["192.0.2.7"]
    assert _addresses("localhost") == ["localhost"]
    assert all(address not in ("0.0.0.0", "") for address in _addresses("0.0.0.0"))
