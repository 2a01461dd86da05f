"""One random build from one seed."""

from __future__ import annotations

from lab.run.random_trials.alterations import draw_change
from lab.run.random_trials.case import Case
from lab.run.random_trials.contexts import draw_context
from lab.run.random_trials.dice import Dice
from lab.run.random_trials.dockerfiles import draw_stages
from lab.run.random_trials.scene import Scene
from lab.run.random_trials.settings import NAMES


def draw(seed: int, *, modern: bool) -> Case:
    """Return the build of a seed; `modern` allows what only engines since Docker 23 read.

    The same seed gives the same build.
    """
    dice = Dice(seed)
    scene = Scene(dice, modern, draw_context(dice))
    before = draw_stages(scene)
    arguments = {dice.pick(NAMES): dice.pick(["given", "", "g h"])} if dice.chance(0.2) else {}
    flags = (dice.pick(["--network=none", "--network=host", "--add-host=lab:10.9.8.7"]),) if dice.chance(0.08) else ()
    return Case(
        before=before,
        stages=tuple(stage.stage for stage in scene.stages),
        files=scene.context.files,
        prepare=scene.context.prepare,
        arguments=arguments,
        flags=flags,
        change=draw_change(scene),
    )
