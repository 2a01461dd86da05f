"""A stand-in for Docker's client, and a bench on it: a step is cached if the files of the context are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import Transcript
from lab.buildkit.contenthash.query import Query, content_part
from lab.engines.engine import Engine
from lab.model import Outcome
from lab.registry.server import Registry
from lab.results.contexts import load_context
from lab.results.run import Base, Run, Trial
from lab.results.run import load as load_run
from lab.run.own_project.project import read_project
from lab.run.own_project.request import Request
from lab.run.own_project.scenario import scenario_of
from lab.run.recorder import Recorder
from lab.run.vary.axis import Variant
from lab.run.vary.bench import Bench
from tests.conftest import ROOT
from tests.vectors import BOOK

FACTS = load_run(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]
# It takes modes, attributes and contents of the files, as BuildKit does, and no argument. A file in the state makes it
# another engine: a `careless` one takes no modes, a `timely` one takes times too, and a `greedy` one takes the
# mode of the file d, which no COPY takes.
DOCKER = """\
#!/bin/sh
state={state}
echo "$*" >> $state/log
shift 2  # -H and the address
seen() {{
  form='%P %m\\n'
  test ! -e $state/careless || form='%P\\n'
  test ! -e $state/timely || form='%P %m %T@\\n'
  find src -printf "$form" | sort
  find src -type f -exec sha256sum {{}} + | sort
  getfattr -R -d -m - src 2>/dev/null
  ls .dockerignore 2>/dev/null  # a test looks for the name
  test ! -e $state/greedy || find d -printf '%P %m\\n'
}}
case "$1" in
build)
  test ! -e $state/broken || {{ echo "it broke" >&2; exit 1; }}
  case "$*" in
  *--cache-from*)
    seen > $state/ours; word=CACHED
    test -e $state/forgetful || cmp -s $state/theirs $state/ours || word="DONE 0.5s"
    test ! -e $state/blind || word=CACHED
    test ! -e $state/forgetful || word="DONE 0.5s"
    printf '#1 [2/3] RUN one\\n#1 CACHED\\n#2 [3/3] COPY src /src\\n#2 %s\\n' "$word" >&2 ;;
  *)
    seen > $state/theirs
    printf '#1 [2/3] RUN one\\n#1 DONE 0.1s\\n#2 [3/3] COPY src /src\\n#2 DONE 0.2s\\n' >&2 ;;
  esac ;;
info) echo " Storage Driver: overlay2" ;;
history) printf '30\\tCOPY src /src # buildkit\\n10\\tRUN /bin/sh -c one # buildkit\\n' ;;
version) echo 20.10.24 ;;
esac
"""
TEXT = "FROM base:1\nRUN one\nCOPY src /src\n"


class Predicting(Bench):
    """A bench that predicts by the model of BuildKit's rules alone: the stand-in has no registry with a cache."""

    def predicted(self, run: Run, trial: Trial, variant: Variant) -> Trial:
        """The first step hits, and the COPY runs if the digest of its folder differs; unknown without files."""
        return trial.model_copy(update={"predicted": self._outcomes(run, trial)})

    def _outcomes(self, run: Run, trial: Trial) -> tuple[Outcome, ...]:
        digests = []
        for key in (self.production.context, trial.context):
            context = load_context(run, key)
            if isinstance(context, str):
                return Outcome.UNKNOWN, Outcome.UNKNOWN
            part = content_part(context.tree(self.book.newest), [Query("/src")], self.book.newest)
            digests.append(part.text if part else None)
        return Outcome.HIT, Outcome.HIT if digests[0] == digests[1] else Outcome.RAN


@contextmanager
def standing(
    folder: Path,
    text: str = TEXT,
    more: Mapping[str, str] | None = None,
    kind: type[Bench] = Bench,
    transfer: str = "exact",
) -> Iterator[Bench]:
    """A bench whose engine is the stand-in; its state is in `folder`/state."""
    state, context = folder / "state", folder / "app"
    state.mkdir()
    (context / "src").mkdir(parents=True)
    (context / "src" / "a.txt").write_text("a\nb\n")
    for name, content in {"Dockerfile": text, **(more or {})}.items():
        (context / name).write_text(content)
    program = folder / "docker"
    program.write_text(DOCKER.format(state=state))
    program.chmod(0o755)
    project = read_project(Request(context, transfer=transfer))
    scenario = scenario_of(project, "scratch")
    run = Run(
        name="vary",
        scenario=scenario.name,
        summary="",
        lineup="local",
        started=datetime.now(UTC),
        registry="localhost:1",
        base=Base(reference="base:1", source="given"),
        dockerfile=scenario.dockerfile,
        instructions=scenario.instructions,
        project=scenario.project,
    )
    results = folder / "results"
    results.mkdir()
    transcript = Transcript(results / "transcript.jsonl", "vary")
    box = RecordingBox(LocalBox("local"), transcript)
    engine = Engine("20.10.24", (str(program), "-H", "unix:///none"), "20.10.24", "20.10.24", "")
    bench = kind(
        box,
        ("this machine", "local"),
        engine,
        scenario,
        Recorder(results, run),
        Registry("localhost:1", "external"),
        BOOK,
        PurePosixPath(folder / "home"),
        lambda event: None,
    )
    try:
        yield bench
    finally:
        transcript.close()
