"""What a rebuild is expected to do, and the exceptions that engines and SELinux labels make to that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from lab.buildkit.contenthash.rules import Xattrs
from lab.buildkit.rulebook import Known, Rulebook
from lab.engines.spec import RuleSet
from lab.explain.rules_of_box import known_of
from lab.model import Outcome
from lab.results.facts import BoxFacts
from lab.results.stores import CONTAINERD, store_of
from lab.run.words import BuilderName, CacheName
from lab.versions import CONDITION, meets
from lab.yamlfile import Strict

Expect = Literal["hit", "ran", "wrong-hit"]
Tag = Literal["selinux", "no-selinux"]
End = Literal["consumer", "producer"]
StoreName = Literal["containerd", "graph"]
Versions = Annotated[str, Field(pattern=CONDITION.pattern)]


class When(Strict):
    """The conditions of an exception, beside the versions of engines; a field that is left out sets no condition.

    `attributes` is `all` where the consumer's engine hashes every attribute of a file. `label` names the only end
    at which SELinux's label of a file enters the key. `rules` lists rule sets, of which the consumer's engine obeys
    one. `records` is `others` where the two engines write the cache record of a RUN in different forms. `builder`
    is what runs the consumer's builds, `cache` the kind of cache that the producer wrote, and `store` the image
    store of the consumer's engine: containerd's, or that of a graph driver.
    """

    consumer: Tag | None = None
    producer: Tag | None = None
    attributes: Literal["all"] | None = None
    label: End | None = None
    rules: tuple[RuleSet, ...] | None = None
    records: Literal["others"] | None = None
    builder: BuilderName | None = None
    cache: CacheName | None = None
    store: StoreName | None = None


class Deviation(Strict):
    """An exception to an expectation: the versions and conditions it holds for, its reason, and the outcomes."""

    engines: Versions | None = None
    producer_engines: Versions | None = None
    when: When = When()
    because: str
    expect: tuple[Expect, ...]

    def fits(self, facts: Facts) -> bool:
        """True if every condition of the exception holds for these facts."""
        when = self.when
        ends = ((when.consumer, facts.consumer_selinux), (when.producer, facts.producer_selinux))
        if any(wanted is not None and (wanted == "selinux") != there for wanted, there in ends):
            return False
        wants = (
            (when.attributes, facts.consumer_attributes),
            (when.label, facts.label == when.label),
            (when.rules, facts.consumer_rules in (when.rules or ())),
            (when.records, facts.other_records),
            (when.builder, facts.builder == when.builder),
            (when.cache, facts.cache == when.cache),
            (when.store, facts.store == when.store),
        )
        if any(wanted is not None and not there for wanted, there in wants):
            return False
        versions = ((self.engines, facts.engine), (self.producer_engines, facts.producer_engine))
        return all(asked is None or (version is not None and meets(version, asked)) for asked, version in versions)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The outcome that is expected of each step of a rebuild, and the reason where an exception applies."""

    outcomes: tuple[Outcome, ...]
    because: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that decide which exception applies: the version of each end's engine, and how the two ends differ.

    `..._selinux` is true if the kernel of that end labels its files, `..._attributes` if its engine hashes every
    attribute, `other_records` if neither engine finds the other's RUN. `consumer_rules` is the rule set of the
    consumer's engine. `store` is the kind of the consumer's image
    store, None if that is not known.
    """

    engine: str | None
    producer_engine: str | None = None
    consumer_selinux: bool = False
    producer_selinux: bool = False
    consumer_attributes: bool = False
    producer_attributes: bool = False
    consumer_rules: str | None = None
    other_records: bool = False
    builder: str = "buildkit"
    cache: str = "inline"
    store: StoreName | None = None

    @property
    def label(self) -> End | None:
        """The only end at which SELinux's label of a file enters the key; None if it does at both or at neither."""
        ours = self.consumer_selinux and self.consumer_attributes
        theirs = self.producer_selinux and self.producer_attributes
        return None if ours == theirs else "consumer" if ours else "producer"


def choose(
    plain: tuple[Expect, ...], because: str | None, exceptions: Iterable[Deviation], facts: Facts
) -> Expectation:
    """The outcomes and the reason of the first exception that fits, else the plain ones."""
    for item in exceptions:
        if item.fits(facts):
            plain, because = item.expect, item.because
            break
    return Expectation(tuple(map(Outcome, plain)), because)


def combine(first: tuple[Outcome, ...], second: tuple[Outcome, ...]) -> tuple[Outcome, ...]:
    """The outcomes under two changes at once: a step runs if either makes it run, else a wrong hit of either stays."""
    worst = (Outcome.RAN, Outcome.WRONG_HIT, Outcome.HIT)
    return tuple(next(item for item in worst if item in pair) for pair in zip(first, second, strict=True))


def facts_of(book: Rulebook, consumer: BoxFacts, producer: BoxFacts) -> Facts:
    """The facts of two boxes; an unknown engine counts as one without bugs and without a form of records."""
    ours, theirs = known_of(book, consumer), known_of(book, producer)
    return Facts(
        _docker(consumer),
        _docker(producer),
        consumer_selinux=consumer.selinux != "off",
        producer_selinux=producer.selinux != "off",
        consumer_attributes=ours is not None and ours.rules.xattrs is Xattrs.ALL,
        producer_attributes=theirs is not None and theirs.rules.xattrs is Xattrs.ALL,
        consumer_rules=ours.rules.name.partition("+")[0] if ours else None,
        builder=consumer.builder,
        cache=producer.cache,
        store=_store(consumer),
        other_records=bool(ours and theirs and _run_form(ours) != _run_form(theirs)),
    )


def _docker(facts: BoxFacts) -> str | None:
    """The version of a box's Docker; None for a BuildKit without Docker, whose versions are others."""
    return facts.server if facts.is_docker else None


def _store(facts: BoxFacts) -> StoreName | None:
    """The kind of image store of a box's Docker; None for a BuildKit without Docker, which has none."""
    store = store_of(facts) if facts.is_docker else None
    return None if store is None else "containerd" if store.kind == CONTAINERD else "graph"


def _run_form(known: Known) -> tuple[bool, bool] | None:
    """The form in which an engine writes the record of a RUN; None for an engine without inline cache."""
    return (known.dialect.stubs, known.dialect.selector) if known.dialect else None
