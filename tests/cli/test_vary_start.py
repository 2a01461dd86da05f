"""The words of `lab vary` are checked before the lineup is chosen, which may ask the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
import pytest

from lab.cli import vary_start
from lab.cli.options import Workplace
from lab.cli.own_project import ProjectWords, project_options
from lab.cli.vary_start import VaryWords, start_of
from lab.errors import LabError, UsageError
from lab.run.vary.table import AXES, chosen

OTHERS = chosen(["-engine", "-client"])


class NetworkError(Exception):
    """The lineup was chosen, which may ask Vagrant Cloud."""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def choose(lineup: str | None) -> Workplace:
        raise NetworkError

    monkeypatch.setattr(vary_start, "workplace", choose)


@click.command()
@project_options
def reading(own: ProjectWords) -> ProjectWords:
    return own


def own(*argv: str) -> ProjectWords:
    found = reading.main(list(argv), standalone_mode=False)
    assert isinstance(found, ProjectWords)
    return found


def words(**changes: object) -> VaryWords:
    plain = VaryWords(None, (), False, False, 1, None, None, None, (), None, own())
    return replace(plain, **changes)  # type: ignore[arg-type]


PAIR = ("debian12-apparmor", "debian12-selinux")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"case": "copy-bust", "own": own("--context", ".")}, "a case and a --context at once"),
        ({"case": "copy-bst"}, 'cannot find the scenario "copy-bst"'),
        ({"engines": ("20.10.24,26.1.5",)}, "cannot vary with several engines (20.10.24, 26.1.5)"),
        ({"engines": ("20.10.24", "26.1.5")}, "cannot vary with several engines"),
        ({"engines": ("all",)}, "cannot vary with several engines (all)"),
        ({"engines": ("20.10.4x",)}, 'cannot find the engine "20.10.4x"'),
        ({"other_engine": "20.10.4x"}, 'cannot find the engine "20.10.4x"'),
        ({"box": "debian12"}, 'cannot find the box "debian12"'),
        ({"own": own("--context", "/nowhere/at-all")}, "it is not a folder"),
        ({"between": PAIR, "axes": ("mtime",)}, "cannot use --axis with --between"),
        ({"between": (PAIR[0], PAIR[0])}, "cannot compare the box debian12-apparmor with itself"),
        ({"between": PAIR, "box": "local"}, "cannot use --box with two boxes"),
        ({"between": (PAIR[0], "/tmp")}, "cannot compare the box debian12-apparmor with files"),
        ({"between": ("debian11", "centos7")}, "no lineup has both"),
        ({"between": ("a", "b")}, "without --context"),
    ],
)
def test_what_is_wrong_is_said_before_the_network_is_asked(
    no_network: None, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(LabError) as error:
        start_of(words(**changes), AXES)
    assert message in error.value.message


def test_right_words_choose_the_lineup(no_network: None) -> None:
    with pytest.raises(NetworkError):
        start_of(words(case="copy-bust"), AXES)


def test_two_boxes_choose_the_lineup_that_has_both() -> None:
    start = start_of(words(case="copy-bust", between=PAIR), AXES)
    assert (start.place.lineup.name, start.boxes) == ("debian", PAIR)
    assert (start.engines, start.other, start.request.sides, start.request.axes) == ((), (), None, ())
    turned = start_of(words(case="copy-bust", between=PAIR[::-1]), AXES)
    assert turned.boxes == PAIR[::-1]


def test_another_engine_is_started_only_for_an_axis_that_needs_it() -> None:
    given = {"case": "copy-bust", "lineup": "local", "engines": ("20.10.24",), "other_engine": "26.1.5"}
    assert start_of(words(**given), OTHERS).other == ()
    start = start_of(words(**given), AXES)
    assert (start.boxes, start.engines, start.other) == (("local",), ("20.10.24",), ("26.1.5",))


def test_the_other_engine_is_not_the_first_one_of_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    at_hand = lambda stock, spec: spec.name in ("20.10.5", "20.10.24")  # noqa: E731
    monkeypatch.setattr("lab.engines.stock.Stock.at_hand", at_hand)
    for box, other in (("debian11", ("20.10.24",)), ("debian12-apparmor", ("20.10.5",))):
        assert start_of(words(case="copy-bust", lineup="releases", box=box), AXES).other == other


def test_a_word_that_is_a_path_names_a_side_with_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PAIR:
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM alpine\nCOPY . /\n")
    monkeypatch.setenv("LAB_ROOT", str(Path(vary_start.__file__).parents[2]))
    monkeypatch.chdir(tmp_path)
    start = start_of(words(own=own("--context", PAIR[0]), between=PAIR, lineup="local"), AXES)
    assert start.boxes == ("local",) and start.request.sides is not None
    with pytest.raises(UsageError):
        start_of(words(own=own("--context", PAIR[0]), between=(PAIR[0], "none"), lineup="local"), AXES)
