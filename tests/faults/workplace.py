"""A checkout of the suite's own: its boxes, its scenario, and its folders for everything that the program writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from lab.engines.home import Home
from lab.errors import LabError
from lab.project import Project
from lab.results.run import Run
from lab.results.run import load as load_run
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.faults.hosts import Host

MARK = "LAB_FAULTS"  # in the environment of all that the suite starts
FIXED, UNFIXED = "20.10.24", "20.10.24-unfixed"
PAIR = {"left": FIXED, "right": UNFIXED}
ONE = {"left": FIXED}  # for a fault that hits what all boxes use
GUEST = {"debian12-selinux": "26.1.5"}  # the virtual machine
BOX = "name: {name}\nsummary: this machine with one engine\nkind: local\nengines: [installed]\nprivate: [{engine}]\n"
LINEUP = "name: {name}\nsummary: for the fault suite\nboxes: [{boxes}]\nscenario: struck\n"
DOCKERFILE = "FROM {{ base }}\nCOPY bar /bar\nRUN /bin/busybox sleep 1; /bin/busybox cp /bar /out\n"
SCENARIO = """\
name: struck
summary: a build that takes long enough for a fault
steps:
  - {instruction: "COPY bar /bar", expect: hit}
  - {instruction: "RUN /bin/busybox sleep 1; /bin/busybox cp /bar /out", expect: hit}
variations:
  - name: edited
    summary: another content
    default: true
    changes: [{append: {bar: more}}]
    expect: [ran, ran]
"""


class Workplace:
    """A checkout below `root` with a state, a cache, a home folder and a folder for temporary files of its own."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.state = root / ".lab"
        self.results = root / "results"
        self.cache = root / "cache"
        self.home = root / "home"
        self.temporary = root / "tmp"
        self.pack = self.cache / "pack"
        self.bin = root / "bin"  # first in the program's PATH
        self.env: dict[str, str] = {}
        self.before: tuple[str, ...] = ()  # words before those of the program
        self.hosts: Mapping[str, Host] = {}  # of the lineup `hosts`, by name
        for folder, size in ((self.home, "16m"), (self.results, "32m"), (self.state, "2g"), (self.cache, "256m")):
            self._mount(folder, size)
        for folder in (self.temporary, self.bin, self.cache / "engines"):
            folder.mkdir()
        shutil.copy(ROOT / "Vagrantfile", root)
        shutil.copytree(ROOT / "boxes", root / "boxes")
        shutil.copytree(ROOT / "templates", root / "templates")
        for file in (cache / "engines").glob("20.10.24*"):
            (self.cache / "engines" / file.name).symlink_to(file)
        self._scenario(root / "templates" / "scenarios" / "struck")
        for lineup, boxes in (("pair", PAIR), ("one", ONE)):
            self.lineup(lineup, {name: BOX.format(name=name, engine=engine) for name, engine in boxes.items()})

    def _mount(self, folder: Path, size: str) -> None:
        """Give a folder a disk of its own, which a fault can fill."""
        folder.mkdir(parents=True)
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "lab-faults", str(folder)]
        subprocess.run(words, check=True)

    def remove(self) -> None:
        """Take the disks away; the folders stay, as pytest's temporary folders do."""
        for folder in (self.home, self.results, self.state, self.cache):
            subprocess.run(["umount", "--lazy", str(folder)], check=False)

    def _scenario(self, folder: Path) -> None:
        (folder / "context").mkdir(parents=True)
        (folder / "scenario.yaml").write_text(SCENARIO)
        (folder / "Dockerfile.j2").write_text(DOCKERFILE)
        (folder / "context" / "bar").write_text("bar\n")

    def lineup(self, name: str, boxes: Mapping[str, str]) -> None:
        """Write a lineup and the files of its boxes."""
        for box, text in boxes.items():
            (self.root / "boxes" / f"{box}.yaml").write_text(text)
        path = self.root / "boxes" / "lineups" / f"{name}.yaml"
        path.write_text(LINEUP.format(name=name, boxes=", ".join(boxes)))

    def engines(self, lineup: str) -> dict[str, str]:
        """The engine of each box of a lineup."""
        return {"pair": PAIR, "one": ONE, "vm": GUEST}.get(lineup) or dict.fromkeys(self.hosts, FIXED)

    def state_of(self, lineup: str, box: str) -> Path:
        """The state of the checkout that runs the engine of a box."""
        return self.hosts[box].place.state if lineup == "hosts" else self.state

    @property
    def project(self) -> Project:
        """The folders as lab sees them."""
        return Project(self.root, self.cache)

    # --- the program

    def environment(self, cap: float | None = None) -> dict[str, str]:
        """The environment of the program: nothing that it writes lies outside of this workplace."""
        path = os.pathsep.join([str(self.bin), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        own = {
            **{"LAB_ROOT": str(self.root), "LAB_CACHE": str(self.cache), "PYTHONPATH": str(ROOT), "PATH": path},
            **{"HOME": str(self.home), "TMPDIR": str(self.temporary), MARK: str(self.root)},
            **({"LAB_FAULTS_CAP": f"{cap:g}"} if cap else {}),
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
        return {**kept, **own, **self.env}

    def start(self, *words: str, cap: float | None = None) -> subprocess.Popen[str]:
        """Start the program as a user does."""
        module = "tests.faults.limited" if cap else "lab"
        return subprocess.Popen(
            # a shell that starts the suite in the background has it ignore Ctrl-C
            [*self.before, "env", "--default-signal=INT", sys.executable, "-m", module, *words],
            cwd=self.root,
            env=self.environment(cap),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            errors="replace",
        )

    def call(self, *words: str) -> tuple[int, str]:
        """Run the program to its end; gives its exit code and all that it printed."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=600)
        except BaseException:  # Ctrl-C: the next `down` would find the boxes in use
            process.kill()
            process.wait()
            raise
        return process.returncode, out + err

    # --- what it stored

    def runs(self) -> list[Path]:
        """The folders of the stored runs, oldest first."""
        return sorted(path for path in self.results.iterdir() if (path / "run.json").exists())

    def load(self, folder: Path) -> Run | None:
        """A stored run; None for one that cannot be read."""
        try:
            return load_run(folder)
        except LabError:
            return None

    def homes(self) -> list[Home]:
        """The places of the engines that this checkout may start."""
        return [Home(self.state, engine) for engine in (FIXED, UNFIXED)]
