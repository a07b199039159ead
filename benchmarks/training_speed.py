"""What data loading costs in training: steps with loaded batches against batches from memory.

    python benchmarks/training_speed.py --data D... [--config config/train_ship_wide.yaml]

For 0, 1 and 2 workers, in turns: some steps with batches as `dalearn train` loads them, after the
cache has filled, and the same number with batches that lie in memory already. Writes
``benchmarks/results/training_speed.json``. Let the machine be quiet.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import DetectorTask, build_network
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.average import WeightAverage
from dalearn_ros.training.step import Stepper

ROOT = Path(__file__).resolve().parents[1]
STEPS = 16  # of one turn
AHEAD = 3  # batches that a worker keeps in stock
FOREVER = 1_000_000


class Side:
    """Training with one way of getting batches."""

    def __init__(self, settings: TrainSettings, data: list[Dataset]) -> None:
        self.task = DetectorTask(settings, data, [], 0)
        network = build_network(settings, data[0].label_space, 0)
        self.stepper = Stepper(network, self.task, settings.loop)
        self.average = WeightAverage(network, settings.loop.average_decay)
        self.step = 0

    def seconds(self, batches: Iterator[Any]) -> float:
        """Seconds a step, over STEPS steps."""
        start = time.perf_counter()
        for _ in range(STEPS):
            self.stepper.gradients(next(batches), self.step)
            self.stepper.apply(1e-6)
            self.average.update(self.stepper.network, self.step)
            self.step += 1
        return (time.perf_counter() - start) / STEPS


def measure(settings: TrainSettings, data: list[Dataset], workers: int, turns: int) -> Any:
    """One row of the table."""
    batch = dataclasses.replace(settings.batch, workers=workers)
    side = Side(dataclasses.replace(settings, batch=batch), data)
    loaded = iter(side.task.batches(0, FOREVER))
    images = sum(len(one) for one in data)
    per_step = -(-batch.size // batch.crops_per_image)
    for _ in range(-(-images // per_step)):  # one round fills the cache
        kept = next(loaded)
    memory = itertools.repeat(kept)
    real, ideal = [], []
    for turn in range(turns + 1):  # the first one warms up
        for _ in range(AHEAD * workers):  # made while nobody looked at the clock
            next(loaded)
        with_data = side.seconds(loaded)
        time.sleep(2.0)  # the workers make their stock again
        without = side.seconds(memory)
        if turn:
            real.append(with_data)
            ideal.append(without)
    del loaded
    with_data, without = statistics.median(real), statistics.median(ideal)
    return {
        "workers": workers,
        "steps/s": 1 / with_data,
        "steps/s, batches in memory": 1 / without,
        "data's share of the time, %": 100 * (1 - without / with_data),
    }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--config", type=Path, default=ROOT / "config" / "train_ship_wide.yaml")
    parser.add_argument(
        "--images", type=int, default=400, help="about so many, that the cache holds"
    )
    parser.add_argument("--turns", type=int, default=3)
    args = parser.parse_args()
    settings = load_settings(TrainSettings, args.config)
    data: list[Dataset] = []
    for path in args.data:
        if sum(map(len, data)) < args.images:
            data.append(Dataset.open(path))
    rows = []
    for workers in (0, 1, 2):
        rows.append(measure(settings, data, workers, args.turns))
        print(rows[-1], flush=True)
    crops = settings.crops
    note = (
        f"{settings.batch.size} crops of {crops.width}x{crops.height} a step from "
        f"{sum(map(len, data))} images in the cache; the network's threads and the workers share "
        f"the cores; median of {args.turns} turns of {STEPS} steps each, both sides by turns."
    )
    record("training_speed", "python benchmarks/training_speed.py --data D...", rows, note)


if __name__ == "__main__":
    main()
