"""The virtual environment of the contestants' packages: never that of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.side_by_side.contestant import Contestant

PINS = Path(__file__).with_name("requirements.txt")
SECONDS = 900


class Venv:
    """A virtual environment in a folder, made when it is not there."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "bin"
        if not (self.programs / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)

    def install(self, contestants: Iterable[Contestant]) -> dict[str, str]:
        """Install what the contestants need; gives the reason for each contestant whose packages cannot be had."""
        pins, present = pinned(PINS.read_text(encoding="utf-8")), self.versions()
        failed = {}
        for contestant in contestants:
            missing = [name for name in contestant.packages if present.get(name) != pins[name]]
            if missing and (problem := self._pip("install", *(f"{name}=={pins[name]}" for name in missing))):
                failed[contestant.name] = f"pip cannot install {', '.join(missing)}: {problem}"
        return failed

    def versions(self) -> dict[str, str]:
        """The versions of the packages that are installed, by name."""
        words = [str(self.programs / "python"), "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        return pinned(done.stdout)

    def _pip(self, *words: str) -> str:
        """Run pip; gives its last line if it fails."""
        argv = [str(self.programs / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", *words]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"it did not end within {SECONDS} s"
        return last_line(done.stderr or done.stdout) if done.returncode else ""


def pinned(text: str) -> dict[str, str]:
    """The versions by package, of lines such as `fabric==3.2.3`."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


def last_line(text: str) -> str:
    """The last line of an output that says something."""
    lines: Sequence[str] = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no output"
