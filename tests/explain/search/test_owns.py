"""The own digests of objects: computed once, and with one reading of a large file."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import Chunk, Entry, Kind, file
from lab.buildkit.contenthash.header import own_digest
from lab.explain.search.owns import Owns
from lab.explain.search.rules.table import kinds_of
from lab.explain.search.world import Choice, World, applied
from tests.explain.search.trees import LEFTOVERS, PROJECT, R1, R9, USUAL, checkout, ordered, world_of

XATTRS = {"user.b": b"2", "user.a": b"1", "security.selinux": b"x\0"}


def test_digests_are_those_of_the_objects() -> None:
    entries = [replace(entry, xattrs=XATTRS) for entry in [*PROJECT, *LEFTOVERS]]
    entries.append(Entry("z", Kind.FIFO, 0o600))
    world = world_of(ordered(entries), checkout(PROJECT))
    kinds = kinds_of(world, USUAL, R9)
    last = Choice(*(len(rules) - 1 for rules in kinds))._replace(presence=0)
    for rules in (R1, R9):
        owns = Owns(world, kinds, rules)
        for choice in (Choice(), Choice(links=1), Choice(contents=1), Choice(attributes=1), Choice(modes=3), last):
            found = [owns.text(number, choice) for number in range(world.here)]
            assert found == [own_digest(entry, rules) for entry in applied(world, kinds, choice)]


def test_a_large_file_is_read_once_for_all_modes() -> None:
    reads = []

    def content() -> list[Chunk]:
        reads.append(1)
        return [b"x" * 8]

    big = Entry("big", size=8, content=content)
    world = World([big], [0], 1, [None])
    kinds = kinds_of(world, USUAL, R9)
    owns = Owns(world, kinds, R9)
    digests = {owns.text(0, Choice(modes=number)) for number in range(len(kinds[4]))}
    assert len(reads) == 1 and len(digests) == len(kinds[4]) > 5


def test_a_hard_link_has_the_digest_of_its_first_name() -> None:
    entries = [file("a", b"x\n"), replace(file("b", b"x\n"), linkname="a")]
    world = world_of(entries)
    owns = Owns(world, kinds_of(world, USUAL, R9), R9)
    for choice in (Choice(), Choice(modes=1), Choice(contents=1)):
        assert owns.text(0, choice) == owns.text(1, choice)
    assert owns.text(0, Choice()) != owns.text(0, Choice(modes=1))
