"""Where things lie: the checkout with its boxes and templates, the state of this checkout, the user's cache."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True)
class Project:
    """The folders lab works with; `root` holds Vagrantfile, boxes/ and templates/."""

    root: Path
    cache: Path

    @property
    def boxes(self) -> Path:
        """Box files, lineups/, recipes/ and engines.yaml."""
        return self.root / "boxes"

    @property
    def scenarios(self) -> Path:
        """One folder a scenario."""
        return self.root / "templates" / "scenarios"

    def texts(self, report: str) -> dict[str, str]:
        """The files of templates/reports/REPORT by name; ConfigError if one cannot be read or there is none."""
        folder = self.root / "templates" / "reports" / report
        try:
            found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the templates of the report {report}: {error}") from error
        if not found:
            raise ConfigError(f"cannot read the templates of the report {report}: {folder} is empty")
        return found

    @property
    def results(self) -> Path:
        """One folder a run."""
        return self.root / "results"

    @property
    def state(self) -> Path:
        """Notes of what was created from this checkout; `lab down` empties it."""
        return self.root / ".lab"

    @property
    def prefix(self) -> str:
        """What libvirt domains of this checkout begin with: two checkouts never take each other's."""
        return f"lab-{hashlib.sha256(str(self.root).encode()).hexdigest()[:6]}-"


def find() -> Project:
    """The project around the current folder, else the one this package lies in; LAB_ROOT overrides both.

    Raises UsageError if there is none: lab's boxes and templates are data beside the package, so it runs from
    a checkout.
    """
    given = os.environ.get("LAB_ROOT")
    here = _current()
    candidates = [Path(given)] if given else [here, *here.parents, Path(__file__).parent.parent]
    for folder in candidates:
        if (folder / "Vagrantfile").is_file() and (folder / "boxes" / "engines.yaml").is_file():
            return Project(folder.resolve(), cache_folder())
    raise UsageError(
        f"cannot find the lab's checkout: no Vagrantfile with boxes/ in {given or here} or above",
        hint="run lab inside a checkout, or set LAB_ROOT to one",
    )


def _current() -> Path:
    """The current folder; the root if it was removed while a shell stands in it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def cache_folder() -> Path:
    """Baked boxes, engine archives, the KVM probe's answer: LAB_CACHE, else XDG_CACHE_HOME/lab, else ~/.cache/lab."""
    given = os.environ.get("LAB_CACHE")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lab"
