"""Random instructions that make no step of their own, or one without files: variables, folders, users, triggers."""

from __future__ import annotations

import json

from lab.run.random_trials.copies import copy
from lab.run.random_trials.dice import Dice
from lab.run.random_trials.runs import run
from lab.run.random_trials.scene import Draft, Scene

NAMES = ("A", "B", "C", "D", "LONG_NAME")
VALUES = (
    "1",
    "two",
    '"a b"',
    "$A",
    "${B}",
    "${A:-d}",
    "${B:+s}",
    "x=y",
    "\\$A",
    "'q $A'",
    '"dq $A"',
    "a\\ b",
    "p$A",
    "é",
)
MORE = ('""', "''", "a#b", "c\\\\d", "'a'\"b\"c", "${A:-${B}}", "v", "0")
PASSED = ("TARGETARCH", "TARGETPLATFORM", "BUILDPLATFORM", "BUILDKIT_INLINE_CACHE", "HTTP_PROXY", "TARGETVARIANT")
FOLDERS = ("/w", "w", "./v/", "/w/../x", "$A", "/q/$B", '"/s"', "/é", "x/y", "/bin", ".")
METADATA = (
    "LABEL a=b",
    'LABEL c="$A d"',
    "EXPOSE 80 ${P:-81}",
    "VOLUME /vol",
    "STOPSIGNAL 9",
    "HEALTHCHECK CMD true",
    "HEALTHCHECK NONE",
    'CMD ["true"]',
    "CMD echo",
    'ENTRYPOINT ["/bin/sh"]',
    "MAINTAINER somebody",
)


def env(scene: Scene, stage: Draft) -> str:
    """Return one ENV with one variable or several, in one of its two forms."""
    dice = scene.dice
    if dice.chance(0.12):
        return f"ENV {dice.pick(NAMES)} {dice.pick(['v w', '$A x', 'one', 'a=b'])}"
    if dice.chance(0.08):
        return "ENV PATH=/opt/bin:$PATH"
    pairs = [f"{dice.pick(NAMES)}={_value(dice)}" for _ in range(dice.pick([1, 1, 2, 3]))]
    return "ENV " + dice.pick([" ", " ", "  ", " \\\n  "]).join(pairs)


def arg(scene: Scene, stage: Draft) -> str:
    """Return one ARG, sometimes of a name that BuildKit itself knows."""
    dice = scene.dice
    if dice.chance(0.25):
        return f"ARG {dice.pick(PASSED)}"
    return f"ARG {dice.pick(NAMES)}{dice.maybe(0.6, f'={_value(dice)}')}"


def workdir(scene: Scene, stage: Draft) -> str:
    """Return one WORKDIR."""
    return f"WORKDIR {scene.dice.pick(FOLDERS)}"


def user(scene: Scene, stage: Draft) -> str:
    """Return one USER, where the stage has a user database; a plain user cannot write."""
    if not stage.users:
        return env(scene, stage)
    name = scene.dice.pick(["app", "root", "5", "0", "5:6", "app:grp", "1000:0"])
    stage.writable = name in ("root", "0")
    return f"USER {name}"


def shell(scene: Scene, stage: Draft) -> str:
    """Return one SHELL that can run the commands of `runs`."""
    return (
        f"SHELL {json.dumps(scene.dice.pick([['/bin/sh', '-ec'], ['/bin/sh', '-c'], ['/bin/busybox', 'sh', '-xc']]))}"
    )


def metadata(scene: Scene, stage: Draft) -> str:
    """Return one instruction that changes the image's config alone."""
    return scene.dice.pick(METADATA)


def trigger(scene: Scene, stage: Draft) -> str:
    """Return one ONBUILD; what it makes is in no stage that is known."""
    made, writable = list(stage.made), stage.writable
    line = scene.dice.pick([run, copy, env, workdir])(scene, stage)
    stage.made, stage.writable = made, writable
    plain = "\n" not in line and not line.startswith("LABEL run")
    return f"ONBUILD {line}" if plain else "ONBUILD ENV T=1"


def _value(dice: Dice) -> str:
    return dice.pick((*VALUES, *MORE))
