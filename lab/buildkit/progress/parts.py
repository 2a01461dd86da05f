"""The vertexes that BuildKit prints for one instruction.

`COPY --link` is a copy and a merge. An ADD of a URL or a git repository is a download for each source and a copy, all
under the name of the step since BuildKit 0.13; before, a download has the URL as its name. The download always comes
first, and it is looked at in every build, so it is printed as DONE although the copy is a hit. Two steps that take the
same source share its download, which has the name of one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.doubt import Failure, was_run
from lab.buildkit.progress.names import belongs
from lab.buildkit.progress.vertex import Vertex
from lab.model import Outcome

REMOTE = re.compile(r"(?:ONBUILD )?ADD (?:\S+ )*?((?:https?|git|ssh)://|[\w.-]+@[\w.-]+:)")
SOURCE = re.compile(r"(?<= )(?:(?:https?|git|ssh)://|[\w.-]+@[\w.-]+:)\S+")
# Of the parts of one instruction, what was executed decides: the others are attempts to do without.
WEIGHT = (Outcome.RAN, Outcome.ERROR, Outcome.HIT, Outcome.BASE, Outcome.UNKNOWN)
DOWNLOAD_OR_COPY = (
    "the step is a download and a copy of one name, and the log shows one of them and not which; "
    "the outcome is that of the copy"
)
NOT_FETCHED = "it was found in the cache, but its layers could not be fetched"
NO_LAYER = "it was found in the cache, but the cache has no layer for it, so it was executed"
MERGED_ANEW = "its files were found in the cache, and were merged onto a result that was not there before"
Key = tuple[object, ...]


def is_remote(text: str) -> bool:
    """Whether the instruction is an ADD of something that BuildKit downloads."""
    return REMOTE.match(text) is not None


@dataclass(frozen=True, slots=True)
class Work:
    """What BuildKit did for one instruction: `own` vertexes decide its outcome, `downloads` do not."""

    own: tuple[Vertex, ...]
    downloads: tuple[Vertex, ...] = ()

    def step(self, targets: set[str], failure: Failure) -> Step:
        """The instruction with its outcome, and the time of all its vertexes."""
        failed = [vertex for vertex in self.downloads if vertex.outcome is Outcome.ERROR or vertex.canceled]
        parts = [_step(vertex, targets, failure) for vertex in (*self.own, *failed)]
        if not parts:
            known = self.downloads[-1].outcome is Outcome.UNKNOWN
            only = _step(self.downloads[-1], targets, failure)
            parts = [only if known else replace(only, outcome=Outcome.UNKNOWN, reason=DOWNLOAD_OR_COPY)]
        step = min(parts, key=lambda part: WEIGHT.index(part.outcome))
        running = [vertex for vertex in self.own if vertex.outcome is Outcome.UNKNOWN and not vertex.canceled]
        if running and step.outcome is Outcome.HIT:
            step = _step(running[0], targets, failure)
        step = replace(step, instruction=max((part.name.text for part in (*self.own, *self.downloads)), key=len))
        merged = [vertex.outcome for vertex in self.own if vertex.name.merge]
        copied = [vertex.outcome for vertex in self.own if not vertex.name.merge]
        if merged == [Outcome.RAN] and copied == [Outcome.HIT] and step.outcome is Outcome.RAN:
            step = replace(step, reason=MERGED_ANEW)
        spent = [vertex.end.seconds for vertex in self.downloads if vertex.end.seconds is not None]
        if not spent:
            return step
        download = round(sum(spent), 3)
        alone = step.seconds if self.own and step.seconds is not None else 0
        return replace(step, seconds=round(download + alone, 3), download=download)


def works_of(vertexes: Sequence[Vertex], targets: set[str]) -> list[Work]:
    """The vertexes of each instruction, in the order in which the first of them was met."""
    groups: list[list[Vertex]] = []
    places: dict[Key, list[list[Vertex]]] = {}
    for vertex in vertexes:
        if not vertex.name.is_step:
            continue
        at = places.setdefault(_place(vertex, targets), []) if _has_parts(vertex) else []
        group = next((group for group in at if _same_text(group[0], vertex)), None)
        if group is None:
            groups.append([vertex])
            at.append(groups[-1])
        else:
            group.append(vertex)
    outside = {vertex.name.full for vertex in vertexes if not vertex.name.is_step}
    several = Counter(source for group in groups if len(group) > 1 for source in set(_sources(group[0])))
    return [_work(group, outside, several) for group in groups]


def _has_parts(vertex: Vertex) -> bool:
    return vertex.name.is_link or is_remote(vertex.name.text)


def _place(vertex: Vertex, targets: set[str]) -> Key:
    owners = dict.fromkeys(belongs(each, targets).target for each in vertex.names)
    name = belongs(vertex.name, targets)
    return (*owners, name.place, name.index, name.total)


def _same_text(one: Vertex, other: Vertex) -> bool:
    """Whether both have one instruction; a terminal cuts it sooner in a row that begins with CACHED."""
    return one.name.text.startswith(other.name.text) or other.name.text.startswith(one.name.text)


def _sources(vertex: Vertex) -> list[str]:
    return SOURCE.findall(vertex.name.text) if is_remote(vertex.name.text) else []


def _work(group: list[Vertex], outside: set[str], several: Mapping[str, int]) -> Work:
    """Tell downloads and copies apart.

    A source may be downloaded under another name: `outside` are the names of vertexes that are no step, `several`
    counts the steps of more than one vertex that take a source.
    """
    parts = [vertex for vertex in group if not vertex.name.merge]
    if not parts or not is_remote(group[0].name.text):
        return Work(tuple(group))
    if any(vertex.inputs is not None for vertex in group):
        downloads = [vertex for vertex in parts if not vertex.inputs]
    else:
        # A download is never CACHED alone: its key is computed first, which prints DONE. A copy is there if more is
        # printed than the downloads.
        others = 0 if len(group) == 1 else 1
        mine = [item for item in _sources(group[0]) if item not in outside and several[item] <= others]
        sure = parts[-1].end.outcome is not Outcome.RAN or len(parts) > len(mine)
        downloads = parts[:-1] if sure else parts
    return Work(tuple(vertex for vertex in group if vertex not in downloads), tuple(downloads))


def _step(vertex: Vertex, targets: set[str], failure: Failure) -> Step:
    names = [belongs(name, targets) for name in vertex.names]
    shared = tuple(dict.fromkeys(name.target for name in names if name.target))
    outcome, reason = vertex.outcome, failure.reason(vertex)
    if reason:
        outcome = Outcome.UNKNOWN
    elif outcome is Outcome.RAN and vertex.found and not failure.met:
        reason = NO_LAYER
    elif outcome is Outcome.ERROR and vertex.found and vertex.end.error and not was_run(vertex):
        reason = f"{NOT_FETCHED}: {vertex.end.error}"
    step = vertex.as_step(names[0], shared, outcome, reason)
    assert step is not None  # only steps are grouped
    return step


def downloads_of(works: Iterable[Work]) -> set[Vertex]:
    """The vertexes that only download."""
    return {vertex for work in works for vertex in work.downloads}
