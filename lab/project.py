"""The folders lab works with: its data, stored runs, the state of what it made, and the user's cache."""

from __future__ import annotations

import hashlib
import os
import pwd
import threading
from dataclasses import dataclass
from pathlib import Path

from lab import files
from lab.errors import ConfigError, HostError, UsageError

PACKAGED = Path(__file__).parent / "_data"  # a wheel carries the data here; a checkout has no such folder
VAGRANTFILE = "Vagrantfile"
DATA = (VAGRANTFILE, "boxes", "templates")
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of a workplace: a checkout of lab, or a folder that `lab init` wrote.

    Vagrant runs in `root`, and libvirt's domains name that folder. Data, results and state lie in it.
    """

    root: Path
    cache: Path

    @property
    def data(self) -> Path:
        """The folder that holds boxes/, templates/ and the Vagrantfile that lab brings."""
        return self.root

    @property
    def boxes(self) -> Path:
        """Box files, lineups/, recipes/ and engines.yaml."""
        return self.data / "boxes"

    @property
    def scenarios(self) -> Path:
        """One folder per scenario."""
        return self.data / "templates" / "scenarios"

    def texts(self, report: str) -> dict[str, str]:
        """The files of templates/reports/REPORT by name; ConfigError if one cannot be read or there is none."""
        folder = self.data / "templates" / "reports" / report
        try:
            found = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.is_file()}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the templates of the report {report}: {error}") from error
        if not found:
            raise ConfigError(f"cannot read the templates of the report {report}: {folder} is empty")
        return found

    @property
    def results(self) -> Path:
        """The folder of stored runs, one folder per run; it is made when the first run is stored."""
        return self.root / "results"

    @property
    def state(self) -> Path:
        """Notes of what was created from here; `lab down` empties it."""
        return self.root / ".lab"

    @property
    def prefix(self) -> str:
        """What the names of this project's libvirt domains begin with, so that two projects never share one."""
        return f"lab-{hashlib.sha256(str(self.root).encode()).hexdigest()[:6]}-"

    @property
    def vagrant_variables(self) -> dict[str, str]:
        """The environment variables that lead the Vagrantfile to the box files and to the notes."""
        return {"LAB_BOXES": str(self.boxes), "LAB_MACHINES": str(self.state / "machines")}

    def prepare_vagrant(self) -> None:
        """Make `root` a folder in which Vagrant can run; HostError if the disk refuses."""

    def check_results(self) -> None:
        """Raise HostError if no run can be stored, so that this is known before a run takes its time."""
        folder = next(folder for folder in (self.results, *self.results.parents) if os.access(folder, os.F_OK))
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            why = "it is read-only for you" if folder.is_dir() else "it is not a folder"
            raise HostError(
                f"cannot store a run in {self.results}: cannot write to {folder}: {why}",
                hint="run lab in a folder that you may write to",
            )

    def check_own(self, path: Path) -> None:
        """Raise UsageError if a file at `path` would become part of the installed package."""


@dataclass(frozen=True, slots=True)
class Installed(Project):
    """The folders of an installed lab without a workplace: `root` is lab's folder in the user's state directory.

    Data comes from the package, and results go to the folder `current`.
    """

    current: Path

    @property
    def data(self) -> Path:
        """The data that the wheel carries."""
        return PACKAGED

    @property
    def results(self) -> Path:
        """The folder results/ of the current folder."""
        return self.current / "results"

    @property
    def state(self) -> Path:
        """The user's state directory is lab's own, so notes need no folder in it."""
        return self.root

    def prepare_vagrant(self) -> None:
        """Put the Vagrantfile of this version of lab into the state directory."""
        content = (self.data / VAGRANTFILE).read_bytes()
        path = self.root / VAGRANTFILE
        with _writing:  # boxes come up side by side
            if not (path.is_file() and path.read_bytes() == content):
                files.write(path, content)

    def check_own(self, path: Path) -> None:
        """Raise UsageError for a file among the package's data: an update of lab would remove it."""
        if path.resolve().is_relative_to(self.data.resolve()):
            raise UsageError(
                f"cannot write {path}: it is part of the installed lab",
                hint="`python -m lab init DIR` writes a workplace of your own; run lab in it",
            )


def find() -> Project:
    """The workplace around the current folder; else the checkout that this package lies in, or its installed data.

    LAB_ROOT names a workplace instead. Raises UsageError if it is none, or if this lab has no data at all.
    """
    given = os.environ.get("LAB_ROOT")
    here = _current()
    candidates = [Path(given)] if given else [here, *here.parents, PACKAGED.parent.parent]
    for folder in candidates:
        if is_workplace(folder):
            return Project(folder.resolve(), cache_folder())
    if not given and is_workplace(PACKAGED):
        return Installed(state_folder().resolve(), cache_folder(), here)
    raise UsageError(
        f"cannot find lab's boxes and templates: no {VAGRANTFILE} with boxes/ in {given or f'{here} or above'}",
        hint="`python -m lab init DIR` writes a workplace; run lab in it, or set LAB_ROOT to it",
    )


def own_data() -> Path:
    """The folder with the data that this lab brings, whatever workplace it runs in; UsageError if there is none."""
    for folder in (PACKAGED, PACKAGED.parent.parent):
        if is_workplace(folder):
            return folder
    raise UsageError("cannot find lab's own boxes and templates: its installation is not complete")


def is_workplace(folder: Path) -> bool:
    """True if the folder holds a Vagrantfile and box files."""
    try:
        return (folder / VAGRANTFILE).is_file() and (folder / "boxes" / "engines.yaml").is_file()
    except OSError:  # a folder above the current one may be closed to this user
        return False


def _current() -> Path:
    """The current folder; the root folder if the current one was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def cache_folder() -> Path:
    """Where baked boxes and engine archives are kept: LAB_CACHE, else lab/ in the user's cache directory."""
    given = os.environ.get("LAB_CACHE")
    return Path(given).absolute() if given else _user_folder("XDG_CACHE_HOME", ".cache") / "lab"


def state_folder() -> Path:
    """Where an installed lab notes what it made: lab/ in the user's state directory."""
    return _user_folder("XDG_STATE_HOME", ".local/state") / "lab"


def _user_folder(variable: str, default: str) -> Path:
    """A folder of the XDG Base Directory Specification, which has relative paths in its variables ignored."""
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else home_folder() / default


def home_folder() -> Path:
    """The user's home folder: HOME, else the one in the system's list of users; HostError if there is none."""
    given = Path(os.environ.get("HOME", ""))
    if given.is_absolute():
        return given
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError as error:
        raise HostError(
            f"cannot find your home folder: HOME is not set, and no user has the number {os.getuid()}",
            hint="set HOME to a folder that you may write to",
        ) from error
