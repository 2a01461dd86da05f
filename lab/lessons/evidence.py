"""What a check looks at: the student's folder, the builds that the check makes of it, and the student's own images."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from lab.model import Outcome

if TYPE_CHECKING:
    from lab.buildkit.contenthash.rules import Rules
    from lab.registry.image_entry import ImagePath

START, FOLDER = "start", "folder"  # in a condition: the lesson's own start folder, and the student's


@dataclass(frozen=True, slots=True)
class Made:
    """One build that a check has made: the copy of the folder that was built, the steps, and the image.

    `steps` are the instructions as Docker prints them, each with its outcome. `problem` is the reason if the build
    failed. `arguments` are the values of its `--build-arg`.
    """

    context: Path
    reference: str
    steps: tuple[tuple[str, Outcome], ...] = ()
    problem: str = ""
    arguments: Mapping[str, str] | None = None


class Evidence(Protocol):
    """The real state of one exercise."""

    @property
    def folder(self) -> Path:
        """The folder that the student edits: the build context."""

    @property
    def start(self) -> Path:
        """The lesson's own start folder."""

    @property
    def home(self) -> Path:
        """The student's folder of the lesson, which holds `folder` and the logs that the student makes."""

    @property
    def rules(self) -> Sequence[Rules]:
        """The rule set of the lesson's engine: what its BuildKit hashes of a file."""

    def side(self, name: str) -> Path:
        """The folder that `start`, `folder` or the name of a build stands for."""

    def expect(self, names: Collection[str]) -> None:
        """Begin with the builds of these names, which are needed soon."""

    def made(self, name: str) -> Made:
        """The build of this name, which is made at its first use."""

    def has_image(self, tag: str) -> bool:
        """True if the student's engine has an image of this name."""

    def read_image(self, reference: str, path: str) -> ImagePath | None:
        """What an image of the student's engine has at a path; None for nothing."""
