"""Makes ready what random trials need on this machine: engines, a registry, and the images that Dockerfiles name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

from lab.boxes.base import Tell
from lab.buildkit.rulebook import Rulebook
from lab.errors import CommandError, RegistryError
from lab.machines.ready import Ready
from lab.project import Project
from lab.registry import server
from lab.registry.client import read_image
from lab.results.shelf import run_name
from lab.run import base_image, boxfacts
from lab.run.builders.kind import Order
from lab.run.builders.table import USUAL, builder_of
from lab.run.faults import translate
from lab.run.random_trials.bench import SCENARIO, Bench, Seat
from lab.run.random_trials.case import Names
from lab.run.sequence import clear
from lab.run.station import Station
from lab.run.steps.work import Recipe, Work

# An image that sets a variable and a folder, and that adds a step to each stage that begins with it.
OTHER = """\
FROM {base}
ENV A=other
WORKDIR /other
ONBUILD RUN echo trigger
"""


@contextmanager
def open_bench(ready: Ready, project: Project, tell: Tell) -> Iterator[Bench]:
    """The engines of a box that is up, with a registry, for the time of the context; its files on the box are removed.

    Raises RegistryError or an error of whose fault it is if the images cannot be made.
    """
    box, started = ready.box, datetime.now(UTC)
    home = PurePosixPath(box.check(["printenv", "HOME"], doing="find the home folder").text)
    home /= PurePosixPath("lab-runs", run_name(SCENARIO, started))
    with ExitStack() as stack:
        registry = stack.enter_context(server.serve(None, None, tell, store=project.state, boxes=[box]))
        stack.enter_context(server.doors(registry, [box]))
        seats = {}
        for engine in ready.engines:
            facts = boxfacts.look(box, engine, ready.spec.summary, ready.spec.kind)
            place = Station(box, lambda what: nullcontext(), engine, facts, home / engine.name, registry)
            stack.callback(clear, place)
            seats[engine.name] = Seat(place)
        names = _names(seats[ready.engines[0].name].station, tell)
        images = {name: read_image(name, registry) for name in (names.base, names.tagged, names.other)}
        if problem := next((facts.problem for facts in images.values() if facts.problem), None):
            raise RegistryError(f"cannot read the images of the random builds: {problem}")
        yield Bench(seats, registry, names, images, Rulebook(project.boxes), started)


def _names(place: Station, tell: Tell) -> Names:
    """Make the images on one engine and push them."""
    box, engine, registry = place.box, place.engine, place.registry
    try:
        base = base_image.busybox(registry, box, engine, tell)
        tagged, other = (f"{registry.prefix}/lab-{SCENARIO}-{name}:1" for name in ("base", "other"))
        recipe = Recipe(OTHER.format(base=base.reference), (), {})
        work = Work(place, recipe, "producer", "other", other, {}, lambda text: None)
        order = Order(other, (), frozenset(), False, ".", work.options, True, work.caching)
        builder_of(USUAL[engine.program]).build(work, order)
        for words in (["push", other], ["pull", base.reference], ["tag", base.reference, tagged], ["push", tagged]):
            work.docker(words, "make the images of random builds")
    except CommandError as error:
        raise translate(box, engine, registry, error) from error
    return Names(base=base.reference, tagged=tagged, other=other, server=registry.prefix.partition("/")[0])
