"""What all stages of one build share while their operations are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.definition import pinned_record, source_record
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.frontend import OLD
from lab.buildkit.cachekeys.graph import Graph
from lab.buildkit.cachekeys.names import full_name
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import BaseImage, State
from lab.buildkit.cachekeys.step import Content, Step
from lab.buildkit.cachekeys.words import Failing
from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.sending import Asked


@dataclass
class Workshop:
    """What the stages of one build share.

    `unclear` is the reason why no definition is known, and `failing` why the build fails. `asked` are the sources of
    the build's COPY, ADD and RUN in the context, None where the client may send all of it.
    """

    stages: Stages
    bases: Mapping[str, BaseImage]
    dialect: Dialect | None
    content: Content
    unclear: str | None = None
    failing: str | None = None
    asked: Asked | None = None
    graph: Graph = field(default_factory=Graph)
    steps: list[Step] = field(default_factory=list)
    ends: dict[int, State] = field(default_factory=dict)

    def reject(self, why: str | None) -> None:
        """Note that the build fails, if this is a reason for it and the first one."""
        if isinstance(why, Failing) and not self.unclear:
            self.failing = self.failing or why

    def origin_vertex(self, origin: Origin, paths: Sequence[str] | None = None) -> int | None:
        """Return the vertex that an origin means; None for an empty one.

        `paths` are what an instruction takes from it, and None for a stage that begins with it: BuildKit loads a local
        context for each use, and old frontends name an image as it is written if no stage begins with it.
        """
        if origin.stage is not None:
            return self.ends[origin.stage].vertex
        if origin.image:
            return self._image_vertex(origin, resolved=not origin.context and (paths is None or self.resolves))
        used = sorted({gopath.join("/", path) for path in paths or ()} - {"/"})
        return self.graph.source((), ["local", origin.context, used]) if origin.context else None

    def _image_vertex(self, origin: Origin, *, resolved: bool) -> int | None:
        base = self.bases.get(origin.key, BaseImage())
        if base.scratch or base.diff_ids == ():
            return None
        roots = [source_record(base.diff_ids)] if base.diff_ids else []
        roots += [pinned_record(item, base.os, base.arch, base.variant) for item in base.manifests]
        platform = origin.platform or self.stages.platform
        # BuildKit adds the digest to the name, so that two names of one image are two vertices
        name = full_name(origin.image)
        if resolved and base.manifests and "@" not in name:
            name = f"{name}@{base.manifests[0]}"
        return self.graph.source(roots, ["image", name, platform], known=bool(base.diff_ids and base.manifests))

    @property
    def resolves(self) -> bool:
        """True if the frontend names the images after --from by their digests, as those after FROM."""
        return OLD not in self.stages.frontend.generations

    def context_vertex(self) -> int:
        """Return the vertex of the build context, which BuildKit never finds in a cache by itself."""
        return self.graph.source((), ["local", ""])
