"""What an attention branch and corrected maps are worth to a detector on the world.

All rows begin with the same trained detector, whose features stay frozen. ``without branch`` goes
on with its other parts, ``branch`` puts an attention branch on, for as many steps; ``edited``
answers the test images that the branch's detector misrecognises again, under the map of their
landmarks, ``edited elsewhere`` under that map mirrored. The ``retrained`` rows go on with the
branch's detector, for as many steps: with maps of the landmarks for all misrecognised training
images, or with simulated hand edits of some: a coarse, noisy brush over misrecognised landmarks
alone. Each has a twin with the same images drawn as often, without the map's loss. Finished runs
are kept (``benchmarks/results/runs/attention_world``); started again, it goes on; several processes
may share ``--out``::

    python benchmarks/attention_world.py --data out/ship/data
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.ablation import spread
from benchmarks.figures import ROOT, record
from benchmarks.hard_tasks import CITY, DAYS, start_pair
from benchmarks.kept_runs import Entry, KeptRuns, digest_of_start, machines_of
from benchmarks.parallel import awaited
from benchmarks.start_run import STARTS
from benchmarks.world_drives import TEST_SEEDS, learnt_from, rendered
from dalearn_ros.attention.misrecognised import PERCEPTION, judge
from dalearn_ros.attention.proposals import landmark_share, proposed_map
from dalearn_ros.attention.retrain import METRICS, Inputs, retrain, retrain_settings
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.attention.run import open_landmark_run, start_landmark_run
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.attention.viewing import LandmarkViewer
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.settings import dump_settings, load_settings, merged
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.evaluation.matching import match

NAME = "attention_world"
SEEDS = (1, 2, 3)
START, PLAIN, BRANCH = "start", "without branch", "branch"
MAPS, NO_MAPS = "retrained, map-made maps", "same draws, no maps"
HAND, NO_HAND = "retrained, simulated hand edits", "same draws, no hand edits"
ROWS = (START, PLAIN, BRANCH, MAPS, NO_MAPS, HAND, NO_HAND)
EDITED, CONTROL = "edited", "edited elsewhere"
JUDGED = ("day", "night")
MATCH_PX = 8.0
RECOGNITION = ["attention", "perception"]
Array = npt.NDArray[np.float32]


def settings_of(row: str, start: Path, args: argparse.Namespace) -> RetrainSettings:
    """Recipe of one row."""
    learning: dict[str, Any] = {}
    if row == PLAIN:
        learning = {"source": "cam", "learns": ["perception"], "losses": ["perception"]}
    if row in (MAPS, NO_MAPS):
        learning["map_teachers"] = "misrecognised"
    if row in (NO_MAPS, NO_HAND):
        learning["losses"] = RECOGNITION
    changes = {
        "crops": {"width": 448, "height": 256},
        "batch": {"size": 8, "workers": 0, "threads": 1},
        "loop": {
            "steps": args.steps,
            "average_decay": 0.99,
            "checkpoint_every": 100,
            "mixed_precision_cpu": True,
        },
        "attention": learning,
    }
    base = dump_settings(retrain_settings(start, None))
    return load_settings(RetrainSettings, None, merged(base, changes))


def run_row(row: str, seed: int, args: argparse.Namespace) -> Path:
    """The run folder of a row, trained if need be; another process that trains it is awaited."""
    if row == START:
        return Path(args.start)
    work = args.out / f"{args.steps}_steps_{args.drives}_drives_{args.edits}_edits"
    place = work / f"{row}_{seed}".replace(" ", "_").replace(",", "")
    start, edits, data = args.start, None, drives(args)
    if row not in (PLAIN, BRANCH):
        start = run_row(BRANCH, seed, args)
    if row in (HAND, NO_HAND):
        edits = work / "edits" / str(seed)
        with awaited(edits):
            simulated(edits, start, data, seed, args.edits)
    with awaited(place):
        if not (place / METRICS).is_file():
            inputs = Inputs(start, data, list(start_pair(args.data).val), edits)
            retrain(inputs, place, settings_of(row, start, args), seed)
    return place


def drives(args: argparse.Namespace) -> list[Dataset]:
    """Days to learn from, of the start's own: evenly spaced ones."""
    every = learnt_from(args.data, DAYS)
    chosen = np.linspace(0, len(every) - 1, min(args.drives, len(every))).round().astype(int)
    return [every[number] for number in chosen]


