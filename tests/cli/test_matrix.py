"""`lab matrix` before anything is started: lists, globs, shards and pipelines."""

from __future__ import annotations

import jsonschema
import yaml

from tests.cli.program import Place, data

TEXT = "lineups: [debian]\ncases: [copy-bust, exec-bit]\nengines: [20.10.24, 26.1.5]\n"


def test_a_list_has_every_cell_and_a_glob_and_a_shard_choose(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    whole = data(place.lab("matrix", "m.yaml", "--list", "--json"))["trials"]
    assert "debian12-apparmor>debian12-selinux:26.1.5/copy-bust:none" in whole
    some = place.lab("matrix", "m.yaml", "--list", "*selinux:20.10.*/copy-*").stdout.splitlines()
    assert some == [name for name in whole if ">debian12-selinux:20.10.24/copy-bust" in name]
    parts = [place.lab("matrix", "m.yaml", "--list", "--shard", f"{n}/2").stdout.splitlines() for n in (1, 2)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert place.lab("matrix", "m.yaml", "--list", "nothing").returncode == 2


def test_a_pipeline_goes_to_a_file(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT.replace("debian", "local"))
    assert place.lab("matrix", "--github", "m.yaml", "--output", "w.yml").returncode == 0
    assert set(yaml.safe_load((place.root / "w.yml").read_text())["jobs"]) == {"shard", "merge"}
    assert place.lab("matrix", "--github", "--gitlab", "m.yaml").returncode == 2
    assert place.lab("matrix", "m.yaml", "--install", "x").returncode == 2


def test_the_schema_accepts_the_file_and_no_other(place: Place) -> None:
    validator = jsonschema.Draft202012Validator(data(place.lab("schema", "matrix")))
    assert validator.is_valid(yaml.safe_load(TEXT))
    assert not validator.is_valid({"linups": ["debian"]})


def test_a_pipeline_takes_no_option_of_runs_and_says_where_it_goes(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    for words in (["--base", "busybox"], ["--scheduler", "local"], ["--list"], ["*"]):
        done = place.lab("matrix", "m.yaml", "--github", *words)
        assert done.returncode == 2
        assert "lab matrix` in the pipeline" in " ".join(done.stderr.split())


def test_the_base_image_and_the_scheduler_are_those_of_repro(place: Place) -> None:
    (place.root / "m.yaml").write_text(TEXT)
    assert place.lab("matrix", "m.yaml", "--list", "--base", "busybox:1").returncode == 0
    done = place.lab("matrix", "m.yaml", "--list", "--base", "alpine=busybox")
    assert (done.returncode, "--context" in done.stderr) == (2, True)
    done = place.lab("matrix", "m.yaml", "--scheduler", "host")
    assert (done.returncode, "tcp://HOST:PORT" in done.stderr) == (2, True)
