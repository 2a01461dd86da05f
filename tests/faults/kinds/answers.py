"""A registry that answers wrongly: a status of an error, or half a blob."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.faults.fault import Kind
from tests.faults.scene import Scene

PROGRAM = """\
#!/bin/sh
PYTHONPATH={root} exec {python} -m tests.faults.registry_proxy {control} {real} "$@"
"""


@dataclass(frozen=True)
class Answers(Kind):
    """The real registry behind a proxy, which behaves from some moment on as `how` says (`registry_proxy`)."""

    how: str

    def prepare(self, scene: Scene) -> None:
        """Put the proxy first in the program's PATH."""
        _control(scene).write_text("pass")
        real = shutil.which("docker-registry")
        assert real, "apt-get install docker-registry: `make check` does"
        text = PROGRAM.format(root=ROOT, python=sys.executable, control=_control(scene), real=real)
        program = scene.place.bin / "docker-registry"
        program.write_text(text)
        program.chmod(0o755)

    def strike(self, scene: Scene) -> None:
        """Behave so."""
        _control(scene).write_text(self.how)

    def heal(self, scene: Scene) -> None:
        """Take the proxy away."""
        (scene.place.bin / "docker-registry").unlink()
        _control(scene).unlink()


def _control(scene: Scene) -> Path:
    return scene.place.root / "registry-behaves"
