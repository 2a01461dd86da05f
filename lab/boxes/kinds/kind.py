"""What a kind of box has to answer. All code outside the packages of kinds asks these questions and knows no kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

from lab.boxes.base import Box
from lab.boxes.specs import BoxSpec
from lab.project import Project

S = TypeVar("S", bound=BoxSpec)


class BoxKind(ABC, Generic[S]):
    """One kind of box: the keys of its file, and how commands reach it. The defaults fit a machine that exists already.

    What the fleet does with a box, such as to prepare and to remove it, needs engines and libvirt. That is in a layer
    above this one, in lab/machines/kinds, and only for the kinds that need more than its defaults.
    """

    schema: type[S]
    modules: ClassVar[tuple[str, ...]] = ()  # those that reach its boxes, if they are slow to load
    is_made_by_lab: ClassVar[bool] = False  # True if lab makes the machine: it has a note, and `down` removes it

    @abstractmethod
    def open(self, spec: S, project: Project) -> Box:
        """The box of this spec; nothing is started or connected yet."""

    def state(self, spec: S, project: Project) -> str:
        """One word or two for whether it can be used now, as `Box.state` states it."""
        return self.open(spec, project).state()

    def engines(self, spec: S) -> tuple[str, ...]:
        """Every engine that the file names."""
        return (*spec.engines, *spec.at_hand)

    def memory(self, spec: S) -> int:
        """How much of this machine's memory the box takes, in MB."""
        return 0

    def recipe(self, spec: S) -> str | None:
        """The recipe from which lab bakes its image; None if lab bakes none."""
        return None

    def variant(self, spec: S) -> str:
        """The image of that recipe that it uses; several boxes may use one."""
        return spec.name

    def images(self, spec: S) -> tuple[str, ...]:
        """The names of Vagrant images, of which it needs one; empty if it needs none."""
        return ()

    def image_folders(self, spec: S) -> tuple[str, ...]:
        """Where Vagrant keeps each of these images, below its folder boxes/."""
        return ()
