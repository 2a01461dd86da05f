"""What is found in a cache built by hand from records that real engines wrote: each step's outcome and its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.buildkit.cachekeys.cache import Cache, Link, Record
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import ROOT_SELECTOR, pinned_record
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision, Reason, outcomes, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan
from lab.errors import ContextError
from lab.model import Outcome
from tests.vectors import BOOK, VECTORS

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
CHAIN = VECTORS["chain_vectors"]
[COPY_BAR] = (vector for vector in VECTORS["copy_vectors"] if vector["instruction"] == "COPY bar /bar")
CONTENT = COPY_BAR["expected"]["R1"]["content_record"]
OTHER = "sha256:" + "0" * 64
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MANIFEST = "sha256:" + "1" * 64
BASE = BaseImage(diff_ids=(CHAIN["base_diff_id"],), manifests=(MANIFEST,), env=(PATH,))
GIST = "FROM base\nRUN echo foo\nCOPY bar bar\nRUN echo baz\n"


def planned(
    text: str,
    engine: str = "19.03.8",
    content: str | None = CONTENT,
    base: BaseImage = BASE,
    options: Options | None = None,
) -> Plan:
    return plan(parse(text), {"base": base}, BOOK.need(engine).dialect, lambda _: content, options)


def run_record(engine: str) -> str:
    """The record of RUN echo foo that this engine was seen to write, or was read to write in its code."""
    selector = "none" if BOOK.need(engine).dialect.selector is False else 'sha256 of "/"'  # type: ignore[union-attr]
    [vector] = (v for v in CHAIN["run"] if v["link_selector"] == selector and v["network"] == "default")
    return str(vector["record"])


def cache_of(engine: str = "19.03.8", content: str = CONTENT) -> Cache:
    """FROM, RUN echo foo, the content, COPY bar bar and RUN echo baz as a producer of that engine lists them."""
    selector = ROOT_SELECTOR if engine >= "26" else ""
    last = planned("FROM base\nRUN echo baz", engine).steps[0].record
    assert last is not None
    return Cache(
        (
            Record(CHAIN["from_record"], (), (0,), True),
            Record(run_record(engine), ((Link(0, selector),),), (1,), True),
            Record(content),
            Record(COPY_BAR["fileop_record"], ((Link(1),), (Link(2),)), (2,), True),
            Record(last, ((Link(3, selector),),), (3,), True),
        )
    )


def decide(cache: Cache, planned: Plan) -> list[tuple[Outcome, Reason]]:
    return [(decision.outcome, decision.reason) for decision in solve([cache], planned)]


@pytest.mark.parametrize("engine", ["19.03.8", "26.1.5"])
def test_everything_hits_from_the_same_files(engine: str) -> None:
    decisions = solve([cache_of(engine)], planned(GIST, engine))
    assert outcomes(decisions) == (HIT, HIT, HIT)
    assert [decision.step.text for decision in decisions] == ["RUN echo foo", "COPY bar bar", "RUN echo baz"]


def test_other_content_misses_and_so_does_what_follows() -> None:
    assert decide(cache_of(), planned(GIST, content=OTHER)) == [
        (HIT, Reason.LISTED),
        (RAN, Reason.CONTENT),
        (RAN, Reason.PARENT),
    ]


def test_runs_of_another_group_of_engines_miss() -> None:
    assert decide(cache_of("19.03.8"), planned(GIST, "26.1.5")) == [
        (RAN, Reason.DEFINITION),
        (RAN, Reason.PARENT),
        (RAN, Reason.PARENT),
    ]


def test_a_link_with_another_selector_is_no_link() -> None:
    records = list(cache_of("26.1.5").records)
    records[1] = replace(records[1], inputs=((Link(0),),))
    assert decide(Cache(tuple(records)), planned(GIST, "26.1.5"))[0] == (RAN, Reason.LINK)


def test_another_base_misses_everything() -> None:
    base = replace(BASE, diff_ids=(OTHER,))
    assert decide(cache_of(), planned(GIST, base=base)) == [
        (RAN, Reason.BASE),
        (RAN, Reason.PARENT),
        (RAN, Reason.PARENT),
    ]


def test_the_base_may_be_listed_by_the_digest_of_its_name() -> None:
    """As a producer lists it that had the base already: known by its manifest alone, not by its layers."""
    records = list(cache_of().records)
    records[0] = replace(records[0], digest=pinned_record(MANIFEST, "linux", "amd64"))
    cache = Cache(tuple(records))
    assert outcomes(solve([cache], planned(GIST))) == (HIT, HIT, HIT)
    assert decide(cache, planned(GIST, base=replace(BASE, manifests=(OTHER,))))[0] == (RAN, Reason.BASE)
    without = replace(BASE, manifests=())
    assert outcomes(solve([cache], planned(GIST, base=without))) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert outcomes(solve([cache], planned(GIST, base=without, content=OTHER))) == (UNKNOWN, RAN, RAN)
    assert outcomes(solve([cache_of()], planned(GIST, base=without))) == (HIT, HIT, HIT)


def test_a_renamed_source_misses_by_its_definition() -> None:
    assert decide(cache_of(), planned(GIST.replace("bar bar", "baz bar")))[1] == (RAN, Reason.DEFINITION)
    moved = planned(GIST.replace("bar bar", "sub/bar bar"))  # only the base name of a source counts
    assert decide(cache_of(), moved)[1] == (HIT, Reason.LISTED)


def test_content_of_another_copy_is_not_this_ones() -> None:
    """The files' digest is listed, but only a COPY after another parent links to it."""
    records = list(cache_of().records)
    records.append(Record(OTHER))
    records[3] = replace(records[3], inputs=((Link(1),), (Link(5),)))
    assert decide(Cache(tuple(records)), planned(GIST))[1] == (RAN, Reason.LINK)


