"""What a run stores of builds, boxes and images."""

from __future__ import annotations

from pydantic import Field

from lab.model import Outcome
from lab.results.measures import Seconds, Share
from lab.results.names import PlainName
from lab.yamlfile import Strict


class StepResult(Strict):
    """One step of a build: its instruction, its outcome, the expected outcome, and its duration in seconds.

    `targets` are the targets of bake for which it was built, where the output names any.
    """

    instruction: str
    outcome: Outcome
    expected: Outcome | None = None
    seconds: Seconds | None = None
    targets: tuple[str, ...] = ()


class CacheImport(Strict):
    """One `--cache-from` reference and whether its import worked; null if the output did not say.

    `absent` is true for an image that does not exist on purpose, and `unsupported` for an engine that has no inline
    cache, or for a local image where the image store imports none: a failed import is then no fault. `error` is what
    the builder printed of a failed import, if it printed anything.
    """

    ref: str
    ok: bool | None
    absent: bool = False
    unsupported: bool = False
    error: str | None = None

    @property
    def failed(self) -> bool:
        """True if the import of an image failed that should be there."""
        return self.ok is False and not self.absent

    @property
    def lost(self) -> bool:
        """True if that failed on an engine that can import."""
        return self.failed and not self.unsupported


class BuildResult(Strict):
    """The output of one `docker build`: steps after FROM, bytes sent of context and Dockerfile, imports, image id."""

    steps: tuple[StepResult, ...]
    context_bytes: int | None = None
    dockerfile_bytes: int | None = None
    imports: tuple[CacheImport, ...] = ()
    image: str | None = None

    @property
    def failed_imports(self) -> tuple[CacheImport, ...]:
        """The imports that failed of images that should be there."""
        return tuple(source for source in self.imports if source.failed)

    @property
    def unread_caches(self) -> tuple[str, ...]:
        """The references of `--cache-from` that the engine could not import, although it can import caches."""
        return tuple(source.ref for source in self.imports if source.lost)


class Given(Strict):
    """What a sequence or a change adds to a build: the build arguments, and further words for the client."""

    arguments: dict[str, str] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()

    def __deepcopy__(self, memo: object = None) -> Given:
        """The same object, since nothing changes it: pydantic copies a default for each of thousands of trials."""
        return self


class Round(Strict):
    """One build of a sequence with several builds, and the name of the image that it makes.

    `options` are what the sequence or a change gave it.
    """

    name: str
    build: BuildResult
    options: Given = Given()


class Inspection(Strict):
    """One path of an image that was compared with what it should be; `problems` is empty if it is as it should be.

    `step` is the number of the step that makes the path; the first step after FROM is 1.
    """

    step: int
    path: str
    problems: tuple[str, ...] = ()


class BoxFacts(Strict):
    """The facts about a box with one engine; `version` and `info` are the full texts of its client's commands.

    `sums` contains the sha256 of the engine's programs by name. `rules` is the content-hash rule set that the engine
    follows. `buildx` is the plugin's version if the client builds with it. `builder` is what runs the builds:
    `buildkit` is the engine's own, `buildx` the same called as `docker buildx build`, and `classic` the builder before
    it. `buildctl` and `buildx-remote` build with a BuildKit without Docker: then client and server are versions of
    BuildKit. `cache` is the kind of cache that its builds write.
    """

    name: PlainName
    summary: str
    kind: str
    engine: PlainName
    client: str
    server: str
    commit: str
    os: str
    kernel: str
    storage: str
    security: tuple[str, ...]
    selinux: str
    version: str
    info: str
    buildx: str = ""
    rules: str | None = None
    sums: dict[str, str] = Field(default_factory=dict)
    builder: str = "buildkit"
    cache: str = "inline"

    @property
    def is_docker(self) -> bool:
        """False for a BuildKit without Docker."""
        return self.builder not in ("buildctl", "buildx-remote")

    @property
    def title(self) -> str:
        """What the engine is, and the version of its server: "Docker 20.10.24+dfsg1" or "BuildKit 0.25.2+debian"."""
        return f"{'Docker' if self.is_docker else 'BuildKit'} {self.server}"


class ImageFacts(Strict):
    """The parts of an image's config that enter cache keys; `problem` is the reason why it could not be read.

    `cache` is the unchanged value of `moby.buildkit.cache.v0`, null for an image without an inline cache. `manifests`
    are the digests of the image's index, if there is one, and of the platform's manifest.
    """

    digest: str | None = None
    manifests: tuple[str, ...] = ()
    cache: str | None = None
    diff_ids: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    workdir: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
    onbuild: tuple[str, ...] = ()
    os: str = "linux"
    architecture: str = "amd64"
    problem: str | None = None


class CacheFacts(Strict):
    """A cache that was exported beside an image: the unchanged text of its cache config, and the layers listed with it.

    `layers` has their sizes in bytes by digest. `problem` is the reason why the cache could not be read.
    """

    config: str = ""
    layers: dict[str, int | None] = Field(default_factory=dict)
    problem: str | None = None


class ProjectFacts(Strict):
    """A user's own project that a run built, and how its files got to the boxes.

    `folder` and `dockerfile` are as the user named them. `objects` and `bytes` are what docker would send. `way` names
    how it was sent, `sent` says what that keeps, and `commit` is the id of a checkout's. `ignore` is the text of an
    ignore file beside the Dockerfile. `stubs` states that cheap commands took the place of those of RUN, and `bases`
    has the images that took the places of others. `private` are the ids of secrets and keys, `contexts` the names of
    further folders.
    """

    folder: str
    dockerfile: str
    objects: int
    bytes: int
    way: str
    sent: str
    commit: str | None = None
    ignore: str | None = None
    stubs: bool = False
    bases: dict[str, str] = Field(default_factory=dict)
    target: str | None = None
    private: tuple[str, ...] = ()
    contexts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class RetryFacts(Strict):
    """What lab had to try again in a run: `what` with `who`, how many `times`, and the error of the last time."""

    who: str
    what: str
    times: int
    why: str


class NamedImage(Strict):
    """An image that a Dockerfile names after FROM, and its config."""

    reference: str
    image: ImageFacts


class StepRate(Strict):
    """One step of the repeats of a trial: how often it hit, of those repeats in which its outcome is known.

    `trial` is the name of the first repeat, `step` the number of the step (the first after FROM is 2), and `repeats`
    the number of stored repeats. `low` and `high` are the ends of the confidence interval of the hit rate. `outcomes`
    counts each known outcome; a step with several is flaky. The outcomes of a broken repeat are not known.
    """

    trial: str
    step: int
    instruction: str
    hits: int
    known: int
    repeats: int
    low: Share
    high: Share
    outcomes: dict[Outcome, int]

    @property
    def is_flaky(self) -> bool:
        """True if the repeats, which differ in nothing else, have different outcomes."""
        return len(self.outcomes) > 1
