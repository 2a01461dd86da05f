"""Random COPY and ADD instructions."""

from __future__ import annotations

import json
from collections.abc import Sequence

from lab.run.random_trials.case import BASE, OTHER, SERVER, TAGGED
from lab.run.random_trials.scene import Draft, Scene

TARGETS = ("/c{n}/", "/c{n}/", "./r{n}/", "/c{n}/../u{n}/", "/é{n}/", "$A/", "/v$B/", "${D:-/w{n}}/", "/x//y{n}/")
BY_NUMBER = ("--chown=5:6", "--chown=0", "--chown=0:0", "--chown=5:0", "--chown=1000")
BY_NAME = ("--chown=app", "--chown=app:grp", "--chown=root", "--chown=5:grp", "--chown=root:6")
MODES = ("--chmod=755", "--chmod=0640", "--chmod=0", "--chmod=4755")
HEREDOCS = ("<<E", "<<-E", "<<'E'", '<<"E"')
BODIES = ("x $A", "\ttab\n\n  two ${B}", "", "\\$A `q`", "<&>")


def copy(scene: Scene, stage: Draft) -> str:
    """Return one COPY of files of the context, of a stage, of an image, or of a heredoc."""
    dice = scene.dice
    if scene.modern and dice.chance(0.08):
        return f"COPY {dice.pick(HEREDOCS)} /h{dice.number()}\n{dice.pick(BODIES)}\nE"
    flags: list[str] = []
    words: Sequence[str]
    if scene.sources and dice.chance(0.4):
        source = dice.pick(scene.sources)
        flags.append(f"--from={source.name}")
        words = (
            dice.pick([*source.made, *source.made, "/bin/s*", "/bin/./sh"]) if source.runs else dice.pick(source.made),
        )
    elif dice.chance(0.1):
        flags.append(f"--from={dice.pick([BASE, TAGGED, OTHER])}")
        words = (dice.pick(["/bin/sh", "/bin/s*", "/bin/busybox"]),)
    else:
        words = dice.pick(scene.context.sources)
    return _written(scene, stage, "COPY", flags, words)


def add(scene: Scene, stage: Draft) -> str:
    """Return one ADD of files of the context, sometimes of an address."""
    dice = scene.dice
    if dice.chance(0.04):
        # of lab's registry, which asks for a login for every other address
        return f"ADD http://{SERVER}/ /url{dice.number()}{dice.maybe(0.5, '/')}"
    return _written(scene, stage, "ADD", [], dice.pick(scene.context.sources))


def _written(scene: Scene, stage: Draft, word: str, flags: list[str], words: Sequence[str]) -> str:
    """The instruction with further flags, in one of its two forms."""
    dice = scene.dice
    linked = scene.modern and dice.chance(0.2)
    flags += [dice.pick(["--link", "--link", "--link=true", "--link=false"])] if linked else []
    if dice.chance(0.2):
        flags.append(dice.pick([*BY_NUMBER, *BY_NAME] if stage.users and not linked else BY_NUMBER))
    if dice.chance(0.12):
        flags.append(dice.pick(MODES))
    number = dice.number()
    target = dice.pick(TARGETS).replace("{n}", str(number))
    if target == f"/c{number}/" and not linked:
        stage.made.append(target.rstrip("/"))
    head = [word, *dice.shuffled(flags)]
    if dice.chance(0.15) or any(" " in item for item in words):
        return " ".join([*head, json.dumps([*words, target], ensure_ascii=dice.chance(0.5))])
    return dice.pick([" ", " ", "  ", " \\\n  "]).join([*head, *words, target])
