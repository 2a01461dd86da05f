"""Build an engine with one upstream fix taken back, in a throw-away root: Debian's source, one text replaced.

Nothing is installed on this machine and nothing mounted where it could be seen; an interrupted build leaves only
files in one work folder, removed as it ends, or by the next. The archive holds dockerd alone: all else is its base's.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from pydantic import Field

from lab.boxes.baking.apt import AptReader, settings, source_lines, unreachable
from lab.boxes.baking.workbench import IN_NAMESPACE, Workbench, disk_full, open_workbench
from lab.boxes.base import Box, Result, Tell
from lab.engines.archive import Archive, digest_of, pack, place
from lab.engines.pins import EngineSpec, Package, Word, plain
from lab.errors import CommandError, ConfigError, EngineError, LabError
from lab.model import Progress
from lab.yamlfile import Strict, load

MAKER = "1"  # goes up when lab makes another archive of the same recipe
SCRIPTS = ("fetch-source.sh", "build-dockerd.sh")
PROGRAMS = ("mmdebstrap", "apt-get", "chroot", "mount", "setpriv", "unshare", "findmnt")
NEEDED_MB = 4000  # measured: 2.8 GB, most of it Go's build cache
ROOT_SECONDS, BUILD_SECONDS = 1200, 1800


class Edit(Strict):
    """One text replaced by another in the source: `find` has to stand once in all files of that pattern together."""

    files: str
    find: str = Field(min_length=1)
    replace: str


class Reversion(Strict):
    """How a reverted engine is made: Debian's source package of a suite, and the edits to it."""

    name: str
    source: Package
    suite: Word
    components: tuple[Word, ...] = Field(default=("main",), min_length=1)
    edits: tuple[Edit, ...] = Field(min_length=1)


def recipe_of(spec: EngineSpec, recipes: Path) -> Reversion:
    """The recipe of a reverted engine, boxes/engines/NAME.yaml; raise ConfigError for what is wrong."""
    path = recipes / f"{spec.name}.yaml"
    recipe = load(path, Reversion)
    if recipe.name != spec.name:
        raise ConfigError(f'cannot use {path}: its name is "{recipe.name}", its file says "{spec.name}"')
    return recipe


def target_of(spec: EngineSpec, recipes: Path, cache: Path) -> Path:
    """Where the archive of a reverted engine lies, built or not; its name carries the recipe's digest."""
    recipe = recipe_of(spec, recipes)
    try:
        scripts = [(recipes / name).read_text(encoding="utf-8") for name in SCRIPTS]
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename}: {error.strerror}") from error
    return place(cache, spec.name, digest_of(MAKER, spec.version or "", recipe.model_dump_json(), *scripts))


def build(spec: EngineSpec, recipes: Path, cache: Path, shell: Box, tell: Tell) -> Archive:
    """Build the engine now and put its archive into the cache.

    Raises HostError for a missing program, right or space and for an archive of Debian's out of reach, EngineError
    if the source is of another version or not as the recipe expects it, CommandError with the last lines for a step
    that failed. Takes about four minutes on two cores, and 3 GB of disk while it lasts.
    """
    recipe = recipe_of(spec, recipes)
    target = target_of(spec, recipes, cache)
    who = f"engine {spec.name}"
    bench = open_workbench(
        shell, target.parent, task=f"build Docker {spec.name}", programs=PROGRAMS, needed_mb=NEEDED_MB
    )
    with bench.folder(target.parent / f"work-{spec.name}") as work:
        root = _make_root(recipe, recipes, work, bench, AptReader(who, tell))
        source = root / "build" / "source"
        version = _check_version(spec, source)
        tell(Progress(who, "taking the fix back"))
        for number, edit in enumerate(recipe.edits):
            _edit(edit, source, work / f"edit-{number}", bench)
        _compile(spec, recipes, root, bench, tell)
        tell(Progress(who, "packing the archive"))
        (work / "archive" / "docker").mkdir(parents=True)
        made = work / "archive" / "docker" / "dockerd"
        bench.check("cp", root / "build" / "dockerd", made, doing="take dockerd out of the root")
        archive = pack(work / "archive", target, {recipe.source: version})
    tell(Progress(who, f"built, {target.stat().st_size / 1e6:.0f} MB", done=True))
    return archive


