"""An index of stored runs in SQLite, so that a list of many runs does not read each of them again.

The folders are the truth. The index holds what can be computed from them, with the state of the files at that time; it
is updated when it is used, and built again if it is damaged or has another version.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from lab.errors import LabError
from lab.results import journal
from lab.results.summary import StepCount, Summary, is_running, marks_of, step_counts, summary_of

VERSION = 5  # of the tables, and of what is counted; another number in the file means that it is built again
NAME = Path(".index", "runs.sqlite")  # below results/
WAIT = 10.0  # seconds that a process waits for another that writes
FILES = ("run.json", journal.NAME)  # a run changes only with one of them
SCHEMA = """
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, folder BLOB UNIQUE NOT NULL, stamp TEXT NOT NULL, summary TEXT NOT NULL,
  parts INTEGER NOT NULL
);
CREATE TABLE steps (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  trial INTEGER NOT NULL,
  step TEXT NOT NULL, engine TEXT NOT NULL, box TEXT NOT NULL, builder TEXT NOT NULL, variation TEXT NOT NULL,
  outcome TEXT NOT NULL, count INTEGER NOT NULL
);
CREATE INDEX steps_run ON steps (run);
CREATE TABLE marks (
  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, trial INTEGER NOT NULL, mark BLOB NOT NULL
);
CREATE INDEX marks_run ON marks (run);
CREATE TABLE used (run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, engine TEXT NOT NULL, box TEXT NOT NULL);
CREATE INDEX used_run ON used (run);
"""

A = TypeVar("A")
Used = tuple[str, str]  # an engine, and a box on which a run used it
Ask = Callable[[sqlite3.Connection], A]


@dataclass(frozen=True, slots=True)
class Counted:
    """The count of one outcome of a step in one trial, with the name, start and scenario of its run."""

    run: str
    started: datetime
    scenario: str
    steps: StepCount


def summaries(results: Path) -> list[Summary]:
    """Return the summaries of all stored runs, oldest first; a run that cannot be read has a `problem`."""
    return _of_folders(results, folders_of(results), whole=True)


def newest(results: Path, count: int) -> list[Summary]:
    """Return the summaries of the newest `count` runs without those that go on, as `summaries` does.

    It looks at no other run, and makes no index where there is none of these.
    """
    folders = [folder for folder in folders_of(results)[-count:] if not is_running(folder)]
    return _of_folders(results, folders, whole=False) if folders else []


def _of_folders(results: Path, folders: Sequence[Path], *, whole: bool) -> list[Summary]:
    wanted = None if whole else [_key(folder) for folder in folders]
    found, problems = _asked(results, folders, partial(_summaries, wanted), whole=whole)
    # a lock and not a file says whether a run goes on, so that the index cannot hold it
    return [
        problems[folder] if folder in problems else replace(found[_key(folder)], running=is_running(folder))
        for folder in folders
    ]


def counts(results: Path) -> list[Counted]:
    """The counted outcomes of the steps of all trials that can be read, oldest run first.

    A trial that several runs have is counted once: a merged run repeats the trials of its parts.
    """
    return _asked(results, folders_of(results), _counts, whole=True)[0]


def used(results: Path) -> list[Used]:
    """The engines that runs used with their boxes, of all runs that can be read, in the order of their names."""
    folders = folders_of(results)
    return _asked(results, folders, _used, whole=True)[0] if folders else []


def folders_of(results: Path) -> list[Path]:
    """The folders of all stored runs in the order of their names, which begin with the time of the start."""
    return sorted((path.parent for path in results.glob("*/run.json")), key=lambda folder: folder.name)


def _summaries(wanted: Sequence[bytes] | None, connection: sqlite3.Connection) -> dict[bytes, Summary]:
    """The summaries of the wanted keys, or of all without one."""
    rows = connection.execute("SELECT folder, summary FROM runs").fetchall() if wanted is None else []
    for key in wanted or ():
        rows += connection.execute("SELECT folder, summary FROM runs WHERE folder = ?", (key,)).fetchall()
    return {key: Summary.from_json(json.loads(text)) for key, text in rows}


def _used(connection: sqlite3.Connection) -> list[Used]:
    return connection.execute("SELECT DISTINCT engine, box FROM used ORDER BY engine, box").fetchall()


def _counts(connection: sqlite3.Connection) -> list[Counted]:
    rows = connection.execute("SELECT id, summary FROM runs")
    runs = {number: Summary.from_json(json.loads(text)) for number, text in rows}
    repeated = _repeated(connection)
    columns = "run, trial, step, engine, box, builder, variation, outcome, count"
    found = [
        Counted(run.name, run.started, run.scenario, StepCount(*row))
        for number, *row in connection.execute(f"SELECT {columns} FROM steps ORDER BY rowid")
        if (run := runs[number]).started is not None and (number, row[0]) not in repeated
    ]
    return sorted(found, key=lambda item: (item.started, item.run))


def _repeated(connection: sqlite3.Connection) -> set[tuple[int, int]]:
    """The runs and places of trials that another run has too, in which they are counted: the one with fewer parts."""
    trials: dict[tuple[int, int], list[bytes]] = {}
    order = "runs.parts, runs.folder, marks.rowid"
    wanted = f"SELECT run, trial, mark FROM marks JOIN runs ON runs.id = marks.run ORDER BY {order}"
    for number, place, mark in connection.execute(wanted):
        trials.setdefault((number, place), []).append(mark)
    known: set[bytes] = set()
    repeated = set()
    for trial, own in trials.items():
        if not known.isdisjoint(own):
            repeated.add(trial)
        known.update(own)
    return repeated


def _asked(results: Path, folders: Sequence[Path], ask: Ask[A], *, whole: bool) -> tuple[A, dict[Path, Summary]]:
    """The answer of the index of these folders as they are now, and the summaries of those that cannot be read.

    With `whole`, these are all folders, and the index forgets every other.

    A file that is damaged is removed and built again. Where the folder cannot be written, or another process holds the
    file for too long, the index is built in memory.
    """
    path = results / NAME
    for _ in range(2):
        try:
            with closing(_opened(path)) as connection:
                problems = _update(connection, folders, whole=whole)
                return ask(connection), problems
        except sqlite3.OperationalError:
            break  # read-only, full, or locked: the file itself may be whole
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError):
            _remove(path)
    with closing(_connected(":memory:")) as connection:
        problems = _update(connection, folders, whole=whole)
        return ask(connection), problems


def _opened(path: Path) -> sqlite3.Connection:
    """The database of this file, whose folder is made. Raises sqlite3.Error."""
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
    return _connected(path)


def _connected(database: Path | str) -> sqlite3.Connection:
    """The database with its tables; one of another version is emptied. Raises sqlite3.Error."""
    connection = sqlite3.connect(database, timeout=WAIT, isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        if _version(connection) != VERSION:
            with _writing(connection):
                if _version(connection) != VERSION:  # another process may have made the tables since
                    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                        connection.execute(f'DROP TABLE "{name}"')
                    for statement in filter(str.strip, SCHEMA.split(";\n")):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """One change of the file: other processes see all of it or nothing, also if this one is killed."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _update(connection: sqlite3.Connection, folders: Sequence[Path], *, whole: bool) -> dict[Path, Summary]:
    """Read the runs that have changed, and forget those that are gone; returns those that cannot be read.

    Without `whole`, a folder that is not among these is not gone.
    """
    known = dict(connection.execute("SELECT folder, stamp FROM runs"))
    stamps = {folder: _stamp(folder) for folder in folders}
    changed = [folder for folder in folders if known.get(_key(folder)) != stamps[folder]]
    gone = known.keys() - {_key(folder) for folder in folders} if whole else set()
    problems: dict[Path, Summary] = {}
    read: list[tuple[Path, _Read]] = []
    for folder in changed:
        try:
            read.append((folder, _read(folder)))
        except LabError as error:  # it is read again each time, because its rights may change and its files not
            problems[folder] = Summary(folder.name, problem=error.message)
    forgotten = [*gone, *(_key(folder) for folder in problems if _key(folder) in known)]
    if read or forgotten:
        with _writing(connection):
            connection.executemany("DELETE FROM runs WHERE folder = ?", [(key,) for key in forgotten])
            for folder, found in read:
                _store(connection, folder, stamps[folder], found)
    return problems


