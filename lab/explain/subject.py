"""One trial of a run with all that an answer needs: both contexts, the pushed image, the consumer's engine."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from lab.buildkit.cachekeys.cache import Cache, Layer
from lab.buildkit.cachekeys.cacheconfig import decode_config
from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.inline import decode
from lab.buildkit.cachekeys.needs import first_image
from lab.buildkit.contenthash import gopath
from lab.buildkit.rulebook import Known, Rulebook
from lab.errors import LabError
from lab.explain.build_values import flag
from lab.explain.rules_of_box import known_of, walks_by_name
from lab.results.contexts import StoredContext, load_context
from lab.results.facts import BoxFacts, Given, ImageFacts
from lab.results.productions import Productions
from lab.results.run import Production, Run, Trial

NO_IMAGE = "the producer's image was not read from the registry"


@dataclass(frozen=True)
class Subject:
    """A trial, the facts of both its ends, and what was gathered; a text in place of a value says why it is unknown."""

    run: Run
    trial: Trial
    production: Production | None
    producer: BoxFacts | None
    consumer: BoxFacts | None
    book: Rulebook

    @cached_property
    def engine(self) -> Known | None:
        """What is known of the consumer's engine."""
        return known_of(self.book, self.consumer) if self.consumer else None

    @cached_property
    def producer_engine(self) -> Known | None:
        """What is known of the producer's engine."""
        return known_of(self.book, self.producer) if self.producer else None

    @cached_property
    def theirs(self) -> StoredContext | str:
        """What the producer built from."""
        key = self.production.context if self.production else None
        return _sent_by(self.producer, load_context(self.run, key), self.their_options)

    @cached_property
    def ours(self) -> StoredContext | str:
        """What the consumer rebuilt from."""
        return _sent_by(self.consumer, load_context(self.run, self.trial.context), self.trial.options)

    @cached_property
    def dockerfile(self) -> str:
        """The Dockerfile that the consumer built: the one in its context, which a variation may have changed.

        It ends with the stage that was the target.
        """
        return self._dockerfile_of(self.ours, self.trial.options, self.trial.dockerfile)

    @cached_property
    def their_dockerfile(self) -> str:
        """The Dockerfile that the producer built."""
        return self._dockerfile_of(self.theirs, self.their_options)

    @property
    def their_options(self) -> Given:
        """The options of the producer's build."""
        return self.production.options if self.production else Given()

    def _dockerfile_of(self, context: StoredContext | str, given: Given, own: str | None = None) -> str:
        objects = [] if isinstance(context, str) else context.objects
        path = _file_of(given)
        found = next((item.content for item in objects if item.path == path), None)
        text = own or (found.decode("utf-8", "replace") if isinstance(found, bytes) else self.run.dockerfile)
        try:
            return until(text, flag("target", given.flags))
        except LabError:
            return text

    @cached_property
    def image(self) -> ImageFacts | str:
        """What the producer pushed."""
        image = self.production.image if self.production else None
        return NO_IMAGE if image is None else image.problem or image

    @cached_property
    def cache(self) -> Cache | str | None:
        """The cache that the producer exported, else the inline cache of its image; None if that has none."""
        if isinstance(self.image, str):
            return self.image
        exported = self.production.cache if self.production else None
        if exported and exported.problem:
            return exported.problem
        try:
            if exported:
                layers = {digest: Layer(digest, size) for digest, size in exported.layers.items()}
                return decode_config(exported.config.encode(), "the exported cache", layers)
            return decode(self.image.cache) if self.image.cache is not None else None
        except LabError as error:
            return error.message

    @property
    def exported(self) -> bool:
        """True if the producer exported its cache beside the image."""
        return self.production is not None and self.production.cache is not None

    @property
    def where(self) -> str:
        """Where the records of the cache are, in words."""
        return "the exported cache" if self.exported else "the image's inline cache"

    @cached_property
    def bases(self) -> dict[str, ImageFacts]:
        """What is known of the images that the Dockerfile names, for the consumer's platform, by their names."""
        found = {item.reference: item.image for item in self.run.bases}
        if self.run.base and self.run.base_image:
            found[self.run.base.reference] = self.run.base_image
        return {
            name: facts
            for name, facts in found.items()
            if not facts.problem and (facts.os, facts.architecture) == self.platform
        }

    @cached_property
    def base(self) -> ImageFacts | None:
        """The first base image of the stage that is built, for the consumer's platform; None if it is not known."""
        return self.bases.get(self._first_base or "")

    @cached_property
    def base_problem(self) -> str | None:
        """Why nothing is known of an image that the consumer's Dockerfile starts from instead of the run's base."""
        name = self._first_base
        if name is None or (self.run.base and name == self.run.base.reference):
            return None
        read = {item.reference: item.image for item in self.run.bases}
        if name not in read:
            return f"the image of FROM {name} was not read"
        problem = read[name].problem
        return f"the image of FROM {name} could not be read: {problem}" if problem else None

    @cached_property
    def _first_base(self) -> str | None:
        """The image on which the stage that is built is based; None if there is none, or if it is not known."""
        try:
            return first_image(parse(self.dockerfile))
        except LabError:
            return None

    @cached_property
    def platform(self) -> tuple[str, str]:
        """System and processor that the consumer builds for."""
        named = re.findall(r"OS/Arch:\s+([a-z0-9]+)/([a-z0-9]+)", self.consumer.version if self.consumer else "")
        worker = re.search(r"^Platforms:\s+([a-z0-9]+)/([a-z0-9]+)", self.consumer.info if self.consumer else "", re.M)
        if worker:
            return worker[1], worker[2]
        if named:
            return named[-1][0], named[-1][1]
        return ("linux", "amd64") if isinstance(self.image, str) else (self.image.os, self.image.architecture)


def _sent_by(box: BoxFacts | None, context: StoredContext | str, given: Given) -> StoredContext | str:
    """The context as the client of that box sends it with these options."""
    if isinstance(context, str):
        return context
    by_name = box is not None and walks_by_name(box)
    return replace(context, by_name=by_name, dockerfile=_file_of(given))


def _file_of(given: Given) -> str:
    """The path of the Dockerfile in the context that the options of a build name."""
    return gopath.clean(flag("file", given.flags) or "Dockerfile")


class Subjects:
    """The subjects of a run; facts and productions are found at once, so that all trials take linear time."""

    def __init__(self, run: Run, book: Rulebook) -> None:
        self._run = run
        self._book = book
        self._facts = {(box.name, box.engine): box for box in run.boxes}
        self._productions = Productions(run)

    def of(self, trial: Trial) -> Subject:
        """Everything that the run holds about one of its trials."""
        made_by = (trial.producer, trial.producer_engine or trial.engine)
        producer, consumer = self._facts.get(made_by), self._facts.get((trial.consumer, trial.engine))
        return Subject(self._run, trial, self._productions.of(trial), producer, consumer, self._book)


def subject(run: Run, trial: Trial, book: Rulebook) -> Subject:
    """Everything that a run holds about one of its trials; `Subjects` gives those of many."""
    return Subjects(run, book).of(trial)
