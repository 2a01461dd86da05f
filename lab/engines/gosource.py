"""Programs of a Go module, built from Debian's source packages and by Debian's Go; nothing is installed.

A recipe in boxes/engines names the module and the packages that the build reads, which are fetched by their sums (see
lab/engines/debian_files.py). A recipe with a `base` is another recipe with further edits. The build needs neither root
nor a network.
"""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from pydantic import Field

from lab.boxes.baking.workbench import Workbench, not_done, open_workbench
from lab.boxes.base import Box, Tell
from lab.counting import counted
from lab.engines import debian_files
from lab.engines.archive import digest_of
from lab.engines.debian_files import DebianFiles, Named, check_machine, fetch, recipe_named, sums_of, text_of
from lab.engines.edits import Edit, replace_once
from lab.errors import ConfigError, EngineError
from lab.model import Progress
from lab.silence import OUTPUT
from lab.yamlfile import Strict, read

MAKER = "1"  # increased when lab makes other programs from the same recipe
SCRIPT = "build-go.sh"
TOOLS = (*debian_files.TOOLS, "sh", "tar")
GO_CODE = PurePosixPath("usr/share/gocode/src")  # where Debian's packages have Go's source
NEEDED_MB = 4000  # measured: 140 MB of packages, 1 GB unpacked, 1 GB of Go's build cache
UNPACK_SECONDS, BUILD_SECONDS = 600, 7200
UNPACK = """\
for deb in "$1"/*.deb; do
  dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$2" --no-same-owner \\
    --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/lintian || exit
done
"""


class PinnedPart(Strict):
    """A folder of an archive that is laid into the module's own folder; `source` is one pattern in the archive."""

    archive: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")


class Recipe(DebianFiles):
    """The recipe of an engine's programs; see boxes/engines.

    `go` is the folder of Go in Debian's package, `programs` are folders of the module, and `version` names the variable
    that holds the version of the programs.
    """

    go: str
    module: str
    programs: tuple[str, ...] = Field(min_length=1)
    version: str
    parts: tuple[PinnedPart, ...] = ()
    edits: tuple[Edit, ...] = ()


class Changed(Named):
    """A recipe that is another one, `base`, with further edits; they are made after those of the base."""

    base: str
    edits: tuple[Edit, ...] = Field(min_length=1)


def recipe_of(name: str, recipes: Path) -> Recipe:
    """The recipe of an engine, boxes/engines/NAME.yaml, with all that its bases state.

    ConfigError if one of these files is missing or wrong, or if a recipe is a base of itself.
    """
    changes: list[Changed] = []
    wanted = name
    while isinstance(found := _read(wanted, recipes), Changed):
        changes.append(found)
        if found.base in (change.name for change in changes):
            raise ConfigError(f"cannot use {recipes / wanted}.yaml: its base {found.base} is made from it")
        wanted = found.base
    edits = (edit for change in reversed(changes) for edit in change.edits)
    return found.model_copy(update={"name": name, "edits": (*found.edits, *edits)})


def _read(name: str, recipes: Path) -> Recipe | Changed:
    changed = "base" in read(recipes / f"{name}.yaml")
    return recipe_named(name, recipes, Changed) if changed else recipe_named(name, recipes, Recipe)


def digest(recipe: Recipe, recipes: Path) -> str:
    """The digest of all that decides the bytes of the programs."""
    return digest_of(MAKER, recipe.model_dump_json(), text_of(recipes / recipe.files), text_of(recipes / SCRIPT))


def bench_for(recipe: Recipe, cache: Path, shell: Box) -> Workbench:
    """The workbench of a build; HostError for a missing program or space, EngineError on another processor."""
    check_machine(recipe)
    return open_workbench(shell, cache, task=f"build {recipe.name}", programs=TOOLS, needed_mb=NEEDED_MB, root=False)


def build(recipe: Recipe, recipes: Path, version: str, work: Path, bench: Workbench, tell: Tell) -> Path:
    """Build the programs with this version; returns the folder of all unpacked packages, programs in its `out`.

    Raises HostError if Debian's archive does not answer or the disk is full, EngineError if a file is no longer there,
    has another sum or is not what the recipe expects, CommandError with the last lines of a step that failed.
    """
    who = f"engine {recipe.name}"
    sums = sums_of(recipe, recipes)
    tell(Progress(who, f"fetching {counted(len(sums), 'package')}"))
    fetch(recipe, sums, work / "files", bench)
    tell(Progress(who, "unpacking"))
    root = work / "root"
    _unpack(recipe, work, root, bench)
    module = root / "first" / "src" / recipe.module
    for edit in recipe.edits:
        path, text = replace_once(edit, module, f"edit the source of {recipe.name}")
        path.write_text(text, encoding="utf-8")
    _compile(recipe, recipes, version, root, bench, tell)
    return root


def _unpack(recipe: Recipe, work: Path, root: Path, bench: Workbench) -> None:
    """Unpack every package into the root, and lay the module with its parts into a GOPATH of its own."""
    root.mkdir()
    words = ("sh", "-c", UNPACK, "sh", work / "files", root)
    bench.check(*words, doing="unpack the packages", timeout=UNPACK_SECONDS)
    module = root / "first" / "src" / recipe.module
    shutil.copytree(root / GO_CODE / recipe.module, module, symlinks=True)
    (module / "go.mod").write_text(f"module {recipe.module}\n", encoding="utf-8")
    for archive in dict.fromkeys(part.archive for part in recipe.parts):
        folder = work / "parts" / archive
        folder.mkdir(parents=True)
        bench.check("tar", "-xf", work / "files" / archive, "-C", folder, "--no-same-owner", doing=f"unpack {archive}")
    for part in recipe.parts:
        found = sorted((work / "parts" / part.archive).glob(part.source))
        if len(found) != 1:
            raise EngineError(
                f"cannot {bench.task}: {part.archive} must have one {part.source} and has {len(found)}",
                hint=f"correct boxes/engines/{recipe.name}.yaml",
            )
        shutil.copytree(found[0], module / part.target, symlinks=True)


def _compile(recipe: Recipe, recipes: Path, version: str, root: Path, bench: Workbench, tell: Tell) -> None:
    who, count = f"engine {recipe.name}", 0

    def count_packages(stream: str, data: bytes) -> None:
        nonlocal count
        count += data.count(b"\n") if stream == "stderr" else 0
        tell(Progress(who, f"compiling ({counted(count, 'package')} done)"))

    words = ("sh", recipes / SCRIPT, root, recipe.go, recipe.module, recipe.version, version, root / "out")
    result = bench.run(*words, *recipe.programs, timeout=BUILD_SECONDS, silence=OUTPUT, on_output=count_packages)
    if not result.ok:
        raise not_done(result, bench.task, "compile it")