@dataclass(frozen=True, slots=True)
class _Read:
    """What the index holds of one run."""

    summary: Summary
    parts: int  # the runs that it was merged of
    steps: Sequence[StepCount]
    marks: Sequence[tuple[int, str]]
    used: Sequence[Used]


def _read(folder: Path) -> _Read:
    from lab.results.run import load  # late: a list in which no run has changed needs no pydantic

    run = load(folder)
    used = list(dict.fromkeys((box.engine, box.name) for box in run.boxes))
    name = folder.name
    return _Read(summary_of(name, run), len(run.merged), step_counts(run), marks_of(name, run), used)


def _store(connection: sqlite3.Connection, folder: Path, stamp: str, read: _Read) -> None:
    key = _key(folder)
    connection.execute("DELETE FROM runs WHERE folder = ?", (key,))
    text = json.dumps(read.summary.to_json())
    number = connection.execute(
        "INSERT INTO runs (folder, stamp, summary, parts) VALUES (?, ?, ?, ?)", (key, stamp, text, read.parts)
    ).lastrowid
    rows = [(number, *astuple(item)) for item in read.steps]
    connection.executemany("INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    marks = [(number, place, mark.encode("utf-8", "surrogatepass")) for place, mark in read.marks]
    connection.executemany("INSERT INTO marks VALUES (?, ?, ?)", marks)
    connection.executemany("INSERT INTO used VALUES (?, ?, ?)", [(number, *pair) for pair in read.used])


def _key(folder: Path) -> bytes:
    return os.fsencode(folder.name)


def _stamp(folder: Path) -> str:
    """The state of the files of a run; it is taken before they are read, so that no later change is missed."""
    found = []
    for name in FILES:
        try:
            stat = (folder / name).stat()
        except OSError:
            found.append("-")
        else:
            found.append(f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}")
    return ", ".join(found)


def _remove(path: Path) -> None:
    """Remove the index, and the journal that SQLite may have left beside it: it must not be applied to a new file."""
    for file in (path.with_name(f"{path.name}-journal"), path):
        with suppress(OSError):
            file.unlink()
