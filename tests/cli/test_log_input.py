"""How a log that holds no step is refused, and what the logs of one call are called."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lab.cli.log_input import read_log, short_names, shown
from lab.errors import LabError, ReadError, UsageError
from lab.report.printable import line
from tests.cli.test_logs import error, log, run

MISS = b"#5 [2/2] RUN true\n#5 DONE 0.3s\n"


def refused(path: Path, data: bytes) -> LabError:
    path.write_bytes(data)
    with pytest.raises(ReadError) as found:
        read_log(str(path), "read -")
    return found.value


def test_a_build_that_failed_before_its_first_step_is_told_with_its_error(tmp_path: Path) -> None:
    found = refused(tmp_path / "log", b"#1 DONE 0.0s\nERROR: failed to solve: a\x1b]0;title\x07b\x9b: not found\n")
    assert found.message.startswith(
        f"cannot read {tmp_path}/log: the build failed before its first step: ERROR: failed to solve: a"
    )
    assert found.message == line(found.message)


def test_an_error_that_may_be_another_programs_is_quoted_only(tmp_path: Path) -> None:
    found = refused(tmp_path / "log", b"ERROR: resolve : lstat nothing: no such file or directory\n")
    assert found.message.endswith(
        "it has no build step; its first error is: ERROR: resolve : lstat nothing: no such file or directory"
    )


def test_standard_input_without_text_hints_at_standard_error() -> None:
    """BuildKit prints its progress to standard error, which a pipe leaves out."""
    found = error("-")
    assert (found.exit_code, found.message) == (10, "cannot read standard input: it is empty")
    assert "2>&1" in (found.hint or "")
    assert "2>&1" in (error("-", stdin=b"make: Entering directory\n").hint or "")


def test_a_file_is_named_as_it_was_given(tmp_path: Path) -> None:
    assert error("/dev/null").message == "cannot read /dev/null: it is empty"
    assert error("gone").message == "cannot read gone: No such file or directory"
    assert shown("a\x1b[31m\nb") == "a\\nb"
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        read_log(str(tmp_path / "file" / "log"), "read -")


def test_a_compressed_log_is_refused_with_the_program_that_unpacks_it(tmp_path: Path) -> None:
    path = tmp_path / "a b.log.gz"
    found = refused(path, gzip.compress(MISS))
    assert found.message == f"cannot read {path}: it is compressed by gzip"
    assert found.hint == f"unpack it: `zcat '{path}' | python -m lab read -`"
    with pytest.raises(ReadError) as of_times:
        read_log(str(path), "predict --times -")
    assert "| python -m lab predict --times -`" in (of_times.value.hint or "")


def test_a_digest_alone_hints_at_quiet(tmp_path: Path) -> None:
    assert "--quiet" in refused(tmp_path / "log", b"sha256:" + b"0f" * 32 + b"\n").message


def test_lines_that_were_cut_are_counted_in_whole_words(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(MISS + b"#5 0.1 " + b"x" * (5 << 20) + b"\n")
    assert "holds 1 line that is too long; it was cut\n" in run(str(tmp_path / "log")).stderr
    (tmp_path / "log").write_bytes(MISS + (b"#5 0.1 " + b"x" * (5 << 20) + b"\n") * 2)
    assert "holds 2 lines that are too long; they were cut\n" in run(str(tmp_path / "log")).stderr


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["/ci/1/a.log", "/ci/1/b.log"], ["a.log", "b.log"]),
        (["a/build.log", "b/build.log"], ["a/build.log", "b/build.log"]),
        (["x/a/build.log", "x/b/build.log", "other"], ["a/build.log", "b/build.log", "other"]),
        (["build.log", "b/build.log"], ["build.log", "b/build.log"]),
        (["x/same", "x/same"], ["x/same", "x/same"]),
        (["-", "d/a\x1b[2J"], ["standard input", "a"]),
    ],
)
def test_names_are_as_short_as_they_differ(names: list[str], short: list[str]) -> None:
    assert short_names(names) == short


def test_each_build_of_several_files_is_told_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "build.log").write_bytes(MISS)
    first, second = (str(tmp_path / name / "build.log") for name in ("a", "b"))
    done = run("--fail-on-miss", first, second)
    heads = [text for text in done.stdout.splitlines() if text.startswith("build ")]
    assert [head.partition(":")[0] for head in heads] == ["build 1 (a/build.log)", "build 2 (b/build.log)"]
    assert done.stderr == "lab: 2/2 RUN true of build 1 (a/build.log) and 1 more missed the cache\n"
    assert "of build" not in run("--fail-on-miss", first).stderr


def test_the_json_states_the_file_of_each_build() -> None:
    found = json.loads(run("--json", log("R32-middle-only"), "-", stdin=MISS).stdout)
    assert [build["file"] for build in found["builds"]] == [log("R32-middle-only"), "-"]


@pytest.mark.parametrize("data", [[{"attributes": {"message": MISS.decode()}}], {"stdout_lines": [MISS.decode()]}])
def test_json_of_an_unknown_form_is_refused_with_the_way_to_its_text(tmp_path: Path, data: object) -> None:
    found = refused(tmp_path / "log", json.dumps(data).encode())
    assert "it begins as JSON does" in found.message
    assert "jq -r EXPRESSION FILE | " in (found.hint or "")
    assert "JSON" not in refused(tmp_path / "log", b"[INFO] x\n").message