def test_alternatives_at_an_input() -> None:
    records = list(cache_of(content=OTHER).records)
    records.append(Record(CONTENT))
    records[3] = replace(records[3], inputs=((Link(0), Link(1)), (Link(2), Link(5))))
    assert decide(Cache(tuple(records)), planned(GIST))[1] == (HIT, Reason.LISTED)


def test_a_record_without_a_layer_is_run_only_if_its_files_are_needed() -> None:
    records = list(cache_of().records)
    records[1] = replace(records[1], layers=(), has_result=False)
    without = Cache(tuple(records))
    assert decide(without, planned(GIST)) == [
        (HIT, Reason.UNUSED),  # BuildKit prints it as cached because what follows is
        (HIT, Reason.LISTED),
        (HIT, Reason.LISTED),
    ]
    assert decide(without, planned(GIST, content=OTHER)) == [
        (RAN, Reason.NO_RESULT),
        (RAN, Reason.CONTENT),
        (RAN, Reason.PARENT),
    ]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("RUN --mount=type=cache,target=/x echo foo", "--mount"),
        ("RUN --mount=type=tmpfs,target=/x echo foo", "--mount"),
    ],
)
def test_a_run_that_is_not_covered_is_unknown_and_a_later_miss_is_still_sure(first: str, why: str) -> None:
    text = GIST.replace("RUN echo foo", first)
    decisions = solve([cache_of()], planned(text))
    assert outcomes(decisions) == (UNKNOWN, UNKNOWN, UNKNOWN) and why in decisions[0].sentence
    assert outcomes(solve([cache_of()], planned(text, content=OTHER))) == (UNKNOWN, RAN, RAN)


def test_an_unknown_base_is_never_a_hit() -> None:
    assert outcomes(solve([cache_of()], planned(GIST, base=BaseImage(env=(PATH,))))) == (UNKNOWN, UNKNOWN, UNKNOWN)
    unknown_env = replace(BASE, env=None)
    assert outcomes(solve([cache_of()], planned(GIST, base=unknown_env))) == (UNKNOWN, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": "18.09.9"},
        {"text": "# syntax=example.org/frontend:1\n" + GIST},
        {"options": Options(other="--add-host")},
        {"options": Options(network="container:x")},
        {"text": "# syntax=example.org/frontend:1\n" + GIST, "engine": "26.1.5"},
    ],
)
def test_nothing_is_predicted_where_no_definition_is_known(changes: dict[str, Any]) -> None:
    arguments = {"text": GIST, **changes}
    assert outcomes(solve([cache_of()], planned(**arguments))) == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_network_is_part_of_a_run() -> None:
    [record] = (v["record"] for v in CHAIN["run"] if v["engines"] == "19.03.8 and 20.10.24 live")
    assert planned(GIST, options=Options(network="none")).steps[0].record == record
    flag = GIST.replace("RUN echo foo", "RUN --network=none echo foo")
    by_option, by_flag = planned(GIST, "26.1.5", options=Options(network="none")), planned(flag, "26.1.5")
    assert by_option.steps[0].record == by_flag.steps[0].record != planned(GIST, "26.1.5").steps[0].record


