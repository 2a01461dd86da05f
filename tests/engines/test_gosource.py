"""Programs built from Debian's Go packages: fetched by their sums from a mirror or a snapshot, or refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.baking import workbench
from lab.boxes.base import Box, Command, OnOutput, Result
from lab.engines import debian_files, gosource
from lab.engines.gosource import Recipe
from lab.errors import CommandError, ConfigError, EngineError, HostError, LabError
from lab.model import Progress
from lab.project import find
from lab.versions import OTHER_RULES
from lab.yamlfile import check
from tests.archives import program
from tests.conftest import ROOT

RECIPES = ROOT / "boxes" / "engines"
MIRROR, SNAPSHOT = "http://mirror.example/debian", "https://snapshot.debian.org/archive/debian/20260102T030405Z"
MODULE = "example.org/tool"
FILES = {
    "pool/main/g/go/golang-9-go_9.1_amd64.deb": b"go",
    "pool/main/t/tool/golang-tool-dev_1.2_all.deb": b"tool",
    "pool/main/t/tool/tool_1.2.orig.tar.xz": b"parts",
}
RAW = {
    "name": "tool-1.2",
    "suite": "forky",
    "snapshot": "20260102T030405Z",
    "machine": "x86_64",
    "files": "tool-1.2.sha256",
    "go": "usr/lib/go-9",
    "module": MODULE,
    "programs": ("cmd/one",),
    "version": f"{MODULE}/version.Version",
    "parts": ({"archive": "tool_1.2.orig.tar.xz", "from": "*/vendor/x", "to": "vendor/x"},),
    "edits": ({"files": "main.go", "find": "old", "replace": "new"},),
}


def quiet(event: Progress) -> None:
    pass


class Machine(Box):
    """A machine that does what apt-helper, dpkg-deb, tar and go do, in small; `holds` lists what each mirror has."""

    def __init__(self) -> None:
        self.name = "this machine"
        self.holds: dict[str, set[str]] = {MIRROR: set(FILES), SNAPSHOT: set(FILES)}
        self.asked: list[list[str]] = []
        self.said = b"404  Not Found"
        self.compiled = 0

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = list(command.argv)
        self.asked.append(words)
        status, output = 0, b""
        if "indextargets" in words:
            output = f"Debian|bookworm|main|{MIRROR}/\n".encode()
        elif debian_files.HELPER in words:
            status, output = self._fetch(words[words.index("download-file") + 1 :])
        elif gosource.UNPACK in words:
            self._unpack(Path(words[-1]))
        elif words[0] == "tar":
            (Path(words[4]) / "tool" / "vendor" / "x").mkdir(parents=True)
            (Path(words[4]) / "tool" / "vendor" / "x" / "x.go").write_text("package x")
        elif words[0] == "sh":
            status, output = self._build(words)
        elif words[0] == "rm":
            shutil.rmtree(words[-1])
        return Result(command, status, output, b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put anywhere")

    def _fetch(self, words: list[str]) -> tuple[int, bytes]:
        status = 0
        for url, target, total in zip(words[::3], words[1::3], words[2::3], strict=True):
            base, place = url.split("/pool/")
            place = f"pool/{place}"
            assert total == f"SHA256:{hashlib.sha256(FILES[place]).hexdigest()}"
            if place in self.holds.get(base, ()):
                Path(target).write_bytes(FILES[place])
            else:
                status = 100
        return status, self.said if status else b""

    def _unpack(self, root: Path) -> None:
        source = root / gosource.GO_CODE / MODULE
        source.mkdir(parents=True)
        (source / "main.go").write_text("package main // old")

    def _build(self, words: list[str]) -> tuple[int, bytes]:
        if self.compiled:
            return self.compiled, b"main.go:1: no"
        out = Path(words[7])
        out.mkdir()
        (out / "one").write_bytes(program())
        return 0, b""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that has every program, whatever this one has: they are looked for, and never run."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in gosource.TOOLS:
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(workbench, "SBIN", ())
    for name in ("LAB_MIRROR", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(debian_files, "here", lambda: "x86_64")
    return Machine()


@pytest.fixture
def recipes(tmp_path: Path) -> Path:
    folder = tmp_path / "recipes"
    folder.mkdir()
    lines = [f"{hashlib.sha256(data).hexdigest()}  {place}\n" for place, data in FILES.items()]
    (folder / "tool-1.2.sha256").write_text("".join(lines))
    return folder


def build(machine: Machine, recipes: Path, tmp_path: Path, raw: dict[str, object] | None = None) -> Path:
    recipe = check({**RAW, **(raw or {})}, Recipe, "the recipe")
    bench = gosource.bench_for(recipe, tmp_path / "cache", machine)
    with bench.folder(tmp_path / "cache" / "work") as work:
        root = gosource.build(recipe, recipes, "v1.2+debian", work, bench, quiet)
        shutil.copytree(root, tmp_path / "root")
    return tmp_path / "root"


def fetched_from(machine: Machine) -> list[tuple[str, int]]:
    """The mirror of each call that fetched, and how many files it was asked for."""
    calls = [words[words.index("download-file") + 1 :] for words in machine.asked if debian_files.HELPER in words]
    return [(words[0].partition("/pool/")[0], len(words) // 3) for words in calls]


def test_the_module_is_laid_out_edited_and_built(machine: Machine, recipes: Path, tmp_path: Path) -> None:
    root = build(machine, recipes, tmp_path)
    module = root / "first" / "src" / MODULE
    assert (module / "main.go").read_text() == "package main // new"
    assert (module / "go.mod").read_text() == f"module {MODULE}\n"
    assert (module / "vendor" / "x" / "x.go").exists()
    assert (root / "out" / "one").read_bytes() == program()
    (words,) = [words for words in machine.asked if str(recipes / gosource.SCRIPT) in words]
    assert words[3:7] == ["usr/lib/go-9", MODULE, f"{MODULE}/version.Version", "v1.2+debian"]
    assert words[-1] == "cmd/one"
    assert fetched_from(machine) == [(MIRROR, 3)]
    assert not any(words[0] == "sudo" for words in machine.asked)


def test_a_snapshot_has_what_the_mirror_no_longer_has(machine: Machine, recipes: Path, tmp_path: Path) -> None:
    machine.holds[MIRROR].remove("pool/main/t/tool/golang-tool-dev_1.2_all.deb")
    build(machine, recipes, tmp_path)
    assert fetched_from(machine) == [(MIRROR, 3), (SNAPSHOT, 1)]


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (b"404  Not Found", EngineError, r"golang-tool-dev_1\.2_all\.deb is no longer in Debian's archive$"),
        (b"Hash Sum mismatch", EngineError, r"golang-tool-dev_1\.2_all\.deb has another sum$"),
        (b"Could not resolve 'mirror.example'", HostError, "Debian's archive does not answer"),
        (b"write (28: No space left on device)", HostError, "the disk is full"),
    ],
)
def test_a_file_that_cannot_be_fetched_is_named(
    machine: Machine, recipes: Path, tmp_path: Path, said: bytes, error: type[LabError], message: str
) -> None:
    machine.said = said
    for held in machine.holds.values():
        held.remove("pool/main/t/tool/golang-tool-dev_1.2_all.deb")
    with pytest.raises(error, match=f"cannot build tool-1.2: {message}") as caught:
        build(machine, recipes, tmp_path)
    assert caught.value.hint
    assert "LAB_MIRROR" in caught.value.hint or "LAB_CACHE" in caught.value.hint
    assert not (tmp_path / "cache" / "work").exists()


def test_a_build_that_fails_shows_its_last_lines(machine: Machine, recipes: Path, tmp_path: Path) -> None:
    machine.compiled = 2
    with pytest.raises(CommandError, match="could not compile it: exit status 2") as caught:
        build(machine, recipes, tmp_path)
    assert caught.value.tail() == ["main.go:1: no"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"edits": ({"files": "main.go", "find": "x", "replace": ""},)}, "cannot edit the source of tool-1.2: main.go"),
        ({"parts": ({"archive": "tool_1.2.orig.tar.xz", "from": "no", "to": "y"},)}, "must have one no and has 0"),
        ({"machine": "riscv64"}, "its recipe is for riscv64, this machine is x86_64"),
    ],
)
def test_a_recipe_of_another_source_is_refused(
    machine: Machine, recipes: Path, tmp_path: Path, raw: dict[str, object], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        build(machine, recipes, tmp_path, raw)


def test_all_that_decides_the_programs_is_in_the_digest(recipes: Path) -> None:
    shutil.copy(RECIPES / gosource.SCRIPT, recipes)
    recipe = check(RAW, Recipe, "the recipe")
    seen = {gosource.digest(recipe, recipes)}
    seen.add(gosource.digest(check({**RAW, "edits": ()}, Recipe, "the recipe"), recipes))
    for name in ("tool-1.2.sha256", gosource.SCRIPT):
        (recipes / name).write_text((recipes / name).read_text() + "\n")
        seen.add(gosource.digest(recipe, recipes))
    assert len(seen) == 4
    (recipes / gosource.SCRIPT).unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*build-go\.sh"):
        gosource.digest(recipe, recipes)


def test_the_script_is_sound() -> None:
    subprocess.run(["/bin/sh", "-n", RECIPES / gosource.SCRIPT], check=True)


RECIPES_OF_THE_PROJECT = sorted(path.stem for path in RECIPES.glob("buildkit-*.yaml"))


@pytest.mark.parametrize("name", RECIPES_OF_THE_PROJECT)
def test_the_recipes_of_the_project_name_only_files_that_they_list(name: str) -> None:
    recipes = find().boxes / "engines"
    recipe = gosource.recipe_of(name, recipes)
    names = {PurePosixPath(place).name for place in debian_files.sums_of(recipe, recipes)}
    assert {part.archive for part in recipe.parts} <= names
    go = recipe.go.rpartition("/")[2].replace("go-", "golang-")
    assert {f"{go}-go", f"{go}-src", "golang-github-docker-docker-dev", "runc"} <= {
        name.split("_")[0] for name in names
    }


@pytest.mark.parametrize("name", [name for name in RECIPES_OF_THE_PROJECT if OTHER_RULES.fullmatch(name)])
def test_an_engine_that_obeys_another_rule_set_is_its_version_with_few_edits_of_what_is_hashed(name: str) -> None:
    found = OTHER_RULES.fullmatch(name)
    assert found
    recipe, base = gosource.recipe_of(name, RECIPES), gosource.recipe_of(found[1], RECIPES)
    edits = recipe.edits[len(base.edits) :]
    assert recipe.model_copy(update={"name": base.name, "edits": base.edits}) == base
    assert recipe.edits[: len(base.edits)] == base.edits
    assert edits and {PurePosixPath(edit.files).parent for edit in edits} == {PurePosixPath("cache/contenthash")}
    for edit in edits:
        assert edit.find != edit.replace and edit.files.endswith(".go") and "*" not in edit.files
        # no more of upstream's code is kept here than the text that is replaced
        assert "\n" not in edit.find and len(edit.replace.splitlines()) < 10
    # no edit is made in what another edit replaces, so that each text is one of the source
    finds = [(edit.files, edit.find) for edit in edits]
    assert not [
        (first, second)
        for first in finds
        for second in finds
        if first is not second and first[0] == second[0] and first[1] in second[1]
    ]


def test_a_recipe_with_a_base_is_its_base_with_further_edits(tmp_path: Path) -> None:
    (tmp_path / "tool-1.2.yaml").write_text(json.dumps({**RAW}))
    edits = [{"files": "main.go", "find": f"f{number}", "replace": "r"} for number in range(2)]
    (tmp_path / "first.yaml").write_text(json.dumps({"name": "first", "base": "tool-1.2", "edits": edits[:1]}))
    (tmp_path / "second.yaml").write_text(json.dumps({"name": "second", "base": "first", "edits": edits[1:]}))
    recipe = gosource.recipe_of("second", tmp_path)
    assert [edit.find for edit in recipe.edits] == ["old", "f0", "f1"]
    assert recipe.name == "second"
    assert recipe.model_copy(update={"name": "tool-1.2", "edits": recipe.edits[:1]}) == check(RAW, Recipe, "it")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"base": "first", "edits": RAW["edits"]}, "its base first is made from it"),
        ({"base": "none", "edits": RAW["edits"]}, r"cannot read .*none\.yaml: No such file"),
        ({"base": "none", "edits": []}, "edits"),
        ({"base": "none", "edits": RAW["edits"], "suite": "forky"}, "unknown key suite"),
    ],
)
def test_a_base_that_cannot_be_used_is_refused(tmp_path: Path, raw: dict[str, object], message: str) -> None:
    (tmp_path / "first.yaml").write_text(json.dumps({"name": "first", **raw}))
    with pytest.raises(ConfigError, match=message):
        gosource.recipe_of("first", tmp_path)


def test_a_recipe_must_have_the_name_of_its_file(tmp_path: Path) -> None:
    text = (RECIPES / "buildkit-0.13.2.yaml").read_text()
    (tmp_path / "other.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r'its name is "buildkit-0\.13\.2", but the file is named "other"'):
        gosource.recipe_of("other", tmp_path)
