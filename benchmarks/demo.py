"""The figures of the demo: ``dalearn demo`` over DDS and ``--direct``, timed as a whole.

Run it on an idle machine: the drive is played in real time.

    python benchmarks/demo.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import ROOT, record

NOTE = (
    "A drive of 200 images through a city that training never saw; tolerance 8 px. Seconds: the "
    "whole command, rendering included. Over DDS the detector shares the machine with the player."
)


def measure(way: str) -> dict[str, Any]:
    """One table row; ``way`` is ``DDS`` or ``direct``."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "demo"
        words = [sys.executable, "-m", "dalearn_ros.cli.main", "demo", "--out", str(out)]
        started = time.perf_counter()
        subprocess.run(words + ["--direct"] * (way == "direct"), check=True, cwd=ROOT)
        seconds = time.perf_counter() - started
        metrics = json.loads((out / "results/metrics.json").read_text())
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
    record("demo", "python benchmarks/demo.py", [measure(way) for way in ("DDS", "direct")], NOTE)
