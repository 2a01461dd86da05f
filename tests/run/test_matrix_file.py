"""The file of a matrix: its combinations, the runs that make them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import ConfigError
from lab.run.matrix_file import Job, Matrix, read_matrix


def read(folder: Path, text: str) -> Matrix:
    (folder / "m.yaml").write_text(text)
    return read_matrix(folder / "m.yaml")


def test_a_product_is_one_run_for_each_lineup_and_case(tmp_path: Path) -> None:
    found = read(tmp_path, "lineups: [gist, local]\ncases: [x, y]\nengines: [1.0.0, 2.0.0]\n")
    assert [(job.lineup, job.case) for job in found.jobs] == [
        ("gist", "x"),
        ("gist", "y"),
        ("local", "x"),
        ("local", "y"),
    ]
    assert all(job.engines == ("1.0.0", "2.0.0") and job.ways is None for job in found.jobs)


def test_exclude_leaves_out_and_include_adds(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "lineups: [local]\ncases: [x, y]\nengines: [19.1.0, 26.1.0]\nbuilders: [buildkit, classic]\n"
        "exclude: [{engine: '26.*', builder: classic}, {case: y}]\n"
        "include: [{lineup: local, case: z, engine: 26.1.0, builder: buildkit}]\n",
    )
    ways = frozenset({("19.1.0", "buildkit"), ("19.1.0", "classic"), ("26.1.0", "buildkit")})
    assert found.jobs == (
        Job("local", "x", ("19.1.0", "26.1.0"), ("buildkit", "classic"), ways),
        Job("local", "z", ("26.1.0",), ("buildkit",)),
    )


def test_without_engines_the_boxes_have_their_own(tmp_path: Path) -> None:
    found = read(tmp_path, "lineups: [gist]\ncases: [x]\n")
    assert found.jobs == (Job("gist", "x", (), ()),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("linups: [local]\n", 'did you mean "lineups"'),
        ("{}\n", "it has no combination"),
        ("lineups: [local]\ncases: [x]\nexclude: [{case: x}]\n", "it has no combination"),
        ("lineups: [local]\ncases: [x]\nexclude: [{}]\n", "it names nothing to leave out"),
        ("lineups: [local]\ncases: [x, x]\n", "a list has one name twice"),
        ("lineups: [local]\ncases: [x]\nengines: [all]\n", "`all` is no name here"),
        ("lineups: [local]\ncases: [x]\nshards: 0\n", "shards"),
        ("lineups: [local]\ncases: [--help]\n", "cases"),
        (
            "lineups: [local]\ncases: [x]\nengines: ['1']\ninclude: [{lineup: local, case: x}]\n",
            "only some combinations of local with x name the engine",
        ),
        (f"lineups: [local]\ncases: [{', '.join(f'c{n}' for n in range(10001))}]\n", "at most 10000 are allowed"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert words in caught.value.message
