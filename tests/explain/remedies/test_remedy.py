"""Both sides of a COPY, and steps that change them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, file
from lab.explain.remedies.offer import trials
from lab.explain.remedies.remedy import Place, Remedy, Step, each, words
from tests.explain.remedies.contexts import OURS, both
from tests.explain.search.trees import R1, R9

CHMOD = each(lambda entry: entry.but(mode=0o600), {"d/a.txt"})
ODD = r"$'d/new\nline'"


def test_a_step_changes_the_sides_that_it_names() -> None:
    changed = [replace(entry, mode=0o600) if entry.path == "d/a.txt" else entry for entry in OURS]
    expected = {Place.HERE: (changed, OURS), Place.THERE: (OURS, changed), Place.BOTH: (changed, changed)}
    assert {place: Step("x", place, CHMOD).on(OURS, OURS) for place in Place} == expected


def test_a_remedy_says_each_step_with_its_place() -> None:
    steps = (Step("chmod 0600 d/a.txt", Place.HERE, CHMOD), Step("git lfs pull", Place.THERE, list))
    assert Remedy(steps).text == "chmod 0600 d/a.txt (here), then git lfs pull (at the producer)"


def test_only_what_is_hashed_and_used_differs() -> None:
    theirs = [replace(entry, mtime_ns=1, xattrs={"security.selinux": b"x"}) for entry in OURS]
    assert both(OURS, theirs).alike and both(OURS, theirs).pairs == []
    assert not both(OURS, theirs, rules=R1).alike and len(both(OURS, theirs, rules=R1).pairs) == len(OURS)
    more = [*OURS, file("z", b"1")]
    assert both(OURS, more, "d", R9).alike and not both(OURS, more).alike


def test_a_sample_is_taken_evenly_from_what_differs() -> None:
    many = [file(f"f{n:02}", b"") for n in range(60)]
    theirs = [replace(entry, mode=0o600) for entry in many]
    sample = both(many, theirs).sample(7)
    assert len(sample.pairs) <= 7 and {entry.path for entry in sample.ours} == sample.paths >= {"f00", "f54"}
    assert both(many, theirs).sample(7, lambda pair: False).pairs == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="the form of such names is that of bash, zsh and ksh")
@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("d/a.txt", "d/a.txt"),
        ("d/a b", "'d/a b'"),
        ("d/it's", """'d/it'"'"'s'"""),
        ("d/new\nline", r"$'d/new\nline'"),
        ("d/tab\tit's\\1", r"$'d/tab\tit\'s\\1'"),
        ("caf\udce99", r"$'caf\3519'"),
        ("\x1b[31m", r"$'\033[31m'"),
        ("\u202eb", r"$'\342\200\256b'"),
        ("-rf", "./-rf"),
        ("-\n", r"$'./-\n'"),
    ],
)
def test_a_command_that_is_copied_names_the_file_that_is_meant(tmp_path: Path, path: str, word: str) -> None:
    assert words([path]) == word
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_bytes(b"")
    (tmp_path / path).chmod(0o644)
    subprocess.run(["bash", "-c", f"chmod 0600 {word}"], cwd=tmp_path, check=True)
    assert (tmp_path / path).stat().st_mode & 0o777 == 0o600


def test_every_kind_of_remedy_quotes_so() -> None:
    odd = "d/new\nline"
    ours = [*OURS, file(odd, b"a\n")]
    other = file(odd, b"a\n", 0o600)
    assert f"chmod 0600 {ODD}" in texts(ours, [*OURS, other])
    assert f"setfattr -n user.lab -v 0x78 {ODD}" in texts(ours, [*OURS, replace(other, xattrs={"user.lab": b"x"})])
    assert f"unix2dos {ODD}" in texts(ours, [*OURS, file(odd, b"a\r\n")])
    assert "the line `d/new?line` in .dockerignore" in texts(ours, OURS)


def texts(ours: list[Entry], theirs: list[Entry]) -> list[str]:
    return [step.text for step, _ in trials(both(ours, theirs))]
