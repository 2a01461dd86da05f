"""`lab vary` on a real engine of this machine: what misses, what hits, the remedy that was tried, and Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from lab.errors import CONTRADICTED, DIFFERS
from tests.conftest import HANGS, Lab, own_checkout

pytestmark = [pytest.mark.vm, pytest.mark.timeout(HANGS)]
ENGINE = ("--lineup", "local", "--engine", "20.10.24", "--base", "busybox")
DOCKERFILE = "FROM alpine\nRUN echo one > /one\nCOPY src /src\nRUN echo two > /two\n"


def project(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.txt").write_text("a\n")
    (folder / "src" / "a.txt").chmod(0o644)
    (folder / "src").chmod(0o755)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def test_one_difference_misses_another_hits_and_the_remedy_helps(workplace: Lab, tmp_path: Path) -> None:
    said = workplace.run(
        "vary", "--context", str(project(tmp_path)), *ENGINE, "--axis", "umask-0002,owner,git", "--json"
    )
    assert said.code == DIFFERS, said.err
    found = said.json["vary"]
    assert (found["problem"], found["contradicted"]) == (None, [])
    assert found["deliberate"] == ["hit", "ran", "ran"]
    axes = {axis["name"]: axis for axis in found["axes"]}
    assert axes["umask-0002"]["outcomes"] == ["hit", "ran", "ran"]
    assert axes["umask-0002"]["step"] == "COPY src /src"
    assert "mode of src" in axes["umask-0002"]["cause"]
    assert axes["umask-0002"]["cost"]["bytes"] is not None
    for name in ("owner", "git"):  # spot checks: no key changes by the model
        assert (axes[name]["outcomes"], axes[name]["spot"]) == (["hit", "hit", "hit"], True)
    [remedy] = [item for item in found["remedies"] if item["name"] == "normalise"]
    assert [(item["axis"], item["cured"]) for item in remedy["tried"]] == [("umask-0002", True)]
    assert "FROM alpine AS lab-files" in remedy["diff"]
    assert workplace.engines() == []


def test_ctrl_c_keeps_the_answers_and_names_the_command_that_goes_on(workplace: Lab, tmp_path: Path) -> None:
    words = ("vary", "--context", str(project(tmp_path)), *ENGINE, "--axis", "umask,crlf", "--verbose")
    process = workplace.start(*words)
    assert process.stderr
    seen: list[str] = []
    for line in process.stderr:
        seen.append(line)
        if "umask-0002: hit" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 130, "".join(seen) + rest
    text = " ".join(rest.split())
    assert "--axis umask-0077,crlf` goes on" in text, text
    folder = text.partition("what was found is kept in ")[2].partition(";")[0]
    run = json.loads(Path(folder, "run.json").read_text())
    assert [axis["name"] for axis in run["vary"]["axes"]] == ["umask-0002"]
    assert workplace.engines() == []


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture
def wrong_rules(tmp_path: Path) -> Lab:
    """A checkout whose rules say that the engine without the fix leaves out security.*, as the engine with the fix."""
    made = own_checkout(tmp_path / "checkout")
    root = made.root
    _replace(root / "boxes" / "buildkit" / "rules.yaml", 'like: "20.10.24", xattrs: all', 'like: "20.10.24"')
    _replace(root / "boxes" / "engines.yaml", "    rules: R5\n    xattrs: all\n", "    rules: R5\n")
    return made


UNFIXED = ("--lineup", "local", "--engine", "20.10.24-unfixed", "--base", "busybox", "--no-remedies", "--json")


def test_an_engine_that_contradicts_the_model_proves_only_what_it_did(wrong_rules: Lab, tmp_path: Path) -> None:
    words = ("vary", "--context", str(project(tmp_path / "p")), *UNFIXED, "--axis", "selinux,owner,mtime,umask-0077")
    said = wrong_rules.run(*words)
    assert said.code == CONTRADICTED, said.err
    found = said.json["vary"]
    assert found["problem"] is None and found["contradicted"] == ["selinux"]
    axes = {axis["name"]: axis for axis in found["axes"]}
    assert {axis["state"] for axis in axes.values()} == {"ran"}
    assert axes["selinux"]["outcomes"] == ["hit", "ran", "ran"]
    assert axes["selinux"]["cause"] == "it is not known: lab's model predicts that the engine hits"
    assert "mode of src" in axes["umask-0077"]["cause"]


def test_a_difference_that_the_model_does_not_know_is_bisected_on_the_engine(wrong_rules: Lab, tmp_path: Path) -> None:
    first = project(tmp_path / "first")
    for number in range(8):
        (first / "src" / f"f{number}.txt").write_text(f"{number}\n")
    second = tmp_path / "second"
    shutil.copytree(first, second)
    for number in range(8):
        os.setxattr(second / "src" / f"f{number}.txt", "security.lab", b"1")
    said = wrong_rules.run("vary", "--context", str(first), "--between", str(first), str(second), *UNFIXED)
    assert said.code == CONTRADICTED, said.err
    found = said.json["vary"]
    assert found["contradicted"] == ["all-differences"] and not found["problem"]
    [cause] = found["between"]["causes"]
    assert (cause["axis"], cause["count"], cause["alike"]) == ("engine-cause-1", 1, 7)
    assert cause["pieces"][0].startswith("security.lab of src/f")
    assert 0 < found["between"]["rebuilds"] <= 8
    [axis] = [item for item in found["axes"] if item["name"] == "engine-cause-1"]
    assert axis["outcomes"] == ["hit", "ran", "ran"]
