"""The kind `buildkit-release`: a static archive of BuildKit's own releases, used only if its sum is the pinned one.

Such an archive has a folder bin/ with BuildKit's daemon and client, runc, and emulators. Its three programs are packed
anew in the form of lab's archives. A release before 0.11 reports its version to nobody: it is that of its pinned sum.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Literal

from lab.archives import DAMAGED, content_of, open_tar
from lab.boxes.base import Box, Tell
from lab.engines.archive import LARGEST, TOP, digest_of, pack, place
from lab.engines.download import fetch
from lab.engines.engine import Engine
from lab.engines.kinds.buildkitd import PREFIX, StandaloneKind
from lab.engines.kinds.kind import Supply
from lab.engines.spec import EngineSpec, Sha256, Version
from lab.engines.unit import check_control_groups
from lab.errors import EngineError
from lab.files import disk_error

PROGRAMS = {"bin/buildkitd": "buildkitd", "bin/buildctl": "buildctl", "bin/buildkit-runc": "runc"}  # names in lab's
MAKER = "1"  # increased when lab makes another archive from the same release


class BuildkitReleaseSpec(EngineSpec):
    """The pin of a release: its version, its address, and the sum of the file there, which is null until it is pinned.

    Its name is buildkit-VERSION.
    """

    version: Version
    kind: Literal["buildkit-release"] = "buildkit-release"
    url: str
    sha256: Sha256 | None


class BuildkitReleaseKind(StandaloneKind[BuildkitReleaseSpec]):
    """Downloaded once, and packed anew."""

    schema = BuildkitReleaseSpec
    repacks = True
    hints: ClassVar = {
        "sha256": "a release is not used without its sha256; `sha256: null` states that it has to be pinned first"
    }

    def problem(self, spec: BuildkitReleaseSpec, earlier: Mapping[str, EngineSpec]) -> str | None:
        """The name must state the version."""
        wanted = f"{PREFIX}{spec.version}"
        return None if spec.name == wanted else f"its name must be {wanted}"

    def source(self, spec: BuildkitReleaseSpec) -> str:
        """BuildKit's release, and whether its sum is still missing."""
        return "BuildKit's release" if spec.sha256 else "BuildKit's release, to be pinned"

    def sum_of(self, spec: BuildkitReleaseSpec) -> str | None:
        """The pinned sum of the release."""
        return spec.sha256

    def archive_sum(self, spec: BuildkitReleaseSpec) -> str | None:
        """None: the archive is made here."""
        return None

    def url_of(self, spec: BuildkitReleaseSpec) -> str | None:
        """The pinned address."""
        return spec.url

    def with_sum(self, spec: BuildkitReleaseSpec, sha256: str, url: str | None) -> BuildkitReleaseSpec:
        """The pin with another sum, and the address that the sum belongs to."""
        return spec.model_copy(update={"sha256": sha256, "url": url or spec.url})

    def target(self, spec: BuildkitReleaseSpec, supply: Supply) -> Path | None:
        """The place that the sum names; None until it is pinned."""
        return _target(spec, supply.cache) if spec.sha256 else None

    def without_archive(self, spec: BuildkitReleaseSpec) -> EngineError:
        """The error for a sum that is missing, with the command that pins it."""
        return EngineError(
            f"cannot use {spec.name}: its release has no sha256 yet", hint=f"python -m lab engines pin {spec.name}"
        )

    def make(self, spec: BuildkitReleaseSpec, supply: Supply, target: Path, tell: Tell) -> None:
        """Download it, and pack its programs anew."""
        if spec.sha256 is None:
            raise self.without_archive(spec)
        release = target.with_name(f".{target.name}.{os.getpid()}.release")
        try:
            fetch(spec.name, spec.url, spec.sha256, release, tell)
            self.repack(spec, release, supply.cache)
        finally:
            release.unlink(missing_ok=True)

    def repack(self, spec: BuildkitReleaseSpec, file: Path, cache: Path) -> None:
        """Put the programs of a downloaded release into the cache; the pin states its sum.

        Raises EngineError if it is no release of that version for this machine, HostError if it cannot be stored.
        """
        target = _target(spec, cache)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=".release-", dir=target.parent) as folder:
                _unpack(spec, file, Path(folder) / TOP)
                pack(Path(folder), target, {"buildkit": spec.version}, self.daemon)
        except OSError as error:
            raise disk_error(target, error) from error

    def start(self, box: Box, spec: BuildkitReleaseSpec, supply: Supply, tell: Tell) -> Engine:
        """Run it from its archive, as a systemd unit, where its runc can make containers."""
        check_control_groups(box, spec)
        return super().start(box, spec, supply, tell)


def _target(spec: BuildkitReleaseSpec, cache: Path) -> Path:
    return place(cache, spec.name, digest_of(MAKER, spec.sha256 or ""))


def _unpack(spec: BuildkitReleaseSpec, file: Path, folder: Path) -> None:
    """Write the programs of a release into the folder, under the names that they have in lab's archives."""
    folder.mkdir()
    try:
        with file.open("rb") as packed, open_tar(packed, "r:gz") as tar:
            for entry in tar:
                name = PROGRAMS.get(entry.name.removeprefix("./"))
                if name and entry.isreg():
                    (folder / name).write_bytes(content_of(tar, entry, LARGEST))
                    (folder / name).chmod(0o755)
    except DAMAGED as error:
        raise EngineError(f"cannot use {spec.url}: it is not a complete .tar.gz archive: {error}") from error
    missing = [name for name, ours in PROGRAMS.items() if not (folder / ours).exists()]
    if missing:
        raise EngineError(f"cannot use {spec.url}: it has no {', '.join(missing)}")
    if spec.version.encode() not in (folder / "buildkitd").read_bytes():
        raise EngineError(f"cannot use {spec.url} as {spec.name}: its buildkitd is of another version")
