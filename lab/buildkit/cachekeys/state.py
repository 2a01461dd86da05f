"""What a stage's instructions have set by the time a step runs: variables, folder, user, shell."""

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
    """What a stage begins with: the base image's layers by diff id and its config; None for what is not known.

    `manifests` are the digests that its name leads to, of an index and of the platform's manifest; none if they are
    not known. `scratch` is FROM scratch; `shell` and `onbuild` are the config's Shell and OnBuild.
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
    """What a build was called with: --network, --build-arg; `other` names an option that enters keys unknown to us."""

    network: str = "default"
    build_args: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What is set; `cloud` says why the variables or the command's shell are not known, `folder_cloud` the folder."""

    around: Surroundings
    shell: tuple[str, ...] = SHELL
    cloud: str | None = None
    folder_cloud: str | None = None
    scratch: bool = False
    has_args: bool = False

    @classmethod
    def begin(cls, base: BaseImage, options: Options) -> State:
        """The state right after FROM."""
        number = NETWORKS.get(options.network, 0)
        env = base.env or ()
        if not any(item.startswith("PATH=") for item in env):
            env = (*env, DEFAULT_PATH)
        around = Surroundings(env, base.workdir or "/", base.user, base.os, base.arch, number)
        unknown = base.env is None and not base.scratch
        cloud = "the base image's variables are not known" if unknown else None
        return cls(around, base.shell or SHELL, cloud, scratch=base.scratch)

    def after(self, item: Instruction, options: Options, global_args: Iterable[str] = ()) -> State:
        """The state after an instruction that makes no step of its own."""
        if item.word == "USER":
            return replace(self, around=replace(self.around, user=item.rest), cloud=self.cloud or special(item))
        if item.word == "SHELL":
            cloud = self.cloud or (None if item.rest.startswith("[") else "SHELL is not in its JSON form")
            return replace(self, shell=tuple(arguments(item.rest, ())), cloud=cloud)
        if item.word not in ("ENV", "ARG"):
            return self
        env, cloud = list(self.around.env), self.cloud or special(item)
        for name, value in _variables(item, options.build_args):
            if value is None:
                cloud = cloud or (f"ARG {name} has its value from before FROM" if name in global_args else None)
                continue
            if any(known.startswith(f"{name}=") for known in env):
                cloud = cloud or f"{item.word} sets {name} anew"
            env.append(f"{name}={value}")
        has_args = self.has_args or item.word == "ARG"
        return replace(self, around=replace(self.around, env=tuple(env)), cloud=cloud, has_args=has_args)

    def in_folder(self, path: str) -> State:
        """The state after WORKDIR; a folder with variables or quotes in it is not known.

        An absolute one stays as it is written, a slash at its end too, and so it stands in the definitions of RUN.
        """
        if SPECIAL.search(path):
            return replace(self, folder_cloud=f"WORKDIR {path} has a variable or quotes in it")
        here = path if path.startswith("/") else gopath.join("/", self.around.workdir, path)
        cloud = None if path.startswith("/") else self.folder_cloud
        return replace(self, around=replace(self.around, workdir=here), folder_cloud=cloud)

    def next_stage(self) -> State:
        """The state of a stage that begins with this one."""
        return replace(self, cloud=self.cloud or "the stage before has ARG") if self.has_args else self


def arguments(rest: str, shell: Iterable[str]) -> list[str]:
    """A command in its JSON form, else the shell with the text."""
    return json_words(rest) or [*shell, rest]


def special(item: Instruction) -> str | None:
    """What is said of an instruction with variables, quotes or backslashes, which are not expanded here."""
    return f"{item.text} has a variable, quotes or a backslash in it" if SPECIAL.search(item.rest) else None


def _variables(item: Instruction, build_args: Mapping[str, str]) -> list[tuple[str, str | None]]:
    """The variables that an ENV or ARG names, with their values; None where it gives none."""
    words = item.rest.split()
    if item.word == "ENV" and words and "=" not in words[0]:
        return [(words[0], item.rest[len(words[0]) :].strip())]
    found: list[tuple[str, str | None]] = []
    for word in words:
        name, equals, value = word.partition("=")
        given = build_args.get(name) if item.word == "ARG" else None
        found.append((name, given if given is not None else value if equals else None))
    return found
