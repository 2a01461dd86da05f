"""Each kind of step of a sequence in a script: its lines from lab's own commands, and its functions in real shells."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from lab.report.evidence import Evidence
from lab.report.script.judge import JUDGE
from lab.report.script.script import script
from lab.report.script.sequence import by_hand, left_out, repeats_steps, warning
from lab.report.script.steps.inspect import INSPECT
from lab.report.script.steps.table import STEPS
from lab.report.script.steps.wait import DAYS
from lab.report.script.words import Words
from lab.results.facts import Inspection
from lab.run.builders.docker import PRUNES
from lab.run.builders.kind import Scope
from lab.run.steps.table import NamedStep
from lab.yamlfile import check
from tests.report.script.rehearsal import rehearsed, scenario
from tests.report.test_script import SHELLS, in_shell

REF = '"$REGISTRY"/lab-save-load-local'
BUILD = "docker build --progress=plain --build-arg BUILDKIT_INLINE_CACHE=1"


def of(*sequence: object, name: str = "save-load", builder: str = "buildkit") -> Evidence:
    """A run of that scenario with another sequence, which begins as the bug report's."""
    usual: tuple[object, ...] = ({"build": {"side": "producer"}}, {"push": {"side": "producer"}}, *sequence)
    steps = tuple(check(item, NamedStep, "the sequence") for item in usual)
    return rehearsed(replace(scenario(name), sequence=steps), builder)


def lines(evidence: Evidence, part: str = "rebuild_") -> list[str]:
    """The lines of the consumer's part between its beginning and its end, without the comparisons."""
    text = script(evidence)
    body = text[text.index(f"\n{part}") :].partition("\n}\n")[0].strip().splitlines()[3:]
    return [line for line in body if not line.startswith(("step ", "files_"))]


def test_every_kind_of_step_has_its_lines() -> None:
    assert set(STEPS) == set(NamedStep.model_fields)


@pytest.mark.parametrize("scope", get_args(Scope))
def test_each_scope_of_a_prune(scope: Scope) -> None:
    found = lines(of({"build": {}}, {"prune": {"scope": scope}}, {"build": {}}))
    assert found == [f"{BUILD} --tag {REF}:e .", " ".join(["docker", *PRUNES[scope]]), f"{BUILD} --tag {REF}:e ."]


def test_commands_of_the_client_with_the_scripts_own_registry_and_folder() -> None:
    found = lines(
        of(
            {"build": {"name": "own"}},
            {"tag": {"image": "own", "to": "other"}},
            {"save": {"image": "own"}},
            {"load": {"image": "own"}},
            {"pull": {}},
            {"wait": {"seconds": 3}},
            {"wait": {"days": 400}},
            {"build": {"cache_from": ["own", "image"]}},
        )
    )
    assert found == [
        f"{BUILD} --tag {REF}-own:e .",
        f"docker tag {REF}-own:e {REF}-other:e",
        f'docker save --output "$here"/own.tar {REF}-own:e',
        'docker load --input "$here"/own.tar',
        f"docker pull {REF}:e",
        "sleep 3",
        "days 400",
        f"{BUILD} --cache-from {REF}-own:e --cache-from {REF}:e --tag {REF}:e .",
    ]


def test_a_change_stands_where_the_run_made_it() -> None:
    found = lines(of({"build": {}}, {"change": {"make": [{"mode": {"app.txt": "0600"}}]}}, {"build": {}}))
    assert found[1] == "chmod 0600 app.txt"
    assert len(found) == 3


def test_a_build_with_the_classic_builder_pulls_its_sources() -> None:
    found = lines(of({"build": {"cache_from": ["image"]}}, builder="classic"))
    assert found == [f"docker pull {REF}:e", f"classic build --cache-from {REF}:e --tag {REF}:e ."]
    text = script(of({"build": {}}, builder="classic"))
    assert "\nclassic() {" in text
    assert "\narchive() {" not in text


