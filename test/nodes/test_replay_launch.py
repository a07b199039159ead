"""The launch files of a replay really run: directly, and over DDS in lockstep."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.launch_stand_ins import load, node_words, of_kind, words_of

from dalearn_ros.bags.result_bag import LANDMARKS_TOPIC
from dalearn_ros.bags.storage import Bag

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0
pytestmark = pytest.mark.timeout(600)


def test_the_direct_one(drive: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (process,) = of_kind(load(ROOT / "launch/replay.launch.py", monkeypatch), "ExecuteProcess")
    given = {"bag": drive.bag, "map": drive.map, "model": drive.model, "out": tmp_path / "out"}
    name, *words = words_of(process, {key: str(path) for key, path in given.items()}, ROOT)
    assert name == "dalearn"
    command = [sys.executable, "-m", "dalearn_ros.cli.main", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out/metrics.json").read_text())["frames"] == drive.frames
    with Bag(tmp_path / "out_bag") as bag:
        assert bag.counts[LANDMARKS_TOPIC] == drive.frames


@pytest.mark.dds
def test_the_live_one_in_lockstep(
    drive: Any, start: Any, listener: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "bag": str(drive.bag), "map": str(drive.map), "model": str(drive.model),
        "out": str(tmp_path / "out"), "lockstep": "true",
    }  # fmt: skip
    actions = load(ROOT / "launch/replay_live.launch.py", monkeypatch, given)
    nodes = of_kind(actions, "LifecycleNode") + of_kind(actions, "Node")
    (player,) = of_kind(actions, "ExecuteProcess")
    (tmp_path / "out.sent.json").write_text("{}")  # left by an earlier run
    running = {}
    for words in [words_of(player, given, ROOT), *(node_words(one, given, ROOT) for one in nodes)]:
        running[words[0]] = start(*words)
    assert set(running) == {"landmark_detector", "landmark_localizer", "evaluator", "bag_player"}
    listener.wait_until(lambda: running["evaluator"].poll() is not None, PATIENCE_S)
    assert running["evaluator"].returncode == 0
    metrics = json.loads((tmp_path / "out/metrics.json").read_text())
    assert metrics["frames"] == drive.frames
    assert metrics["f1"] > 0.8
    sent = json.loads((tmp_path / "out.sent.json").read_text())
    assert sent["lockstep"] and not sent["unanswered_ns"]
