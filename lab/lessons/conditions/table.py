"""The kinds of condition by their names in YAML: a new kind is one file here and one line in this table."""

from __future__ import annotations

from typing import cast

from lab.lessons.conditions.argument import Argument
from lab.lessons.conditions.cause import Cause
from lab.lessons.conditions.digest import Digest
from lab.lessons.conditions.file import File
from lab.lessons.conditions.image import Image
from lab.lessons.conditions.kind import Condition
from lab.lessons.conditions.log import Log
from lab.lessons.conditions.order import Order
from lab.lessons.conditions.sent import Sent
from lab.lessons.conditions.step import Step
from lab.yamlfile import OneOf


class NamedCondition(OneOf):
    """One condition, as YAML writes it: a mapping with one key."""

    step: Step | None = None
    order: Order | None = None
    image: Image | None = None
    sent: Sent | None = None
    argument: Argument | None = None
    log: Log | None = None
    cause: Cause | None = None
    digest: Digest | None = None
    file: File | None = None

    @property
    def condition(self) -> Condition:
        """The condition itself."""
        return cast(Condition, self.value)
