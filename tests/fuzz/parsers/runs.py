"""Stored runs: run.json, its reports, transcripts, journals, bundles, and other files beside them."""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError

from lab.boxes import transcript
from lab.model import TrialKey
from lab.project import Project
from lab.report import bundle
from lab.report.evidence import Evidence, explained
from lab.report.formats import FORMATS
from lab.report.table import table
from lab.results import contexts, journal
from lab.results.run import load, parse
from lab.results.shelf import summaries
from lab.results.stores import engine_merges, read_store
from lab.run.minimise.state import State
from lab.run.random_trials import stored
from tests.conftest import ROOT
from tests.fuzz.archives import as_gzipped_archive
from tests.fuzz.damage import as_bytes, as_json, as_json_lines
from tests.fuzz.limits import SPARE
from tests.fuzz.recorded import DATA, files, in_file, texts
from tests.fuzz.target import Target

WORDS = tuple(
    word.encode()
    for word in (
        "hit",
        "ran",
        "unknown",
        "as expected",
        "busted",
        "local",
        "20.10.24",
        "schema",
        "contexts",
        "sha256:0",
    )
)
PROJECT = Project(ROOT, ROOT / "build" / "fuzz-cache")


def read_run(data: bytes) -> object:
    """Read a run.json, and the contexts and keys in it."""
    run = parse(data, "it")
    return table(run), [contexts.load_context(run, key) for key in run.contexts], [trial.key for trial in run.trials]


def report_run(data: bytes) -> object:
    """Explain a run and report it in every form."""
    evidence = explained(Evidence(parse(data, "it")), ROOT / "boxes")
    return [form.text([evidence], PROJECT) for form in FORMATS.values()]


def read_journal(data: bytes) -> object:
    """Read a run in progress, whose trials are in a journal."""
    with TemporaryDirectory(prefix="lab-fuzz-") as place:
        folder = Path(place) / "run"
        shutil.copytree(DATA / "runs" / "schema-4", folder)
        (folder / journal.NAME).write_bytes(data)
        return load(folder), summaries(Path(place))


def read_transcript(data: bytes) -> object:
    """Read a transcript, and write it again."""
    return transcript.dump("x", transcript.exchanges(data, "it"))


def read_bundle(path: Path) -> object:
    """Read a bundle and the run in it."""
    found = bundle.read(path)
    return found.evidence(), found.scenario(path.parent / "templates")


def read_packed(data: bytes) -> object:
    """Read the packed content of a file."""
    return contexts.unpacked(data.decode("latin-1"))


def read_key(data: bytes) -> object:
    """Read the printed name of a trial."""
    return str(TrialKey.parse(data.decode("utf-8", "surrogateescape")))


def read_info(data: bytes) -> object:
    """Read the text of `docker info`, and a version."""
    text = data.decode("utf-8", "replace")
    return read_store(text, text[-20:]), engine_merges(text)


def read_state(data: bytes) -> object:
    """Read the state of a minimisation."""
    return State.model_validate_json(data)


@cache
def _bundles() -> tuple[bytes, ...]:
    return (bundle.pack(DATA / "runs" / "schema-1", PROJECT, redacted=False),)


@cache
def _journals() -> tuple[bytes, ...]:
    run = json.loads((DATA / "runs" / "schema-4" / "run.json").read_bytes())
    lines = [
        {"trial": {**trial, "name": f"x{trial['name']}"}, "contexts": {}, "contents": {}} for trial in run["trials"]
    ]
    return ("".join(f"{json.dumps(line)}\n" for line in lines).encode(),)


def _infos() -> list[bytes]:
    boxes = [box for run in files("runs/*/run.json")() for box in json.loads(run)["boxes"]]
    return [box["info"].encode() for box in boxes] + [f"{box['info']}\n{box['server']}".encode() for box in boxes]


TARGETS = (
    Target("run", read_run, files("runs/*/run.json"), as_json, WORDS, examples=80),
    Target("run-reports", report_run, files("runs/*/run.json"), as_json, WORDS, examples=8, room=64 << 20),
    Target("run-journal", read_journal, _journals, as_json_lines, WORDS, examples=60),
    Target("transcript", read_transcript, files("runs/*/transcript.jsonl"), as_json_lines, WORDS, examples=100),
    Target(
        "bundle",
        in_file(read_bundle, "bundle.tgz"),
        _bundles,
        as_gzipped_archive,
        (b"manifest.json", b"run.json"),
        examples=40,
        room=bundle.MAX_UNPACKED + SPARE,
    ),
    Target(
        "packed-content",
        read_packed,
        lambda: [contexts.packed(b"some text").encode()],
        as_bytes,
        refusals=(ValueError,),
        examples=60,
    ),
    Target(
        "trial-name",
        read_key,
        texts("a>b:20.10.24/copy-bust:none", "a:1>b:2/x%2Fy:z"),
        as_bytes,
        (b">", b":", b"/", b"%3A", b"%"),
        refusals=(ValueError,),
    ),
    Target("docker-info", read_info, _infos, as_bytes, (b"Storage Driver: ", b" driver-type: "), examples=60),
    Target(
        "minimise-state",
        read_state,
        texts('{"schema": 1, "key": "x", "answers": {}, "finished": false}'),
        as_json,
        refusals=(ValidationError,),
        examples=40,
    ),
    Target(
        "contradiction",
        in_file(stored.load, "1.json"),
        files("contradictions/*.json"),
        as_json,
        examples=40,
    ),
)
