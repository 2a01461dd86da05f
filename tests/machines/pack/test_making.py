from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import ConfigError, HostError, UsageError
from lab.machines.pack import making
from lab.machines.pack.gathering import Item
from lab.machines.pack.making import check_folder, make
from lab.machines.pack.manifest import NAME, Sort, read_manifest
from lab.model import Progress
from tests.conftest import ROOT
from tests.machines.pack.packs import ABOUT, FILES, planned, silent, write_sources

BOX = "boxes/one-0123456789ab.box"


def stamps(folder: Path) -> dict[str, int]:
    """When each file below a folder was last written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_pack_holds_each_file_and_a_manifest_of_them(tmp_path: Path) -> None:
    plan = planned(write_sources(tmp_path / "sources"), tmp_path / "pack")
    assert plan.bytes_to_copy == sum(len(content) for _, content in FILES.values())
    assert not (tmp_path / "pack").exists()  # a plan writes nothing
    make(plan, silent)
    assert sorted(stamps(tmp_path / "pack")) == sorted([*FILES, NAME])
    found = read_manifest(tmp_path / "pack")
    assert {entry.path: (entry.sort, entry.size) for entry in found.files} == {
        path: (sort, len(content)) for path, (sort, content) in FILES.items()
    }
    assert (found.lineups, found.pythons, found.suites) == (ABOUT.lineups, ABOUT.pythons, ABOUT.suites)
    assert all((tmp_path / "pack" / path).read_bytes() == content for path, (_, content) in FILES.items())


def test_a_second_pack_writes_nothing(tmp_path: Path) -> None:
    items = write_sources(tmp_path / "sources")
    make(planned(items, tmp_path / "pack"), silent)
    before = stamps(tmp_path / "pack")
    plan = planned(items, tmp_path / "pack")
    make(plan, silent)
    assert (plan.todo, plan.bytes_to_copy) == ((), 0)
    assert stamps(tmp_path / "pack") == before


def test_only_what_changed_is_copied_and_what_is_gone_is_removed(tmp_path: Path) -> None:
    items = write_sources(tmp_path / "sources")
    folder = tmp_path / "pack"
    make(planned(items, folder), silent)
    before = stamps(folder)
    (folder / "docs" / "mine.txt").write_text("of the user")
    wheel = next(item for item in items if item.sort is Sort.WHEEL)
    wheel.source.write_bytes(b"A wheel")  # as long as before
    kept = [item for item in items if item.sort not in (Sort.PAGE, Sort.ENGINE)]
    plan = planned(kept, folder)
    make(plan, silent)
    assert [entry.path for entry in plan.todo] == [wheel.path]
    after = stamps(folder)
    assert sorted(after) == sorted([*(item.path for item in kept), NAME, "docs/mine.txt"])
    assert after[BOX] == before[BOX]
    assert not (folder / "engines").exists()


def test_a_damaged_file_of_the_pack_is_copied_again(tmp_path: Path) -> None:
    items = write_sources(tmp_path / "sources")
    make(planned(items, tmp_path / "pack"), silent)
    path = tmp_path / "pack" / BOX
    path.write_bytes(b"\xff" + path.read_bytes()[1:])
    plan = planned(items, tmp_path / "pack")
    assert [entry.path for entry in plan.todo] == [BOX]
    make(plan, silent)
    assert path.read_bytes() == FILES[BOX][1]


def stop_after_a_piece(error: BaseException) -> Callable[[Progress], None]:
    """A listener that raises when the second piece of a copy is reported."""
    seen: list[Progress] = []

    def tell(event: Progress) -> None:
        seen.append(event)
        if len(seen) == 3:  # the offset, the first piece, the second piece
            raise error

    return tell


def test_ctrl_c_leaves_a_pack_that_is_refused_and_can_be_continued(tmp_path: Path) -> None:
    items = sorted(write_sources(tmp_path / "sources"), key=lambda item: item.path != BOX)
    folder = tmp_path / "pack"
    with pytest.raises(KeyboardInterrupt):
        make(planned(items, folder), stop_after_a_piece(KeyboardInterrupt()))
    with pytest.raises(ConfigError, match="the pack is not complete"):
        read_manifest(folder)
    plan = planned(items, folder)
    assert plan.have == 2 << 20
    make(plan, silent)
    assert len(read_manifest(folder).files) == len(FILES)
    assert not list(folder.rglob(".*"))


def test_a_pack_that_changes_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    items = write_sources(tmp_path / "sources")
    folder = tmp_path / "pack"
    make(planned(items, folder), silent)
    items[0].source.write_bytes(b"x" * (2 << 20))
    with pytest.raises(KeyboardInterrupt):
        make(planned(items, folder), stop_after_a_piece(KeyboardInterrupt()))
    with pytest.raises(ConfigError, match="the pack is not complete"):
        read_manifest(folder)
    make(planned(items[:1], folder), silent)  # and what the first one held is still known, and removed
    assert sorted(stamps(folder)) == [items[0].path, NAME]


def test_files_of_the_user_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(UsageError, match="it has docs already, and is not a pack"):
        planned(write_sources(tmp_path / "sources"), tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="it is not a folder"):
        planned(write_sources(tmp_path / "sources"), tmp_path / "file")
    with pytest.raises(UsageError, match="/file is not a folder"):
        planned(write_sources(tmp_path / "sources"), tmp_path / "file" / "pack")


def test_a_place_where_nothing_can_be_written_is_refused_before_anything_is_gathered() -> None:
    with pytest.raises(HostError, match="cannot make a pack in /proc: no file can be made there"):
        check_folder(Path("/proc/none/pack"))


def test_too_little_space_is_found_before_the_first_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(write_sources(tmp_path / "sources"), tmp_path / "pack")
    monkeypatch.setattr(making, "RESERVE", 1 << 60)
    with pytest.raises(HostError, match="MB are necessary"):
        make(plan, silent)
    assert not (tmp_path / "pack").exists()


def test_a_name_that_no_pack_can_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(ConfigError, match=r"cannot use .*/a in a pack"):
        planned([Item(tmp_path / "a", "docs/a b.html", Sort.PAGE, "a")], tmp_path / "pack")


FULL = """\
import json, sys
from contextlib import suppress
from pathlib import Path
from lab.errors import HostError
from lab.machines.pack.making import check_folder, make
from lab.machines.pack.manifest import read_manifest
from tests.machines.pack.packs import planned, silent, write_sources

work, disk = Path(sys.argv[1]), Path(sys.argv[2])
items, ballast = write_sources(work), disk / "ballast"
def fill(event):
    if not ballast.exists():
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
try:
    make(planned(items, disk / "pack"), fill)
    sys.exit("the disk did not fill")
except HostError as error:
    seen = {"message": error.message, "hint": error.hint}
ballast.unlink()
make(planned(items, disk / "pack"), silent)
print(json.dumps({**seen, "files": len(read_manifest(disk / "pack").files)}))
"""


@pytest.mark.skipif(os.geteuid() != 0 and "CI" not in os.environ, reason="only root can mount a small disk")
def test_a_disk_that_fills_while_packing_is_reported_and_the_pack_continued(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=24m none "$1" && shift && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", mounted, "sh", disk, sys.executable, "-c", FULL, tmp_path / "work", disk]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*map(str, argv)], env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "No space left on device" in seen["message"] and str(disk) in seen["message"]
    assert seen["hint"] == "free some space there, then run the command again"
    assert seen["files"] == len(FILES)
