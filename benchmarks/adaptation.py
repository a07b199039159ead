"""From one city to another without its labels: each part of the method, beside start and oracle.

All rows of a pair begin with the same network, ``start``, which learnt the source alone, and take
as many steps. ``source only`` goes on with the source, ``oracle`` with the source and the labelled
target; both with as many crops a step as the adapted rows have of both domains. Thresholds and
choice are by source images; target labels serve the oracle, the few-shot rows and the score. A run
that refused to adapt counts as source only of the same seed. Finished runs are kept
(``benchmarks/results/runs/adaptation``); started again, it goes on with what is missing; several
processes may share ``--out``. The world's start is kept, too (``make_start.py``)::

    python benchmarks/ship_data.py --out out/ship/data
    python benchmarks/adaptation.py --data out/ship/data --real-data ../shared/data
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.adaptation_map import mapped_landmarks
from benchmarks.adaptation_rows import GROUPS, ORACLE, ROWS, SOURCE_ONLY, START, Row
from benchmarks.adaptation_tables import record_tables
from benchmarks.adaptation_tasks import Pair, few_shot, light_pairs, world_pairs
from benchmarks.figures import ROOT
from benchmarks.kept_runs import KeptRuns, digest_of_start
from benchmarks.scoring import exported, scored
from benchmarks.start_run import start_of, training_part
from dalearn_ros.adaptation.detector_inputs import Inputs
from dalearn_ros.adaptation.detector_run import CANDIDATES, adapt_detector
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.selection import CONTROL, CRITERION, LANDMARKS, candidates
from dalearn_ros.adaptation.target_score import detector_of
from dalearn_ros.core.settings import dump_settings, load_settings, merged
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import settings_from, train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.recipe.plan import settings_parts

SEEDS = (1, 2, 3)
RECIPE = ROOT / "benchmarks" / "adaptation.yaml"


def settings_of(pair: Pair, row: Row, start: Path) -> AdaptSettings:
    """All settings of a row."""
    base = dump_settings(settings_from(AdaptSettings, start, RECIPE))
    changes = merged(GROUPS[pair.group].changes, row.changes)
    return load_settings(AdaptSettings, None, merged(base, changes))


def run_row(pair: Pair, row: Row, seed: int, out: Path, start: Path) -> dict[str, Any]:
    """One run: learn and score; of an adaptation, every network along the way."""
    place = out / "runs" / f"{pair.name}_{row.name}_{seed}".replace(" ", "_").replace(",", "")
    settings = settings_of(pair, row, start)
    if row.name == START:
        return entry_of(exported(start), pair.test)
    if row.name in (SOURCE_ONLY, ORACLE):
        data = [*pair.source, *(pair.target if row.name == ORACLE else ())]
        train_detector(data, list(pair.val), place, plain(settings), seed, start)
        return entry_of(exported(place), pair.test)
    few = []
    if row.per_class:
        few = [few_shot(pair, row.per_class, seed, place.parent / f"few_{place.name}")]
    target = ImageList.open([data.path for data in pair.target])
    mapped = mapped_landmarks(pair.target, target, seed) if row.mapped else None
    inputs = Inputs(start, pair.source, pair.val, target, few, mapped)
    scanned = out / "scans" / f"{pair.name}.npz".replace(" ", "_")
    outcome = adapt_detector(inputs, place, settings, seed, scanned)
    space = pair.source[0].label_space
    networks = [
        {
            "step": c.step,
            **{name: c.figures[name] for name in (CRITERION, CONTROL, LANDMARKS, "source/f1")},
            **entry_of(detector_of(c, settings, space), pair.test),
        }
        for c in candidates(place / CANDIDATES)
        if c.step
    ]
    return {"refused": outcome.refused, "chosen": outcome.chosen.step, "networks": networks}


def plain(settings: AdaptSettings) -> TrainSettings:
    """The training settings, with as many crops a step as the adaptation has of both domains."""
    own = training_part(settings)
    size = settings.batch.size + settings.target.crops
    batch = dataclasses.replace(own.batch, size=size)
    loop = dataclasses.replace(own.loop, validate_every=0)
    return dataclasses.replace(own, batch=batch, loop=loop)


def entry_of(detector: LandmarkDetector, test: Sequence[Dataset]) -> dict[str, Any]:
    """F1 and errors of a detector on whole target images, with the counts of each image."""
    judged = scored(detector, test)
    found = judged.figures
    classes = {
        name: {key: entry[key] for key in ("f1", "support")}
        for name, entry in found["per_class"].items()
        if entry["support"]
    }
    return {
        "f1": found["f1"],
        "precision": found["precision"],
        "recall": found["recall"],
        "median_px": found["reference_point_px"]["median"],
        "classes": classes,
        "counts": judged.counts,
    }


def learning_of(pair: Pair, row: Row, start: Path) -> dict[str, Any]:
    """The settings that a row's result depends on; those of adapting matter to rows that adapt."""
    settings = settings_of(pair, row, start)
    if row.name == START:
        return {}
    return settings_parts(plain(settings) if row.name in (SOURCE_ONLY, ORACLE) else settings)


def one_run(pair: Pair, row: Row, seed: int, out: Path, runs: KeptRuns) -> None:
    """Do one run, unless its result is there or another process is at it."""
    start = start_of(pair, out)
    learnt = digest_of_start(start) if pair.group == "world" else ""
    about = {"pair": pair.name, "group": pair.group, "row": row.name, "seed": seed}
    recipe = [about, row.per_class, row.mapped, learning_of(pair, row, start), learnt]
    found = runs.once(
        "_".join(map(str, (pair.name, row.name, seed))),
        recipe,
        lambda: {**about, **run_row(pair, row, seed, out, start)},
    )
    gc.collect()  # what of the run is in reference cycles: the next one needs the memory
    if found is not None:
        f1 = [f"{network['f1']:.3f}" for network in found.get("networks", [found])]
        print(*about.values(), "F1", *f1, found.get("refused", ""), flush=True)


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument("--real-data", type=Path, help="holds carla_towns and road_photos")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "adaptation")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS])
    parser.add_argument("--pairs", nargs="+", help="parts of their names", default=[""])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = world_pairs(args.data, args.pairs)
    if args.real_data is not None:
        pairs += light_pairs(args.real_data, args.out / "lights")
    pairs = [p for p in pairs if any(part in p.name for part in args.pairs)]
    runs = KeptRuns.of("adaptation", args.out, args.no_record)
    for seed in args.seeds:
        for pair in pairs:
            for row in ROWS:
                if row.fits(pair.name, pair.group) and (not args.rows or row.name in args.rows):
                    one_run(pair, row, seed, args.out, runs)
    if not args.no_record:
        record_tables(runs.entries())


if __name__ == "__main__":
    main()
