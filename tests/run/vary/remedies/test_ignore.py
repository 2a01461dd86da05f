"""Lines of the ignore file: what is there stays."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import file
from lab.run.vary.axis import Variant
from lab.run.vary.remedies.candidate import Ground, Missed
from lab.run.vary.remedies.ignore import ignore
from tests.run.vary.scenes import objects, scene


def missed(*names: str) -> list[Missed]:
    return [Missed(name, Variant(""), "COPY . .") for name in names]


def test_git_gets_a_line_of_its_own() -> None:
    [found] = ignore(Ground(scene(), "", missed("git"), ignored="*.swp"))
    assert found.text_after == "*.swp\n.git\n" and found.axes == ("git",)
    assert found.diff.splitlines()[-1] == "+.git"


def test_untracked_files_are_kept_out_by_a_list_of_all_others() -> None:
    found = scene(found=[*objects(), file(".git/HEAD", b"x"), file("a b*", b"x")])
    [made] = ignore(Ground(found, "", missed("untracked", "mtime"), ignored="src/tmp\n"))
    assert made.text_after == "*\n!a b\\*\n!src\n!top.txt\nsrc/tmp\n" and made.axes == ("untracked",)


def test_an_ignore_file_beside_the_dockerfile_is_edited_there() -> None:
    place = "../recipe/Dockerfile.dockerignore"
    [found] = ignore(Ground(scene(), "", missed("git"), ignore_place=place))
    assert found.file == "Dockerfile.dockerignore"
    assert place in str(found.prepare[0].commands()[0].argv)


def test_nothing_is_proposed_for_other_axes() -> None:
    assert not list(ignore(Ground(scene(), "", missed("mtime"))))
