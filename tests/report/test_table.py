"""The table: every word of it written here by hand, and never wider than 100 columns."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from lab.model import Outcome, Verdict
from lab.report.table import table
from lab.results.facts import ImageFacts, NamedImage
from lab.results.run import Production
from tests import reporting
from tests.reporting import HIT, RAN, STEPS, UNKNOWN, run

ERROR = Outcome.ERROR
HEAD = "copy-bust  base alpine  registry localhost:5000  2026-05-27 18:30 UTC"


trial = partial(reporting.trial, sent=24)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def width(text: str) -> int:
    return max(map(len, text.splitlines()))


def test_the_head_names_the_images_that_the_dockerfile_starts_from() -> None:
    other = (NamedImage(reference="node:20", image=ImageFacts()),)
    alone = run(trial("a", "b", (HIT, HIT, HIT)), bases=other, dockerfile="FROM node:20\n")
    assert table(alone).startswith("copy-bust  base node:20  registry")
    both = run(trial("a", "b", (HIT, HIT, HIT)), bases=other, dockerfile="FROM node:20 AS n\nFROM alpine:3.11.6\n")
    assert table(both).startswith("copy-bust  base alpine, node:20  registry")


def test_the_bug_reports_four_trials() -> None:
    because = "labels count"
    text = table(
        run(
            trial("ubuntu", "ubuntu", (HIT, HIT, HIT)),
            trial("ubuntu", "centos", (HIT, RAN, RAN), because=because, sent=49),
            trial("centos", "ubuntu", (HIT, RAN, RAN), Verdict.MISSED, sent=None),
            trial("centos", "centos", (HIT, HIT, HIT), Verdict.UNEXPECTED_HIT),
        )
    )
    assert lines(text) == [
        HEAD,
        "",
        "no change",
        "producer  consumer  engine   context  RUN echo foo  COPY bar bar  RUN echo baz  verdict",
        "centos    centos    19.03.8  24B      hit           hit           hit           hit unexpectedly",
        "centos    ubuntu    19.03.8  ?        hit           ran           ran           missed",
        "ubuntu    centos    19.03.8  49B      hit           ran           ran           as expected",
        "ubuntu    ubuntu    19.03.8  24B      hit           hit           hit           as expected",
        "",
        "centos>ubuntu:19.03.8/copy-bust:none: missed at COPY bar bar, not expected",
        "ubuntu>centos:19.03.8/copy-bust:none: missed at COPY bar bar",
    ]


def test_variations_stand_apart_in_the_order_they_were_made() -> None:
    text = table(
        run(
            trial("a", "b", (HIT, HIT, HIT)),
            trial("a", "b", (HIT, RAN, RAN), variation="xattr", because="an attribute"),
            trial("a", "b", (HIT, HIT, HIT), variation="mtime"),
        )
    )
    titles = [line for line in lines(text) if line.startswith(("no change", "variation"))]
    assert titles == ["no change", "variation xattr: an attribute", "variation mtime"]


def test_a_reason_stands_only_where_all_trials_have_it() -> None:
    reasons = ["the label", "the attribute"]
    made = [
        trial("a", name, (HIT, RAN, RAN), variation="xattr", because=why)
        for name, why in zip("bc", reasons, strict=True)
    ]
    titles = [line for line in lines(table(run(*made))) if line.startswith("variation xattr")]
    assert titles in (["variation xattr"], ["variation xattr: the label; the attribute"])


def test_a_run_cut_short_says_so() -> None:
    head, *_ = table(run(trial("a", "b", (HIT, HIT, HIT)), complete=False)).split("\n\n")
    assert " ".join(head.split()) == " ".join(HEAD.split()) + " (incomplete: trials are missing)"


def test_a_run_that_has_only_begun_is_one_line() -> None:
    text = table(run(complete=False, base=None, steps=()))
    assert text == (
        "copy-bust  base ?  registry localhost:5000  2026-05-27 18:30 UTC  (incomplete: trials are missing)"
    )


def test_the_time_is_utc_wherever_it_was_noted() -> None:
    east = datetime(2026, 5, 27, 20, 30, tzinfo=timezone(timedelta(hours=2)))
    assert lines(table(run(started=east)))[0] == HEAD


def test_broken_trials_show_their_problem() -> None:
    text = table(
        run(
            trial("a", "b", None, Verdict.BROKEN, problem="cannot build on b: exit status 1\nno space\nleft"),
            trial("a", "c", (HIT, UNKNOWN), Verdict.BROKEN),
            trial("a", "d", (HIT, ERROR, UNKNOWN), Verdict.BROKEN, problem="failed"),
        )
    )
    assert lines(text)[3:] == [
        "producer  consumer  engine   context  RUN echo foo  COPY bar bar  RUN echo baz  verdict",
        "a         b         19.03.8  ?        unknown       unknown       unknown       broken",
        "a         c         19.03.8  24B      hit           unknown       unknown       broken",
        "a         d         19.03.8  24B      hit           error         unknown       broken",
        "",
        "a>b:19.03.8/copy-bust:none: cannot build on b: exit status 1",
        "  | no space",
        "  | left",
        "a>c:19.03.8/copy-bust:none: the reason is not known",
        "a>d:19.03.8/copy-bust:none: failed",
    ]


def test_a_producer_without_an_image_is_named() -> None:
    made = Production(producer="a", engine="19.03.8", reference="x", problem="disk full")
    text = table(run(productions=(made,)))
    assert lines(text)[2:] == ["a (19.03.8) pushed no image: disk full"]


def test_a_wide_table_breaks_its_instructions() -> None:
    text = table(run(trial("debian12-apparmor", "debian12-selinux", (HIT, RAN, RAN))))
    assert lines(text)[3:6] == [
        "producer           consumer          engine   context  RUN       COPY     RUN       verdict",
        "                                                       echo foo  bar bar  echo baz",
        "debian12-apparmor  debian12-selinux  19.03.8  24B      hit       ran      ran       as expected",
    ]
    assert width(text) <= 100


def test_a_wider_one_makes_headings_of_its_engines() -> None:
    text = table(
        run(
            trial("debian12-apparmor", "debian12-selinux", (HIT, HIT, HIT), engine="20.10.24-debian12"),
            trial("debian12-apparmor", "debian12-selinux", (HIT, RAN, RAN)),
        )
    )
    assert [line for line in lines(text) if line.startswith("engine")] == ["engine 19.03.8", "engine 20.10.24-debian12"]
    assert width(text) <= 100


def test_the_tables_of_several_engines_have_common_columns_where_these_fit() -> None:
    outcomes = {"19.03.8": (HIT, RAN, RAN), "20.10.24-debian12": (HIT, UNKNOWN, UNKNOWN)}
    made = [trial("debian12-apparmor", "debian12-selinux", seen, engine=engine) for engine, seen in outcomes.items()]
    grid = [line for line in table(run(*made)).split("\n\n")[1].split("\n")[1:] if not line.startswith("engine")]
    assert len(grid) == 6
    assert grid[:2] == grid[3:5]  # the header of each engine
    assert [line.index("as expected") for line in (grid[2], grid[5])] == [grid[0].index("verdict")] * 2


MANY = tuple(f"RUN apt-get install --yes package-number-{number}" for number in range(12))


@pytest.mark.parametrize("steps", [STEPS, MANY, MANY * 2])
@pytest.mark.parametrize("name", ["b", "a-box-whose-name-is-long-enough", "b" * 63])
@pytest.mark.parametrize("variation", ["none", "user-xattr"])
def test_no_table_is_wider_than_100_columns(steps: tuple[str, ...], name: str, variation: str) -> None:
    because = "the cache was made from a file with security.selinux, which BuildKit hashed (fixed by moby/moby#41222)"
    outcomes = tuple([HIT, RAN] * 12)
    made = [
        trial(name, f"{name}2", outcomes, engine=engine, steps=steps, variation=variation, because=because)
        for engine in ("19.03.8", "20.10.24", "29.0.0-rc.1-distro")
    ]
    text = table(run(*made, steps=steps))
    grid = [line for line in text.splitlines() if not line.startswith(name + ">")]  # a trial's name is never cut
    assert max(map(len, grid)) <= 100
    assert " ".join(text.split()).count("as expected") == 3  # every verdict, though a narrow layout may fold it


def test_what_fits_no_table_is_told_in_lines() -> None:
    long = "a-box-whose-name-is-long-enough"
    text = table(run(trial(long, f"{long}-2", (HIT, RAN, RAN), Verdict.MISSED, engine="e")))
    assert lines(text)[3:6] == [
        f"{long} > {long}-2  engine e  context 24B  missed",
        "    RUN echo foo: hit; COPY bar bar: ran; RUN echo baz: ran",
        "",
    ]


# --- predictions, and producers with another engine


def test_predictions_get_a_column_where_a_trial_has_one() -> None:
    text = table(
        run(
            trial("a", "b", (HIT, RAN, RAN), predicted=(HIT, RAN, RAN)),
            trial("a", "c", (HIT, HIT, HIT), predicted=(HIT, RAN, RAN)),
            trial("a", "d", (HIT, RAN, RAN), predicted=(UNKNOWN, RAN, UNKNOWN)),
            trial("a", "e", (HIT, RAN, RAN), predicted=(UNKNOWN, UNKNOWN, UNKNOWN)),
            trial("a", "f", (HIT, RAN, RAN)),
            trial("a", "g", (UNKNOWN, UNKNOWN, UNKNOWN), Verdict.BROKEN, predicted=(HIT, HIT, HIT)),
        )
    )
    assert lines(text)[3].split()[-2:] == ["predicted", "verdict"]
    words = {line.split()[1]: line.split()[7] for line in lines(text) if line.startswith("a    ")}
    assert words == {
        "b": "ok", "c": "contradicted", "d": "partly", "e": "unknown", "f": "unknown", "g": "unknown",
    }  # fmt: skip
    assert "a>c:19.03.8/copy-bust:none: COPY bar bar hit, ran was predicted" in lines(text)


def test_engines_stand_in_the_order_of_their_versions() -> None:
    engines = ("20.10.24-unfixed", "20.10.24", "19.03.13", "20.10.5", "19.03.8")
    text = table(run(*(trial("a", "b", (HIT, HIT, HIT), engine=engine) for engine in engines)))
    assert [line.split()[2] for line in lines(text)[4:]] == [
        "19.03.8", "19.03.13", "20.10.5", "20.10.24", "20.10.24-unfixed",
    ]  # fmt: skip


def test_no_prediction_no_column() -> None:
    assert "predicted" not in table(run(trial("a", "b", (HIT, RAN, RAN))))


def test_a_producer_with_another_engine_is_named_before_the_consumers() -> None:
    mixed = trial("a", "b", (HIT, HIT, HIT), producer_engine="19.03.13")
    same = trial("b", "a", (HIT, HIT, HIT), producer_engine="19.03.8")
    text = table(run(mixed, same))
    assert [line.split()[2] for line in lines(text)[4:6]] == ["19.03.8", "19.03.13>19.03.8"]
    assert lines(text)[-1] == "engine P>C: the producer's, then the consumer's"
    assert "engine P>C" not in table(run(same))


@pytest.mark.parametrize("steps", [STEPS, MANY, MANY * 2])
@pytest.mark.parametrize("name", ["b", "a-box-whose-name-is-long-enough", "b" * 63])
def test_predictions_and_two_engines_fit_100_columns(steps: tuple[str, ...], name: str) -> None:
    outcomes = tuple([HIT, RAN] * 12)
    made = trial(name, name, outcomes, steps=steps, predicted=outcomes, producer_engine="29.0.0-rc.1-distro")
    text = table(run(made, steps=steps))
    grid = [line for line in text.splitlines() if not line.startswith(name + ">")]
    assert max(map(len, grid)) <= 100
    assert "ok" in " ".join(grid).split()


# --- text of any origin


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    evil = "RUN echo \x1b[2J\x1b]0;title\x07\u202egnp.\nrow"
    text = table(run(trial("a\tb", "b\x9b31m", (HIT,), steps=(evil,)), steps=(evil,)))
    assert "RUN echo \\u202egnp.\\nrow" in text
    assert "a\\tb" in text and "b\\x9b31m" in text
    assert text.replace("\n", "").isprintable()


def test_an_escape_that_is_never_ended_hides_no_line() -> None:
    text = table(run(trial("a", "b", None, Verdict.BROKEN, problem="first\x1b]0;\nsecond\r\nthird")))
    assert lines(text)[-3:] == ["a>b:19.03.8/copy-bust:none: first", "  | second", "  | third"]


def test_the_head_states_that_sides_began_with_a_snapshot() -> None:
    made = run(trial("a", "b", (HIT, HIT, HIT)))
    assert "fresh" not in table(made.model_copy(update={"fresh": "prune"}))
    assert table(made.model_copy(update={"fresh": "snapshot"})).splitlines()[0].count("  fresh snapshot") == 1