def _make_root(recipe: Reversion, recipes: Path, work: Path, bench: Workbench, reader: AptReader) -> Path:
    """A root with the source package unpacked in /build/source, and with what it takes to build it."""
    root, apt = work / "root", work / "apt.conf"
    apt.write_text(settings(bench))
    lines = source_lines(recipe.suite, recipe.components, bench)
    fetch = f'sh {shlex.quote(str(recipes / SCRIPTS[0]))} "$1" {shlex.quote(recipe.source)}'
    reader.say("asking Debian's archive")
    result = bench.run(
        *IN_NAMESPACE,
        "mmdebstrap",
        "--verbose",
        "--variant=apt",
        "--mode=root",
        "--format=directory",
        f"--aptopt={apt}",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        f"--customize-hook={fetch}",
        recipe.suite,
        root,
        *lines,
        *(line.replace("deb ", "deb-src ", 1) for line in lines),
        root=True,
        timeout=ROOT_SECONDS,
        on_output=reader.feed,
    )
    if not result.ok:
        raise _failure(bench, "make its root", result, ROOT_SECONDS)
    return root


def _check_version(spec: EngineSpec, source: Path) -> str:
    """The version of the source package, if it is the pinned one."""
    head = (source / "debian" / "changelog").read_text(encoding="utf-8").partition("\n")[0]
    match = re.match(r"\S+ \((?:\d+:)?([^)]+)\)", head)
    version = match[1] if match else head
    if plain(version) != spec.version:
        raise EngineError(
            f"cannot build Docker {spec.name}: the source in Debian's archive is {version}, pinned is {spec.version}",
            hint="an archive built earlier still serves; else change boxes/engines.yaml to the version that is there",
        )
    return version


def _edit(edit: Edit, source: Path, scratch: Path, bench: Workbench) -> None:
    """Replace the one text; EngineError if it stands there never or more than once."""
    path, text = replace_once(edit, source)
    scratch.write_text(text, encoding="utf-8")
    bench.check("cp", "--no-preserve=mode,ownership", scratch, path, doing="write the edited source", root=True)


def replace_once(edit: Edit, source: Path) -> tuple[Path, str]:
    """The file of the edit and its new text; raise EngineError unless the text stands there exactly once."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(source.glob(edit.files)) if path.is_file()}
    found = {path: count for path, text in texts.items() if (count := text.count(edit.find))}
    total = sum(found.values())
    if total != 1:
        where = f"{len(texts)} files" if len(texts) != 1 else edit.files
        times = "is not there" if total == 0 else f"stands there {total} times"
        raise EngineError(
            f"cannot take the fix back: looked in {where} for a text that {times}: {edit.find}",
            hint="the source is another one than the recipe in boxes/engines was written for",
        )
    (path,) = found
    return path, texts[path].replace(edit.find, edit.replace)


def _compile(spec: EngineSpec, recipes: Path, root: Path, bench: Workbench, tell: Tell) -> None:
    """Build dockerd in the root, with the root's own /dev and /proc in a mount namespace."""
    who, count = f"engine {spec.name}", 0

    def hear(stream: str, data: bytes) -> None:
        nonlocal count
        count += len(re.findall(rb"^[a-z][\w.~-]*(?:/\S+)*$", data, re.MULTILINE)) if stream == "stderr" else 0
        tell(Progress(who, f"compiling ({count} packages done)"))

    script = root / "build" / SCRIPTS[1]
    bench.check("cp", recipes / SCRIPTS[1], script, doing="put the build script into the root", root=True)
    inside = 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" && exec chroot "$1" sh "$2" "$3"'
    result = bench.run(
        *(*IN_NAMESPACE, "sh", "-c", inside, "sh"),
        *(root, f"/build/{SCRIPTS[1]}", spec.mark),
        root=True,
        timeout=BUILD_SECONDS,
        on_output=hear,
    )
    if not result.ok:
        raise _failure(bench, "compile it", result, BUILD_SECONDS)


def _failure(bench: Workbench, doing: str, result: Result, seconds: int) -> LabError:
    """A step's failure in the user's words: the archive out of reach, no space, no time, or its own last lines."""
    if known := unreachable(result, bench.task) or disk_full(result, bench.task):
        return known
    why = f"no end within {seconds} s" if result.timed_out else f"exit status {result.exit}"
    # without the command itself, which is a dozen lines of options
    return CommandError(f"cannot {bench.task}: could not {doing}: {why}", output=result.output)
