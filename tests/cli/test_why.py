"""`lab why` as a program, with images of the caches that real engines wrote (tests/data/runs/explained)."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.buildkit.cachekeys.inline import KEY
from lab.buildkit.rulebook import Rulebook
from lab.results.facts import ImageFacts
from lab.results.run import load
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.reporting import RUNS

pytestmark = pytest.mark.slow

Lab = Callable[..., subprocess.CompletedProcess[str]]
Asked = Callable[..., tuple[int, dict[str, Any]]]
RUN = load(RUNS / "explained")
STEPS = "FROM busybox\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n"


def image(folder: Path, facts: ImageFacts | None = None) -> Path:
    """The image that 20.10.24 pushed, as `docker save` writes it."""
    facts = facts or next(item.image for item in RUN.productions if item.engine == "20.10.24") or ImageFacts()
    config = {
        "os": facts.os,
        "architecture": facts.architecture,
        "config": {"Env": list(facts.env)},
        "rootfs": {"diff_ids": list(facts.diff_ids)},
        **({KEY: facts.cache} if facts.cache is not None else {}),
    }
    layers = [f"{number}/layer.tar" for number in range(len(facts.diff_ids))]
    listed = json.dumps([{"Config": "c.json", "Layers": layers}]).encode()
    files = {"manifest.json": listed, "c.json": json.dumps(config).encode(), **dict.fromkeys(layers, b"")}
    with tarfile.open(folder / "image.tar", "w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return folder / "image.tar"


def producers_context(folder: Path) -> Path:
    """The context that the producer had: bar of 0644, no attribute."""
    folder.mkdir()
    # a registry that refuses at once: what the base is then is told from the image
    (folder / "Dockerfile").write_text(STEPS.replace("busybox", "localhost:1/busybox"))
    (folder / "bar").write_bytes(b"bar\n")
    (folder / "bar").chmod(0o644)
    return folder


def copied(found: dict[str, Any]) -> dict[str, Any]:
    """The only COPY or ADD of an answer."""
    [step] = [item for item in found["steps"] if item["instruction"].split()[0] in ("COPY", "ADD")]
    return dict(step)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    return producers_context(tmp_path / "context")


@pytest.fixture
def lab(here: Place) -> Lab:
    """`lab why` as 20.10.24 builds, in lab's own checkout: a folder there has a name that an image may have too."""

    def call(*words: str | Path, engine: str | None = "20.10.24") -> subprocess.CompletedProcess[str]:
        return here.lab("why", *words, *(["--engine", engine] if engine else []), cwd=ROOT)

    return call


@pytest.fixture
def asked(lab: Lab) -> Asked:
    """The exit code and the JSON of such a call."""

    def call(*words: str | Path, engine: str | None = "20.10.24") -> tuple[int, dict[str, Any]]:
        done = lab(*words, "--json", engine=engine)
        return done.returncode, json.loads(done.stdout)

    return call


def test_the_producers_own_files_would_hit(asked: Asked, context: Path, tmp_path: Path) -> None:
    code, found = asked("--cache-from", image(tmp_path), context)
    assert code == 0
    step = copied(found)
    assert (step["instruction"], step["outcome"], step["files_listed"]) == ("COPY bar bar", "hit", True)
    [assumed] = found["remarks"]
    assert assumed.startswith("assumed: localhost:1/busybox")
    assert "if it is another image now, every step on it would run" in assumed


@pytest.mark.parametrize(
    ("change", "field", "theirs", "ours"),
    [
        (lambda bar: bar.chmod(0o664), "mode", "0644", "0664"),
        (lambda bar: bar.chmod(0o4755), "mode", "0644", "4755"),
        (lambda bar: bar.write_bytes(b"bar\r\n"), "line ends", "LF", "CRLF"),
        (lambda bar: os.setxattr(bar, "user.origin", b"x"), "user.origin", "absent", "x"),
    ],
)
def test_the_field_and_the_producers_value_are_found(
    lab: Lab, asked: Asked, context: Path, tmp_path: Path, change: Any, field: str, theirs: str, ours: str
) -> None:
    try:
        change(context / "bar")
    except OSError as error:
        pytest.skip(f"this file system takes no user.*: {error.strerror}")
    code, found = asked("--cache-from", image(tmp_path), context)
    assert code == 4
    step = copied(found)
    [difference] = step["search"]["found"]["differences"]
    assert (step["outcome"], step["files_listed"]) == ("ran", False)
    assert (difference["path"], difference["field"]) == ("bar", field)
    assert (difference["producer"], difference["consumer"]) == (theirs, ours)
    told = lab("--cache-from", image(tmp_path), context).stdout
    assert f"bar: {field}: {theirs}; here it is {ours}" in told
    assert all(len(line) <= 100 for line in told.splitlines())


