"""The parts of the suite: a part that fails hides no other, and the order of tests and Ctrl-C are what they promise."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.suite import SUITES, Part, Suite

pytestmark = pytest.mark.slow

FAILS = Part("fails", ("sh", "-c", "echo one; echo '=== 1 failed ==='; exit 3"))
PASSES = Part("passes", ("sh", "-c", "echo two"))


def shell(name: str, script: str) -> Part:
    return Part(name, ("sh", "-c", script))


def test_a_part_that_fails_hides_no_other() -> None:
    lines: list[str] = []
    made = Suite(lines.append)
    assert made.run([((FAILS, PASSES),), ((PASSES,),)]) == 1
    assert [(item.part, item.status, item.last) for item in made.ended] == [
        ("fails", 3, "1 failed"),
        ("passes", 0, "two"),
        ("passes", 0, "two"),
    ]
    assert lines[:-1] == ["fails    | one", "fails    | === 1 failed ===", "passes   | two", "passes   | two"]
    rows = [line.split() for line in lines[-1].splitlines()[2:5]]
    assert [(row[:2], row[-1]) for row in rows] == [
        (["fails", "FAILED"], "failed"),
        (["passes", "passed"], "two"),
        (["passes", "passed"], "two"),
    ]


def test_the_table_names_the_tests_that_failed() -> None:
    lines: list[str] = []
    Suite(lines.append).run(
        [((shell("tests", "echo 'FAILED tests/a.py::b - no'; echo 'ERROR c'; echo end; exit 1"),),)]
    )
    assert lines[-1].splitlines()[3:5] == ["tests     FAILED tests/a.py::b - no", "tests     ERROR c"]


def test_the_end_of_the_output_has_what_failed_tests_printed() -> None:
    lines: list[str] = []
    script = "echo 'E   AssertionError: one'; echo '    more'; seq 100 | sed 's/^/E   line /'; echo Else; exit 1"
    Suite(lines.append).run([((shell("tests", script),),)])
    said = [line for line in lines[-1].splitlines() if line.startswith("tests     E  ")]
    assert said == [f"tests     E   line {number}" for number in range(41, 101)]


def in_its_folder(script: str) -> Part:
    """A part that makes a folder `x` in its temporary folder and prints that folder's path."""
    words = f'folder=${{2#*=}}; mkdir -p "$folder/x"; echo "$folder"; {script}'
    return Part("one", ("sh", "-c", words, "sh", "word"), "--basetemp")


def test_each_part_has_a_temporary_folder_of_its_own_that_is_removed() -> None:
    made = Suite(lambda line: None)
    assert made.run([((in_its_folder("true"),),)]) == 0
    folder = Path(made.ended[0].last)
    assert folder.name == "one" and not folder.parent.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts, which CI is")
