"""Files of Debian's archive that are fetched by their sums, and never installed.

A recipe in boxes/engines names a file of sums, which has the place of each file in Debian's archive. apt fetches each
from this machine's mirror, and from snapshot.debian.org if the mirror no longer has it, and refuses a file with another
sum.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

from pydantic import Field

from lab.boxes.baking import apt
from lab.boxes.baking.apt import settings, source_lines, unreachable
from lab.boxes.baking.workbench import Workbench, disk_full
from lab.boxes.base import Result
from lab.engines.elf import here
from lab.engines.spec import Sha256, Word
from lab.errors import ConfigError, EngineError, LabError
from lab.yamlfile import Strict, load

TOOLS = ("apt-get", "apt-config", "dpkg-deb", "findmnt")
HELPER = "/usr/lib/apt/apt-helper"  # apt's own program that fetches files by their sums
SNAPSHOT = "https://snapshot.debian.org/archive/debian"
SUM = re.compile(r"([0-9a-f]{64})  (pool/[^\s/]+(?:/[^\s/]+)+)")


class Named(Strict):
    """A recipe in boxes/engines; its file has its name."""

    name: str


class DebianFiles(Named):
    """What a recipe states of the files that it reads.

    `files` is the file of sums beside it. `snapshot` is a time at which Debian's archive had every file of the suite.
    `machine` is the processor that the files are for.
    """

    suite: Word
    snapshot: Annotated[str, Field(pattern=r"^\d{8}T\d{6}Z$")]
    machine: str
    files: str


R = TypeVar("R", bound=Named)


def recipe_named(name: str, recipes: Path, schema: type[R]) -> R:
    """The recipe boxes/engines/NAME.yaml; ConfigError if it is missing or wrong."""
    path = recipes / f"{name}.yaml"
    recipe = load(path, schema)
    if recipe.name != name:
        raise ConfigError(f'cannot use {path}: its name is "{recipe.name}", but the file is named "{name}"')
    return recipe


def check_machine(recipe: DebianFiles) -> None:
    """Raise EngineError if the files are for another processor than this machine's."""
    if recipe.machine != here():
        raise EngineError(
            f"cannot build {recipe.name}: its recipe is for {recipe.machine}, this machine is {here()}",
            hint=f"boxes/engines/{recipe.files} names the packages of {recipe.machine}",
        )


def sums_of(recipe: DebianFiles, recipes: Path) -> dict[str, Sha256]:
    """The sha256 of every file by its place in Debian's archive; ConfigError for a line that is none."""
    path = recipes / recipe.files
    found: dict[str, Sha256] = {}
    for number, line in enumerate(text_of(path).splitlines(), 1):
        match = SUM.fullmatch(line)
        if match is None:
            raise ConfigError(f"cannot use {path}: line {number} is not a sha256, two spaces and a place in pool/")
        found[match[2]] = match[1]
    return found


def text_of(path: Path) -> str:
    """The text of a file of boxes/engines; ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error


def fetch(recipe: DebianFiles, sums: Mapping[str, str], folder: Path, bench: Workbench) -> None:
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
        result = apt.fetch(
            bench, f"engine {recipe.name}", "env", f"APT_CONFIG={config}", HELPER, "download-file", *words
        )
        if not result.ok:
            failed.append(result)
    missing = {place: total for place, total in sums.items() if not (folder / PurePosixPath(place).name).exists()}
    if missing:
        raise _not_fetched(recipe, sorted(missing), failed, bench)


def _not_fetched(recipe: DebianFiles, missing: list[str], failed: list[Result], bench: Workbench) -> LabError:
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