def test_another_line_of_engines_has_other_runs(lab: Lab, asked: Asked, context: Path, tmp_path: Path) -> None:
    code, found = asked("--cache-from", image(tmp_path), context, engine="26.1.5")
    step = copied(found)
    assert (code, step["outcome"], step["files_listed"]) == (4, "ran", True)
    assert step["reason"] == "it depends on RUN echo foo, which would run"
    cause = found["steps"][found["cause"]]
    assert (cause["instruction"], cause["reason"]) == ("RUN echo foo", "no step with this definition is in the cache")
    # facts: groups whose RUN records match each other are 19.03 to 23, 24 and 25, 26 and later
    assert (cause["written_by"][0], cause["written_by"][-1]) == ("19.03.0 to 19.03.12", "23.0.0 to 23.0.18")
    told = " ".join(lab("--cache-from", image(tmp_path), context, engine="26.1.5").stdout.split())
    assert "the cache has this step as Docker 19.03.0 to 19.03.12," in told
    assert "--engine names the Docker that builds here" in told


def test_the_rules_of_another_engine_are_found_with_their_versions(
    lab: Lab, asked: Asked, context: Path, tmp_path: Path
) -> None:
    """An engine that hashes every attribute holds a labelled file against a cache of one that does not."""
    try:
        os.setxattr(context / "bar", "security.lab", b"1")
    except OSError as error:
        pytest.skip(f"security.* cannot be set here: {error.strerror}")
    code, found = asked("--cache-from", image(tmp_path), context, engine="19.03.8")
    step = copied(found)
    assert (code, step["outcome"], step["files_listed"]) == (4, "ran", False)
    result = step["search"]["found"]
    assert (result["differences"], result["rule_sets"]) == ([], [f"R{number}" for number in range(2, 10)])
    assert "20.10.7 to 20.10.27" in result["docker"]
    assert "19.03.0 to 19.03.12" not in result["docker"]
    told = " ".join(lab("--cache-from", image(tmp_path), context, engine="19.03.8").stdout.split())
    assert "nothing else: its engine makes another digest of the same files" in told
    # a producer with this engine and without the attribute has the same record
    assert "or, if its engine has the rules of this one, bar: security.lab: absent; here it is 1" in told
    assert "the cache does not tell which of them is true" in told
    assert [item["field"] for item in result["instead"]] == ["security.lab"]


def test_a_name_in_the_form_of_docker_build_and_one_that_a_folder_has_too(
    lab: Lab, context: Path, tmp_path: Path
) -> None:
    for name, code, said in (
        ("type=registry,ref=localhost:1/x", 9, "cannot read localhost:1/x:latest"),
        ("type=local,src=/tmp", 10, "it has no index.json"),
        ("type=lokal,src=/tmp", 2, "lokal"),
        ("localhost:1/lab", 9, "cannot read localhost:1/lab:latest"),
        ("./lab", 10, "it is a folder with neither index.json nor manifest.json"),
    ):
        done = lab("--cache-from", name, context)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    # the checkout, where the program runs, has a folder of that name; Docker Hub is asked, and need not answer
    done = lab("--cache-from", "lab", context, "--timeout", "2")
    assert "cannot read docker.io/library/lab:latest" in done.stderr


def test_an_image_without_inline_cache_is_no_cache(lab: Lab, context: Path, tmp_path: Path) -> None:
    made = image(tmp_path, ImageFacts(diff_ids=("sha256:" + "0" * 64,)))
    done = lab("--cache-from", made, context)
    assert (done.returncode, done.stdout) == (10, "")
    assert "it is an image without an inline cache" in done.stderr
    assert "--build-arg BUILDKIT_INLINE_CACHE=1" in done.stderr


