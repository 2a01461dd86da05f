"""The random change that the consumer makes before it builds: in the context, the Dockerfile or the options."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.run.changes.table import NamedChange
from lab.run.random_trials.case import change
from lab.run.random_trials.contexts import MODES
from lab.run.random_trials.scene import Scene

NOTHING: tuple[NamedChange, ...] = ()


def draw_change(scene: Scene) -> tuple[NamedChange, ...]:
    """Return the consumer's change; empty if it builds what the producer built."""
    return scene.dice.weighed(KINDS)(scene)


def _none(scene: Scene) -> tuple[NamedChange, ...]:
    return NOTHING


def _content(scene: Scene) -> tuple[NamedChange, ...]:
    return (change(append={scene.dice.pick(scene.context.paths): "more"}),)


def _mode(scene: Scene) -> tuple[NamedChange, ...]:
    return (change(mode={scene.dice.pick([*scene.context.paths, "src", "d"]): scene.dice.pick(MODES)}),)


def _attribute(scene: Scene) -> tuple[NamedChange, ...]:
    path = scene.dice.pick(scene.context.paths)
    if scene.dice.chance(0.3):
        return (change(capability={path: "cap_net_raw+ep"}),)
    return (change(attribute={path: {scene.dice.pick(["user.other", "trusted.lab"]): "2"}}),)


def _file(scene: Scene) -> tuple[NamedChange, ...]:
    dice = scene.dice
    if dice.chance(0.3):
        return (change(remove=["src/sub"]),)
    if dice.chance(0.2):
        return (change(rename={"src/y.md": "src/y2.md"}),)
    return (change(text={dice.pick(["new.txt", "src/new.go", "d/e/new", "d/skip.log"]): "new\n"}),)


def _object(scene: Scene) -> tuple[NamedChange, ...]:
    """Something that is no content: a time, an owner, a link, a second name, an empty folder."""
    dice = scene.dice
    path = dice.pick(scene.context.paths)
    return (
        dice.pick(
            [
                change(time={path: "2001-02-03 04:05:06"}),
                change(owner={path: "9:9"}),
                change(link={"src/new-link": "x.go"}),
                change(link={"b.txt": "a"}),
                change(hard_link={"src/y.go": "src/x.go"}),
                change(add={"src/new-folder": "folder"}),
                change(umask="0077"),
            ]
        ),
    )


def _ignored(scene: Scene) -> tuple[NamedChange, ...]:
    return (change(append={".dockerignore": scene.dice.pick(["*.md", "src/sub", "**/z.go", "d/e", "nothing"])}),)


def _line(scene: Scene) -> tuple[NamedChange, ...]:
    """Another command, value or line in the Dockerfile."""
    dice = scene.dice
    lines = [line for stage in scene.stages for line in stage.lines if "\n" not in line]
    old = [line for line in lines if line.startswith(("RUN ", "ENV ", "WORKDIR ", "ARG ", "LABEL "))]
    if not old or dice.chance(0.2):
        end = "RUN true" if scene.stages[-1].runs else "LABEL end=1"
        return (change(append={"Dockerfile": dice.pick(["ENV END=1", "WORKDIR /end", end])}),)
    line = dice.pick(old)
    if dice.chance(0.4):
        return (change(replace={"Dockerfile": {"from": line, "to": f"LABEL before=1\nENV BEFORE=1\n{line}"}}),)
    return (change(replace={"Dockerfile": {"from": line, "to": _other(line)}}),)


def _other(line: str) -> str:
    """A similar instruction instead of one."""
    word, _, rest = line.partition(" ")
    if word == "RUN":
        return f'{line[:-1]},"other"]' if rest.rstrip().endswith("]") and '["' in rest else f"{line} && true"
    return {"ENV": "ENV A=changed", "WORKDIR": "WORKDIR /elsewhere", "ARG": "ARG B=changed"}.get(word, "LABEL other=1")


def _argument(scene: Scene) -> tuple[NamedChange, ...]:
    dice = scene.dice
    return (
        change(
            argument={dice.pick(["A", "B", "C", "NOT_USED", "TARGETARCH", "HTTP_PROXY"]): dice.pick(["9", "", "x y"])}
        ),
    )


def _flag(scene: Scene) -> tuple[NamedChange, ...]:
    flags = ["--network=none", "--network=host", "--no-cache", "--add-host=one:10.0.0.1", "--label=a=b", "--pull"]
    if scene.modern:
        flags += [f"--no-cache-filter={stage.name}" for stage in scene.stages if not stage.name.isdigit()]
    return (change(flag=[scene.dice.pick(flags)]),)


KINDS: Mapping[Callable[[Scene], tuple[NamedChange, ...]], int] = {
    _none: 16,
    _content: 17,
    _mode: 9,
    _attribute: 7,
    _file: 10,
    _object: 9,
    _ignored: 5,
    _line: 16,
    _argument: 7,
    _flag: 4,
}
