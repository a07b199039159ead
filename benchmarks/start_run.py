"""The detectors that benchmarks begin with: kept ones, or trained where there is none."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from benchmarks.adaptation_rows import GROUPS
from benchmarks.adaptation_tasks import Pair
from benchmarks.figures import ROOT
from dalearn_ros.core.settings import load_settings
from dalearn_ros.detector.run import train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.loop import WEIGHTS

STARTS = ROOT / "benchmarks" / "starts"  # see make_start.py


def start_of(pair: Pair, out: Path) -> Path:
    """The run folder of the pair's start, which learnt the source alone; trained if need be."""
    kept = STARTS / pair.start.replace(" ", "_")
    return kept if (kept / WEIGHTS).is_file() else trained_start(pair, out)


def trained_start(pair: Pair, out: Path) -> Path:
    """Train the start in ``out/starts``, or go on with it; its run folder."""
    group, base = GROUPS[pair.group], out / "starts" / pair.start.replace(" ", "_")
    parts = {"train_two_cities.yaml": group.start, "train_ship_hard.yaml": group.second}
    start: Path | None = None
    for number, (config, changes) in enumerate(parts.items(), start=1):
        run = base / f"part{number}"
        if not (run / WEIGHTS).is_file():
            settings = load_settings(TrainSettings, ROOT / "config" / config, changes)
            train_detector(list(pair.source), list(pair.val), run, settings, number, start)
        start = run
    assert start is not None
    return start


def training_part(settings: TrainSettings) -> TrainSettings:
    """The settings of plain training alone, to go on with a start without the method."""
    names = [f.name for f in dataclasses.fields(TrainSettings)]
    return TrainSettings(**{name: getattr(settings, name) for name in names})
