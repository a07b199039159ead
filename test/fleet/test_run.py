"""A fleet over crashes and restarts: every good bag once, the others with their reasons."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from helpers import fleet_work
from helpers.fleet_work import DoAsTold, run_words, tries_of, write_bags, write_map

from dalearn_ros.core.errors import InputError
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.local_pool import LocalPool
from dalearn_ros.fleet.manifest import MANIFEST, Manifest
from dalearn_ros.fleet.run import run_fleet


def manifest_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / MANIFEST).read_text().splitlines()[1:]]


def words_of(out: Path) -> dict[str, list[str]]:
    """Bag → the words that its rows in the shards spell; a bag that is in twice has two."""
    found: dict[str, list[str]] = {}
    for shard in manifest_of(out):
        table = pyarrow.parquet.read_table(out / shard["files"]["letters"]).to_pydict()
        for bag in shard["bags"]:
            first, count = bag["rows"]["letters"]
            assert set(table["bag"][first : first + count]) <= {bag["name"]}
            word = "".join(table["one"][first : first + count])
            found.setdefault(bag["name"], []).append(word)
        assert len(table["bag"]) == sum(bag["rows"]["letters"][1] for bag in shard["bags"])
    return found


def failures_of(out: Path) -> dict[str, tuple[str, int]]:
    content = json.loads((out / "failures.json").read_text())["failures"]
    return {entry["name"]: (entry["reason"], entry["tries"]) for entry in content}


def test_a_killed_worker_and_broken_bags_harm_no_other(tmp_path: Path) -> None:
    words = ["a", "broken", "ccc", "kill once", "kill", "fault once", ""]
    result = run_words(tmp_path, words)
    out, log = tmp_path / "out", tmp_path / "log"
    assert (result.done, result.new, len(result.failures)) == (5, 5, 2)
    assert result.retries == 1 + 1 + 2
    good = {f"b{i}": [word] for i, word in enumerate(words) if word not in ("broken", "kill")}
    assert words_of(out) == good
    failed = failures_of(out)
    assert failed.keys() == {"b1", "b4"}
    assert "expected a whole bag, found a broken one" in failed["b1"][0]
    assert failed["b1"][1] == 1  # the same input would fail again
    assert failed["b4"] == ("the worker process died (SIGKILL).", 3)
    assert [tries_of(log, f"b{i}") for i in range(7)] == [1, 1, 1, 2, 3, 2, 1]
    bags = {bag["name"]: bag for shard in manifest_of(out) for bag in shard["bags"]}
    assert bags["b3"]["tries"] == 2 and bags["b0"]["tries"] == 1
    assert bags["b2"]["frames"] == 3 and bags["b2"]["frames_skipped"] == {"no pose": 1}
    assert not list((out / "parts").iterdir())


def test_a_second_run_does_only_what_failed(tmp_path: Path) -> None:
    run_words(tmp_path, ["a", "broken"])
    (tmp_path / "bags" / "b1" / "data").write_text("mended")
    before = (tmp_path / "out" / MANIFEST).read_text()
    result = run_words(tmp_path, ["a", "mended", "more"])
    assert (result.done, result.new, result.failures) == (3, 2, ())
    assert words_of(tmp_path / "out") == {"b0": ["a"], "b1": ["mended"], "b2": ["more"]}
    assert tries_of(tmp_path / "log", "b0") == 1
    assert (tmp_path / "out" / MANIFEST).read_text().startswith(before)
    assert failures_of(tmp_path / "out") == {}


def test_a_killed_driver_begins_where_it_was(tmp_path: Path) -> None:
    words = ["a", "bb", "c", "broken", "slow", "ff"]
    command = [sys.executable, fleet_work.__file__, str(tmp_path), *words]
    driver = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=_environment())
    log = tmp_path / "log"
    deadline = time.monotonic() + 120.0
    while not (tries_of(log, "b4") and tries_of(log, "b5")) and time.monotonic() < deadline:
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert tries_of(log, "b4") == 1
    result = run_words(tmp_path, words)
    assert (result.done, len(result.failures)) == (5, 1)
    assert words_of(tmp_path / "out") == {
        f"b{i}": [word] for i, word in enumerate(words) if word != "broken"
    }
    assert tries_of(log, "b0") == tries_of(log, "b1") == 1  # their parts were whole
    assert tries_of(log, "b4") == 2


def test_a_crash_between_shard_and_manifest_doubles_nothing(tmp_path: Path) -> None:
    run_words(tmp_path, ["a", "bb", "c"], shard_bags=2)
    out = tmp_path / "out"
    whole = (out / MANIFEST).read_text()
    lines = whole.splitlines(keepends=True)
    last = json.loads(lines[-1])
    (name,) = [bag["name"] for bag in last["bags"]]
    (out / MANIFEST).write_text("".join(lines[:-1]) + lines[-1][:25])  # cut short
    result = run_words(tmp_path, ["a", "bb", "c"], shard_bags=2)
    assert (result.done, result.new) == (3, 1)
    assert words_of(out) == {"b0": ["a"], "b1": ["bb"], "b2": ["c"]}
    assert tries_of(tmp_path / "log", name) == 2  # its part was gone with the shard
    assert len(list((out / "shards").iterdir())) == 2


def test_parts_of_a_killed_driver_are_taken_in_or_swept(tmp_path: Path) -> None:
    run_words(tmp_path, ["a", "bb"])
    out = tmp_path / "out"
    for name in ("b0", ".b1.77.part"):  # killed after the manifest's line; in the middle of a bag
        (out / "parts" / name).mkdir()
    run_words(tmp_path, ["a", "bb"])
    assert not list((out / "parts").iterdir())
    assert words_of(out) == {"b0": ["a"], "b1": ["bb"]}


def test_a_missing_bag_and_a_copy_are_listed(tmp_path: Path) -> None:
    bags = write_bags(tmp_path, ["a", "bb"])
    shutil.copytree(bags[1].bag, tmp_path / "copy")
    shutil.copytree(tmp_path / "map", tmp_path / "same map")
    write_map(tmp_path / "map2", "another city")
    bags += [
        FleetBag("gone", tmp_path / "gone", tmp_path / "map"),
        FleetBag("copy", tmp_path / "copy", tmp_path / "same map"),
        FleetBag("on another map", tmp_path / "copy", tmp_path / "map2"),
    ]
    with Manifest.open(tmp_path / "out", {}) as manifest:
        result = run_fleet(bags, manifest, DoAsTold(tmp_path / "log"), LocalPool(1))
    assert result.done == 3
    reasons = {failure.name: failure.reason for failure in result.failures}
    assert reasons.keys() == {"gone", "copy"}
    assert "expected a bag, found no such file or folder" in reasons["gone"]
    assert "is the same recording as bag b1, which counts" in reasons["copy"]


def test_a_bag_that_changed_since_is_not_mixed_in(tmp_path: Path) -> None:
    run_words(tmp_path, ["a", "bb"])
    result = run_words(tmp_path, ["other", "bb"])
    assert [failure.name for failure in result.failures] == ["b0"]
    assert "expected the bag that the results are of, found another" in result.failures[0].reason
    assert words_of(tmp_path / "out")["b0"] == ["a"]


def test_a_map_that_changed_since_is_not_mixed_in(tmp_path: Path) -> None:
    run_words(tmp_path, ["a"])
    bags = write_bags(tmp_path, ["a", "bb"])
    write_map(tmp_path / "map", "the city after road works")
    with Manifest.open(tmp_path / "out", {"kind": "test"}) as manifest:
        result = run_fleet(bags, manifest, DoAsTold(tmp_path / "log"), LocalPool(1))
    (failure,) = result.failures
    assert failure.name == "b0" and failure.reason.startswith(f"{tmp_path / 'map'}: expected")
    assert "the map that the results are of, found another" in failure.reason
    assert words_of(tmp_path / "out") == {"b0": ["a"], "b1": ["bb"]}


def test_a_list_without_a_bag_of_the_results_is_refused(tmp_path: Path) -> None:
    run_words(tmp_path, ["a", "bb"])
    with pytest.raises(
        InputError, match="results of 1 bags that the list no longer names, such as b1"
    ):
        run_words(tmp_path, ["a"])


def _environment() -> dict[str, str]:
    root = Path(__file__).parents[2]
    return {"PYTHONPATH": f"{root}:{root / 'test'}", "PATH": "/usr/bin:/bin"}