def test_a_build_with_another_builder_than_the_trials() -> None:
    producer = lines(rehearsed(scenario("cross-builder")), "push_")
    assert [line.split()[0] for line in producer if " build " in line] == ["classic"]


def test_a_build_from_an_archive_and_of_another_file() -> None:
    found = lines(of({"build": {"tar": "1000:1000", "file": "other/Dockerfile"}}))
    assert found[0] == "recipe=other/Dockerfile"
    assert found[1].startswith("archive . 1000:1000 docker build ")
    assert found[1].endswith(" -")


def test_buildctl_and_buildx_have_their_own_builds() -> None:
    first = lines(of({"build": {"cache_from": ["image"]}}, {"build": {}}, builder="buildctl"))
    assert first[0].startswith("buildctl build ")
    assert f"--import-cache type=registry,ref={REF}:e" in first[0]
    second = lines(of({"build": {}}, {"build": {}}, builder="buildx-remote"))
    assert [line.split()[0] for line in second] == ["docker_buildx", "docker_buildx"]


def test_files_are_served_until_the_side_ends() -> None:
    made = of({"serve": {"folder": "web", "at": "localhost:8011"}}, {"build": {}})
    assert lines(made)[0] == "serve ./web 8011"
    assert "\nserve() {" in script(made)


def test_a_restart_is_stated_with_its_command() -> None:
    made = of({"build": {}}, {"restart": {}}, {"build": {}})
    assert lines(made)[1] == "restart engine version"
    assert left_out(made) == ()
    assert by_hand(made) == {"consumer: restart": "LAB_RESTART='systemctl restart docker'"}
    assert "consumer: restart (LAB_RESTART='systemctl restart docker')" in str(warning(made))
    assert "#     consumer: restart: LAB_RESTART='systemctl restart docker'\n" in script(made)


def test_a_look_states_what_the_run_found() -> None:
    made = rehearsed(scenario("secret-value"))
    trials = tuple(
        item.model_copy(update={"inspections": (Inspection(step=1, path="/s", problems=("other bytes",)),)})
        if item.variation == "value"
        else item
        for item in made.run.trials
    )
    text = script(replace(made, run=made.run.model_copy(update={"trials": trials})))
    sum_of_other = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"  # printf other | sha256sum
    looks = [line for line in text.splitlines() if line.startswith("inspect ")]
    assert looks == [f"inspect /s wrong sum {sum_of_other}"]  # `only` names this variation
    assert "\nlook_docker() {" in text
    assert "\nlook_buildctl() {" not in text


@pytest.mark.parametrize("name", ["tag-overwritten", "chain-alternate", "base-moved", "tar-owner", "add-url"])
def test_such_sequences_are_repeated_whole(name: str) -> None:
    made = rehearsed(scenario(name))
    assert (repeats_steps(made), left_out(made), warning(made)) == (True, (), None)


def test_without_the_commands_of_the_run_steps_are_left_out() -> None:
    made = rehearsed(scenario("save-load"))
    assert "consumer: save image=own" in left_out(replace(made, exchanges=()))


def test_words_know_the_registry_and_the_folders_of_the_run() -> None:
    words = Words("localhost:5000", {"/h/r": "work", "/h/r/e/side": "here"})
    assert words.of("type=local,dest=/h/r/caches/x y") == """type=local,dest="$work"'/caches/x y'"""
    assert words.of("/h/r/e/side/own.tar") == '"$here"/own.tar'
    assert words.of("B=localhost:5000/a:1") == 'B="$REGISTRY"/a:1'
    assert words.of("xlocalhost:5000/a") == "xlocalhost:5000/a"
    assert words.of("") == "''"


# --- the look into an image, by archives of real tar