def test_variables_make_other_runs() -> None:
    plain = planned("FROM base\nRUN x").steps[0].record
    for line in ("ENV A=1", "ENV A 1", "ARG A=1", "USER 5", "WORKDIR /w", 'SHELL ["/bin/bash", "-c"]'):
        step = planned(f"FROM base\n{line}\nRUN x").steps[-1]
        assert step.record not in (None, plain), line
    assert planned("FROM base\nARG A\nLABEL a=b\nEXPOSE 80\nRUN x").steps[0].record == plain


@pytest.mark.parametrize(
    ("lines", "same"),
    [
        ("ENV A=1 B=$A", "ENV A=1 B="),  # all variables of one ENV have the values from before it
        ("ENV A=1\nENV B=$A-${A:+x}${C:-y}", "ENV A=1\nENV B=1-xy"),
        ('ENV A="1 2"', "ENV A=1\\ 2"),
        ("ENV A 1 2", "ENV A='1 2'"),
        ("ENV PATH=/x:$PATH", f"ENV {PATH.replace('=', '=/x:')}"),
        ("ENV A=1 B=2\nENV A=3", "ENV B=2 A=3"),
        ("ARG U=5\nUSER $U", "ARG U=5\nUSER 5"),
        ("ARG D=v\nWORKDIR /$D/w", "ARG D=v\nWORKDIR /v/w"),
    ],
)
def test_variables_are_expanded(lines: str, same: str) -> None:
    found = [planned(f"FROM base\n{text}\nRUN x").steps[-1] for text in (lines, same)]
    assert found[0].record == found[1].record is not None


def test_a_variable_of_an_unknown_base_is_not_known() -> None:
    base = replace(BASE, env=None)
    text = "FROM base\nENV A=$B\nCOPY $A /x\nENV C=1\nCOPY $C /y\nRUN x"
    assert [bool(step.unclear) for step in planned(text, base=base).steps] == [True, False, True]


def test_build_args_reach_runs_by_their_arg() -> None:
    given = planned("FROM base\nARG A\nRUN x", options=Options(build_args={"A": "1", "B": "2"})).steps[0]
    assert given.record == planned("FROM base\nARG A=1\nRUN x").steps[0].record
    assert given.record == planned("ARG A=1\nFROM base\nARG A\nRUN x").steps[0].record
    platform = planned("FROM base\nARG TARGETARCH\nRUN x").steps[0]
    assert platform.record == planned("FROM base\nARG TARGETARCH=amd64\nRUN x").steps[0].record
    inline = Options(build_args={"BUILDKIT_INLINE_CACHE": "1"})
    own = planned("FROM base\nARG BUILDKIT_INLINE_CACHE\nRUN x", options=inline).steps[0]
    assert own.record == planned("FROM base\nARG BUILDKIT_INLINE_CACHE=1\nRUN x").steps[0].record
    assert own.record != planned("FROM base\nRUN x", options=inline).steps[0].record


def test_workdir_is_a_step_and_the_place_of_relative_destinations() -> None:
    step, copy = planned("FROM base\nWORKDIR /w\nWORKDIR x\nCOPY bar bar").steps[1:]
    [vector] = (v for v in VECTORS["fileop_vectors"] if v["description"] == "WORKDIR /w/x")
    assert step.record == vector["record"]
    assert copy.record == planned("FROM base\nCOPY bar /w/x/bar").steps[0].record
    assert planned("FROM base\nWORKDIR /\nRUN x").steps[0].text == "RUN x"
    unclear = planned("FROM base\nWORKDIR ${HOME\nCOPY a b\nCOPY a /b\nRUN x").steps
    assert [bool(step.unclear) for step in unclear] == [True, True, False, True]


def test_from_scratch() -> None:
    text = "FROM scratch\nCOPY a /a\n"
    base = BaseImage(scratch=True)
    [vector] = (v for v in VECTORS["fileop_vectors"] if v["description"].startswith("FROM scratch"))
    cache = Cache((Record(CONTENT), Record(vector["record"], ((Link(0),),), (0,), True)))
    assert decide(cache, planned(text, base=base)) == [(HIT, Reason.LISTED)]
    assert decide(cache, planned(text, "20.10.24", base=base)) == [(RAN, Reason.DEFINITION)]


