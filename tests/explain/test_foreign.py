"""Caches that another build wrote: for another platform, or of another Dockerfile."""

from __future__ import annotations

from dataclasses import replace

from lab.explain.foreign import OVERWRITTEN, foreign
from lab.explain.question import Question
from lab.explain.why import diagnose
from lab.results.facts import ImageFacts
from tests.explain.builds import BASE, DOCKERFILE, question

NAME = DOCKERFILE.split()[1]


def remarks(asked: Question) -> tuple[str, ...]:
    return foreign(asked, asked.decisions())


def elsewhere(asked: Question, arch: str) -> Question:
    """The question of a build for another platform, whose base is another image."""
    base = ImageFacts(diff_ids=("sha256:" + "1" * 64,), env=BASE.env, os="linux", architecture=arch)
    return replace(asked.elsewhere(("linux", arch)), bases={NAME: base})


def test_a_cache_that_a_job_for_another_platform_wrote() -> None:
    found = remarks(elsewhere(question("max", "none"), "arm64"))
    assert found[0] == (
        "a build for linux/amd64 wrote the cache: it has a record of 3 of 3 RUN steps for that platform, and none for "
        "linux/arm64"
    )
    assert found[1] == OVERWRITTEN
    assert "https://github.com/moby/buildkit/issues/2822" in OVERWRITTEN


def test_a_cache_of_another_dockerfile() -> None:
    text = f"FROM {NAME}\nRUN something else\n"
    [found] = remarks(question("max", "none", dockerfile=text))
    assert found.startswith("none of its 15 records is of a step of this Dockerfile")
    assert diagnose(question("max", "none", dockerfile=text)).remarks == (found,)


def test_a_cache_of_this_build_has_no_remark() -> None:
    for change in ("none", "crlf", "both"):
        assert remarks(question("max", change)) == ()
        assert remarks(question("inline", change)) == ()
