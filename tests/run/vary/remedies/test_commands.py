"""The commands that lab why proposes, as remedies on the machine that differs."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import Entry, file
from lab.buildkit.contenthash.query import Query
from lab.explain.remedies.remedy import Sides, sides
from lab.run.vary.axis import Variant
from lab.run.vary.remedies.candidate import Ground, Missed
from lab.run.vary.remedies.commands import commands
from tests.run.vary.scenes import scene
from tests.vectors import BOOK

PLAIN = file("a", b"a\nb\n")


def both(ours: Entry) -> Sides:
    return sides([ours], [PLAIN], [Query("/a")], BOOK.newest, BOOK.newest)


@pytest.mark.parametrize(
    ("ours", "command"),
    [
        (PLAIN.but(mode=0o600), "chmod 0644 a"),
        (PLAIN.but(xattrs={"user.x": b"1"}), "setfattr -x user.x a"),
        (PLAIN.but(content=b"a\r\nb\r\n"), r"sed -i 's/\r$//' a"),
    ],
)
def test_a_command_makes_the_files_alike(ours: Entry, command: str) -> None:
    ground = Ground(scene(), "", [Missed("x", Variant(""), "COPY a /")], sides={"x": both(ours)})
    [found] = commands(ground)
    assert found.text == f"`{command}` on the machine that differs, before the build"
    [run] = found.after[0].commands()
    assert run.argv == ("sh", "-c", command) and run.root


def test_another_content_has_no_command() -> None:
    ground = Ground(scene(), "", [Missed("x", Variant(""), "COPY a /")], sides={"x": both(PLAIN.but(content=b"other"))})
    assert not list(commands(ground))


def test_an_axis_that_is_not_about_files_has_none() -> None:
    assert not list(commands(Ground(scene(), "", [Missed("network", Variant(""), "RUN x")])))