def test_the_first_step_of_an_empty_stage_is_not_executed_if_nothing_needs_it() -> None:
    """BuildKit 0.13.2 and 0.25.2 print DONE for it; tests/data/progress, `scratch`, is such a build."""
    text = "FROM scratch\nWORKDIR /a\nWORKDIR /b\n"
    first, second = (step.record for step in planned(text, "26.1.5").steps)
    assert first and second
    cache = Cache((Record(first, (), (0,), True), Record(second, ((Link(0),),), (1,), True)))
    assert decide(cache, planned(text, "26.1.5")) == [(HIT, Reason.UNUSED), (HIT, Reason.LISTED)]
    assert decide(cache, planned("FROM scratch\nWORKDIR /a\n", "26.1.5")) == [(HIT, Reason.LISTED)]


def test_copies_from_an_image_that_is_not_known_are_not_predicted_to_hit() -> None:
    text = GIST.replace("COPY bar bar", "COPY --from=build bar bar")
    assert outcomes(solve([cache_of()], planned(text))) == (HIT, UNKNOWN, UNKNOWN)
    other = text.replace("bar bar", "bar elsewhere")
    assert decide(cache_of(), planned(other))[1] == (RAN, Reason.DEFINITION)


def test_nothing_is_predicted_of_a_build_that_fails() -> None:
    def fails(copy: Copy) -> str:
        raise ContextError(f"cannot digest {copy.sources[0]}: permission denied")

    found = plan(parse(GIST), {"base": BASE}, BOOK.need("19.03.8").dialect, fails)
    decisions: list[Decision] = solve([cache_of()], found)
    assert outcomes(decisions) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert decisions[1].sentence == "the build fails: cannot digest bar: permission denied"


@pytest.mark.parametrize(
    "line", ["RUN --security=insecure x", "RUN --network=none x", "COPY --link a b", "ENV A", "FOO"]
)
def test_nothing_is_predicted_of_a_dockerfile_that_the_frontend_rejects(line: str) -> None:
    """A line of a stage that is not needed is enough: the frontend reads all stages."""
    decisions = solve([cache_of()], planned(f"FROM base AS other\n{line}\n{GIST}"))
    assert outcomes(decisions) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert decisions[0].sentence.startswith("the build fails: ")


def test_exclude_where_rules_have_no_patterns_is_unclear() -> None:
    step = planned("FROM base\nCOPY --exclude=x bar bar", "28.5.2", content=None).steps[0]
    assert step.unclear == "these rules do not support --exclude"


def test_stages_that_begin_with_stages() -> None:
    text = "FROM base AS one\nRUN echo foo\nFROM one\nCOPY bar bar\nRUN echo baz\n"
    assert outcomes(solve([cache_of()], planned(text))) == (HIT, HIT, HIT)
    trigger = planned(text.replace("RUN echo foo", "ONBUILD RUN echo foo"))
    assert trigger.steps[0].text == "RUN echo foo"  # 28.5.2 was seen to run it
    assert outcomes(solve([cache_of()], trigger)) == (HIT, HIT, HIT)
    with_arg = planned(text.replace("RUN echo foo", "RUN echo foo\nARG A=1\nENV B=2")).steps[-1]
    same = planned("FROM base\nRUN echo foo\nCOPY bar bar\nENV A=1\nENV B=2\nRUN echo baz").steps[-1]
    assert with_arg.record != same.record  # the next stage sets PATH and B again, behind A
    env = f"FROM base\nRUN echo foo\nCOPY bar bar\nENV A=1\nENV {PATH}\nENV B=2\nRUN echo baz"
    assert with_arg.record == planned(env).steps[-1].record


def test_predictions_that_come_to_rest_on_an_unknown_parent_stay_unknown_but_absent_steps_ran() -> None:
    cache = Cache((*cache_of().records[:4],))  # without RUN echo baz
    text = GIST.replace("RUN echo foo", "RUN --mount=type=tmpfs,target=/t echo foo")
    assert outcomes(solve([cache], planned(text))) == (UNKNOWN, UNKNOWN, RAN)
