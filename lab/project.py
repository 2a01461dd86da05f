"""The folders that lab uses: its data, stored runs, notes of what it created, and the user's cache."""

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
BUSYBOX = Path("base", "busybox")  # in the cache: the program of a base image that came with a pack
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of a workplace: a checkout of lab, or a folder that `lab init` wrote.

    Vagrant runs in `root`, and the names of libvirt's domains depend on it. It contains data, results and state.
    """

    root: Path
    cache: Path

    @property
    def data(self) -> Path:
        """The folder that contains boxes/, templates/ and the Vagrantfile."""
        return self.root

    @property
    def boxes(self) -> Path:
        """The folder of box files, lineups/, recipes/ and engines.yaml."""
        return self.data / "boxes"

    @property
    def scenarios(self) -> Path:
        """The folder that contains one folder per scenario."""
        return self.data / "templates" / "scenarios"

    @property
    def lessons(self) -> Path:
        """The folder that contains one folder per lesson."""
        return self.data / "templates" / "lessons"

    def texts(self, report: str) -> dict[str, str]:
        """Read the files of templates/reports/REPORT by name; ConfigError if a file cannot be read or there is none."""
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
        """The folder of stored runs, one folder per run; lab creates it when it stores the first run."""
        return self.root / "results"

    @property
    def state(self) -> Path:
        """The folder of notes about what lab created from this workplace; `lab down` empties it."""
        return self.root / ".lab"

    @property
    def prefix(self) -> str:
        """The prefix of the names of this project's libvirt domains; two projects have different prefixes."""
        return f"lab-{hashlib.sha256(str(self.root).encode()).hexdigest()[:6]}-"

    @property
    def vagrant_variables(self) -> dict[str, str]:
        """The environment variables that give the Vagrantfile the folders of the box files and of the notes."""
        return {"LAB_BOXES": str(self.boxes), "LAB_MACHINES": str(self.state / "machines")}

    def prepare_vagrant(self) -> None:
        """Make `root` a folder in which Vagrant can run; HostError if a file cannot be written."""

    def check_results(self) -> None:
        """Raise HostError if no run can be stored; this is checked before a run starts, because runs take long."""
        folder = next(folder for folder in (self.results, *self.results.parents) if os.access(folder, os.F_OK))
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            why = "you may not write to it" if folder.is_dir() else "it is not a folder"
            raise HostError(
                f"cannot store a run in {self.results}: cannot write to {folder}: {why}",
                hint="run lab in a folder that you may write to",
            )

    def check_own(self, path: Path) -> None:
        """Raise UsageError if a file at `path` would be part of the installed package."""


@dataclass(frozen=True, slots=True)
class Installed(Project):
    """The folders of an installed lab without a workplace: `root` is lab's folder in the user's state directory.

    Data comes from the package, and results are stored below the folder `current`.
    """

    current: Path

    @property
    def data(self) -> Path:
        """The folder of the data in the installed package."""
        return PACKAGED

    @property
    def results(self) -> Path:
        """The folder results/ below the current folder."""
        return self.current / "results"

    @property
    def state(self) -> Path:
        """The folder of notes: `root` itself, because only lab uses it."""
        return self.root

    def prepare_vagrant(self) -> None:
        """Write the Vagrantfile of this version of lab to the state directory."""
        content = (self.data / VAGRANTFILE).read_bytes()
        path = self.root / VAGRANTFILE
        with _writing:  # several boxes may start at the same time
            if not (path.is_file() and path.read_bytes() == content):
                files.write(path, content)

    def check_own(self, path: Path) -> None:
        """Raise UsageError for a file in the package's data, because an update of lab would remove it."""
        if path.resolve().is_relative_to(self.data.resolve()):
            raise UsageError(
                f"cannot write {path}: it is part of the installed lab",
                hint="create a workplace of your own with `python -m lab init DIR`, and run lab in it",
            )


def find() -> Project:
    """Find the workplace that contains the current folder, or else the checkout or the data of this installation.

    If LAB_ROOT is set, it names the workplace. Raises UsageError if it does not, or if lab's data is missing.
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
        hint="create a workplace with `python -m lab init DIR`, and run lab in it or set LAB_ROOT to it",
    )


def own_data() -> Path:
    """Find the data of this installation, independent of the workplace; UsageError if there is none."""
    for folder in (PACKAGED, PACKAGED.parent.parent):
        if is_workplace(folder):
            return folder
    raise UsageError("cannot find lab's own boxes and templates: its installation is not complete")


def is_workplace(folder: Path) -> bool:
    """True if the folder contains a Vagrantfile and box files."""
    try:
        return (folder / VAGRANTFILE).is_file() and (folder / "boxes" / "engines.yaml").is_file()
    except OSError:  # this user may have no right to read a folder above the current one
        return False


def _current() -> Path:
    """Return the current folder; the root folder if the current one was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def cache_folder() -> Path:
    """Return the folder of baked boxes and engine archives: LAB_CACHE, or else lab/ in the user's cache directory."""
    given = os.environ.get("LAB_CACHE")
    return Path(given).absolute() if given else _user_folder("XDG_CACHE_HOME", ".cache") / "lab"


def state_folder() -> Path:
    """Return the folder of an installed lab's notes: lab/ in the user's state directory."""
    return _user_folder("XDG_STATE_HOME", ".local/state") / "lab"


def _user_folder(variable: str, default: str) -> Path:
    """Return a folder as defined by the XDG Base Directory Specification; relative paths in variables are ignored."""
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else home_folder() / default


def home_folder() -> Path:
    """Return the user's home folder: HOME, or else the one in the user database; HostError if there is none."""
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
