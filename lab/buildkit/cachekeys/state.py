"""What is known of base images and options, and the state that a stage's instructions have set when a step runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.buildkit.cachekeys.definition import DEFAULT_PATH
from lab.buildkit.cachekeys.instruction import json_words
from lab.buildkit.cachekeys.words import Lexer, WordError
from lab.buildkit.contenthash import gopath

SHELL = ("/bin/sh", "-c")


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
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a build that may enter a key.

    `build_args` are the values of --build-arg. `contexts` maps names of --build-context to their values.
    `hosts` are the names of --add-host, `ulimits` the values of --ulimit such as nofile=1:2, `shm_size` is in bytes.
    `no_cache` are the stages of --no-cache-filter, or ("",) for --no-cache. `platform` is the target's, such as
    linux/amd64, and `worker` that of the builder, "" for the same one. `merges` is true if the builder can merge layers
    (a BuildKit of its own, or Docker with the containerd image store), false for Docker's older image store; None if it
    is not known. `other` names an option whose effect on keys is not known.
    """

    network: str = "default"
    build_args: Mapping[str, str] = field(default_factory=dict)
    other: str | None = None
    contexts: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    shm_size: int = 0
    no_cache: tuple[str, ...] = ()
    platform: str = ""
    worker: str = ""
    merges: bool | None = None
    cgroup: str = ""


class Variables(dict[str, str]):
    """Variables by name; looking up one that is not known raises WordError.

    `missing` is the reason why a name that is not listed is not known, None if it has no value. `unknown` are the
    reasons for names whose values are not known.
    """

    def __init__(self, values: Mapping[str, str], missing: str | None = None, unknown: Mapping[str, str] | None = None):
        super().__init__(values)
        self.missing = missing
        self.unknown = dict(unknown or {})

    def copy(self) -> Variables:
        """Return another set of the same variables."""
        return Variables(self, self.missing, self.unknown)

    def __contains__(self, name: object) -> bool:
        self._check(name)
        return super().__contains__(name)

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """Return the value of a variable, or the default."""
        self._check(name)
        return super().get(name, default)

    def put(self, name: str, value: str) -> None:
        """Set a variable; it becomes the last one."""
        self.pop(name, None)
        self[name] = value
        self.unknown.pop(name, None)

    def poison(self, name: str, reason: str) -> None:
        """State that the value of a variable is not known."""
        self.unknown[name] = reason

    @property
    def unclear(self) -> str | None:
        """The reason why not all variables are known; None if they are."""
        return self.missing or next(iter(self.unknown.values()), None)

    def _check(self, name: object) -> None:
        if name in self.unknown:
            raise WordError(self.unknown[str(name)])
        if self.missing and not super().__contains__(name):
            raise WordError(self.missing)


@dataclass(slots=True)
class Expander:
    """Expands words with the variables at one place of a Dockerfile."""

    lexer: Lexer
    env: Mapping[str, str]

    def __call__(self, text: str) -> str:
        """Return the expanded text; raises WordError, with a `Failing` also where no variables are known."""
        try:
            return self.lexer.word(text, self.env)
        except WordError as error:
            raise WordError(self.lexer.malformed(text) or error.why) from error


@dataclass(slots=True)
class State:
    """The state of a stage at one of its instructions.

    `env` are the variables of a RUN, `image_env` those of the image's config, which the next stage begins with.
    `folder` is where relative paths begin; `folder_unclear` is why it is not known.
    """

    env: Variables
    image_env: Variables
    folder: str = ""
    folder_unclear: str | None = None
    user: str = ""
    user_unclear: str | None = None
    shell: tuple[str, ...] = ()
    shell_unclear: str | None = None
    onbuild: tuple[str, ...] = ()
    platform: tuple[str, str, str] = ("linux", "amd64", "")
    vertex: int | None = None

    @classmethod
    def begin(cls, base: BaseImage, platform: tuple[str, str, str]) -> State:
        """Return the state directly after FROM an image."""
        unknown = base.env is None and not base.scratch
        missing = "the base image's variables are not known" if unknown else None
        values = dict(item.partition("=")[::2] for item in base.env or ())
        if "PATH" not in values and not unknown:
            values["PATH"] = DEFAULT_PATH.partition("=")[2]
        env = Variables(values, missing)
        folder = "" if base.scratch else base.workdir
        return cls(env.copy(), env, folder, None, base.user, shell=base.shell, onbuild=base.onbuild, platform=platform)

    def next_stage(self) -> State:
        """Return the state directly after FROM this stage."""
        env = self.env.copy()
        for name, value in dict(self.image_env).items():
            env.put(name, value)
        for name, reason in self.image_env.unknown.items():
            env.poison(name, reason)
        found = State(env, self.image_env.copy(), self.folder, self.folder_unclear, self.user, self.user_unclear)
        found.shell, found.shell_unclear, found.platform = self.shell, self.shell_unclear, self.platform
        found.vertex = self.vertex
        return found

    def set_env(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Set the variables of an ENV."""
        for name, value in pairs:
            self.env.put(name, value)
            self.image_env[name] = value
            self.image_env.unknown.pop(name, None)

    def enter(self, path: str, *, keeps: bool) -> str:
        """Change the folder and return it; an absolute one is kept as written, because RUN's definition has it so.

        `keeps` states that an empty path keeps the folder as it was written.
        """
        if path or not keeps or not self.folder:
            self.folder = path if path.startswith("/") else gopath.join("/", self.folder, path)
        return self.folder


def arguments(rest: str, shell: Sequence[str]) -> list[str]:
    """Return the arguments of a command: those of its JSON form, or else the shell and the text."""
    return json_words(rest) or [*(shell or SHELL), rest]
