"""The state that a stage's instructions have set when a step runs: variables, folder, user and shell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys.definition import DEFAULT_PATH, NETWORKS, Surroundings
from lab.buildkit.cachekeys.dockerfile import Instruction, json_words
from lab.buildkit.contenthash import gopath

SHELL = ("/bin/sh", "-c")
SPECIAL = re.compile(r"[$\"'\\]")


@dataclass(frozen=True, slots=True)
class BaseImage:
    """The base image of a stage: its layers by diff id, and its config; None means that a field is not known.

    `manifests` are the digests of the image's index, if there is one, and of its platform's manifest; empty if they are
    not known. `scratch` is true for FROM scratch; `shell` and `onbuild` are the config's Shell and OnBuild.
    """

    diff_ids: tuple[str, ...] | None = None
    manifests: tuple[str, ...] = ()
    env: tuple[str, ...] | None = None
    workdir: str = "/"
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()
    os: str = "linux"
    arch: str = "amd64"
    scratch: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a build: --network, --build-arg; `other` names an option whose effect on keys is not known."""

    network: str = "default"
    build_args: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """The state; `unclear` is why variables or shell are not known, `folder_unclear` why the folder is not known."""

    around: Surroundings
    shell: tuple[str, ...] = SHELL
    unclear: str | None = None
    folder_unclear: str | None = None
    scratch: bool = False
    has_args: bool = False

    @classmethod
    def begin(cls, base: BaseImage, options: Options) -> State:
        """Return the state directly after FROM."""
        number = NETWORKS.get(options.network, 0)
        env = base.env or ()
        if not any(item.startswith("PATH=") for item in env):
            env = (*env, DEFAULT_PATH)
        around = Surroundings(env, base.workdir or "/", base.user, base.os, base.arch, number)
        unknown = base.env is None and not base.scratch
        unclear = "the base image's variables are not known" if unknown else None
        return cls(around, base.shell or SHELL, unclear, scratch=base.scratch)

    def after(self, item: Instruction, options: Options, global_args: Iterable[str] = ()) -> State:
        """Return the state after an instruction that is not a step."""
        if item.word == "USER":
            return replace(self, around=replace(self.around, user=item.rest), unclear=self.unclear or special(item))
        if item.word == "SHELL":
            unclear = self.unclear or (None if item.rest.startswith("[") else "SHELL is not in its JSON form")
            return replace(self, shell=tuple(arguments(item.rest, ())), unclear=unclear)
        if item.word not in ("ENV", "ARG"):
            return self
        env, unclear = list(self.around.env), self.unclear or special(item)
        for name, value in _variables(item, options.build_args):
            if value is None:
                unclear = unclear or (f"ARG {name} takes its value from before FROM" if name in global_args else None)
                continue
            if any(known.startswith(f"{name}=") for known in env):
                unclear = unclear or f"{item.word} sets {name} again"
            env.append(f"{name}={value}")
        has_args = self.has_args or item.word == "ARG"
        return replace(self, around=replace(self.around, env=tuple(env)), unclear=unclear, has_args=has_args)

    def in_folder(self, path: str) -> State:
        """Return the state after WORKDIR; a folder that contains variables or quotes is not known.

        An absolute folder is kept as written, including a slash at its end, because RUN's definition contains it so.
        """
        if SPECIAL.search(path):
            return replace(self, folder_unclear=f"WORKDIR {path} contains a variable or quotes")
        here = path if path.startswith("/") else gopath.join("/", self.around.workdir, path)
        unclear = None if path.startswith("/") else self.folder_unclear
        return replace(self, around=replace(self.around, workdir=here), folder_unclear=unclear)

    def next_stage(self) -> State:
        """Return the initial state of a stage that is based on this one."""
        return replace(self, unclear=self.unclear or "the stage before has ARG") if self.has_args else self


def arguments(rest: str, shell: Iterable[str]) -> list[str]:
    """Return the arguments of a command: those of its JSON form, or else the shell and the text."""
    return json_words(rest) or [*shell, rest]


def special(item: Instruction) -> str | None:
    """Return the reason if an instruction contains variables, quotes or backslashes, which lab does not expand."""
    return f"{item.text} contains a variable, quotes or a backslash" if SPECIAL.search(item.rest) else None


def _variables(item: Instruction, build_args: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """Return the variables that an ENV or ARG names, with their values; None for a variable without a value."""
    words = item.rest.split()
    if item.word == "ENV" and words and "=" not in words[0]:
        return [(words[0], item.rest[len(words[0]) :].strip())]
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        given = build_args.get(name) if item.word == "ARG" else None
        found.append((name, given if given is not None else value if equals else None))
    return found
