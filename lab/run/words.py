"""Words that the files of scenarios and of lessons share; this module is quick to import."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)]
BuilderName = Literal["buildkit", "classic", "buildx", "buildctl", "buildx-remote"]
CacheName = Literal["inline", "registry-min", "registry-max", "local"]
