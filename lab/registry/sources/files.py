"""Images in files: an archive of `docker save`, an OCI archive, or the folder of an OCI layout, named by its path."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.errors import UsageError
from lab.files import at_home
from lab.registry.archive import open_files
from lab.registry.found import FoundCache
from lab.registry.images import not_a_cache
from lab.registry.layout import find_in_files, is_layout
from lab.registry.manifests import Platform
from lab.registry.masking import shown

ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2", ".oci")


@dataclass(frozen=True, slots=True)
class FileSource:
    """An archive or folder with one or more images; `name` chooses one of several."""

    path: Path
    name: str = ""
    text: str = field(default="", compare=False)  # the path as the command line has it

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read it; `seconds` plays no part."""
        if not self.path.exists():
            raise UsageError(
                f"cannot find the file {shown(self.text or str(self.path))}",
                hint="docker save IMAGE --output FILE makes one",
            )
        if self.path.is_dir() and not is_layout(self.path):
            raise not_a_cache(str(self.path), _folder_kind(self.path))
        with open_files(self.path) as files:
            found = find_in_files(files, platform, self.name)
        return replace(found, name=f"{self.path}#{self.name}") if self.name else found


def file_source(text: str) -> FileSource | None:
    """Return the source of a path, or of PATH#NAME; None for a text that is rather the name of an image.

    A folder of a project often has the name of its image, so a folder counts only if it holds an image.
    """
    plainly = text.startswith((".", "/", "~")) or text.partition("#")[0].endswith(ENDINGS)
    start, mark, name = text.rpartition("#")
    for path, chosen in ((text, ""), *(((start, name),) if mark else ())):
        place = at_home(path)
        if _exists(place) and (plainly or not place.is_dir() or is_layout(place)):
            return FileSource(place, chosen, path)
    path, chosen = (start, name) if mark else (text, "")
    return FileSource(at_home(path), chosen, path) if plainly else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _folder_kind(folder: Path) -> str:
    """What a folder without an image is."""
    for name, words in ((".git", "a git checkout"), ("Dockerfile", "a build context"), ("HEAD", "a git repository")):
        if (folder / name).exists():
            return words
    return "a folder with neither index.json nor manifest.json"
