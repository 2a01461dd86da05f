"""The options of a build, and what they make of files and registries, as `lab why` and `lab predict` share them."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.cli.building import dockerfile_text
from tests.cli.program import Place
from tests.explain.builds import SOURCES, write

pytestmark = pytest.mark.slow

Why = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "app", "none")


@pytest.fixture
def why(here: Place) -> Why:
    """`lab why` from the exported cache of the recorded build."""

    def call(*words: str | Path, stdin: bytes = b"", **env: Any) -> subprocess.CompletedProcess[str]:
        return here.lab("why", "--cache-from", SOURCES["max"], "--engine", "26.1.5", *words, stdin=stdin, **env)

    return call


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The outcome of each instruction in the JSON of a call."""
    return {step["instruction"]: step["outcome"] for step in json.loads(done.stdout)["steps"]}


def test_the_context_is_this_folder_unless_one_is_named(why: Why, here: Place, folder: Path) -> None:
    named = why("--json", folder)
    words = ["why", "--cache-from", SOURCES["max"], "--engine", "26.1.5", "--json"]
    assert json.loads(here.lab(*words, cwd=folder).stdout) == json.loads(named.stdout)


def test_a_base_image_that_cannot_be_read_is_said_once(why: Why, folder: Path) -> None:
    """Two stages start from it."""
    done = why(folder)
    assert done.stderr.count("cannot read registry.example/busybox") == 1


def test_the_ignore_file_beside_the_dockerfile_decides(why: Why, folder: Path) -> None:
    service = folder / "services" / "x"
    service.mkdir(parents=True)
    (service / "Dockerfile").write_text((folder / "Dockerfile").read_text())
    (folder / "src" / "left.log").write_text("written by a build here\n")
    assert outcomes(why("--json", "-f", service / "Dockerfile", folder))["COPY src src"] == "ran"
    (service / "Dockerfile.dockerignore").write_text("**/*.log\n")
    assert outcomes(why("--json", "-f", service / "Dockerfile", folder))["COPY src src"] == "hit"


def test_a_dockerfile_on_standard_input(why: Why, folder: Path) -> None:
    text = (folder / "Dockerfile").read_bytes().replace(b"sleep 6", b"sleep 7")
    found = outcomes(why("--json", "-f", "-", folder, stdin=text))
    assert found["RUN sleep 7 && cp package.json installed.json"] == "ran"
    for stdin, code, said in (
        (b"", 10, "file with no instructions"),
        (b"ARG A", 10, "it has no FROM"),
        (b"\xff", 13, "not UTF-8"),
    ):
        done = why("-f", "-", folder, stdin=stdin)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_a_build_argument_without_value_is_taken_from_the_environment(why: Why, folder: Path) -> None:
    path = folder / "Dockerfile"
    path.write_text(path.read_text().replace("COPY src src", "ARG WHO\nCOPY src src"))
    last = "RUN sleep 2 && cat installed.json src/*.js > app.js"
    assert outcomes(why("--json", "--build-arg", "WHO", folder))[last] != "ran"  # it is set nowhere
    assert outcomes(why("--json", "--build-arg", "WHO", folder, WHO="me"))[last] == "ran"
    assert outcomes(why("--json", "--build-arg", "WHO=me", folder))[last] == "ran"


def test_several_caches_are_named_apart(why: Why, folder: Path) -> None:
    done = why("--cache-from", SOURCES["inline"], "--json", folder)
    found = json.loads(done.stdout)
    assert [source["kind"] for source in found["caches"]] == ["local cache", "inline cache of an image"]
    assert found["inline_cache"] is False


@pytest.mark.parametrize(
    "words",
    [
        ("--secret", "id=token,src=/nowhere"),
        ("--ssh", "default"),
    ],
)
def test_options_that_enter_no_key_change_nothing(why: Why, folder: Path, words: tuple[str, ...]) -> None:
    assert outcomes(why("--json", *words, folder)) == outcomes(why("--json", folder))


def test_a_hint_where_docker_would_look_elsewhere(why: Why, folder: Path) -> None:
    done = why("-f", "package.json", folder)
    assert (done.returncode, f"-f {folder}/package.json is a file" in done.stderr) == (13, True)


def changed(why: Why, folder: Path, *words: str | Path) -> set[str]:
    """The RUNs that do not hit with these options, and hit without them."""
    before, after = outcomes(why("--json", folder)), outcomes(why("--json", *words, folder))
    return {text for text in after if text.startswith("RUN") and before[text] == "hit" and after[text] != "hit"}


def test_options_that_enter_the_key_of_a_run(why: Why, folder: Path) -> None:
    first = "RUN sleep 6 && cp package.json installed.json"
    for words in (
        ("--network", "none"),
        ("--add-host", "a:1.2.3.4"),
        ("--ulimit", "nofile=5"),
        ("--platform", "linux/arm64"),
    ):
        assert first in changed(why, folder, *words), words