def simulated(path: Path, run: Path, data: Sequence[Dataset], seed: int, count: int) -> Path:
    """Maps as a person in a hurry paints them: discs at landmarks that are wrong, the rest kept."""
    if path.is_dir():
        return path
    viewer = LandmarkViewer(open_landmark_run(run))
    with atomic_directory(path) as folder:
        maps, made = TeacherMaps(folder), 0
        frames = [(one, index) for one in data for index in range(len(one))]
        for number in generator(seed, "order").permutation(len(frames)).tolist():
            dataset, index = frames[number]
            image, truth = dataset.image(index), dataset.labels(index)
            view = viewer.see(image)
            seen = viewer.answer(view).observations
            assert seen is not None
            found = match(truth, seen, MATCH_PX)
            if not len(found.missed) + len(found.false_alarms):
                continue
            random = generator(seed, "brush", number)
            cell = view.covered_px[0] / view.attention.shape[1]
            attention = view.attention.copy()
            for points, value in (
                (seen.point_px[found.false_alarms], 0.0),
                (truth.point_px[found.missed], 1.0),
            ):
                for point in points:
                    disc(attention, (point + 0.5) / cell - 0.5, value, random)
            file = dataset.image_path(index)
            maps.write(
                TeacherMap(
                    digest=sha256_of(file),
                    attention=attention,
                    size_px=view.size_px,
                    covered_px=view.covered_px,
                    image=file.name,
                    made="hand",
                    who="simulated",
                    when="2026-01-01T00:00:00Z",
                    model={},
                    misrecognised=PERCEPTION,
                )
            )
            made += 1
            if made == count:
                break
    return path


def disc(
    attention: Array, at: npt.NDArray[np.float64], value: float, random: np.random.Generator
) -> None:
    """Paint a disc of 1.5 to 4 cells about a place that is missed by a cell or so."""
    center, radius = at + random.normal(0.0, 1.0, 2), random.uniform(1.5, 4.0)
    rows, columns = np.mgrid[: attention.shape[0], : attention.shape[1]]
    attention[np.hypot(columns - center[0], rows - center[1]) <= radius] = value


def score(run: Path, judged: Sequence[Dataset]) -> dict[str, Any]:
    """F1, share of attention on landmarks, and F1 once the misrecognised images are edited.

    A detector without a branch looks everywhere alike.
    """
    opened = start_landmark_run(run, BranchSettings(), 0)
    viewer, space = LandmarkViewer(opened), judged[0].label_space
    scores = {name: DetectionScore(space) for name in ("f1", EDITED, CONTROL)}
    masses, edits = [], 0
    for data in judged:
        for index in range(len(data)):
            image, truth = data.image(index), data.labels(index)
            view = viewer.see(image)
            shape = view.attention.shape[0], view.attention.shape[1]
            wanted = proposed_map(truth, shape, view.covered_px)
            own = np.ones_like(view.attention) if opened.is_new else view.attention
            answer = viewer.answer(view, own)
            assert answer.observations is not None
            given = dict.fromkeys(scores, answer.observations)
            if not truth.ignore.all():
                masses.append(landmark_share(own, truth, view.covered_px))
            if not opened.is_new and judge(answer, view, truth).misrecognised(PERCEPTION):
                edits += 1
                for name, chosen in ((EDITED, wanted), (CONTROL, wanted[:, ::-1])):
                    seen = viewer.answer(view, np.ascontiguousarray(chosen)).observations
                    assert seen is not None
                    given[name] = seen
            for name, seen in given.items():
                scores[name].add(truth, seen, view.size_px, data.approximate(index))
    f1 = {name: one.result()["f1"] for name, one in scores.items()}
    mass = float(np.nanmean(masses)) if masses else None
    if opened.is_new:
        return {"f1": f1["f1"], "mass": mass}
    return {**f1, "mass": mass, "edits": edits}


