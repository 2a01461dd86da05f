"""Random RUN instructions: cheap commands in every form, with mounts and networks."""

from __future__ import annotations

import json

from lab.run.random_trials.case import BASE, OTHER, TAGGED
from lab.run.random_trials.scene import Draft, Scene

MAKING = (
    "echo {n} > /m{n}",
    "mkdir -p /out && echo {n} > /out/m{n}",
    "echo $A${B:-b} > /m{n}",
    "echo x > /m{n} && \\\n  echo y >> /m{n}",
)
OTHERS = (
    "echo {n}",
    "true",
    "echo $A ${B:-x}  'a  b' \"$C\"",
    ": {n} # comment",
    "echo a && \\\n# comment\n  echo b",
    "echo \\$A; true",
)
MORE = (
    "test -x /bin/sh",
    "[ 1 = 1 ] && echo 2>&1 yes",
    'echo "<&>" | cat',
    "echo é",
    "echo a \\\\",
    "ls /mnt/* 2>/dev/null; true",
)
HEREDOCS = ("<<E\necho {n}\necho $A\nE", "<<-E\n\techo {n}\n\tE", "<<'E'\necho $A {n}\nE", "cat <<E > /m{n}\nx $A\nE")


def run(scene: Scene, stage: Draft) -> str:
    """Return one RUN; a label in a stage without a shell."""
    dice = scene.dice
    if not stage.runs:
        return f"LABEL run={dice.number()}"
    flags = [_mount(scene) for _ in range(dice.pick([0, 0, 0, 0, 1, 1, 2]))]
    if scene.modern and dice.chance(0.1):
        flags.append(f"--network={dice.pick(['none', 'default', 'none'])}")
    flags = [flag for flag in dice.shuffled(flags) if flag]
    return " ".join(["RUN", *flags, _command(scene, stage)])


def _command(scene: Scene, stage: Draft) -> str:
    dice, number = scene.dice, scene.dice.number()
    if scene.modern and dice.chance(0.1):
        return dice.pick(HEREDOCS if stage.writable else HEREDOCS[:3]).replace("{n}", str(number))
    if dice.chance(0.12):
        return json.dumps(["/bin/sh", "-c", dice.pick(["echo $A", "true", f"echo {number}"])])
    text = dice.pick(MAKING if stage.writable and dice.chance(0.5) else (*OTHERS, *MORE)).replace("{n}", str(number))
    if "> /out/m" in text:
        stage.made += ["/out", f"/out/m{number}", "/out/*", "/out/"]
    elif "> /m" in text:
        stage.made.append(f"/m{number}")
    return text


def _mount(scene: Scene) -> str:
    """One --mount, with its options in any order after its type."""
    dice, number = scene.dice, scene.dice.number()
    kind = dice.weighed({"cache": 3, "bind": 3, "tmpfs": 2, "secret": 1, "ssh": 1})
    parts = [] if kind == "bind" and dice.chance(0.4) else [f"type={kind}"]
    target = f"{dice.pick(['target', 'dst'])}={dice.pick(['/mnt/t{n}', '/mnt/${A}{n}', '/mnt/d/../e{n}'])}"
    more: list[str] = []
    if kind == "cache":
        more = [target, dice.maybe(0.3, f"id={dice.pick(['one', 'a/b'])}"), dice.maybe(0.3, "sharing=locked")]
        more += [dice.maybe(0.2, "mode=0700"), dice.maybe(0.2, "uid=5"), dice.maybe(0.1, "ro")]
    elif kind == "bind":
        more = [target, dice.maybe(0.15, "rw"), *_source(scene)]
    elif kind == "tmpfs":
        more = [target]
    elif kind == "secret":
        more = [f"id=s{number}", dice.maybe(0.4, target), dice.maybe(0.2, "mode=0440")]
    else:
        more = [dice.maybe(0.5, "id=default")]
    parts += dice.shuffled([part for part in more if part])
    return "--mount=" + ",".join(parts).replace("{n}", str(number)) if parts else ""


def _source(scene: Scene) -> list[str]:
    """Where a bind mount takes its files."""
    dice = scene.dice
    named = [stage for stage in scene.sources if not stage.name.isdigit()]  # a mount takes no number of a stage
    if named and dice.chance(0.4):
        stage = dice.pick(named)
        made = [path for path in stage.made if not path.endswith(("*", "/"))]
        return [f"from={stage.name}", dice.maybe(0.6, f"source={dice.pick(made)}")]
    if dice.chance(0.12):
        return [f"from={dice.pick([BASE, TAGGED, OTHER])}", dice.maybe(0.5, "source=/bin")]
    plain = [words[0] for words in scene.context.sources if words[0] in ("a", "src", "d", "b.txt", "/src/x.go")]
    return [dice.maybe(0.8, f"source={dice.pick(plain or ['.'])}")]
