"""What a check of the case library makes: the case, the engine and the builders of each job, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lab.engines.kinds.table import kind_of
from lab.engines.spec import EngineSpec
from lab.errors import UsageError
from lab.run.builders.table import USUAL, check_caches, fitting
from lab.run.cases import Case
from lab.run.scenarios import Scenario, load_scenario
from lab.run.wish import Wish


@dataclass(frozen=True, slots=True)
class Job:
    """One case on one engine: a run with all variations, by each of these builders, and with each kind of cache.

    `producers` are the engines that build what this one rebuilds; without any, it builds that itself.
    """

    case: Case
    engine: str
    builders: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The case and the engine, as in "crlf on 26.1.5"."""
        return f"{self.case.name} on {self.engine}"

    @property
    def engines(self) -> tuple[str, ...]:
        """The engines that it needs."""
        return tuple(dict.fromkeys((self.engine, *self.producers)))

    def wish(self, lineup: str, base: str | None = None) -> Wish:
        """The run."""
        return Wish(
            lineup,
            self.case.folder,
            variations=("all",),
            consumer_engines=(self.engine,),
            producer_engines=self.producers,
            base=base,
            builders=self.builders,
            caches=self.caches,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that an engine does not run, and the reason; the builder where another one of the engine does run it."""

    case: str
    engine: str
    reason: str


def plan(
    cases: Sequence[Case],
    pins: Sequence[EngineSpec],
    has: Callable[[str], bool],
    builders: Sequence[str] = (),
    caches: Sequence[str] = (),
) -> tuple[list[Job], list[LeftOut]]:
    """Return the jobs for these cases on these engines, and what is left out; `has` says which engines can be used.

    Without `builders`, an engine has its usual one.
    """
    jobs: list[Job] = []
    left: list[LeftOut] = []
    for case in cases:
        scenario = load_scenario(case.folder, "scratch")
        for pin in pins:
            job, reasons = _job(case, scenario, pin, has, tuple(builders), tuple(caches))
            jobs += [job] if job else []
            left += [LeftOut(case.name, pin.name, reason) for reason in reasons]
    return jobs, left


def _job(
    case: Case,
    scenario: Scenario,
    pin: EngineSpec,
    has: Callable[[str], bool],
    builders: tuple[str, ...],
    caches: tuple[str, ...],
) -> tuple[Job | None, list[str]]:
    client, made = kind_of(pin).client, case.file.producer_engines
    if client == "docker" and pin.version and not scenario.fits(pin.version):
        return None, [f"the case needs Docker {scenario.file.needs}"]
    if missing := [name for name in made if not has(name)]:
        return None, [f"it needs the engine {', '.join(missing)}, which is not here"]
    if made and builders and USUAL[client] not in builders:
        return None, ["of two engines, each has its usual builder"]
    asked = () if made else builders
    try:
        fit = fitting(pin.name, client, asked, has_buildx=kind_of(pin).may_have_buildx(pin))
        check_caches(pin.name, pin.store, fit, caches)
    except UsageError as error:
        return None, [error.message]
    able = tuple(name for name in fit if scenario.problem_with(name) is None)
    reasons = [f"with the builder {name}: {problem}" for name, problem in _problems(scenario, fit)]
    return (Job(case, pin.name, able if asked else (), made, caches) if able else None), reasons


def _problems(scenario: Scenario, builders: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in builders:
        if problem := scenario.problem_with(name):
            yield name, problem