def one_run(row: str, seed: int, args: argparse.Namespace, runs: KeptRuns) -> None:
    """Do one run, unless its result is there or another process is at it."""

    def work() -> Entry:
        run, seeds = run_row(row, seed, args), TEST_SEEDS[: args.test_drives]
        found = {
            name: score(run, rendered(args.data, "adaptation_test", f"{CITY}_{name}", seeds))
            for name in JUDGED
        }
        return {**about, "maps": maps_of(run), "judged": found}

    about = {"row": row, "seed": seed, "steps": args.steps}
    learnt = digest_of_start(args.start)
    recipe = [about, args.drives, args.test_drives, args.edits, learnt]
    found = runs.once(f"{row}_{seed}", recipe, work)
    if found is not None:
        judged = {name: round(one["f1"], 3) for name, one in found["judged"].items()}
        print(row, seed, judged, flush=True)


def maps_of(run: Path) -> int:
    """How many maps a run learnt from, or had the images of."""
    if not (run / METRICS).is_file():  # a start
        return 0
    edits = json.loads((run / METRICS).read_text(encoding="utf-8"))["edits"]
    return int(edits["used"] + edits["proposed"])


def tables(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Rows of the table: each network by day and by night, means over the seeds."""
    return [
        line(row, name, own)
        for row in ROWS
        for name in JUDGED
        if (own := [entry for entry in entries if entry["row"] == row])
    ]


def line(row: str, name: str, own: Sequence[Entry]) -> dict[str, Any]:
    """One row of the table."""

    def values(key: str) -> list[float]:
        found = (entry["judged"][name].get(key) for entry in own)
        return [value for value in found if value is not None]

    mass, edits = values("mass"), values("edits")
    return {
        "network": row,
        "on": name,
        "maps": round(float(np.mean([entry["maps"] for entry in own]))) or None,
        "F1": spread(values("f1")),
        "attention on landmarks": float(np.mean(mass)) if mass else None,
        "images edited": round(float(np.mean(edits))) if edits else None,
        "F1 edited": spread(values(EDITED)) if edits else None,
        "F1 edited elsewhere": spread(values(CONTROL)) if edits else None,
    }


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument(
        "--start", type=Path, default=STARTS / DAYS, help="run of a trained detector"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "out" / NAME)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--steps", type=int, default=400, help="gradient steps of every run")
    parser.add_argument("--drives", type=int, default=6, help="days to learn from")
    parser.add_argument("--test-drives", type=int, default=3, help="of each condition")
    parser.add_argument("--edits", type=int, default=100, help="simulated hand edits")
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs = KeptRuns.of(NAME, args.out, args.no_record)
    for seed in args.seeds:
        for row in args.rows:
            if row != START or seed == args.seeds[0]:  # it is the same of every seed
                one_run(row, seed, args, runs)
    rows = tables(runs.entries())
    if args.no_record:
        print(*rows, sep="\n")
        return
    command = "python benchmarks/attention_world.py --data out/ship/data"
    seeds = len({entry["seed"] for entry in runs.entries()})
    note = (
        f"F1 at 8 px on whole images, mean ± standard deviation of {seeds} seeds; every row but "
        "the start learns "
        f"{args.steps} steps on the same images, its features frozen; retrained rows go on with "
        "'branch', those without a map's loss draw the images of as many maps as often. "
        f"{machines_of(runs.entries())}"
    )
    record(NAME, command, rows, note)


if __name__ == "__main__":
    main()
