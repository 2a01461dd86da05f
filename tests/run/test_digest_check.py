"""The cases of the comparison of digests, one build at a time; at the end a real buildkitd builds all of them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.state import BaseImage
from lab.engines.buildkitd import DebugPages
from lab.engines.engine import Engine
from lab.errors import ConfigError, EngineError, UsageError
from lab.explain.digests import Kind
from lab.model import Progress
from lab.run.digest_check import Bench, Case, read_cases, run
from tests.conftest import HANGS, ROOT, Lab
from tests.vectors import BOOK

CASES = read_cases(ROOT / "templates" / "digests.yaml")
RECORDED = ROOT / "tests" / "data" / "hashed"


def quiet(event: Progress) -> None:
    pass


class Machine(Box):
    """This machine, on which buildctl is not called: `status` is what its calls end with, by their first word."""

    def __init__(self, **status: int) -> None:
        self.name = "this machine"
        self.status = status
        self.called: list[list[str]] = []
        self.seen: dict[str, bytes] = {}

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv)
        if words[0] != "buildctl":
            return LocalBox(self.name).execute(command, on_output)
        self.called.append(words[1:])
        if words[1] == "build":
            folder = next(Path(word.partition("=")[2]) for word in words if word.startswith("context="))
            self.seen = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        status = self.status.get(words[1], 0)
        return Result(command, status, b"", b"it said no\n" if status else b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put anywhere")


class Pages(DebugPages):
    """The page of a recorded build."""

    def texts(self) -> bytes:
        return (RECORDED / "page.json").read_bytes()


def bench(machine: Machine) -> Bench:
    engine = Engine("buildkit-0.25.2", ("buildctl",), "0.25.2", "0.25.2", "", log=("echo", "last", "words"))
    base = BaseImage(diff_ids=("sha256:" + "1" * 64,), env=())
    return Bench(machine, engine, Pages("", Path()), BOOK.need("buildkit-0.25.2"), base, "localhost:1/base", {})


def test_a_case_is_made_built_and_looked_up() -> None:
    machine = Machine()
    case = Case(
        name="one",
        summary="a file",
        dockerfile="FROM scratch\nCOPY bar /\nWORKDIR /{{ case }}\n",
        make="echo bar > bar; chmod 0664 bar; echo $CASE > unused",
    )
    found = bench(machine).run(case)
    assert machine.seen == {
        "Dockerfile": b"FROM scratch\nCOPY bar /\nWORKDIR /one\n", "bar": b"bar\n", "unused": b"one\n"
    }  # fmt: skip
    assert [words[0] for words in machine.called] == ["prune", "build"]  # BuildKit forgets the context of the last case
    copy, workdir = found.steps
    assert (copy.found[Kind.FILE], copy.found[Kind.CONTENT], copy.missing) == (1, 2, ())
    assert [item.ours for item in workdir.missing][:1] == [('Actions[0].path: "/one"',)]
    assert found.failed


def test_the_base_image_is_named_and_its_digests_are_looked_up() -> None:
    machine = Machine()
    found = bench(machine).run(
        Case(name="based", summary="x", dockerfile="FROM {{ base }}\nCOPY bar /\n", make="echo>bar")
    )
    assert machine.seen["Dockerfile"].startswith(b"FROM localhost:1/base\n")
    assert found.steps[0].step == "FROM"
    assert len(found.steps[0].missing) == 2


def test_a_build_that_fails_is_the_cases_problem() -> None:
    case = Case(name="broken", summary="x", dockerfile="FROM scratch\n")
    (found,) = run(bench(Machine(build=1)), [case], quiet)
    assert found.failed and found.problem
    assert found.problem.startswith("cannot build broken on this machine: exit status 1")
    assert found.problem.endswith("it said no")


def test_an_engine_that_has_ended_ends_the_comparison() -> None:
    cases = [Case(name=name, summary="x", dockerfile="FROM scratch\n") for name in ("first", "second")]
    with pytest.raises(EngineError, match=r"cannot build first: buildkit-0\.25\.2 has ended") as caught:
        run(bench(Machine(build=1, debug=1)), cases, quiet)
    assert caught.value.tail() == ["last words"]


def test_a_case_that_is_wrong_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "digests.yaml"
    one = {"name": "a", "summary": "x", "dockerfile": "FROM scratch"}
    path.write_text(json.dumps({"cases": [one, one]}))
    with pytest.raises(ConfigError, match="the case a is listed twice"):
        read_cases(path)
    path.write_text(json.dumps({"cases": [{**one, "nome": "b"}]}))
    with pytest.raises(ConfigError, match="nome"):
        read_cases(path)


def test_no_case_can_find_the_digests_of_another() -> None:
    seen: Counter[str] = Counter()
    for case in CASES:
        text = case.dockerfile.replace("{{ case }}", case.name).replace("{{ base }}", "base")
        steps = {
            item.text
            for stage in dockerfiles.parse(text).stages
            for item in stage.instructions
            if item.word in ("RUN", "COPY", "ADD") and item.rest.split()[-1].startswith("/")
        }
        seen.update(steps)
        # a context's content names the case too
        assert not case.make or "$CASE" in case.make, case.name
    assert [text for text, count in seen.items() if count > 1] == []


def test_the_page_of_the_documentation_shows_every_case() -> None:
    text = (ROOT / "docs" / "truth-digests.md").read_text(encoding="utf-8")
    rows = [line.split("`")[1] for line in text.partition("## Not computed")[0].splitlines() if line.startswith("| `")]
    assert rows == [case.name for case in CASES]
    assert "## Not found" not in text


@pytest.mark.parametrize("engine", ["20.10.24", "buildkit-0.13.2"])
def test_an_engine_that_does_not_show_what_it_hashed_is_refused(checkout: Lab, engine: str) -> None:
    said = checkout.run("truth", "--digests", "--engine", engine, "plain")
    assert said.code == UsageError.exit_code
    assert f"cannot compare digests with those of {engine}: it does not show what it hashed" in said.err


@pytest.mark.parametrize("words", [("--json",), ("--engine", "buildkit-0.25.2")])
def test_options_of_the_comparison_alone_are_refused(checkout: Lab, words: tuple[str, ...]) -> None:
    said = checkout.run("truth", *words)
    assert said.code == UsageError.exit_code
    assert "cannot use --engine or --json without --digests" in said.err


@pytest.mark.vm
@pytest.mark.timeout(2 * HANGS)  # the first run builds BuildKit, which takes minutes
def test_a_real_buildkit_computes_every_digest_that_lab_computes(workplace: Lab) -> None:
    (found,) = workplace.ok("truth", "--digests", "--json").json["engines"]
    assert found["engine"] == "buildkit-0.25.2 (BuildKit 0.25.2+debian)"
    assert [case["name"] for case in found["cases"]] == [case.name for case in CASES]
    assert [case["problem"] for case in found["cases"]] == [None for _ in CASES]
    steps: list[dict[str, Any]] = [step for case in found["cases"] for step in case["steps"]]
    assert [step for step in steps if step["not_found"]] == []
    totals: Counter[str] = Counter()
    for step in steps:
        totals.update(step["found"])
    assert set(totals) == {kind.value for kind in Kind}
    assert totals["file"] > 81 + 304  # the objects of deep-tree and wide-tree alone
    assert workplace.engines() == []
