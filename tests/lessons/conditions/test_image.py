from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.lessons.conditions.image import Image
from lab.yamlfile import check
from tests.lessons.stand_in import evidence, image_file, made

FILES = {"/run.sh": image_file("text\n", 0o755, "1:2")}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ({"mode": "0755", "owner": "1:2", "text": "text\n"}, "as it should be"),
        ({"mode": "0644"}, "mode"),
        ({"owner": "0:0"}, "owner"),
        ({"text": "other"}, "bytes"),
        ({"like": "run.sh"}, "as it should be"),
        ({"like": "Dockerfile"}, "bytes"),
        ({"path": "/none"}, "missing"),
        ({"there": False}, "there"),
        ({"tag": "other"}, "no-image"),
    ],
)
def test_a_path_of_an_image(words: dict[str, Any], found: str, tmp_path: Path) -> None:
    seen = evidence(tmp_path, {"run.sh": "text\n", "Dockerfile": "FROM base\n"}, images={"mine": FILES})
    finding = check({"tag": "mine", "path": "/run.sh", **words}, Image, "test").look(seen)
    assert (finding.found, finding.met) == (found, found == "as it should be")
    assert finding.nothing is (found == "no-image")


def test_the_image_of_a_build(tmp_path: Path) -> None:
    seen = evidence(tmp_path, {}, builds={"one": made()}, images={"reference": FILES})
    assert Image(build="one", path="/run.sh", mode="0755").look(seen).met
    failed = evidence(tmp_path / "other", {}, builds={"one": made(problem="no")})
    assert Image(build="one", path="/run.sh").look(failed).found == "failed"


def test_an_image_is_a_build_or_a_tag() -> None:
    with pytest.raises(ConfigError, match="either build or tag"):
        check({"path": "/a"}, Image, "test")
