"""`repro --list` and `--shard` before anything is started."""

from __future__ import annotations

import pytest

from tests.cli.program import Place, data

pytestmark = pytest.mark.slow

WORDS = ("repro", "copy-bust", "--lineup", "debian", "--list", "--engine", "20.10.24")


def test_the_shards_are_the_whole_and_share_no_trial(place: Place) -> None:
    whole = place.lab(*WORDS).stdout.splitlines()
    parts = [data(place.lab(*WORDS, "--json", "--shard", f"{number}/2"))["trials"] for number in (1, 2)]
    assert len(whole) == 4
    assert sorted(whole) == sorted(parts[0] + parts[1])
    assert {name.partition(">")[2].partition(":")[0] for name in parts[0]} == {"debian12-apparmor"}
    assert not (place.root / "results").exists() or not list((place.root / "results").glob("2*"))


def test_the_shards_of_repeated_trials_have_one_seed(place: Place) -> None:
    parts = [place.lab(*WORDS, "--repeat", "2", "--shard", f"{number}/2") for number in (1, 2)]
    assert [part.stderr.count("every trial 2 times, in the order of --seed 0") for part in parts] == [1, 1]
    assert "--seed 5" in place.lab(*WORDS, "--repeat", "2", "--shard", "1/2", "--seed", "5").stderr


def test_a_bad_shard_is_refused(place: Place) -> None:
    for text in ("0/2", "3/2", "x"):
        done = place.lab(*WORDS, "--shard", text)
        assert (done.returncode, "expected I/N" in done.stderr) == (2, True)
    done = place.lab(*WORDS, "--shard", "3/3")
    assert (done.returncode, "it has no cell" in done.stderr) == (2, True)
