"""The extended attributes of the producer's objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.buildkit.contenthash.entry import Kind, file
from lab.buildkit.contenthash.rules import Rules
from tests.explain.search.trees import PROJECT, R1, R9, look, ordered, whole

MAC = {"com.apple.quarantine": b"0081;5f", "com.apple.provenance": b"\1\2"}


@pytest.mark.parametrize(
    ("gone", "rules", "name"),
    [
        (("com.apple.", "user.", "security."), R1, "no extended attributes"),
        (("com.apple.",), R9, "no attributes of macOS (com.apple.*)"),
        (("user.",), R9, "no attribute user.note"),
        (("security.selinux",), R1, "no SELinux labels"),
        (("com.apple.quarantine",), R9, "no attribute com.apple.quarantine"),
    ],
)
def test_attributes_that_only_this_side_has(gone: tuple[str, ...], rules: Rules, name: str) -> None:
    xattrs = {**MAC, "user.note": b"1", "security.selinux": b"unconfined_u:object_r:default_t:s0\0"}
    ours = [replace(entry, xattrs=xattrs) for entry in PROJECT]
    kept = {key: value for key, value in xattrs.items() if not key.startswith(gone)}
    theirs = [replace(entry, xattrs=kept) for entry in PROJECT]
    [found] = whole(look(theirs, ordered(ours), rules=rules))
    assert found == name or (gone == ("user.",) and found == "no attributes user.*")


def test_a_label_on_everything_and_other_rules() -> None:
    label = {"security.selinux": b"system_u:object_r:container_file_t:s0\0"}
    ours = [*PROJECT, file(".DS_Store", b"1"), file("src/.DS_Store", b"2")]
    theirs = [
        replace(entry, xattrs=label, mode=entry.mode if entry.kind is Kind.SYMLINK else entry.mode | 0o020)
        for entry in PROJECT
    ]
    assert whole(look(theirs, ordered(ours), rules=R1)) == (
        "without files of macOS",
        "the SELinux label system_u:object_r:container_file_t:s0 on everything",
        "modes with umask 0002",
    )
