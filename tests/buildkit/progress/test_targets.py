"""Bake and compose: the target before each name, vertexes that targets share, screens that end per target."""

from __future__ import annotations

import pytest

from lab.buildkit.progress.build import Build
from lab.buildkit.progress.reader import read_builds

IMAGE = "sha256:" + "a" * 64
HEAD = "#1 [web internal] load build definition from Dockerfile\n#1 DONE 0.0s\n#2 [web 1/2] FROM a\n#2 DONE 0.0s\n"
SHARED = (
    "#3 [web 2/2] WORKDIR /app\n#3 DONE 0.1s\n#4 [api 3/3] RUN x\n#4 CACHED\n#3 [api 2/3] WORKDIR /app\n#3 DONE 0.1s\n"
)


def rows(build: Build) -> list[tuple[str, str | None, str, str]]:
    return [("+".join(step.targets), step.stage, step.place, step.outcome.value) for step in build.steps]


@pytest.mark.parametrize("head", [HEAD, ""])
def test_a_vertex_that_two_targets_share_is_one_step(head: str) -> None:
    [build] = read_builds(head + SHARED)
    base = [("web", None, "1/2", "base")] if head else []
    assert rows(build) == [*base, ("web+api", None, "2/2", "ran"), ("api", None, "3/3", "hit")]
    assert not build.warnings


def test_two_bakes_after_each_other_are_two_builds() -> None:
    bake = HEAD + "\n#3 [web 2/2] RUN y\n#3 {}\n\n#4 [web] exporting to image\n#4 DONE 0.1s\n\n"
    builds = read_builds(bake.format("CACHED") + bake.format("DONE 0.3s"))
    assert [rows(build)[-1][3] for build in builds] == ["hit", "ran"]


def test_an_export_ends_the_steps_of_its_own_target() -> None:
    screen = (
        "[+] Building 1.2s (5/9)\n => [web internal] load build definition from Dockerfile  0.0s\n"
        " => [api internal] load build definition from Dockerfile  0.0s\n => [web 2/2] RUN a  0.9s\n"
        f" => [api 2/2] RUN b  1.1s\n => [web] exporting to image  0.1s\n => => writing image {IMAGE}  0.0s\n"
    )
    [build] = read_builds(screen)
    assert rows(build) == [("web", None, "2/2", "ran"), ("api", None, "2/2", "unknown")]
    assert [(image.target, image.digest) for image in build.images] == [("web", IMAGE)]


def test_a_row_that_changes_its_target_is_one_step() -> None:
    screen = (
        "[+] Building {}s ({}/2){}\n => [web internal] load build definition  0.0s\n"
        " => CACHED [{} run 2/3] RUN a  0.0s\n"
    )
    [build] = read_builds(screen.format("0.1", 1, "", "web") + screen.format("0.2", 2, " FINISHED", "api"))
    assert rows(build) == [("api", "run", "2/3", "hit")]


def test_a_link_copy_of_several_rows_is_one_step() -> None:
    link = "[b 2/4] COPY --link --from=x / /"
    screen = f"[+] Building 0.9s (4/4) FINISHED\n => CANCELED {link}  0.0s\n => {link}  0.2s\n => CACHED {link}  0.0s\n"
    assert rows(read_builds(screen)[0]) == [("", "b", "2/4", "ran")]


def test_onbuild_beside_its_from_is_a_row_of_its_own() -> None:
    screen = "[+] Building 0.9s (2/2) FINISHED\n => [b 1/3] FROM x  0.0s\n => CACHED [b 1/3] ONBUILD RUN y  0.0s\n"
    assert rows(read_builds(screen)[0]) == [("", "b", "1/3", "base"), ("", "b", "1/3", "hit")]


def test_every_cached_after_canceled_is_unknown() -> None:
    text = "#4 [a 2/3] RUN x\n#4 CANCELED\n\n#5 [b 2/3] RUN y\n#5 CACHED\n\n#3 [c 2/3] RUN w\n#3 DONE 1.0s\n"
    assert [row[3] for row in rows(read_builds(text)[0])] == ["unknown", "unknown", "ran"]


ONBUILD = (
    "Step 0 : FROM node\n# Executing 1 build triggers\nTrigger 0, RUN npm install\nStep 0 : RUN npm install\n{}"
    "Step 1 : EXPOSE 80\n ---> Using cache\n ---> 222222222222\nSuccessfully built 222222222222\n"
)
RUN = " ---> Running in 1f1f1f1f1f1f\nnpm\n ---> 111111111111\nRemoving intermediate container 1f1f1f1f1f1f\n"


@pytest.mark.parametrize("trigger", [RUN, " ---> Using cache\n ---> 111111111111\n"])
def test_triggers_of_a_base_image_are_no_steps(trigger: str) -> None:
    assert [row[2:] for row in rows(read_builds(ONBUILD.format(trigger))[0])] == [("0", "base"), ("1", "hit")]
    newer = (
        ONBUILD.replace("Step 0 : RUN", "Step 1/1 : RUN")
        .replace("Step 0 :", "Step 1/2 :")
        .replace("Step 1 :", "Step 2/2 :")
    )
    assert [row[2:] for row in rows(read_builds(newer.format(trigger))[0])] == [("1/2", "base"), ("2/2", "hit")]


def test_podman_stages_that_are_built_at_once_are_unknown() -> None:
    text = (
        "[1/2] STEP 1/2: FROM a\n[2/2] STEP 1/2: FROM b\n[1/2] STEP 2/2: RUN x\n[2/2] STEP 2/2: RUN y\n"
        "--> Using cache 1a29304a815d74e574a642689cb3f5d87aaeaf6162a402fd41f0ccbf1de1761b\n--> 1a29304a815d\n"
    )
    [build] = read_builds(text)
    assert {row[3] for row in rows(build)} == {"base", "unknown"}
    assert len(build.warnings) == 1


@pytest.mark.parametrize("shape", ["{}", "[{}]", "{},"])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_answers_of_the_api(shape: str, quote: str) -> None:
    said = ["Step 1/2 : FROM a", "\\n", " ---> e7d3be492e61\\n", "Step 2/2 : RUN x", "\\n", " ---> Using cache\\n"]
    text = "\n".join(shape.format(f"{{{quote}stream{quote}: {quote}{piece}{quote}}}") for piece in said)
    assert [row[2:] for row in rows(read_builds(text)[0])] == [("1/2", "base"), ("2/2", "hit")]
