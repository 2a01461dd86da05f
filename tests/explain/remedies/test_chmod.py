"""Remedies for modes: what the real chmod does to real files, and what is refused."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.remedies import chmod
from lab.explain.remedies.chmod import symbolic
from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Place
from tests.explain.remedies.contexts import OURS, both, offered, on, read, refused, run, write
from tests.explain.search.trees import record
from tests.repositories import Repository

GROUP = [replace(entry, mode=entry.mode | 0o020) for entry in OURS]
ALL_755 = [replace(entry, mode=0o755) for entry in OURS]
TRACKED = {entry.path: bool(entry.mode & 0o100) for entry in OURS if entry.kind is Kind.FILE}


@pytest.mark.parametrize(
    ("ours", "theirs", "source", "tracked", "text"),
    [
        (GROUP, OURS, ".", None, "chmod -R u=rwX,go=rX ."),
        (OURS, GROUP, "d", None, "chmod -R ug=rwX,o=rX d"),
        (OURS, [replace(entry, mode=entry.mode & 0o700) for entry in OURS], ".", None, "chmod -R u=rwX,go= ."),
        (OURS, on(OURS, d_a_txt=0o600), ".", None, "chmod 0600 d/a.txt"),
        (on(OURS, d_sub=0o2755), OURS, ".", None, "chmod 00755 d/sub"),
        (on(OURS, d=0o2755, d_sub=0o2775), OURS, "d", None, "chmod 00755 d d/sub"),
        (
            OURS,
            ALL_755,
            ".",
            None,
            "find . -type f -exec chmod 0755 {} + -o -type d -exec chmod 00755 {} +",
        ),
        (
            ALL_755,
            OURS,
            ".",
            TRACKED,
            "find . -type f -exec chmod 0644 {} + && "
            "git ls-files -z --stage | grep -z ^100755 | cut -z -f2 | xargs -0 chmod 0755",
        ),
    ],
)
def test_the_real_command_leads_to_the_digest(
    tmp_path: Path, ours: list[Entry], theirs: list[Entry], source: str, tracked: dict[str, bool] | None, text: str
) -> None:
    repository = Repository(tmp_path / "context")
    write(repository.folder, OURS)
    (repository.folder / ".dockerignore").write_text(".git\n.dockerignore\n", encoding="utf-8")
    repository.commit()
    write(repository.folder, ours)
    steps = [remedy.steps[0] for remedy in remedies(both(ours, theirs, source, tracked=tracked))]
    [step] = [step for step in steps if step.place is Place.HERE]
    assert step.text == text
    assert record(read(repository.folder), source) == record(ours, source) != record(theirs, source)
    assert record(run(step, repository.folder), source) == record(theirs, source)


def test_data_files_at_0755_are_not_given_a_chmod_that_keeps_the_bit() -> None:
    pair = both(on(OURS, d_a_txt=0o755, d_sub_c_txt=0o755, d_sub_e_txt=0o755, d_sub_data_bin=0o755), OURS)
    assert "chmod -R u=rwX,go=rX ." in refused(pair)
    assert all("u=rwX,go=rX" not in remedy.text for remedy in remedies(pair))


def test_what_the_key_does_not_depend_on_is_refused() -> None:
    for pair in (both(GROUP, OURS), both(ALL_755, OURS), both(on(OURS, d_a_txt=0o600), OURS)):
        assert {"COPY --chmod=0644", "git config core.fileMode true"} <= set(refused(pair))


def test_the_index_is_changed_where_the_next_checkout_must_have_another_bit(tmp_path: Path) -> None:
    theirs = on(OURS, d_b_sh=0o644)
    found = offered(OURS, theirs, tracked=dict.fromkeys(TRACKED, False))
    assert ("chmod 0644 d/b.sh", Place.HERE) in found
    pair = both(OURS, theirs, tracked=dict.fromkeys(TRACKED, False))
    [step] = [step for step in chmod.steps(pair) if step.text.startswith("git update-index --chmod=+x d/b.sh")]
    assert pair.after(step).alike
    repository = Repository(tmp_path / "there")
    write(repository.folder, theirs)
    repository.commit()
    repository.git("update-index", "--chmod=+x", "d/b.sh")
    repository.git("commit", "--quiet", "--message", "two")
    fresh = repository.clone(tmp_path / "fresh")
    kept = [entry for entry in read(fresh) if not entry.path.startswith(".git")]
    assert record(kept) == record(OURS)


def test_a_umask_gives_a_clone_the_modes(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "origin")
    write(repository.folder, OURS)
    repository.commit()
    theirs = [entry for entry in read(repository.clone(tmp_path / "there", 0o002)) if not entry.path.startswith(".git")]
    assert record(theirs) == record(GROUP)
    pair = both(OURS, theirs)
    [step] = [step for step in chmod.steps(pair) if step.text == "umask 0022 before git clone"]
    assert pair.after(step).alike
    again = [entry for entry in read(repository.clone(tmp_path / "again", 0o022)) if not entry.path.startswith(".git")]
    assert record(again) == record(OURS)


EXPRESSIONS = ["u=rwX,go=rX", "a=rwX", "go-w", "g+w", "a-x,u=rwX,go=rX", "a+rX", "g-s", "g+s", "u=rwX,go=", "o-rwx"]
MODES = [0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0o070, 0o001, 0o2664]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_modes_are_those_of_the_real_chmod(tmp_path: Path, expression: str) -> None:
    entries = [file(f"f{mode:o}", b"", mode) for mode in MODES]
    entries += [Entry(f"d{mode:o}", Kind.DIR, mode) for mode in MODES]
    write(tmp_path, entries)
    subprocess.run(["chmod", expression, *(entry.path for entry in entries)], cwd=tmp_path, check=True)
    made = {entry.path: f"{symbolic(entry, expression):04o}" for entry in entries}
    assert made == {entry.path: f"{os.lstat(tmp_path / entry.path).st_mode & 0o7777:04o}" for entry in entries}
