"""Ultralytics YOLO11n-pose and our detector side by side, both from random weights.

Both learn from the same native-scale crops on disk, for the same time (first column) or with the
same number of images through the network (second column), and are run as ONNX in the same runtime
on whole images, judged by our matching. What the other is given: the best of three learning rates
and of three overlaps of its suppression by F1 on validation images (the rate on a task's first
split, in the first column), the score threshold likewise, no mirroring where that breaks the task,
an OKS sigma of 0.05 instead of 1. Ours has one rate and no such choice but the score threshold.

Ultralytics' licence keeps it out of this project's environment: it is installed in a folder of its
own (``--env``) and reached by files. Every finished training is a file in ``--out``; started again,
the command goes on with what is missing. ``UV_FIND_LINKS`` and ``--packages`` tell uv about a local
torch::

    python benchmarks/side_by_side.py --env ../ultralytics --data out/ship/data --real-data ../shared/data
"""  # noqa: E501

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.ablation import spread
from benchmarks.figures import ROOT, record
from benchmarks.side_judge import judge, latency_rows
from benchmarks.side_tasks import Split, carla_towns, road_photos, world
from benchmarks.yolo_files import write_crops, write_data_file
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import load_settings
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.export.run import export_run

RECIPE = ROOT / "config" / "train_two_cities.yaml"  # the one from random weights
RUNNER = ROOT / "benchmarks" / "yolo_runner.py"
RATES = (0.0005, 0.0015, 0.005)
BATCH = 4  # many small steps: the time is short, and both start from nothing
TASKS = ("world", "road_photos", "carla_towns")
COLUMNS = ("equal time", "equal passes")
OURS, YOLO = "ours", "YOLO11n-pose"
FIGURES = ("F1 at 8 px", "F1 at 4 px", "point, median px", "point, p95 px")


