"""Recipes of files of Debian's archive and their sums; test_gosource.py has how they are fetched."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from lab.engines import buildx, debian_files, gosource
from lab.engines.debian_files import DebianFiles
from lab.errors import ConfigError, EngineError
from tests.conftest import ROOT

RECIPES = ROOT / "boxes" / "engines"
SUM = "0" * 64
RECIPE = DebianFiles(name="a", suite="forky", snapshot="20261030T082000Z", machine="x86_64", files="a.sha256")


def test_a_file_of_sums_has_the_place_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.sha256").write_text(f"{SUM}  pool/main/a/a/a_1_amd64.deb\n{'1' * 64}  pool/main/b/b_2.tar.xz\n")
    assert debian_files.sums_of(RECIPE, tmp_path) == {
        "pool/main/a/a/a_1_amd64.deb": SUM,
        "pool/main/b/b_2.tar.xz": "1" * 64,
    }


@pytest.mark.parametrize("line", ["no sum", f"{SUM}  /etc/passwd", f"{SUM} pool/a/b", f"{SUM[1:]}  pool/a/b"])
def test_a_line_that_is_no_sum_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.sha256").write_text(f"{SUM}  pool/main/a/a_1.deb\n{line}\n")
    with pytest.raises(ConfigError, match="line 2 is not a sha256"):
        debian_files.sums_of(RECIPE, tmp_path)


def test_a_missing_file_of_sums_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*a\.sha256: No such file"):
        debian_files.sums_of(RECIPE, tmp_path)


def test_a_recipe_must_have_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text((RECIPES / "buildkit-0.13.2.yaml").read_text())
    with pytest.raises(ConfigError, match=r'its name is "buildkit-0\.13\.2", but the file is named "other"'):
        gosource.recipe_of("other", tmp_path)


def test_files_for_another_processor_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian_files, "here", lambda: "aarch64")
    with pytest.raises(EngineError, match="its recipe is for x86_64, this machine is aarch64") as refused:
        debian_files.check_machine(RECIPE)
    assert refused.value.hint == "boxes/engines/a.sha256 names the packages of x86_64"


def test_the_recipe_of_buildx_names_one_package() -> None:
    recipe = debian_files.recipe_named(buildx.NAME, RECIPES, DebianFiles)
    [place] = debian_files.sums_of(recipe, RECIPES)
    assert PurePosixPath(place).name.startswith(f"docker-{buildx.NAME.replace('-', '_')}+ds1-")
