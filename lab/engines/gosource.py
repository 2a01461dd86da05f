"""Programs of a Go module, built from Debian's source packages and by Debian's Go; nothing is installed.

A recipe in boxes/engines names the module, and a file of sums names every package that the build reads, by its place in
Debian's archive. A recipe with a `base` is another recipe with further edits. apt fetches each file from this machine's
mirror, and from snapshot.debian.org if the mirror no longer has it, and refuses a file with another sum. The build
needs neither root nor a network.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from lab.boxes.baking.apt import settings, source_lines, unreachable
from lab.boxes.baking.workbench import Workbench, disk_full, open_workbench
from lab.boxes.base import Box, Result, Tell
from lab.engines.archive import digest_of
from lab.engines.edits import Edit, replace_once
from lab.engines.elf import here
from lab.engines.spec import Sha256, Word
from lab.errors import CommandError, ConfigError, EngineError, LabError
from lab.model import Progress
from lab.yamlfile import Strict, check, read

MAKER = "1"  # increased when lab makes other programs from the same recipe
SCRIPT = "build-go.sh"
TOOLS = ("apt-get", "apt-config", "dpkg-deb", "findmnt", "sh", "tar")
HELPER = "/usr/lib/apt/apt-helper"  # apt's own program that fetches files by their sums
SNAPSHOT = "https://snapshot.debian.org/archive/debian"
GO_CODE = PurePosixPath("usr/share/gocode/src")  # where Debian's packages have Go's source
NEEDED_MB = 4000  # measured: 140 MB of packages, 1 GB unpacked, 1 GB of Go's build cache
FETCH_SECONDS, UNPACK_SECONDS, BUILD_SECONDS = 900, 600, 3600
SUM = re.compile(r"([0-9a-f]{64})  (pool/[^\s/]+(?:/[^\s/]+)+)")
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


class Recipe(Strict):
    """The recipe of an engine's programs; see boxes/engines.

    `files` is the file of sums beside it, `go` the folder of Go in Debian's package, `programs` are folders of the
    module, and `version` names the variable that holds the version of the programs. `snapshot` is a time at which
    Debian's archive had every file.
    """

    name: str
    suite: Word
    snapshot: Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z$")]
    machine: str
    files: str
    go: str
    module: str
    programs: tuple[str, ...] = Field(min_length=1)
    version: str
    parts: tuple[PinnedPart, ...] = ()
    edits: tuple[Edit, ...] = ()


class Changed(Strict):
    """A recipe that is another one, `base`, with further edits; they are made after those of the base."""

    name: str
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
    path = recipes / f"{name}.yaml"
    data = read(path)
    recipe = check(data, Changed, str(path)) if "base" in data else check(data, Recipe, str(path))
    if recipe.name != name:
        raise ConfigError(f'cannot use {path}: its name is "{recipe.name}", but the file is named "{name}"')
    return recipe


def sums_of(recipe: Recipe, recipes: Path) -> dict[str, Sha256]:
    """The sha256 of every file by its place in Debian's archive; ConfigError for a line that is none."""
    path = recipes / recipe.files
    found: dict[str, Sha256] = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        match = SUM.fullmatch(line)
        if match is None:
            raise ConfigError(f"cannot use {path}: line {number} is not a sha256, two spaces and a place in pool/")
        found[match[2]] = match[1]
    return found


def digest(recipe: Recipe, recipes: Path) -> str:
    """The digest of all that decides the bytes of the programs."""
    return digest_of(MAKER, recipe.model_dump_json(), _text(recipes / recipe.files), _text(recipes / SCRIPT))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error


def bench_for(recipe: Recipe, cache: Path, shell: Box) -> Workbench:
    """The workbench of a build; HostError for a missing program or space, EngineError on another processor."""
    if recipe.machine != here():
        raise EngineError(
            f"cannot build {recipe.name}: its recipe is for {recipe.machine}, this machine is {here()}",
            hint=f"boxes/engines/{recipe.files} names the packages of {recipe.machine}",
        )
    return open_workbench(shell, cache, task=f"build {recipe.name}", programs=TOOLS, needed_mb=NEEDED_MB, root=False)


def build(recipe: Recipe, recipes: Path, version: str, work: Path, bench: Workbench, tell: Tell) -> Path:
    """Build the programs with this version; returns the folder of all unpacked packages, programs in its `out`.

    Raises HostError if Debian's archive does not answer or the disk is full, EngineError if a file is no longer there,
    has another sum or is not what the recipe expects, CommandError with the last lines of a step that failed.
    """
    who = f"engine {recipe.name}"
    sums = sums_of(recipe, recipes)
    tell(Progress(who, f"fetching {len(sums)} packages"))
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


def fetch(recipe: Recipe, sums: Mapping[str, str], folder: Path, bench: Workbench) -> None:
    """Fetch every file into the folder: from this machine's mirrors, then from a snapshot of Debian's archive."""
    folder.mkdir(parents=True)
    config = folder.with_name("apt.conf")
    config.write_text(f'{settings(bench)}APT::Sandbox::User "root";\n', encoding="utf-8")
    uris = [line.split()[1].rstrip("/") for line in source_lines(recipe.suite, ("main",), bench)]
    failed: list[Result] = []
    for base in dict.fromkeys([*uris, f"{SNAPSHOT}/{recipe.snapshot}"]):
        missing = {place: total for place, total in sums.items() if not (folder / PurePosixPath(place).name).exists()}
        words = [
            word
            for place, total in missing.items()
            for word in (f"{base}/{place}", str(folder / PurePosixPath(place).name), f"SHA256:{total}")
        ]
        if not words:
            return
        result = bench.run("env", f"APT_CONFIG={config}", HELPER, "download-file", *words, timeout=FETCH_SECONDS)
        if not result.ok:
            failed.append(result)
    missing = {place: total for place, total in sums.items() if not (folder / PurePosixPath(place).name).exists()}
    if missing:
        raise _not_fetched(recipe, sorted(missing), failed, bench)


def _not_fetched(recipe: Recipe, missing: list[str], failed: list[Result], bench: Workbench) -> LabError:
    first = failed[0]
    if known := unreachable(first, bench.task) or disk_full(first, bench.task):
        return known
    why = "has another sum" if b"Hash Sum mismatch" in first.output else "is no longer in Debian's archive"
    more = f" ({len(missing)} files in all)" if len(missing) > 1 else ""
    return EngineError(
        f"cannot {bench.task}: {PurePosixPath(missing[0]).name} {why}{more}",
        hint="an archive that was built earlier can still be used; LAB_MIRROR=URL names another mirror, "
        f"such as {SNAPSHOT}/{recipe.snapshot}",
        output=first.output,
    )


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
        tell(Progress(who, f"compiling ({count} packages done)"))

    words = ("sh", recipes / SCRIPT, root, recipe.go, recipe.module, recipe.version, version, root / "out")
    result = bench.run(*words, *recipe.programs, timeout=BUILD_SECONDS, on_output=count_packages)
    if result.ok:
        return
    why = f"no end within {BUILD_SECONDS} s" if result.timed_out else f"exit status {result.exit}"
    raise disk_full(result, bench.task) or CommandError(
        f"cannot {bench.task}: could not compile it: {why}", output=result.output
    )
