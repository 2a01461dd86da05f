"""`lab why` and `lab digest` with malformed input from registries, caches and contexts.

Each time: no traceback, one line that says what could not be done, the exit code of its kind.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.buildkit.cachekeys.inline import KEY
from tests.cli.program import Place
from tests.cli.test_why import producers_context
from tests.conftest import ROOT
from tests.registry.serving import SCHEMA_1, Server, digest, serving

pytestmark = pytest.mark.slow

A = "sha256:" + "a" * 64
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return producers_context(tmp_path / "context")


@pytest.fixture
def why(here: Place) -> Call:
    """`lab why CONTEXT --cache-from IMAGE`, as 20.10.24 builds."""

    def call(context: Path, image: str | Path, *words: str, **env: Any) -> subprocess.CompletedProcess[str]:
        asked: list[str | Path] = ["--cache-from", image, "--engine", "20.10.24", "--limit", "1"]
        return here.lab("why", *asked, *words, context, cwd=ROOT, **env)

    return call


@pytest.fixture
def digested(here: Place) -> Call:
    """`lab digest` of that context."""

    def call(context: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return here.lab("digest", "--context", context, *words)

    return call


def serve(server: Server, config: dict[str, Any], manifest: dict[str, Any] | None = None) -> str:
    """Put an image of that config on the server; its name."""
    data = json.dumps(config).encode()
    layers = [{"digest": A, "size": 1} for _ in config.get("rootfs", {}).get("diff_ids", [])]
    about = {"schemaVersion": 2, "config": {"digest": digest(data)}, "layers": layers}
    text = json.dumps({**about, **(manifest or {})}).encode()
    server.answers = {
        "/v2/x/manifests/latest": (200, {}, text),
        f"/v2/x/manifests/{digest(text)}": (200, {}, text),
        f"/v2/x/blobs/{digest(data)}": (200, {}, data),
    }
    return server.name


def cached(records: object) -> dict[str, Any]:
    value = base64.b64encode(json.dumps(records).encode()).decode()
    return {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [A]}, KEY: value}


# --- what a registry may answer


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        ((404, {}, b""), 9, "the registry has no such image"),
        ((403, {}, b""), 9, "the registry forbids it without asking for a login (status 403)"),
        ((500, {}, b"<html>oops"), 9, "answers with status 500"),
        ((503, {}, b""), 9, "answers with status 503"),
        ((200, {"Content-Type": "text/html"}, b"<html><body>Sign in</body></html>"), 9, "answers with a web page"),
        ((200, {}, SCHEMA_1), 10, "its manifest has schema 1"),
        ((200, {}, b'{"manifests": []}'), 10, "it is an index that lists nothing"),
        ((200, {}, b"[" * 200_000), 10, "it is not JSON"),
        ((307, {"Location": "/v2/x/manifests/latest"}, b""), 9, "redirects more than"),
        ((307, {"Location": "gopher://x/"}, b""), 9, "support its registry's address gopher://x/"),
        ((200, {}, b" " * (17 << 20)), 10, "has 17825792 bytes, more than 16777216"),
    ],
)
def test_answers(
    why: Call, server: Server, context: Path, answer: tuple[int, dict[str, str], bytes], code: int, said: str
) -> None:
    server.answers["/v2/x/manifests/latest"] = answer
    done = why(context, server.name)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""
    assert "\nlab: cannot " in "\n" + done.stderr


def test_a_time_out_is_said_with_its_seconds(why: Call, server: Server, context: Path) -> None:
    server.delay = 5
    done = why(context, server.name, "--timeout", "0.4")
    assert (done.returncode, "does not answer within 0.4 s" in done.stderr) == (9, True)


def test_a_login_is_read_from_dockers_config_and_its_lack_said(
    why: Call, server: Server, context: Path, tmp_path: Path
) -> None:
    server.wanted = "Basic " + base64.b64encode(b"me:pw").decode()
    server.challenge = 'Basic realm="x"'
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True)
    done = why(context, server.name, HOME=str(home))
    assert (done.returncode, "the registry requires a login" in done.stderr) == (9, True)
    assert f"docker login localhost:{server.port}" in done.stderr
    auth = {"auths": {f"localhost:{server.port}": {"auth": base64.b64encode(b"me:pw").decode()}}}
    (home / ".docker" / "config.json").write_text(json.dumps(auth))
    done = why(context, server.name, HOME=str(home))
    assert (done.returncode, "COPY bar bar  would run" in done.stdout) == (4, True)  # its cache is read, and empty
    assert "me:pw" not in done.stdout + done.stderr


def test_a_single_image_of_another_platform_is_said(why: Call, server: Server, context: Path) -> None:
    name = serve(server, {**cached([{"digest": A}]), "architecture": "arm64"})
    done = why(context, name)
    assert done.returncode == 4
    assert "it is an image for linux/arm64, and what is built here is for linux/amd64" in done.stdout


def test_an_image_without_inline_cache(why: Call, server: Server, context: Path) -> None:
    name = serve(server, {"os": "linux", "architecture": "amd64"})
    done = why(context, name)
    assert done.returncode == 10
    assert "it is an image without an inline cache" in done.stderr
    assert "--build-arg BUILDKIT_INLINE_CACHE=1" in done.stderr


# --- what a cache may hold


@pytest.mark.parametrize(
    "records",
    [
        {},
        [[]],
        [7],
        [{"digest": 7}],
        [{"digest": ""}],
        [{"digest": A, "inputs": [[{"link": 0}]]}],  # a record that is its own parent
        [{"digest": A, "inputs": [[{"link": 1}]]}, {"digest": "sha256:" + "b" * 64, "inputs": [[{}]]}],
        [{"digest": A, "inputs": [[{"link": 0}] * 1000] * 50}] * 4,
        [{"digest": A, "inputs": [[{"link": 9}]]}],
        [{"digest": A, "inputs": [[{"link": -1}]]}],
        [{"digest": A, "inputs": [[{"link": "0"}]]}],
        [{"digest": A, "inputs": {"a": 1}}],
        [{"digest": A, "inputs": [[]]}],
        [{"digest": A, "layers": [{"layer": 1.5}]}],
        [{"digest": A, "layers": {}}],
        [{"digest": A, "chains": 7}],
    ],
)
def test_malformed_records(why: Call, server: Server, context: Path, records: object) -> None:
    done = why(context, serve(server, cached(records)))
    assert (done.returncode, "cannot read the image's inline cache" in done.stderr) == (10, True), done.stderr


@pytest.mark.parametrize(
    "value",
    ["%%%", "W10", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"[" * 100_000).decode(), 7, [], {"a": 1}],
)
def test_values_that_are_no_records(why: Call, server: Server, context: Path, value: object) -> None:
    done = why(context, serve(server, {**cached([]), KEY: value}))
    assert (done.returncode, "cannot read the" in done.stderr) == (10, True), done.stderr


@pytest.mark.parametrize(
    "records",
    [
        [{"digest": "sha256:zz"}],  # BuildKit compares digests as texts
        [{"digest": A}, *[{"digest": "sha256:" + "b" * 64, "inputs": [[{"link": 0}] * 1000] * 50}] * 4],
        [],
    ],
)
def test_odd_shapes_come_to_an_end(why: Call, server: Server, context: Path, records: object) -> None:
    done = why(context, serve(server, cached(records)), "--json", "--limit", "2")
    assert done.returncode == 4, done.stderr
    outcomes = {step["outcome"] for step in json.loads(done.stdout)["steps"]}
    assert outcomes <= {"ran", "unknown"}


# --- what a context may hold


def test_objects_that_cannot_be_digested_are_named_only_where_they_are_copied(digested: Call, context: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        before = Path.cwd()
        os.chdir(context)  # a socket's path may have 107 bytes
        bound.bind("sock")
        os.chdir(before)
    os.mkfifo(context / "pipe")
    Path(os.fsdecode(os.fsencode(context) + b"/caf\xe9")).write_text("x")
    (context / "out").symlink_to("../../outside")
    for words, code, said in (
        (("bar",), 0, ""),
        (("pipe",), 0, ""),
        (("sock",), 0, ""),
        (("--rules", "R1", "sock"), 0, ""),  # clients take the socket's bit off what they send
        (("out",), 13, "cannot digest out: no such path in the context"),
        ((".",), 13, r"cannot digest caf\xe9: its name is not UTF-8"),
        (("ba*",), 0, ""),
    ):
        done = digested(context, *words)
        assert (done.returncode, said in done.stderr) == (code, True), (words, done.stderr)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices_have_a_digest(digested: Call, context: Path) -> None:
    os.mknod(context / "null", 0o666 | 0o020000, os.makedev(1, 3))
    assert digested(context, "null", "--json").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/runuser").exists(), reason="needs root and runuser")
def test_what_a_plain_user_must_not_read_is_named(context: Path) -> None:
    """As a plain user, who reads the checkout where that is allowed; the context's secret nobody lets him read."""
    (context / "secret").write_text("x")
    (context / "secret").chmod(0)
    for folder in (context, *list(context.parents)[:4]):
        if folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    words = [sys.executable, "-c", PLAIN, str(ROOT), "digest", "--context", str(context), "."]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "cannot read secret: Permission denied" in done.stderr) == (13, True), done.stderr
    words[-1] = "bar"
    assert subprocess.run(words, capture_output=True, text=True, timeout=60, check=False).returncode == 0