def test_what_a_test_left_mounted_does_not_fail_the_part_and_keeps_its_files(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    lines: list[str] = []
    made = Suite(lines.append)
    assert made.run([((in_its_folder(f'mount --bind {tmp_path}/kept "$folder/x"'),),)]) == 0
    folder = Path(made.ended[0].last)
    subprocess.run(["umount", folder / "x"], check=True)
    assert (tmp_path / "kept" / "file").exists()
    assert lines[1] == f"one      | {folder.parent} is not removed: something is mounted on {folder}/x"
    shutil.rmtree(folder.parent)


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize(("vm", "machines"), [(False, False), (True, False), (True, True)])
def test_every_test_runs_in_one_part_of_make_test(vm: bool, machines: bool, slow: bool) -> None:
    parts = [part for stage in SUITES["test"] for lane in stage for part in lane if "pytest" in part.argv]
    chosen = {part.name: part.argv[part.argv.index("pytest") + 2] for part in parts}
    marks = {"vm": vm, "machines": machines, "slow": slow}
    assert len([name for name, words in chosen.items() if eval(words, {}, marks)]) == 1


def test_all_that_passes_is_0() -> None:
    assert Suite(lambda line: None).run([((PASSES,),)]) == 0


def test_lanes_run_side_by_side(tmp_path: Path) -> None:
    """Each lane waits for the file that the other one makes."""
    names = ("one", "two")
    lanes = tuple(
        (shell(mine, f"touch {tmp_path}/{mine}; until test -e {tmp_path}/{other}; do sleep 0.05; done"),)
        for mine, other in (names, names[::-1])
    )
    assert Suite(lambda line: None).run([lanes]) == 0


def test_the_processor_time_is_that_of_the_part_and_its_children() -> None:
    made = Suite(lambda line: None)
    burn = "import time\nwhile time.process_time() < 0.2: pass"
    made.run([((Part("burns", (sys.executable, "-c", burn)), shell("waits", "sleep 0.3")),)])
    burns, waits = made.ended
    assert burns.cpu >= 0.2
    assert waits.seconds >= 0.3


def test_a_daemon_that_keeps_the_pipe_open_is_not_awaited() -> None:
    made = Suite(lambda line: None)
    assert made.run([((shell("daemon", "sleep 100000 & echo $!"),),)]) == 0
    os.kill(int(made.ended[0].last), signal.SIGKILL)


INTERRUPTED = """\
import sys
from tests.suite import SUITES, Part, Suite, say
waits = Part("waits", ("sh", "-c", "echo begun; exec sleep 100000"))
sys.exit(Suite(say).run([((waits, Part("next", ("echo", "never"))),), ((Part("later", ("echo", "never")),),)]))
"""


def test_ctrl_c_ends_the_part_that_runs_and_starts_no_other() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, text=True, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "waits    | begun\n"
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "never" not in rest
    assert "FAILED (-2)" in rest  # ended by SIGINT


def run_pytest(folder: Path, text: str, *words: str) -> str:
    """What pytest prints of a file with these tests, with the settings and the conftest of this suite."""
    (folder / "test_some.py").write_text(text)
    argv = [sys.executable, "-m", "pytest", "-c", str(ROOT / "setup.cfg"), "--rootdir", str(folder), "-v", *words]
    done = subprocess.run(
        [*argv, "-p", "tests.conftest", "-p", "no:cacheprovider", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def passed(output: str) -> list[str]:
    """The names of the tests that passed, in order."""
    return [line.partition("::")[2].split()[0] for line in output.splitlines() if " PASSED" in line]


MANY = "import pytest\n{mark}\n@pytest.mark.parametrize('number', range(10))\ndef test(number):\n    pass\n"


def test_the_seed_is_printed_and_gives_the_order_again(tmp_path: Path) -> None:
    first = run_pytest(tmp_path, MANY.format(mark=""))
    [line] = [line for line in first.splitlines() if "--randomly-seed=" in line]
    seed = line.rpartition("=")[2]
    again = run_pytest(tmp_path, MANY.format(mark=""), f"--randomly-seed={seed}")
    assert passed(again) == passed(first)
    other = run_pytest(tmp_path, MANY.format(mark=""), f"--randomly-seed={int(seed) ^ 1}")
    assert sorted(passed(other)) == sorted(passed(first)) == sorted(f"test[{number}]" for number in range(10))


def test_a_story_is_told_in_its_order(tmp_path: Path) -> None:
    story = MANY.format(mark="pytestmark = pytest.mark.story")
    for seed in ("1", "2"):
        names = passed(run_pytest(tmp_path, story, f"--randomly-seed={seed}"))
        assert names == [f"test[{number}]" for number in range(10)]
    assert passed(run_pytest(tmp_path, MANY.format(mark=""), "--randomly-seed=1")) != names


IGNORING = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
)


def test_programs_of_tests_end_by_ctrl_c_where_the_suite_was_told_to_ignore_it(tmp_path: Path) -> None:
    """A shell lets its background jobs ignore SIGINT."""
    (tmp_path / "test_some.py").write_text(
        "import signal, subprocess\n"
        "def test():\n"
        "    child = subprocess.Popen(['sleep', '100000'])\n"
        "    child.send_signal(signal.SIGINT)\n"
        "    assert child.wait() == -signal.SIGINT\n"
    )
    words = ["-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "--timeout", "60", str(tmp_path)]
    argv = [sys.executable, "-c", IGNORING, sys.executable, *words]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
