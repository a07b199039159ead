"""Local-to-global depth distillation in the world: teacher, student, new city, lenses, ablation.

The detector that gets the depth learns from the source city alone (``--start`` gives one that is
there). Teachers and students learn for a few minutes each, one thread, fixed steps; nothing is
chosen on the judging drives. Every finished (row, seed) is a file in ``--out``; started again, it
goes on with what is missing. All rows and three seeds take about two and a half hours of one core,
the drives another ten minutes::

    python benchmarks/depth.py --out out/depth --photos ../shared/data/depth
    python benchmarks/depth.py --out out/depth --rows "direct" "distilled, new city" --seeds 1
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import torch
import yaml

from benchmarks.adaptation import merged
from benchmarks.depth_data import share_of
from benchmarks.depth_judge import PHOTOS, costs, figures_of, photo_figures
from benchmarks.depth_rows import ROWS, SAME, TEACHERS, Row, Teacher
from benchmarks.depth_tables import record_tables
from benchmarks.figures import ROOT
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import load_settings
from dalearn_ros.depth.distill import Inputs, distill
from dalearn_ros.depth.run import open_depth_run, open_local, train_local
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.detector.settings import TrainSettings

SEEDS = (1, 2, 3)
RECIPE = ROOT / "benchmarks" / "depth.yaml"
START = {
    "network": {"refine": [1, 2, 2]},
    "batch": {"size": 4, "workers": 0, "threads": 1},
    "loop": {"max_minutes": None, "validate_every": 0},
}


class Bench:
    """One call of this script: where things are and how long things learn.

    Args:
        args: Of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.out: Path = args.out
        self.photos: Path | None = args.photos
        self.frames: int | None = args.frames
        self.given: Path | None = args.start
        self.start_steps: int = args.start_steps
        loops: dict[str, Any] = {}
        if args.local_steps:
            loops = {"local": {"loop": {"steps": args.local_steps}}}
        if args.steps:
            loops["loop"] = {"steps": args.steps}
        recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
        self.recipe: Mapping[str, Any] = merged(recipe, loops)

    def data(self, share: str) -> list[Any]:
        """The datasets of a share."""
        return share_of(share, self.out / "data", self.frames)

    def settings(self, changes: Mapping[str, Any]) -> DistillSettings:
        """The recipe with changes."""
        return load_settings(DistillSettings, None, merged(self.recipe, changes))

    def start(self) -> Path:
        """The run of the detector, which learnt the landmarks of the source city alone."""
        if self.given is not None:
            return self.given
        run = self.out / "start"
        if not (run / "weights.safetensors").is_file():
            steps = {"loop": {"steps": self.start_steps}}
            settings = load_settings(TrainSettings, None, merged(START, steps))
            train_detector(self.data("train"), [], run, settings, 1)
        return run

    def teacher(self, teacher: Teacher, seed: int) -> Path:
        """The run of a teacher; trained if need be."""
        run = self.out / "teachers" / f"{_plain(teacher.name)}_{seed}"
        if not (run / "weights.safetensors").is_file():
            detector = open_run(self.start())
            settings = self.settings(teacher.changes)
            train_local(detector, self.data(teacher.data), [], run, settings, seed)
        return run

    def row(self, row: Row, seed: int) -> dict[str, Any]:
        """One run of a row: learn, and judge it and its teacher."""
        settings, teacher = self.settings(row.changes), None
        if row.teacher:
            teacher = self.teacher(TEACHERS[row.teacher], seed)
        data = self.data(row.data) if settings.weights.truth > 0.0 else []
        target = self.data(row.target) if row.teacher else []
        inputs = Inputs(self.start(), data, target, [], teacher)
        run = self.out / "runs" / f"{_plain(row.name)}_{seed}"
        minutes = distill(inputs, run, settings, seed)["minutes"]
        student = open_depth_run(run)
        local = None if teacher is None else open_local(teacher)
        found: dict[str, Any] = {"minutes": minutes, "student": {}, "teacher": {}}
        for test in row.tests:
            judged = self.data(test)
            found["student"][test] = figures_of(student.network, judged, student.settings)
            if local is not None:
                found["teacher"][test] = figures_of(local.network, judged, local.settings)
        if row.name == SAME and local is not None:
            some = self.data("test")[0]
            found["cost"] = costs(local.network, student.network, some, student.settings)
            for name in PHOTOS if self.photos is not None else ():
                assert self.photos is not None
                found[name] = photo_figures(student.network, self.photos / name)
        return found


def _plain(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "depth")
    parser.add_argument("--photos", type=Path, help="holds metric3d_kitti and metric3d_nyu")
    parser.add_argument("--start", type=Path, help="run folder of a detector of the source city")
    parser.add_argument("--start-steps", type=int, default=900, help="of the detector's learning")
    parser.add_argument("--local-steps", type=int, help="instead of those of depth.yaml")
    parser.add_argument("--steps", type=int, help="instead of those of depth.yaml")
    parser.add_argument("--frames", type=int, help="one drive of so many a share: a quick look")
    parser.add_argument("--rows", nargs="+", choices=[row.name for row in ROWS])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    bench = Bench(args)
    results = args.out / "results"
    results.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds:
        for row in ROWS:
            file = results / f"{_plain(row.name)}_{seed}.json"
            if file.is_file() or (args.rows and row.name not in args.rows):
                continue
            found = bench.row(row, seed)
            write_json(file, {"row": row.name, "seed": seed, **found})
            line = {t: round(f["abs_rel"], 3) for t, f in found["student"].items()}
            print(f"{row.name}, seed {seed}: {line}, {found['minutes']:.1f} min", flush=True)
    if not args.no_record:
        entries = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(results.glob("*"))]
        record_tables(entries)


if __name__ == "__main__":
    main()
