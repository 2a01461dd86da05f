"""Cheap commands for RUN: run by a real shell, they make what the rest of the Dockerfile needs."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.state import Options
from lab.run.own_project.rewriting import rewritten
from lab.run.own_project.stubs import touch


def commands(text: str) -> list[str]:
    """The texts after RUN of the Dockerfile with stubs."""
    parsed = parse(rewritten(text, {}, Options(), stubs=True))
    return [item.rest for stage in parsed.stages for item in stage.instructions if item.word == "RUN"]


def run(command: str, root: Path) -> int:
    """Run a command whose absolute paths are below a folder."""
    moved = re.sub(r"(?<=[ >'])/", f"{root}/", command)
    return subprocess.run(["sh", "-c", moved], check=False, capture_output=True).returncode


def test_each_command_touches_a_file_of_its_own(tmp_path: Path) -> None:
    found = commands('FROM x\nRUN npm ci\nRUN npm run build\nRUN ["npm", "test"]\nRUN <<E\nnpm start\nE\n')
    assert [run(command, tmp_path) for command in found] == [0, 0, 0, 0]
    names = sorted(path.name.rpartition("-")[0] for path in tmp_path.iterdir())
    assert names == [".lab-npm-ci", ".lab-npm-run-build", ".lab-npm-start", ".lab-npm-test"]


def test_equal_commands_stay_equal_and_an_edit_changes_the_step() -> None:
    first, second, third = commands("FROM x\nRUN a  b\nFROM x\nRUN a  b\nFROM x\nRUN a c\n")
    assert first == second != third


def test_the_paths_that_other_stages_copy_are_made(tmp_path: Path) -> None:
    text = """\
FROM x AS one
RUN build
RUN test
FROM y
COPY --from=one /app/dist /app/site.conf /here/
COPY --from=0 ["/a b/*.jar", "/c"]
RUN --mount=type=bind,from=one,source=/opt/tool,target=/t use
"""
    first, last, other = commands(text)
    assert "/app/dist" not in first and "/app/dist" not in other
    assert run(last, tmp_path) == 0
    assert (tmp_path / "app/dist").is_dir() and (tmp_path / "opt/tool").is_dir()
    assert (tmp_path / "app/site.conf").is_file()


def test_the_users_that_the_dockerfile_names_are_made_once(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    first, second = commands("FROM x\nRUN adduser app\nRUN b\nCOPY --chown=app:5 a b\nUSER app\nUSER root\nUSER 7\n")
    assert run(first, tmp_path) == 0 and "passwd" not in second
    assert (tmp_path / "etc/passwd").read_text() == "app:x:1000:1000::/:/bin/sh\n"


def test_a_command_that_may_not_write_does_not_fail_the_build(tmp_path: Path) -> None:
    assert run(commands("FROM x\nRUN a\n")[0], tmp_path / "missing") == 0


def test_a_shell_of_the_dockerfile_is_not_needed() -> None:
    found = commands('FROM x\nSHELL ["/bin/bash", "-c"]\nRUN a\n')
    assert json.loads(found[0])[:2] == ["/bin/sh", "-c"]


def test_a_trigger_is_replaced_and_other_instructions_are_not() -> None:
    found = rewritten("FROM x\nONBUILD RUN make\nONBUILD COPY a b\nENV A=1\n", {}, Options(), stubs=True)
    assert "ONBUILD RUN true >/.lab-" in found and "ONBUILD COPY a b\nENV A=1\n" in found


def test_the_name_of_the_file_is_short_and_safe() -> None:
    item = parse("FROM x\nRUN " + "x/'\"$(y) " * 50).stages[0].instructions[0]
    assert len(touch(item)) < 50 and "'" not in touch(item) and "$" not in touch(item)


def test_equal_stages_stay_equal_if_one_gives_a_file_that_it_copied() -> None:
    text = """\
FROM x AS deps
WORKDIR /app
COPY package.json lock.json ./
RUN npm ci
FROM x AS build
WORKDIR /app
COPY package.json lock.json ./
RUN npm ci
FROM deps
RUN npm test
FROM y
COPY --from=deps /app/package.json /x/
COPY --from=2 /app/lock.json /app/other.json /x/
"""
    first, second, third = commands(text)
    assert first == second
    assert "lock.json" not in third and "other.json" in third