def test_a_stage_that_is_built_without_the_cache(why: Why, folder: Path) -> None:
    found = outcomes(why("--json", "--no-cache-filter", "build", folder))
    assert found["COPY package.json ./"] == "ran"
    assert found["COPY start.sh ./"] == "hit"


def test_a_named_context_that_is_a_folder(why: Why, folder: Path, tmp_path: Path) -> None:
    """`COPY --from=assets` of the same files at the same paths has the key of a COPY of the context."""
    path = folder / "Dockerfile"
    path.write_text(path.read_text().replace("COPY src src", "COPY --from=assets src src"))
    (tmp_path / "assets").mkdir()
    (folder / "src").rename(tmp_path / "assets" / "src")
    named = ("--build-context", f"assets={tmp_path / 'assets'}")
    assert outcomes(why("--json", *named, folder))["COPY --from=assets src src"] == "hit"
    (tmp_path / "assets" / "src" / "main.js").chmod(0o600)
    done = why("--json", *named, folder)
    [step] = [item for item in json.loads(done.stdout)["steps"] if "assets" in item["instruction"]]
    assert (step["outcome"], step["files_listed"]) == ("ran", False)
    [difference] = step["search"]["found"]["differences"]
    assert (difference["path"], difference["field"], difference["producer"]) == ("src/main.js", "mode", "0644")
    done = why("--build-context", "assets=/nowhere", folder)
    assert (done.returncode, "cannot read the context /nowhere" in done.stderr) == (13, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--build-context", "x"), "it is not NAME=SOURCE"),
        (("--add-host", "x"), "it is not HOST:IP"),
        (("--ulimit", "x"), "it is not NAME=SOFT"),
        (("--shm-size", "x"), "it is not a size such as 64m"),
    ],
)
def test_values_that_docker_refuses(why: Why, folder: Path, words: tuple[str, ...], said: str) -> None:
    done = why(*words, folder)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_the_name_of_a_dockerfile_may_be_in_small_letters(why: Why, folder: Path) -> None:
    before = outcomes(why("--json", folder))
    (folder / "Dockerfile").rename(folder / "dockerfile")
    assert outcomes(why("--json", folder)) == before


def test_a_linked_copy_is_decided_where_the_engines_name_shows_its_image_store(why: Why, folder: Path) -> None:
    """The files are in the cache, whose build had no --link; Docker 23 has a graph driver alone, later ones either."""
    recipe = folder / "Dockerfile"
    recipe.write_text(recipe.read_text().replace("COPY package.json", "COPY --link package.json"))
    found = {engine: why("--json", "--engine", engine, folder) for engine in ("23.0.1", "26.1.5", "26.1.5+containerd")}
    copies = {engine: outcomes(done)["COPY --link package.json ./"] for engine, done in found.items()}
    assert (copies["26.1.5"], copies["26.1.5+containerd"]) == ("unknown", "ran")
    reasons = {engine for engine, done in found.items() if "depends on the engine's image store" in done.stdout}
    assert reasons == {"26.1.5"}


@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",), ("--github",)])
@pytest.mark.parametrize("verb", ["why", "predict"])
def test_no_form_shows_the_secrets_of_a_source_that_cannot_be_read(
    here: Place, folder: Path, tmp_path: Path, verb: str, form: tuple[str, ...]
) -> None:
    """The service never answers, so the notice that lab waits for the caches is printed too."""
    summary = tmp_path / "summary.md"
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"http://127.0.0.1:{service.getsockname()[1]}"
        keys = "access_key_id=SECRET,secret_access_key=SECRET,session_token=SECRET"
        source = f"type=s3,bucket=b,region=r,endpoint_url={address},{keys}"
        words = ["--cache-from", SOURCES["max"], "--cache-from", source, "--engine", "26.1.5", "--timeout", "2.5"]
        done = here.lab(verb, *words, *form, folder, GITHUB_STEP_SUMMARY=str(summary))
    assert "still reading the cache of" in done.stderr and "access_key_id=[secret]" in done.stderr
    assert "does not answer within 2.5 s" in done.stdout
    assert "SECRET" not in done.stdout + done.stderr
    assert not summary.exists() or "SECRET" not in summary.read_text()
    assert summary.exists() == ("--github" in form)


def test_the_line_ends_of_a_dockerfile_are_read_as_they_are(tmp_path: Path) -> None:
    """A here-document with CRLF has another key than one with LF, for BuildKit and so for lab."""
    (tmp_path / "Dockerfile").write_bytes(b"FROM scratch\r\nCOPY <<EOF /x\r\nhello\r\nEOF\r\n")
    read = dockerfile_text(tmp_path / "Dockerfile", tmp_path)
    assert read.count("\r\n") == 4
    assert parse(read).stages[0].instructions[0].heredocs[0].content == "hello\r\n"