LOOK = """
here=.
compare() { printf '%s %s\\n' "$1" "$2"; }
tar -cf look.tar -C image {member}
member={member}
"""


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize(
    ("member", "conditions", "seen"),
    [
        ("same", "like ./same", "right"),
        ("bytes", "like ./bytes", "wrong"),
        ("mode", "like ./mode", "wrong"),
        ("folder", "like ./folder", "right"),
        ("same", "like ./gone", "wrong"),
        ("same", "mode 4755", "right"),
        ("same", "mode 0755", "wrong"),
        ("same", "owner 12:34", "wrong"),
        ("same", "there no", "wrong"),
        ("same", "there yes", "right"),
        ("nothing", "there no", "right"),
        ("nothing", "there yes", "wrong"),
        ("nothing", "like ./gone", "right"),
        ("nothing", "like ./same", "wrong"),
        ("nothing", "mode 0644", "wrong"),
        ("same", "sum a6328afc76e9db71da297ebff4b0d3e7a7eb3b01d917c05a6573fef121b6ecb6", "right"),  # "same\n"
    ],
)
def test_a_look_compares_what_lab_compares(tmp_path: Path, name: str, member: str, conditions: str, seen: str) -> None:
    image = tmp_path / "image"
    for folder in (tmp_path, image):
        (folder / "folder").mkdir(parents=True)
        for file in ("same", "bytes", "mode"):
            (folder / file).write_text(f"{file}\n")
            (folder / file).chmod(0o4755)
    (image / "bytes").write_text("others")
    (image / "mode").chmod(0o755)
    setup = LOOK.replace("{member}", member) if member != "nothing" else LOOK.replace("{member}", "mode")
    setup += "member=nothing\n" if member == "nothing" else ""
    done = in_shell(f"{setup}{INSPECT}\ninspect /x {seen} {conditions}\n", tmp_path, name)
    assert done.stdout.decode() == f"{seen} {seen}\n", done.stderr


CLASSIC_LOG = """\
Sending build context to Docker daemon  3.072kB
Step 1/4 : FROM base
 ---> 0123456789ab
Step 2/4 : RUN echo one > /one
 ---> Using cache
 ---> 1123456789ab
Step 3/4 : COPY app.txt /app.txt
 ---> 2123456789ab
Step 4/4 : RUN echo two > /two
 ---> Running in 3123456789ab
 ---> Using cache of nobody
Removing intermediate container 3123456789ab
 ---> 4123456789ab
Successfully built 4123456789ab
"""


@pytest.mark.parametrize("name", SHELLS)
def test_the_output_of_the_classic_builder_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "log").write_text(CLASSIC_LOG)
    names = {2: "RUN echo one > /one", 3: "COPY app.txt /app.txt", 4: "RUN echo two > /two", 5: "RUN none"}
    steps = "\n".join(f"step {number} '{text}' ?" for number, text in names.items())
    heading = "log=log\ncompared=0\ndiffer=0\nnote() { printf '%s\\n' \"$1\"; }\n"
    done = in_shell(f"{heading}{JUDGE}\n{steps}\n", tmp_path, name)
    seen = [line.split(" here ")[1].split()[0] for line in done.stdout.decode().splitlines()]
    assert seen == ["hit", "ran", "ran", "unknown"]


@pytest.mark.parametrize(
    ("command", "printed", "seen"),
    [
        ("", "left out: the clock 400 days ahead", None),
        ("./clock -s", "./clock -s '-400 days' moves it back", "-s|400 days|"),
    ],
)
def test_the_clock_is_moved_by_the_command_that_is_stated(
    tmp_path: Path, command: str, printed: str, seen: str | None
) -> None:
    clock = tmp_path / "clock"
    clock.write_text('#!/bin/sh\nprintf "%s|" "$@" > seen\n')
    clock.chmod(0o755)
    text = f"""note() {{ printf "%s\\n" "$1"; }}\nby_hand=0\n{DAYS}\ndays 400\n"""
    words = ["sh", "-eu", "-c", text]
    done = subprocess.run(words, cwd=tmp_path, env={"LAB_CLOCK": command}, capture_output=True, text=True, check=True)
    assert printed in done.stdout
    file = tmp_path / "seen"
    assert (file.read_text() if file.exists() else None) == seen