def test_the_engine_that_is_assumed_is_said(lab: Lab, context: Path, tmp_path: Path) -> None:
    newest = Rulebook(ROOT / "boxes").newest_engine.title
    text = lab("--cache-from", image(tmp_path), context, engine=None).stdout
    assert f"{newest} (the newest known; --engine names yours)" in " ".join(text.split())


def test_content_that_nobody_can_guess_is_not_found(lab: Lab, context: Path, tmp_path: Path) -> None:
    (context / "bar").write_bytes(b"quite another content\n")
    done = lab("--cache-from", image(tmp_path), context, "--limit", "20")
    assert done.returncode == 4
    assert "what the producer's files were is not found" in done.stdout


@pytest.mark.parametrize("cache", ["%%", "e30=", "W3siZGlnZXN0Ijo3fV0="])
def test_a_malformed_cache_is_an_error_in_words(lab: Lab, context: Path, tmp_path: Path, cache: str) -> None:
    facts = ImageFacts(cache=cache, diff_ids=("sha256:" + "0" * 64,))
    done = lab("--cache-from", image(tmp_path, facts), context)
    assert done.returncode == 10
    assert "cannot read the image's inline cache" in done.stderr


def test_wrong_words(lab: Lab, context: Path, tmp_path: Path) -> None:
    made = image(tmp_path)
    for words, code, said in (
        (("--cache-from", "./gone.tar", context), 2, "cannot find the file ./gone.tar"),
        (("--cache-from", "localhost:1/x", context), 9, "Connection refused"),
        (("--cache-from", made, tmp_path / "gone"), 13, "cannot read"),
        (("--cache-from", made, context / "bar"), 13, "cannot read"),
        (("--cache-from", made, context, "-f", tmp_path / "gone"), 13, "No such file"),
        (("--cache-from", made, context, "--build-arg", "=X"), 2, "it is not NAME or NAME=VALUE"),
        (("--cache-from", made, context, "--target", "none"), 2, 'cannot find the stage "none"'),
        ((context,), 2, "--cache-from"),
        (("--cache-from", made, "https://github.com/you/app.git"), 2, "lab does not read a remote address"),
        (("--cache-from", made, "-"), 2, "lab does not read an archive on standard input"),
        (("--cache-from", made, context, "--json", "--markdown"), 2, "cannot print both --json and --markdown"),
    ):
        done = lab(*words)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert lab("--cache-from", made, context, engine="99.1").returncode == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("COPY --from=localhost:1/other /x /x", "no step with this definition is in the cache"),
        ("COPY --parents bar /x", "this frontend does not support the flag --parents"),
    ],
)
def test_what_is_not_covered_is_not_known_and_says_why(
    asked: Asked, context: Path, tmp_path: Path, line: str, why: str
) -> None:
    (context / "Dockerfile").write_text(f"FROM localhost:1/busybox\nRUN echo foo\n{line}\n")
    code, found = asked("--cache-from", image(tmp_path), context)
    step = copied(found)
    assert (code, step["outcome"] in ("unknown", "ran"), why in f"{step['problem']} {step['reason']}") == (
        4 if step["outcome"] == "ran" else 14,
        True,
        True,
    ), step
    assert step["search"] is None


def test_a_copy_of_what_is_not_there_is_not_known(asked: Asked, context: Path, tmp_path: Path) -> None:
    (context / "bar").unlink()
    code, found = asked("--cache-from", image(tmp_path), context)
    step = copied(found)
    assert (code, step["outcome"]) == (14, "unknown")
    assert "no such path" in step["problem"]


def test_a_dockerfile_without_copy_or_step(lab: Lab, context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text("FROM localhost:1/busybox\nRUN echo foo\n")
    done = lab("--cache-from", image(tmp_path), context)
    assert (done.returncode, "the only step would hit" in done.stdout) == (0, True)
    (context / "Dockerfile").write_text("FROM localhost:1/busybox\nENV A=1\n")
    done = lab("--cache-from", image(tmp_path), context)
    assert (done.returncode, "no step that is looked up in a cache" in done.stdout) == (0, True)
    (context / "Dockerfile").write_bytes(b"\xff\xfe")
    assert lab("--cache-from", image(tmp_path), context).returncode == 13
    (context / "Dockerfile").write_text("RUN nothing before\n")
    assert lab("--cache-from", image(tmp_path), context).returncode == 10
