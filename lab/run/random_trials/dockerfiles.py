"""Random Dockerfiles: several stages of all instructions, over the run's own images."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.run.random_trials.case import BASE, OTHER, TAGGED
from lab.run.random_trials.copies import add, copy
from lab.run.random_trials.runs import run
from lab.run.random_trials.scene import Draft, Scene
from lab.run.random_trials.settings import arg, env, metadata, shell, trigger, user, workdir

Draw = Callable[[Scene, Draft], str]
KINDS: Mapping[Draw, int] = {
    copy: 34,
    run: 26,
    add: 6,
    env: 10,
    arg: 7,
    workdir: 9,
    user: 4,
    shell: 2,
    metadata: 8,
    trigger: 2,
}
WITHOUT_SHELL = (copy, add, env, workdir, metadata, arg)
PLATFORMS = ("--platform=linux/amd64 ", "--platform=$BUILDPLATFORM ", "--platform=$TARGETPLATFORM ")


def draw_stages(scene: Scene) -> tuple[str, ...]:
    """Draw the stages into the scene, and return the lines before the first FROM."""
    before = list(scene.dice.some(("# escape=\\", "ARG IMAGE=" + BASE, "ARG A=before"), 0.15))
    variable = any("IMAGE" in line for line in before)
    count = scene.dice.weighed({1: 30, 2: 35, 3: 25, 4: 10})
    for number in range(count):
        _stage(scene, number, scene.dice.pick([3, 4, 5, 6, 7] if number == count - 1 else [1, 2, 3, 4]), variable)
    return tuple(before)


def _stage(scene: Scene, number: int, lines: int, variable: bool) -> None:
    """One stage: FROM the base mostly, else an earlier stage, another image, a variable or nothing."""
    dice = scene.dice
    named = dice.chance(0.75)
    name = dice.pick([f"s{number}", f"S{number}", f"st-{number}"]) if named else ""
    origin, draft = _origin(scene, number, variable)
    draft.name = name.lower() or str(number)
    draft.start = f"FROM {origin}" + (f" {dice.pick(['AS', 'as'])} {name}" if name else "")
    if draft.runs and not draft.users and dice.chance(0.3):
        draft.lines.append("COPY passwd group /etc/" if _sends_users(scene) else f"LABEL number={number}")
        draft.users = _sends_users(scene)
    if not draft.runs and not draft.made:
        draft.lines.append(copy(scene, draft))  # an image without any layer cannot be pushed
    for _ in range(lines):
        kind = dice.weighed(KINDS) if draft.runs else dice.pick(WITHOUT_SHELL)
        draft.lines.append(kind(scene, draft))
    scene.stages.append(draft)


def _origin(scene: Scene, number: int, variable: bool) -> tuple[str, Draft]:
    """The words of FROM before AS, and a draft with what the origin gives to the stage."""
    dice = scene.dice
    kind = dice.weighed({"base": 52, "tagged": 8, "stage": 22, "other": 8, "scratch": 6, "platform": 4})
    earlier = [stage for stage in scene.stages if not stage.name.isdigit()]  # FROM takes no number
    if kind == "stage" and earlier:
        source = dice.pick(earlier)
        copied = Draft("", "", [], list(source.made), source.users, source.writable, source.runs)
        return source.name, copied
    if kind == "other":
        return OTHER, Draft("", "")
    if kind == "scratch" and number:
        return "scratch", Draft("", "", runs=False, writable=False)
    if kind == "tagged":
        return TAGGED, Draft("", "")
    if kind == "platform":
        return dice.pick(PLATFORMS) + BASE, Draft("", "")
    return ("${IMAGE}" if variable and dice.chance(0.5) else BASE), Draft("", "")


def _sends_users(scene: Scene) -> bool:
    """True if `.dockerignore` leaves the user database in the context."""
    return not scene.context.files.get(".dockerignore", "").startswith("*\n")