# Modules are imported as root, since the checkout may lie where nobody else may look; the context is read as nobody.
PLAIN = """
import os, sys
sys.path.insert(0, sys.argv.pop(1))
os.chdir(sys.path[0])
import lab.cli.main, lab.cli.digest, lab.buildkit.context, lab.project, lab.buildkit.rulebook
import lab.buildkit.contenthash.formula, lab.buildkit.contenthash.query, lab.buildkit.contenthash.tree
project = lab.project.find()
known = lab.buildkit.rulebook.Rulebook(project.boxes)
lab.project.find, lab.buildkit.rulebook.Rulebook = lambda: project, lambda boxes: known
os.setgid(65534), os.setuid(65534)
lab.cli.main.main()
"""


def test_a_file_that_grows_while_it_is_read_is_named(digested: Call, context: Path) -> None:
    """Somebody writes to a log all the while."""
    log = context / "log"
    log.write_bytes(bytes(8 << 20))
    writer = subprocess.Popen(
        [sys.executable, "-c", "import sys\nf = open(sys.argv[1], 'ab', buffering=0)\nwhile 1: f.write(b'x')", str(log)]
    )
    try:
        while log.stat().st_size == 8 << 20:  # until it writes
            time.sleep(0.01)
        for _ in range(200):  # how often the writer gets its turn while lab reads is up to the system
            done = digested(context, "log")
            if done.returncode:
                break
    finally:
        writer.kill()
        writer.wait()
    assert (done.returncode, "it changed while the context was read" in done.stderr) == (13, True), done.stderr


def test_a_media_type_is_no_command_of_github(server: Server, why: Call, context: Path) -> None:
    manifest = {"schemaVersion": 2, "config": {"mediaType": "x/y\x1b[31mevil\n::error::pwn", "digest": A}, "layers": []}
    done = why(context, server.put("art", manifest))
    assert (done.returncode, done.stdout) == (10, "")
    assert "an artifact of the type x/yevil\\n::error::pwn" in done.stderr
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["lab", "hint"]
