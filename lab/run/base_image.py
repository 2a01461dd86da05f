"""The image under the scenario: the bug report's alpine, or one made from a box's own busybox."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.boxes.base import Box, Tell
from lab.boxes.recording import RecordingBox
from lab.engines.archive import sha256_of
from lab.engines.engine import Engine
from lab.errors import BoxError, CommandError
from lab.machines.auto import answers
from lab.model import Progress
from lab.project import BUSYBOX, cache_folder
from lab.registry.names import DOCKER_HUB
from lab.registry.server import BASE, Registry
from lab.results.run import Base
from lab.run.client_login import logged_in
from lab.run.faults import translate
from lab.run.own_project.project import OwnProject

ALPINE = "alpine:3.11.6@sha256:9a839e63dad54c3a6d1834e29692c8492d93f90c59c978c1ed79109ea4fb9a54"
HUB_SECONDS = 3.0
DIGEST = re.compile(r"(?:digest:|exporting manifest) (sha256:[0-9a-f]{64})")
# Owner, time and order are fixed, so that every run makes the same bytes; busybox is static and needs no library.
ROOT_TAR = """\
set -e
busybox={busybox}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/bin"
cp "$busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
chmod 755 "$root/bin" "$root/bin/busybox"
tar -C "$root" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - bin {rest}
"""
OWN = '"$(command -v busybox)"'  # for a shell: the box's own program
IMPORT = "| {client} import - {reference}"
# A BuildKit without Docker imports no archive: it builds an image of it, and pushes it.
BUILD = """> "$root/root.tar"
printf 'FROM scratch\\nADD root.tar /\\n' > "$root/Dockerfile"
{client} build --frontend dockerfile.v0 --local context="$root" --local dockerfile="$root" \
  --opt build-arg:SOURCE_DATE_EPOCH=0 --progress=plain --output type=image,name={reference},push=true
"""


@dataclass(frozen=True, slots=True)
class BaseWish:
    """Which base image a run has: lab's own `busybox`, or that of the run that it goes on with, or the one `named`.

    If it has none of these, it is the one that `choose` finds.
    """

    named: str | None = None
    stored: Base | None = None
    busybox: bool = False


def base_wish(project: OwnProject | None, named: str | None, stored: Base | None = None) -> BaseWish | None:
    """The base image of a scenario, or of a project; None for a project that has none of lab's."""
    if project is None:
        return BaseWish(named, stored)
    return BaseWish(busybox=True) if project.needs_busybox else None


def make(wish: BaseWish | None, registry: Registry, box: RecordingBox, engine: Engine, tell: Tell) -> Base | None:
    """The base image of a run, made on this box if it must be; a failure has the exit code of whose fault it is."""
    if wish is None:
        return None
    with box.about("base"):
        try:
            if wish.busybox:
                return busybox(registry, box, engine, tell)
            if wish.stored:
                return again(wish.stored, registry, box, engine, tell)
            return choose(wish.named, registry, box, engine, tell)
        except CommandError as error:
            raise translate(box, engine, registry, error) from error


def choose(asked: str | None, registry: Registry, box: Box, engine: Engine, tell: Tell) -> Base:
    """The base image of a run: the one asked for, alpine where Docker Hub answers, else busybox from this box.

    The busybox image is pushed to the registry and named by its digest, so that every box uses the same bytes.
    Raises BoxError if the box has no busybox, CommandError if a command fails.
    """
    if asked:
        return Base(reference=asked, source="given")
    if answers(*DOCKER_HUB, HUB_SECONDS):
        return Base(reference=ALPINE, source="alpine")
    tell(Progress("base image", f"Docker Hub does not answer: the busybox of {box.name}"))
    return busybox(registry, box, engine, tell, ", as Docker Hub does not answer")


def again(base: Base, registry: Registry, box: Box, engine: Engine, tell: Tell) -> Base:
    """The base image of a run that is resumed, made in the same way; it may have come out as another one.

    Raises as `choose` does.
    """
    return busybox(registry, box, engine, tell) if base.source == "busybox" else base


def busybox(registry: Registry, box: Box, engine: Engine, tell: Tell, because: str = "") -> Base:
    """An image of this box's busybox alone; `because` ends the line of progress. Raises as `choose` does."""
    base = Base(reference=_busybox(registry, box, engine), source="busybox")
    tell(Progress("base image", f"the busybox of {box.name}{because}", done=True))
    return base


def _busybox(registry: Registry, box: Box, engine: Engine) -> str:
    with busybox_of(box) as (busybox, text):
        tag = f"busybox-{text[:16]}"  # another busybox is another base
        if kept := registry.digest(BASE, tag):
            return f"{registry.prefix}/{BASE}@{kept}"
        reference = f"{registry.prefix}/{BASE}:{tag}"
        with logged_in(box, registry) as env:
            output = _push_root(box, engine, reference, busybox, env)
    digest = DIGEST.search(output)
    if digest is None:
        raise BoxError(f"cannot read the base image's digest on {box.name}", output=output)
    return f"{registry.prefix}/{BASE}@{digest[1]}"


@contextmanager
def busybox_of(box: Box) -> Iterator[tuple[str, str]]:
    """The busybox for the base image, as a word of a shell, and its sum: the box's own, else one that came in a pack.

    BoxError if there is neither.
    """
    found = box.run(["sh", "-c", f"sha256sum {OWN}"])
    packed = cache_folder() / BUSYBOX
    if found.ok:
        yield OWN, found.text
    elif packed.is_file():
        folder = PurePosixPath(box.check(["mktemp", "-d"], doing="make a folder for a packed busybox").text)
        try:
            box.put(packed, folder / "busybox")
            yield shlex.quote(str(folder / "busybox")), sha256_of(packed)
        finally:
            box.run(["rm", "-rf", str(folder)])
    else:
        raise BoxError(
            f"cannot make a base image on {box.name}: it has no busybox, and Docker Hub does not answer",
            hint="name an image that the boxes can pull: --base IMAGE; `up --from PACK` also brings a busybox",
        )


def _push_root(box: Box, engine: Engine, reference: str, busybox: str, env: Mapping[str, str]) -> str:
    """Make the base image with an engine and push it with these variables; returns what it printed of the push."""
    has_images = engine.program == "docker"
    rest = (IMPORT if has_images else BUILD).format(client=shlex.join(engine.call((), env)), reference=reference)
    script = ROOT_TAR.format(busybox=busybox, rest=rest)
    made = box.check(["sh", "-c", script], env=env, doing="make the base image", timeout=300)
    if not has_images:
        return made.output.decode("utf-8", "replace")
    return box.check(engine.call(("push", reference), env), env=env, doing="push the base image").text
