"""Base images that cannot be read: what the records of a real cache prove of them."""

from __future__ import annotations

from dataclasses import replace

from lab.explain.bases import proven_bases
from lab.explain.why import diagnose
from lab.model import Outcome
from tests.explain.builds import BASE, DOCKERFILE, question

NAME = DOCKERFILE.split()[1]


def test_a_record_of_a_run_proves_what_the_base_image_sets() -> None:
    asked = question("max", "none", based=False)
    assert {step.outcome for step in diagnose(asked).steps} == {Outcome.UNKNOWN}
    found = proven_bases(asked, [NAME])
    assert found.keys() == {NAME}
    assert (found[NAME].env, found[NAME].manifests) == (BASE.env, BASE.manifests)
    known = diagnose(replace(asked, bases=found))
    assert {step.outcome for step in known.steps} <= {Outcome.HIT, Outcome.UNKNOWN}
    assert [str(step.place) for step in known.of(Outcome.HIT)][:2] == ["build 2/6", "build 3/6"]


def test_nothing_is_proven_where_no_run_fits() -> None:
    other = DOCKERFILE.replace("sleep", "echo")
    assert proven_bases(question("max", "none", based=False, dockerfile=other), [NAME]) == {}


def test_a_name_without_a_digest_leaves_the_image_itself_unknown() -> None:
    text = DOCKERFILE.replace(NAME, "busybox")
    asked = question("max", "none", based=False, dockerfile=text)
    found = proven_bases(asked, ["busybox"])
    assert found["busybox"].manifests == ()
    assert Outcome.HIT not in {step.outcome for step in diagnose(replace(asked, bases=found)).steps}
