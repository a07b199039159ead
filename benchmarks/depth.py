"""Local-to-global depth distillation in the world: teacher, student, new city, lenses, ablation.

The detector that gets the depth learnt from days of the source city alone: the kept start
(``make_start.py``), or ``--start``. Teachers and students learn for a few minutes each, one thread,
fixed steps; a model that learns directly from the known distances has the steps of both. The
settings were chosen on other drives of north and south; the new city is east, and nothing is chosen
on the judging drives. Finished runs are kept (``benchmarks/results/runs/depth``); started again, it
goes on with what is missing; several processes may share ``--out``. All rows and three seeds take
about five hours of one core, the drives another ten minutes; only the call with the recipe as it
is records::

    python benchmarks/depth.py --out out/depth --photos ../shared/data/depth
    python benchmarks/depth.py --out out/depth --rows "direct" "distilled, new city" --seeds 1
    python benchmarks/depth.py --out out/quick --start RUN --frames 3 --local-steps 2 --steps 2
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import torch
import yaml

from benchmarks.depth_data import share_of
from benchmarks.depth_judge import (
    PHOTOS,
    RANGES_BY,
    costs,
    detected_errors,
    figures_of,
    lens_figures,
    photo_figures,
)  # fmt: skip
from benchmarks.depth_rows import (
    LENSES,
    MAP_SAME,
    ROWS,
    SAME,
    TEACHERS,
    TUNED_STEM,
    Row,
    Teacher,
)  # fmt: skip
from benchmarks.depth_tables import DETECTED_ON, record_tables
from benchmarks.figures import ROOT
from benchmarks.hard_tasks import start_pair
from benchmarks.kept_runs import Entry, KeptRuns, digest_of_start
from benchmarks.scoring import exported, scored
from benchmarks.start_run import start_of
from dalearn_ros.core.settings import load_settings, merged
from dalearn_ros.depth.distill import Inputs, distill
from dalearn_ros.depth.run import open_depth_run, open_local, train_local
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.run import open_run
from dalearn_ros.export.run import export_run

SEEDS = (1, 2, 3)
RECIPE = ROOT / "benchmarks" / "depth.yaml"


class Bench:
    """One call of this script: where things are and how long things learn.

    Args:
        args: Of the command line.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.photos: Path | None = args.photos
        self.frames: int | None = args.frames
        self.given: Path | None = args.start
        self._start_from: tuple[Path, Path] = args.data, args.starts
        loops: dict[str, Any] = {}
        if args.local_steps:
            loops = {"local": {"loop": {"steps": args.local_steps}}}
        if args.steps:
            loops["loop"] = {"steps": args.steps}
        recipe = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
        self.recipe: Mapping[str, Any] = merged(recipe, loops)
        self.steps: int | None = args.steps
        about = [self.recipe, str(self.given), self.frames, self.steps]
        rows = [dataclasses.asdict(row) for row in ROWS]
        rows += [dataclasses.asdict(teacher) for teacher in TEACHERS.values()]
        text = json.dumps([about, rows], sort_keys=True)
        self.out: Path = args.out / hashlib.sha256(text.encode()).hexdigest()[:10]
        self.drives: Path = args.out / ("drives" if self.frames is None else f"few_{self.frames}")

    def data(self, share: str) -> list[Any]:
        """The datasets of a share."""
        return share_of(share, self.drives, self.frames)

    def settings(self, changes: Mapping[str, Any]) -> DistillSettings:
        """The recipe with changes."""
        short = {"loop": {"steps": self.steps}} if self.steps else {}
        return load_settings(DistillSettings, None, merged(merged(self.recipe, changes), short))

    def start(self) -> Path:
        """The run of the detector, which learnt the landmarks of the source city alone."""
        if self.given is not None:
            return self.given
        data, starts = self._start_from
        return start_of(start_pair(data), starts)

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
        data = self.data(row.data)  # of those that learn from a teacher alone only its cameras
        target = self.data(row.target) if row.teacher else []
        inputs = Inputs(self.start(), data, target, [], teacher)
        run = self.out / "runs" / f"{_plain(row.name)}_{seed}"
        minutes = distill(inputs, run, settings, seed)["minutes"]
        student = open_depth_run(run)
        local = None if teacher is None else open_local(teacher)
        found: dict[str, Any] = {"minutes": minutes, "student": {}, "teacher": {}, "lenses": {}}
        for test in (t for t in row.tests if t not in LENSES):
            judged = self.data(test)
            found["student"][test] = figures_of(student.network, judged, student.taught.settings)
            if local is not None:
                found["teacher"][test] = figures_of(local.network, judged, local.settings)
        for test in (t for t in row.tests if t in LENSES):
            both = self.data("test"), self.data(test)
            found["lenses"][test] = lens_figures(student.network, *both, student.taught.settings)
        if row.name in (MAP_SAME, SAME, TUNED_STEM):
            found["detected"] = self.detected(run, row)
        if row.name == SAME and local is not None:
            some = self.data("test")[0]
            found["cost"] = costs(local.network, student.network, some, student.taught.settings)
            for name in PHOTOS if self.photos is not None else ():
                assert self.photos is not None
                found[name] = photo_figures(student.network, self.photos / name)
        return found

    def detected(self, run: Path, row: Row) -> dict[str, Any]:
        """Median errors of the range of landmarks that the exported model finds, and its F1.

        A detector whose stem has learnt has no thresholds any more; it gets them from the drives
        that the start has its own from.
        """
        model, tests = run / "deep.onnx", self.data("test")
        val = start_pair(self._start_from[0]).val if row.name == TUNED_STEM else ()
        export_run(run, model, val, depth=True)
        after, before = exported(run, val), exported(self.start())
        found: dict[str, Any] = {
            "f1": scored(after, tests).figures["f1"],
            "f1_start": scored(before, tests).figures["f1"],
        }
        for drives in DETECTED_ON:
            data = self.data(drives)
            errors = {by: detected_errors(model, data, by) for by in RANGES_BY}
            found[drives] = {by: float(np.median(e)) for by, e in errors.items() if len(e)}
        return found


def _plain(name: str) -> str:
    return name.replace(",", "").replace(" ", "_")


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "depth")
    parser.add_argument("--photos", type=Path, help="holds metric3d_kitti and metric3d_nyu")
    parser.add_argument("--start", type=Path, help="run folder of a detector of the source city")
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument(
        "--starts", type=Path, default=ROOT / "out" / "adaptation", help="of adaptation.py"
    )
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
    special = args.frames, args.steps, args.local_steps, args.start
    trial = args.no_record or any(special)
    runs = KeptRuns.of("depth", bench.out, trial)
    for seed in args.seeds:
        for row in ROWS:
            if not args.rows or row.name in args.rows:
                one_run(bench, row, seed, runs)
    if trial:
        print("not recorded", flush=True)
    else:
        record_tables(runs.entries())


def one_run(bench: Bench, row: Row, seed: int, runs: KeptRuns) -> None:
    """Do one run, unless its result is there or another process is at it."""

    def work() -> Entry:
        return {"row": row.name, "seed": seed, **bench.row(row, seed)}

    learnt = digest_of_start(bench.start())
    teacher = TEACHERS[row.teacher].changes if row.teacher else None
    recipe = [bench.recipe, dataclasses.asdict(row), teacher, seed, learnt]
    found = runs.once(f"{row.name}_{seed}", recipe, work)
    if found is not None:
        line = {t: round(f["abs_rel"], 3) for t, f in found["student"].items()}
        print(f"{row.name}, seed {seed}: {line}, {found['minutes']:.1f} min", flush=True)


if __name__ == "__main__":
    main()
