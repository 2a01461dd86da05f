"""A candidate as data: its Dockerfile in pieces, its checksum, and what leaving a file out takes with it."""

from __future__ import annotations

from lab.model import Outcome
from lab.run.minimise.candidate import Difference, File, dockerfile_in_pieces, options_in
from lab.run.minimise.parts import part
from lab.run.steps.build import Build
from lab.run.steps.table import USUAL, NamedStep
from tests.run.minimise.standin import GUILTY, project, replaced

TEXT = """\
# syntax=docker/dockerfile:1
# escape=`
ARG V=1
# a comment
FROM --platform=linux/amd64 base:$V `
  AS one
RUN a `
  # in between
  && b
COPY <<E /x
  one
E

FROM one
CMD ["x"]
"""


def test_a_dockerfile_in_pieces() -> None:
    before, stages = dockerfile_in_pieces(TEXT)
    assert before == ("# syntax=docker/dockerfile:1", "# escape=`", "ARG V=1")
    assert [stage.start for stage in stages] == ["FROM --platform=linux/amd64 base:$V AS one", "FROM one"]
    assert [" ".join(stages[0].lines[0].split()), stages[0].lines[1]] == ["RUN a && b", "COPY <<E /x\n  one\nE"]
    assert stages[1].lines == ('CMD ["x"]',)


def test_the_checksum_changes_with_each_part() -> None:
    start = project(8)
    other = [
        start.without(["README.md"]),
        replaced(start, files={**start.files, GUILTY: File(b"")}),
        replaced(start, files={**start.files, GUILTY: File(b"guilty\n")}),
        start.with_build(start.build.model_copy(update={"prepare": (part("mode", {GUILTY: "0600"}),)})),
        replaced(start, variation="mode"),
        replaced(start, sequence=USUAL[:1]),
    ]
    assert len({start.key, *(item.key for item in other)}) == len(other) + 1
    assert project(8).key == start.key


def test_a_file_is_left_out_with_its_changes() -> None:
    start = project(8)
    prepare = (part("mode", {GUILTY: "0600"}), part("mode", {"README.md": "0600"}))
    found = start.with_build(start.build.model_copy(update={"prepare": prepare})).without([GUILTY])
    assert GUILTY not in found.files and found.build.change == () and found.build.prepare == prepare[1:]


def test_arguments_and_flags_count_only_while_the_build_has_them() -> None:
    arguments, flags = {"A": "1", "B": "2"}, ("--pull",)
    sequence = (
        NamedStep(build=Build(side="producer", arguments=arguments, flags=flags)),
        NamedStep(build=Build(cache_from=("image",), arguments=arguments, flags=flags)),
    )
    assert options_in(sequence) == (arguments, flags)
    start = replaced(project(8), sequence=sequence)
    left = start.with_build(start.build.model_copy(update={"arguments": {"B": "2"}}))
    builds = [item.build for item in left.steps if item.build]
    assert [(build.arguments, build.flags) for build in builds] == [({"B": "2"}, ())] * 2


def test_a_difference_in_words() -> None:
    found = Difference("COPY", Outcome.HIT, Outcome.RAN)
    assert str(found) == "COPY: hit without the difference, ran with it"
