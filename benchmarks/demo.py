"""The figures of the demo: ``dalearn demo`` over DDS and ``--direct``, timed as a whole.

Run it on an idle machine: the drive is played in real time.

    python benchmarks/demo.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import ROOT, record
from dalearn_ros.cli.demo import DEFAULT_SEED

NOTE = (
    "A drive of 200 images through a city that training never saw; tolerance 8 px. Seconds: the "
    "whole command, rendering included. Over DDS the detector shares the machine with the player. "
    "The demo's drive has no depth images, as a real bag mostly has none, so landmarks behind "
    "parked cars and houses count as missed; the third row is the same drive with depth, which "
    "tells truth what is hidden. The last row is judged, and located, by the map without the "
    "surveyor's noise (σ 0.05 m), which no vehicle has: what the detector itself errs."
)
VERB = [sys.executable, "-m", "dalearn_ros.cli.main"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
MODEL = str(ROOT / "models" / "landmarks-s.onnx")
JUDGED = ("--model", MODEL, "--out=demo/results")
DRIVE = "--city north --condition day --frames 200 --depth"
WAYS: dict[str, list[list[str]]] = {
    "DDS": [["demo", "--out", "demo"]],
    "direct": [["demo", "--direct", "--out", "demo"]],
    "direct, truth with depth": [
        ["world", *DRIVE.split(), "--seed", str(DEFAULT_SEED), "--out", "drive"],
        ["evaluate", "--bag=drive/bag", "--map=drive/map", *JUDGED],
    ],
    "direct, truth with depth, exact map": [
        ["world", *DRIVE.split(), "--seed", str(DEFAULT_SEED), "--out", "drive"],
        ["evaluate", "--bag=drive/bag", "--map=drive/exact_map", *JUDGED],
    ],
}


def measure(way: str) -> dict[str, Any]:
    """One table row; ``way`` is a key of :data:`WAYS`."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for words in WAYS[way]:
            subprocess.run([*VERB, *words], check=True, cwd=folder, env=ENVIRONMENT)
        seconds = time.perf_counter() - started
        metrics = json.loads((Path(folder) / "demo/results/metrics.json").read_text())
    where, prior = metrics["localization"], metrics["prior"]
    return {
        "way": way,
        "images scored": metrics["frames"],
        "F1": metrics["f1"],
        "precision": metrics["precision"],
        "recall": metrics["recall"],
        "point, median px": metrics["reference_point_px"]["median"],
        "lateral m": where["lateral_m"]["median"],
        "of the prior m": prior["lateral_m"]["median"],
        "heading deg": where["heading_deg"]["median"],
        "of the prior deg": prior["heading_deg"]["median"],
        "poses": where["availability"],
        "seconds": seconds,
    }


if __name__ == "__main__":
    record("demo", "python benchmarks/demo.py", [measure(way) for way in WAYS], NOTE)
