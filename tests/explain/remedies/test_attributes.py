"""Remedies for extended attributes, with the real setfattr."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lab.explain.remedies.offer import remedies
from lab.explain.remedies.remedy import Place
from tests.explain.remedies.contexts import OURS, both, offered, read, refused, run, write
from tests.explain.search.trees import R1, record

LABEL = {"security.selinux": b"unconfined_u:object_r:default_t:s0\0"}
MARKED = [replace(entry, xattrs={"user.lab": b"x"}) if entry.path == "d/a.txt" else entry for entry in OURS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        os.setxattr(tmp_path, "user.lab", b"x")
        os.removexattr(tmp_path, "user.lab")
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise
        pytest.skip("this file system takes no user.*")
    return tmp_path / "context"


def test_an_attribute_is_removed_here_or_set_at_the_producer(folder: Path) -> None:
    [here, there] = remedies(both(MARKED, OURS))
    assert here.text == "setfattr -x user.lab d/a.txt (here)"
    assert there.text == "setfattr -n user.lab -v 0x78 d/a.txt (at the producer)"
    write(folder, MARKED)
    assert record(read(folder)) == record(MARKED)
    assert record(run(here.steps[0], folder)) == record(OURS)
    assert record(run(there.steps[0], folder)) == record(MARKED)


def test_a_command_that_leaves_another_difference_is_refused() -> None:
    ours = [replace(entry, xattrs={"user.lab": b"x"}) if entry.path == "d/b.sh" else entry for entry in MARKED]
    ours = [replace(entry, mode=0o600) if entry.path == "d/b.sh" else entry for entry in ours]
    assert "setfattr -x user.lab d/a.txt d/b.sh" in refused(both(ours, OURS))
    [combined] = remedies(both(ours, OURS))
    assert combined.text == "setfattr -x user.lab d/a.txt d/b.sh (here), then chmod 0755 d/b.sh (here)"


def test_labels_by_chcon_where_the_engine_hashes_them() -> None:
    theirs = [replace(entry, xattrs=LABEL) for entry in OURS]
    found = offered(OURS, theirs, rules=R1)
    text = f"run `chcon unconfined_u:object_r:default_t:s0` on each of {len(OURS)} objects below ."
    assert (text, Place.HERE) in found
    assert offered(OURS, theirs) == []  # this engine does not hash labels


def test_attributes_of_macos() -> None:
    marks = {"com.apple.quarantine": b"1", "com.apple.provenance": b"2"}
    ours = [replace(entry, xattrs=marks) for entry in OURS]
    assert ("xattr -cr .", Place.HERE) in offered(ours, OURS)
    more = [replace(entry, xattrs={**marks, "user.x": b"1"}) for entry in OURS]
    assert all("xattr -cr" not in text for text, _ in offered(more, OURS))
