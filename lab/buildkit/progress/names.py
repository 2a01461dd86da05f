"""The names of BuildKit's vertexes: which are steps, which belong to a bake target, what a build begins with.

bake and compose put the target before each name: `[web builder 2/4] RUN x`, `[web internal] load build context`,
`[web] exporting to image` (buildx, `progress.WithPrefix`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# `[2/4] RUN x`, `[ 2/10] RUN x`, `[builder 2/4] RUN x`, `[web linux/amd64->arm64 builder 2/4] RUN x`. RUN text may
# contain `[x] 1/2` itself, so the pattern is only ever matched at the start of a name.
STEP = re.compile(r"\[(?:([^\s\]]{1,200}(?: [^\s\]]{1,200}){0,4}) )? {0,12}(\d{1,9})/(\d{1,9})\] (.*)", re.DOTALL)
TARGET = r"(?:\[(?P<target>[\w.-]{1,200})\] )?"
GLOBAL = (
    r"(?:importing cache manifest from |exporting (?:to |cache\b)|resolve image config for |docker-image://|FROM \S|"
    r"merging \S|merge \(|\[auth\] |sending tarball\b|loading .{1,80} metadata from )"
)
INTERNAL = re.compile(r"\[(?:([^\s\]]{1,200}(?: [^\s\]]{1,200}){0,3}) )?(?:internal|auth)\] ")
# What surely names a vertex, so that a build may begin with it.
VERTEX = re.compile(
    r"\[(?:[^\s\]]{1,200} ){0,5}(?:internal|auth| {0,12}\d{1,9}/\d{1,9})\] |"
    r"(?:\[[\w.-]{1,200}\] )?(?:importing cache manifest from |exporting (?:to |cache\b))"
)
# What a build begins with. Seen again after steps, it is the beginning of the next build.
LOAD = re.compile(
    r"\[(?:[^\s\]]{1,200} ){0,4}internal\] "
    r"(?:load (?:build definition|\.dockerignore|git source|remote build context|local bake definitions)"
    r"|booting buildkit)"
)
IMPORT = re.compile(TARGET + r"importing cache manifest from (?P<ref>.*)")
EXPORT = re.compile(TARGET + r"exporting (?:to |cache\b)")
WORDS = re.compile(TARGET + GLOBAL)
# The second part of a linked copy has a name of its own in rawjson: `LINK COPY --link a b`, `ONBUILD LINK ADD ...`.
MERGE = re.compile(r"(ONBUILD )?LINK (?=(?:COPY|ADD) )")
LINK = re.compile(r"(?:ONBUILD )?(?:COPY|ADD) (?:--\S+ )*--link\b")
# The name of a download before BuildKit 0.13. No build begins with it: prose has such lines too.
URL = re.compile(r"https?://\S+$")
DEFINITION = "internal] load build definition"
CONTEXT = "internal] load build context"


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a vertex, taken apart.

    `target` is the bake target if the name alone shows one. `place` are the words before `2/4` without that target
    (a platform, a stage), None for a vertex that is no step; `text` is what the vertex does. `merge` is true for the
    second part of a linked copy, which puts the files onto what was there before.
    """

    full: str
    target: str | None
    place: str | None = None
    index: int = 0
    total: int = 0
    text: str = ""
    is_step: bool = False
    merge: bool = False

    @property
    def is_base(self) -> bool:
        """Whether it is a FROM, whose CACHED or DONE only says whether the base had to be fetched or unpacked."""
        return self.text.split(maxsplit=1)[:1] == ["FROM"]

    @property
    def is_link(self) -> bool:
        """Whether it is a linked copy, which is several vertexes."""
        return LINK.match(self.text) is not None

    def same_work(self, other: Name) -> bool:
        """Whether both can name one vertex: targets that share a vertex print it under each one's name."""
        if self.full == other.full:
            return True
        if self.is_step != other.is_step or not (self.text == other.text or (self.is_base and other.is_base)):
            return False
        return self.target != other.target or self.may_be_targets(other)

    def may_be_targets(self, other: Name) -> bool:
        """Whether the one word before each step may be its target: `[web 2/2] RUN x` and `[api 2/3] RUN x`."""
        mine, yours = self.place, other.place
        return mine is not None and yours is not None and mine != yours and not set("/ ") & set(mine + yours)


def parse(full: str) -> Name:
    """Take a vertex's name apart."""
    if step := STEP.match(full):
        words, index, total, text = step.groups()
        target, place = _split(words)
        merge = MERGE.match(text)
        text = (merge[1] or "") + text[merge.end() :] if merge else text
        return Name(full, target, place, int(index), int(total), text, is_step=True, merge=merge is not None)
    if internal := INTERNAL.match(full):
        words = (internal[1] or "").split()
        names = [word for word in words if "/" not in word]
        return Name(full, names[0] if names else None, text=full[internal.end() :])
    found = WORDS.match(full)
    if found and found["target"]:
        return Name(full, found["target"], text=full[found.end("target") + 2 :])
    return Name(full, None, text=full)


def _split(words: str | None) -> tuple[str | None, str | None]:
    """The target and the rest of what stands before `2/4`: two words that are no platform are target and stage."""
    if words is None:
        return None, None
    parts = words.split()
    plain = [word for word in parts if "/" not in word]
    # The target comes first of all, so `web linux/amd64` can only be a target and a platform.
    if len(plain) > 1 or (len(parts) > 1 and "/" not in parts[0]):
        return parts[0], " ".join(parts[1:])
    return None, words


def belongs(name: Name, targets: set[str]) -> Name:
    """The name with its target, now that the build's targets are known: `[web 1/2]` may be a stage or a target."""
    if name.target is None and name.place in targets:
        return replace(name, target=name.place, place=None)
    return name
