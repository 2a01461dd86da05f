"""A path in an image: `image: {build: first, path: /app/run.sh, mode: "0755"}` or, of the student's own, `tag: app`."""

from __future__ import annotations

import hashlib
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from lab.lessons.conditions.kind import FAILED, MISSING, Condition, Finding, failure
from lab.lessons.evidence import Evidence
from lab.registry.image_entry import ImagePath
from lab.run.changes.kind import InContext, Octal
from lab.yamlfile import Strict

Tag = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._/-]{0,99}(:[A-Za-z0-9._-]{1,50})?$")]


class Image(Condition, Strict):
    """The image has the path with this mode, owner or text, or with the bytes of the student's file (`like`).

    `build` is a build of the check, `tag` an image that the student builds. With `there: false`, the path is not in the
    image.
    """

    NO_IMAGE: ClassVar = "no-image"
    THERE: ClassVar = "there"
    findings: ClassVar = ("mode", "owner", "bytes", MISSING, THERE, NO_IMAGE, FAILED)
    of_folder: ClassVar = False

    build: str | None = None
    tag: Tag | None = None
    path: Annotated[str, Field(pattern="^/")]
    mode: Octal | None = None
    owner: Annotated[str, Field(pattern=r"^\d+:\d+$")] | None = None
    text: str | None = None
    like: InContext | None = None
    there: bool = True

    @model_validator(mode="after")
    def _one(self) -> Image:
        if (self.build is None) == (self.tag is None):
            raise ValueError("it needs either build or tag")
        return self

    @property
    def builds(self) -> tuple[str, ...]:
        """The build whose image it is."""
        return (self.build,) if self.build else ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The file whose bytes the image must have."""
        return (self.like,) if self.like else ()

    def look(self, evidence: Evidence) -> Finding:
        """Read the path as Docker's client does."""
        if self.build:
            made = evidence.made(self.build)
            if failed := failure(made):
                return failed
            reference = made.reference
        else:
            reference = self.tag or ""
            if not evidence.has_image(reference):
                return Finding(False, self.NO_IMAGE, reference, nothing=True)
        found = evidence.read_image(reference, self.path)
        if found is None or not self.there:
            return Finding((found is not None) == self.there, MISSING if found is None else self.THERE, self.path)
        return self._compared(found, evidence)

    def _compared(self, found: ImagePath, evidence: Evidence) -> Finding:
        if self.mode and int(self.mode, 8) != found.mode:
            return Finding(False, "mode", f"{found.mode:04o}")
        if self.owner and self.owner != found.owner:
            return Finding(False, "owner", found.owner)
        content = self.text.encode() if self.text is not None else None
        if self.like:
            file = evidence.folder / self.like
            content = file.read_bytes() if file.is_file() else b""
        if content is not None and hashlib.sha256(content).hexdigest() != found.sha256:
            return Finding(False, "bytes", self.path)
        return Finding(True, "as it should be")
