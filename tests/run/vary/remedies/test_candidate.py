"""The diff that a user sees."""

from __future__ import annotations

from lab.run.vary.axis import Variant
from lab.run.vary.remedies.candidate import Candidate, Ground, Missed
from tests.run.vary.scenes import scene


def test_a_diff_is_one_that_patch_takes() -> None:
    found = Candidate("x", "", (), before="a\nb", text_after="a\nc\n").diff
    assert found == ("--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n")


def test_a_new_file_and_none() -> None:
    assert Candidate("x", "", (), file="f", text_after="a\n").diff.startswith("--- /dev/null\n+++ b/f\n")
    assert Candidate("x", "", ()).diff == ""


def test_only_axes_that_miss_count() -> None:
    ground = Ground(scene(), "", [Missed("git", Variant(""), "COPY . .")])
    assert ground.among(("mtime", "git")) == ("git",)
