"""One instruction that is printed as several vertexes: downloads, copies and merges."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.doubt import MERGED
from lab.buildkit.progress.parts import DOWNLOAD_OR_COPY, MERGED_ANEW, NO_LAYER, NOT_FETCHED, is_remote
from lab.buildkit.progress.reader import Reader, read_builds
from lab.model import Outcome
from tests.buildkit.progress.by_place import BUILDKITS, DATA

H, R, E, U, B = Outcome.HIT, Outcome.RAN, Outcome.ERROR, Outcome.UNKNOWN, Outcome.BASE
BEGIN = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM alpine\n#2 DONE 0.0s\n\n"
END = "\n#9 exporting to image\n#9 DONE 0.0s\n"
ADD = "[2/3] ADD http://example.org/a /a"
LINK = "[2/3] COPY --link a /a"


def only(text: str) -> Build:
    [build] = read_builds(text)
    return build


def second(lines: str) -> Step:
    [step] = [step for step in only(BEGIN + lines + END).steps if step.index == 2]
    return step


@pytest.mark.parametrize(
    ("text", "remote"),
    [
        ("ADD http://example.org/a /a", True),
        ("ADD --chown=1:2 --checksum=sha256:aa https://example.org/a /a", True),
        ("ADD --link git@example.org:o/r.git#main /src", True),
        ("ONBUILD ADD git://example.org/r.git /src", True),
        ("ADD a.txt https://example.org/a /d/", True),
        ("ADD a.txt /a", False),
        ("COPY http://example.org/a /a", False),
        ("RUN ADD http://example.org/a /a", False),
    ],
)
def test_what_is_downloaded(text: str, remote: bool) -> None:
    assert is_remote(text) is remote


def test_a_download_and_its_copy_are_one_step_with_the_outcome_of_the_copy() -> None:
    step = second(f"#3 {ADD}\n#3 DONE 0.3s\n\n#4 {ADD}\n#4 CACHED\n")
    assert (step.outcome, step.seconds, step.download) == (H, 0.3, 0.3)
    step = second(f"#3 {ADD}\n#3 DONE 0.3s\n\n#4 {ADD}\n#4 DONE 0.2s\n")
    assert (step.outcome, step.seconds, step.download) == (R, 0.5, 0.3)


def test_a_download_alone_says_nothing_on_the_copy() -> None:
    step = second(f"#3 {ADD}\n#3 DONE 0.3s\n")
    assert (step.outcome, step.reason, step.download) == (U, DOWNLOAD_OR_COPY, 0.3)
    assert second(f"#3 {ADD}\n#3 CACHED\n").outcome is H  # a download is never printed as CACHED alone


FETCH = "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa from remote"


@pytest.mark.parametrize("between", ["", "\n#3 [2/3] RUN a\n"])
@pytest.mark.parametrize("error", [f"{FETCH}: not found", f"{FETCH}: connection reset by peer"])
def test_a_hit_whose_layers_cannot_be_fetched_is_an_error_and_no_miss(between: str, error: str) -> None:
    text = f"{BEGIN}#3 [2/3] RUN a\n#3 CACHED\n{between}#3 ERROR: {error}\nERROR: failed to solve: {error}\n"
    step = only(text).steps[-1]
    assert (step.outcome, step.ran_and_failed) == (E, False)
    assert step.reason == f"{NOT_FETCHED}: {error}"
    assert only(text).warnings == ()


def test_a_hit_without_a_layer_that_is_executed_and_fails_is_a_miss() -> None:
    error = "process x did not complete successfully: exit code: 1"
    step = only(f"{BEGIN}#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n#3 0.1 x\n#3 ERROR: {error}\n").steps[-1]
    assert (step.outcome, step.ran_and_failed, step.reason) == (E, True, None)


def test_two_downloads_are_no_copy() -> None:
    name = "[2/3] ADD http://example.org/a http://example.org/b /d/"
    both = f"#3 {name}\n#3 DONE 0.1s\n\n#4 {name}\n#4 DONE 0.1s\n"
    assert second(both).outcome is U
    assert second(f"{both}\n#5 {name}\n#5 DONE 0.1s\n").outcome is R


def test_a_download_that_fails_fails_the_step() -> None:
    step = second(f"#3 {ADD}\n#3 ERROR: invalid response status 404\n")
    assert step.outcome is E


def test_a_download_that_fails_makes_what_is_cached_doubtful_although_git_printed_something() -> None:
    name = "[3/3] ADD git://example.org/r.git /src"
    lines = f"#4 {name}\n#4 0.1 fatal: repository not found\n#4 ERROR: exit code: 128\n\n#3 [2/3] RUN a\n#3 CACHED\n"
    assert second(lines).outcome is U


def test_a_download_does_not_prove_that_the_step_before_was_loaded() -> None:
    last = "[3/3] ADD http://example.org/a /a"
    lines = f"#3 [2/3] RUN a\n#3 CACHED\n\n#4 {last}\n#4 DONE 0.1s\n\n#5 [4/4] COPY b /\n#5 ERROR: not found: b\n"
    assert second(lines).outcome is U


def test_before_buildkit_0_13_a_download_has_the_name_of_its_source() -> None:
    url = "#3 http://example.org/a\n#3 DONE 0.3s\n\n"
    assert second(f"{url}#4 {ADD}\n#4 DONE 0.1s\n").outcome is R
    rows = " => http://example.org/a  0.3s\n => [2/3] ADD http://example.org/a /a  0.1s\n"
    screen = f"[+] Building 1.2s (3/3) FINISHED\n => [1/3] FROM alpine  0.0s\n{rows}"
    assert [step.outcome for step in only(screen).steps] == [B, R]


def test_two_steps_that_take_one_source_share_its_download() -> None:
    other = "[3/3] ADD http://example.org/a /b"
    lines = f"#3 {other}\n#3 DONE 0.3s\n\n#4 {ADD}\n#4 DONE 0.1s\n\n#5 {other}\n#5 CACHED\n"
    steps = only(BEGIN + lines + END).steps
    assert [(step.outcome, step.download) for step in steps] == [(B, None), (R, None), (H, 0.3)]


def test_a_step_is_seen_with_the_outcome_of_its_copy_only() -> None:
    reader = Reader()
    reader.feed(BEGIN)
    assert reader.feed(f"#3 {ADD}\n#3 DONE 0.3s\n") == []
    [seen] = reader.feed(f"#4 {ADD}\n#4 CACHED\n")
    assert seen.step.outcome is H


def test_rows_of_one_step_on_a_screen_are_cut_at_different_lengths() -> None:
    name = "[2/3] ADD http://example.org/a http://example.or"
    screen = (
        "[+] Building 1.2s (3/3) FINISHED\n => [1/3] FROM alpine  0.0s\n"
        f" => {name}  0.2s\n => {name}  0.1s\n => CACHED {name[:-7]}  0.0s\n"
    )
    [_, step] = only(screen).steps
    assert (step.outcome, step.instruction, step.download) == (H, name[6:], 0.3)


@pytest.mark.parametrize("builder", BUILDKITS)
@pytest.mark.parametrize("form", ["plain", "rawjson", "tty"])
def test_a_step_that_is_found_without_a_layer_says_why_it_was_executed(builder: str, form: str) -> None:
    build = only((DATA / builder / f"nolayer.{form}.txt").read_text())
    found = {(step.stage, step.index): step.reason for step in build.steps}
    assert found["made", 3] == found["made", 4] == NO_LAYER
    assert found["stage-1", 3] is None  # it was not found


def test_a_step_that_is_found_and_fetched_is_a_hit_although_it_is_done() -> None:
    fetched = "#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n#3 extracting sha256:00112233 0.1s done\n#3 DONE 0.1s\n"
    assert second(fetched).outcome is H
    executed = "#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n#3 0.1 a\n#3 DONE 0.1s\n"
    assert (second(executed).outcome, second(executed).reason) == (R, NO_LAYER)


def test_in_a_build_that_failed_a_step_that_is_cached_first_says_no_reason() -> None:
    lines = "#3 [2/3] RUN a\n#3 CACHED\n\n#3 [2/3] RUN a\n#3 DONE 0.1s\n\n#4 [3/3] COPY b /\n#4 ERROR: not found: b\n"
    assert (second(lines).outcome, second(lines).reason) == (R, None)


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        ("#3 {0}\n#3 DONE 0.1s\n", R),
        ("#3 {0}\n#3 CACHED\n", H),
        # Layers are put together, and those of what it stands on are unpacked, whether it was found or not.
        ("#3 {0}\n#3 merging done\n#3 DONE 0.1s\n", U),
        ("#3 {0}\n#3 extracting sha256:00112233 0.1s done\n#3 merging done\n#3 DONE 0.1s\n", U),
        ("#3 {0}\n#3 CACHED\n\n#3 {0}\n#3 merging done\n#3 DONE 0.1s\n", U),
        # What is done before that was executed.
        ("#3 {0}\n#3 DONE 0.1s\n\n#3 {0}\n#3 extracting sha256:00112233 0.1s done\n#3 merging done\n#3 DONE 0.2s\n", R),
        # Only what was found is downloaded.
        (
            "#3 {0}\n#3 sha256:00112233aa 98B / 98B 0.1s done\n#3 extracting sha256:00112233 0.1s done\n#3 DONE 0.1s\n",
            H,
        ),
    ],
)
def test_a_linked_copy(lines: str, outcome: Outcome) -> None:
    step = second(lines.format(LINK))
    assert (step.outcome, step.reason) == (outcome, MERGED if outcome is U else None)


@pytest.mark.parametrize("builder", BUILDKITS)
def test_files_that_were_found_and_merged_onto_another_base(builder: str) -> None:
    build = only((DATA / builder / "linkmoved.rawjson.txt").read_text())
    assert {step.index: step.reason for step in build.steps} == {1: None, 2: MERGED_ANEW, 3: None}


@pytest.mark.parametrize(("builder", "word"), [("buildkit-0.13.2", ""), ("buildkit-0.25.2", "ONBUILD ")])
def test_a_linked_copy_of_a_trigger_is_one_step(builder: str, word: str) -> None:
    build = only((DATA / builder / "trigger.rawjson.txt").read_text())
    found = {step.index: step.instruction for step in build.steps if step.stage == "stage-1"}
    assert (found[2], found[3]) == (f"{word}ADD --link a /x/", f"{word}COPY --link b /y/")


def test_a_screen_that_is_not_the_last_one_does_not_show_why_cached_went_away() -> None:
    first = "[+] Building 1.2s (2/2)\n => CACHED [2/3] RUN a  0.0s\n => [internal] x  0.0s\n"
    then = "[+] Building 1.4s (2/2)\n\x1b[34m => [2/3] RUN a  0.1s\x1b[0m\n"
    last = "[+] Building 1.9s (2/2) FINISHED\n\x1b[34m => [2/3] RUN a  0.1s\x1b[0m\n => exporting to image  0.1s\n"
    assert [step.outcome for step in only(first + then).steps] == [U]
    assert [(step.outcome, step.reason) for step in only(first + then + last).steps] == [(R, NO_LAYER)]