def make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """Ultralytics in an environment of its own; its Python."""
    python = folder / "bin" / "python"
    if not (folder / "ready").is_file():
        uv = shutil.which("uv")
        if uv is None:
            raise SystemExit("side_by_side: uv is not on the PATH; see https://docs.astral.sh/uv.")
        subprocess.run([uv, "venv", "--clear", str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--python", str(python), *packages], check=True)
        (folder / "ready").touch()
    return python


def train_ours(
    split: Split, place: Path, crops: int, minutes: float, threads: int
) -> dict[str, Any]:
    """Our side: learn, export, judge."""
    data = write_crops(split.train, place / "crops", crops, split.crop, split.seed)
    changes = {
        "crops": {"width": split.crop, "height": split.crop, "mirror": split.mirror},
        "batch": {"size": BATCH, "threads": threads, "workers": 0},
        "loop": {"steps": 100_000, "max_minutes": minutes, "checkpoint_every": 500},
    }
    settings = load_settings(TrainSettings, RECIPE, changes)
    result, _ = train_detector([data], [split.val], place / "run", settings, split.seed)
    model = place / "ours.onnx"
    export_run(place / "run", model)
    network = open_run(place / "run").network
    cost = {
        "passes": result.steps * BATCH,
        "minutes": result.minutes,
        "parameters": sum(p.numel() for p in network.parameters()),
    }
    return {**cost, "model": str(model), **judge(split, model, yolo=False)}


def train_yolo(
    split: Split,
    place: Path,
    python: Path,
    name: str,
    rate: float,
    limit: Mapping[str, float],
    threads: int,
) -> dict[str, Any]:
    """Their side: learn and export over there, judge here.

    Args:
        split: The data; its crops are in ``place`` already.
        place: Folder of the split.
        python: Of their environment.
        name: Of this training.
        rate: Learning rate.
        limit: ``minutes`` or ``passes``.
        threads: Of torch.
    """
    crops = place / "crops"
    folder = place / name
    folder.mkdir(parents=True, exist_ok=True)
    model, answer = folder / "yolo.onnx", folder / "answer.json"
    job = {
        "data": str(write_data_file(crops, split.train.label_space)),
        "out": str(folder.resolve()),
        "onnx": str(model.resolve()),
        "answer": str(answer.resolve()),
        "size": split.crop,
        "batch": BATCH,
        "rate": rate,
        "mirror": split.mirror,
        "seed": split.seed,
        "threads": threads,
        **limit,
    }
    write_json(folder / "job.json", job)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"YOLO_CONFIG_DIR": str(folder.resolve()), "OMP_NUM_THREADS": str(threads)}
    command = [str(python), str(RUNNER), str((folder / "job.json").resolve())]
    with (folder / "log.txt").open("w", encoding="utf-8") as log:
        done = subprocess.run(
            command, stdout=log, stderr=log, env=environment, cwd=folder, check=False
        )
    if done.returncode or not answer.is_file():
        raise SystemExit(f"side_by_side: YOLO's training failed; see {folder / 'log.txt'}.")
    said = json.loads(answer.read_text(encoding="utf-8"))
    cost = {"passes": said["images"], "minutes": said["minutes"], "parameters": said["parameters"]}
    versions = {"versions": said["versions"], "oks_sigma": said["oks_sigma"]}
    return {**cost, **versions, "model": str(model), **judge(split, model, yolo=True)}


def kept(
    file: Path, make: Callable[[], dict[str, Any]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """The content of a finished training's file; made if it is not there."""
    if not file.is_file():
        write_json(file, {**about, **make()})
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    print(*(content[k] for k in ("task", "split", "detector")), content["test"], flush=True)
    return content


def compare(splits: Sequence[Split], python: Path, arguments: argparse.Namespace) -> None:
    """All trainings of one task that are missing."""
    out, crops, minutes = arguments.out, arguments.crops, arguments.minutes
    columns, threads = arguments.columns, arguments.threads
    rate: float | None = None
    for split in splits:
        place = out / split.task / split.name.replace(" ", "_")
        about = {"task": split.task, "split": split.name}
        learn = partial(train_ours, split, place, crops, minutes, threads)
        about_ours = {**about, "detector": OURS, "column": "both", "rate": None}
        ours = kept(place / "result_ours.json", learn, about_ours)
        limits = {"equal time": {"minutes": minutes}, "equal passes": {"passes": ours["passes"]}}
        for column in columns:
            tried = []
            for candidate in RATES if rate is None else (rate,):
                name = f"{column.replace(' ', '_')}_{candidate:g}"
                limit = limits[column]
                learn = partial(train_yolo, split, place, python, name, candidate, limit, threads)
                about_yolo = {**about, "detector": YOLO, "column": column, "rate": candidate}
                tried.append(kept(place / f"result_{name}.json", learn, about_yolo))
            rate = rate or best_of(tried)["rate"]


def best_of(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The training with the best F1 on validation images; of equal ones that of the middle rate."""
    return max(entries, key=lambda e: (e["val"]["F1 at 8 px"], e["rate"] == RATES[1]))


def rows_of(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line a task (CARLA: a pair of towns), detector and column; means over folds."""
    groups: dict[tuple[str, str, str], dict[str, list[Mapping[str, Any]]]] = {}
    for entry in results:
        task = entry["split"] if entry["task"] == "carla_towns" else entry["task"]
        key = (task, entry["detector"], entry["column"])
        groups.setdefault(key, {}).setdefault(entry["split"], []).append(entry)
    lines = []
    for (task, detector, column), by_split in sorted(groups.items()):
        # of several rates the best by validation
        best = [best_of(entries) for entries in by_split.values()]
        lines.append(
            {
                "task": task,
                "detector": detector,
                "column": column,
                "seeds or folds": len(best),
                **{name: _shown([entry["test"][name] for entry in best]) for name in FIGURES},
                "F1 at 8 px, 95 % over images": _interval(best),
                "images learnt from": round(float(np.mean([entry["passes"] for entry in best]))),
                "minutes": float(np.mean([entry["minutes"] for entry in best])),
                "rate": ", ".join(sorted({f"{e['rate']:g}" for e in best if e["rate"]})) or "–",
            }
        )
    return lines


def _shown(values: Sequence[float | None]) -> float | str | None:
    """The only value, or mean and deviation of several."""
    return values[0] if len(values) == 1 else spread(values)


def _interval(entries: Sequence[Mapping[str, Any]]) -> str:
    """That of the only entry; of several the deviation is shown instead."""
    if len(entries) > 1:
        return "–"
    found = entries[0]["test"]
    return f"{found['F1 at 8 px, low']:.3f}–{found['F1 at 8 px, high']:.3f}"


def tasks(arguments: argparse.Namespace) -> list[list[Split]]:
    """The splits of the wanted tasks; those whose data are absent are told and left out."""
    found = []
    for name in arguments.tasks:
        out = arguments.out / "data" / name
        if name == "world":
            test = arguments.test_data or arguments.data
            found.append(world(arguments.data, test, out, arguments.images))
        elif arguments.real_data is None or not (arguments.real_data / name).is_dir():
            print(f"{name}: no such folder under --real-data; left out")
        else:
            make = road_photos if name == "road_photos" else carla_towns
            found.append(make(arguments.real_data, out))
    return [splits[: arguments.splits] for splits in found]


def finish(arguments: argparse.Namespace) -> None:
    """Record or print the table of accuracy and that of cost."""
    out: Path = arguments.out
    files = sorted(out.glob("*/*/result_*.json"))
    results = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    lines = rows_of(results)
    cost = latency_rows(results, arguments.rounds)
    if arguments.no_record:
        print(json.dumps([*lines, *cost], indent=1, ensure_ascii=False))
        return
    command = "python benchmarks/side_by_side.py --env ENV --data out/ship/data --real-data DATA "
    command += f"--threads {arguments.threads} "
    command += f"--splits {arguments.splits} " if arguments.splits else ""
    command += "--tasks TASK --minutes MINUTES"
    theirs: Mapping[str, str] = next((e["versions"] for e in results if e.get("versions")), {})
    note = (
        "Random initial weights for both, the same square crops at native scale (384 px; photos "
        "416 px), judged on whole images at their own size. World: by the exact map. Mean ± "
        "standard deviation over seeds (world) or stratified folds (photos). One thread of torch "
        "each. Thresholds by F1 at 8 px on validation images. YOLO: "
        + ", ".join(f"{key} {value}" for key, value in theirs.items())
        + "."
    )
    record("side_by_side", command, lines, note)
    record(
        "side_by_side_cost", command, cost, "ONNX Runtime, 1280×736, taking turns; network only."
    )


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--env", type=Path, required=True, help="folder for Ultralytics")
    parser.add_argument("--packages", nargs="+", default=["ultralytics>=8.4", "onnx"])
    parser.add_argument("--data", type=Path, default=ROOT / "out" / "ship" / "data")
    parser.add_argument("--test-data", type=Path, help="where the share 'test' is, if elsewhere")
    parser.add_argument("--real-data", type=Path, help="holds road_photos and carla_towns")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "side_by_side")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--columns", nargs="+", choices=COLUMNS, default=list(COLUMNS))
    parser.add_argument("--splits", type=int, help="at most so many of a task")
    parser.add_argument("--minutes", type=float, default=15.0, help="of learning, each training")
    parser.add_argument("--crops", type=int, default=2000, help="of each split, for both")
    parser.add_argument("--images", type=int, default=1000, help="of the world, to cut them from")
    parser.add_argument("--threads", type=int, default=2, help="of torch, while learning")
    parser.add_argument("--rounds", type=int, default=12, help="runs for the latency")
    parser.add_argument("--no-record", action="store_true", help="for a trial: print only")
    arguments = parser.parse_args()
    arguments.env, arguments.out = arguments.env.resolve(), arguments.out.resolve()
    python = make_environment(arguments.env, arguments.packages)
    torch.set_num_threads(arguments.threads)
    for splits in tasks(arguments):
        compare(splits, python, arguments)
    finish(arguments)


if __name__ == "__main__":
    main()
