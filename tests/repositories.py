"""Git repositories for tests, made by the real program with a configuration of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SETTINGS = {
    "user.name": "a",
    "user.email": "a@example.org",
    "init.defaultBranch": "main",
    "protocol.file.allow": "always",
}


class Repository:
    """A repository in a folder; the settings of this machine do not count."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / ".git").exists():
            self.git("init", "--quiet")

    def git(self, *arguments: str, settings: dict[str, str] | None = None, data: bytes | None = None) -> bytes:
        """Run git in the folder and return what it prints."""
        chosen = {**SETTINGS, **(settings or {})}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environment = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ["git", *options, *arguments], cwd=self.folder, env=environment, input=data, check=True, capture_output=True
        ).stdout

    def write(self, path: str, content: bytes = b"", mode: int = 0o644) -> Path:
        """Write a file, with the folders above it."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(mode)
        return place

    def commit(self) -> None:
        """Add everything that is not ignored, and commit it."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "one")

    def clone(self, folder: Path, umask: int = 0o022, **settings: str) -> Path:
        """Clone into a folder under a umask, with settings such as core_autocrlf="true"."""
        named = {name.replace("_", "."): value for name, value in settings.items()}
        before = os.umask(umask)
        try:
            self.git("clone", "--quiet", str(self.folder), str(folder), settings=named)
        finally:
            os.umask(before)
        return folder
