"""Each axis of metadata, made in a real folder: the field that it names differs afterwards, and the content stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.run.vary.axes.metadata import METADATA
from lab.run.vary.axis import NotHereError
from tests.run.vary.axes.making import listing, make, project, scene_of, variant

NEEDS_ROOT = ("selinux", "owner", "capability")
NAMES = [axis.name for axis in METADATA]


@pytest.mark.parametrize("name", NAMES)
def test_the_field_differs_and_the_content_stays(tmp_path: Path, name: str) -> None:
    if name in NEEDS_ROOT and os.geteuid() != 0:
        pytest.skip("only root may change this")
    context = project(tmp_path)
    before = {entry.path: entry for entry in listing(context).entries}
    made = variant(name, scene_of(context))
    assert made.shows is not None
    path, field = made.shows
    make(context, made)
    after = {entry.path: entry for entry in listing(context).entries}
    assert getattr(after[path], field) != getattr(before[path], field)
    assert {key: entry.sha256 for key, entry in after.items()} == {key: entry.sha256 for key, entry in before.items()}


def test_an_access_control_list_leaves_the_mode(tmp_path: Path) -> None:
    context = project(tmp_path)
    make(context, variant("acl", scene_of(context)))
    assert (context / "src" / "a.txt").stat().st_mode & 0o777 == 0o644


def test_a_umask_that_the_context_has_already_is_no_difference(tmp_path: Path) -> None:
    context = project(tmp_path)
    make(context, variant("umask-0002", scene_of(context)))
    with pytest.raises(NotHereError, match="umask 0002 already"):
        variant("umask-0002", scene_of(context))


def test_a_setgid_folder_loses_the_bit(tmp_path: Path) -> None:
    context = project(tmp_path)
    (context / "src").chmod(0o2755)
    make(context, variant("setgid", scene_of(context)))
    assert (context / "src").stat().st_mode & 0o7777 == 0o755
