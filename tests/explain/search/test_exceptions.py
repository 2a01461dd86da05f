"""Most objects follow a rule, and one object or a group does not."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.explain.search.trees import PROJECT, checkout, look, ordered, whole


def with_mode(entries: list[Entry], mode: int, **exceptions: int) -> list[Entry]:
    return [
        entry if entry.kind is Kind.SYMLINK else replace(entry, mode=exceptions.get(entry.path, mode))
        for entry in entries
    ]


def test_one_file_has_another_mode_than_all_the_others() -> None:
    theirs = with_mode(PROJECT, 0o777, **{"src/app.py": 0o644})
    result = look(theirs, ordered(PROJECT), checkout(PROJECT))
    names = whole(result)
    assert names == ("mode 0777 for everything, as WSL shows a Windows drive", "except for src/app.py")
    assert result.finding and list(result.finding.theirs) == ordered(theirs)


def test_one_more_object_is_absent() -> None:
    theirs = [entry for entry in with_mode(PROJECT, 0o777) if entry.path != "src/sub/util.py"]
    assert whole(look(theirs, ordered(PROJECT)))[1:] == ("without src/sub/util.py",)


def test_all_files_of_one_extension_have_another_mode() -> None:
    scripts = [file(f"src/s{n}.sh", b"echo %d\n" % n) for n in range(5)]
    ours = ordered([*PROJECT, *scripts])
    theirs = [replace(entry, mode=0o755) if entry.path.endswith(".sh") else entry for entry in ours]
    result = look(theirs, ours)
    assert whole(result) == ("files *.sh with executable bits",)
    assert result.finding and [item.path for item in result.finding.differences] == ["src/s0.sh and 4 more"]


def test_files_of_one_name_in_many_folders_are_absent() -> None:
    folders = [Entry(f"p{n}", Kind.DIR, 0o755) for n in range(4)]
    marks = [file(f"p{n}/generated.txt", b"%d" % n) for n in range(4)]
    rest = [file(f"p{n}/kept.txt", b"%d" % n) for n in range(4)]
    ours = ordered([*PROJECT, *folders, *marks, *rest])
    theirs = [entry for entry in ours if not entry.path.endswith("generated.txt")]
    assert whole(look(theirs, ours)) == ("without files named generated.txt",)


def test_scripts_have_other_line_ends_under_another_umask() -> None:
    scripts = [file(f"bin/s{n}", b"#!/bin/sh\necho %d\n" % n, 0o755) for n in range(3)]
    scripts.append(file("src/hook", b"#!/bin/sh\n", 0o755))
    scripts += [file("LICENSE", b"text\n"), file("bin/notes", b"text\n")]  # no scripts, in the same other groups
    ours = ordered([*PROJECT, *scripts])
    theirs = [
        entry if entry.kind is Kind.SYMLINK else replace(entry, mode={0o755: 0o775, 0o644: 0o664}[entry.mode])
        for entry in ours
    ]
    theirs = [
        replace(entry, content=entry.content.replace(b"\n", b"\r\n"), size=entry.size + entry.content.count(b"\n"))
        if isinstance(entry.content, bytes) and entry.content.startswith(b"#!")
        else entry
        for entry in theirs
    ]
    assert whole(look(theirs, ours)) == ("modes with umask 0002", "scripts that begin with #! with other line ends")
