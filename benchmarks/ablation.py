"""What each part of the detector's method is worth: the same short learning with one thing changed.

With ``--start``, every row has the features of the shipped recipe's first part and new heads, so
that a few minutes reach figures that can be told apart. Without it, every row starts from random
weights; of such runs is the picture of both losses. Background is random in all rows, because the
hardest one stalls ``class_weighted`` from random weights. Crops are small and at native
scale; images are decoded once a run. Labels to learn from are those of the noisy map that users
have; thresholds are chosen on validation drives; the judging drives have exact labels.
Every finished (row, seed) is a file in ``--out``; started again, it goes on with what is missing.

    python benchmarks/ship_data.py --out out/ship/data
    python benchmarks/ablation.py --data out/ship/data --start out/ship/run \\
        --steps 1000 --processes 2
    python benchmarks/ablation.py --data out/ship/data --steps 1000 --processes 2
    python benchmarks/ablation.py --data out/ship/data --record-only
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.ablation_judge import judge
from benchmarks.figures import ROOT, record
from benchmarks.loss_plane import record_loss_plane
from benchmarks.parallel import side_by_side
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import merge
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint

RECIPE = ROOT / "config" / "train_ship.yaml"
BASE = "class_weighted, K=5, all anchors"


def _loss(**values: Any) -> dict[str, Any]:
    return {"loss": {"coupling": "class_weighted", **values}}


def _anchors(**values: Any) -> dict[str, Any]:
    background = {"background": "random", "background_ratio": 8.0, "background_floor": 128}
    return _loss(selection={**background, **values})


ROWS: dict[str, dict[str, Any]] = {
    BASE: _loss(),
    "coupling none": _loss(coupling="none"),
    "coupling squared_localization": _loss(coupling="squared_localization"),
    "gradient through P^C": _loss(weight_gradient=True),
    "K=1": {**_loss(), "grid": {"nodes": 1}},
    "K=9": {**_loss(), "grid": {"nodes": 9}},
    "best anchor": _anchors(anchors="best"),
    "top 3 anchors": _anchors(anchors="top", top_anchors=3),
}
HEADS = ("class_head.", "offset_head.", "variance_head.", "range_head.")
COUPLINGS = {
    "none": "coupling none",
    "class_weighted": BASE,
    "squared_localization": "coupling squared_localization",
}
FROM_RANDOM = list(COUPLINGS.values())
PLAIN = "plain suppression instead of voting"
FIGURES = {
    "F1 at 8 px": "f1_8",
    "F1 at 4 px": "f1_4",
    "point, median px": "median_px",
    "point, p95 px": "p95_px",
}


def settings_of(
    row: str, minutes: float, steps: int | None, images: int, threads: int
) -> TrainSettings:
    """Of one row's learning; with ``steps`` the clock does not matter."""
    loop: dict[str, Any] = {"steps": steps or 100_000, "log_every": 5, "validate_every": 0}
    loop |= {"checkpoint_every": 500, "max_minutes": None if steps else minutes}
    fast = {
        "crops": {
            "width": 320,
            "height": 192,
        },  # a batch of 4: from random weights many steps count
        "batch": {"size": 4, "cache_mb": 3000, "workers": 0, "threads": threads},
        "loop": loop,
        "validation": {"images": images},
    }
    return load_settings(TrainSettings, RECIPE, {**fast, **ROWS[row]})


def part(data: Path, shares: Sequence[str], out: Path, name: str, images: int) -> Dataset:
    """At most so many evenly spaced images of some shares as one dataset, kept in ``out``."""
    path = out / "data" / f"{name}_{images}"
    if path.is_dir():
        return Dataset.open(path)
    folders = sorted(p.parent for share in shares for p in (data / share).glob("*/dataset.json"))
    if not folders:
        raise SystemExit(f"{data}: no datasets in {', '.join(shares)}; see ship_data.py.")
    whole = merge([Dataset.open(folder) for folder in folders])
    rows = np.unique(np.linspace(0, len(whole) - 1, min(images, len(whole))).round().astype(int))
    return write_subset(whole.select(rows), path, {"kind": "part", "shares": list(shares)})


def parts(arguments: argparse.Namespace) -> dict[str, Dataset]:
    """What is learnt from, what thresholds are chosen on, and what is judged on."""
    out, judged = arguments.out, arguments.judged
    test = arguments.test_data or arguments.data
    return {
        "train": part(arguments.data, arguments.train, out, "train", arguments.images),
        "val": part(arguments.data, ["val"], out, "val", judged),
        "test": part(test, [arguments.test], out, "test", judged),
    }


def with_new_heads(start: Path, settings: TrainSettings, seed: int, path: Path) -> Path:
    """Weights to start from, written to ``path``: a run's features, and heads of this seed."""
    run = open_run(start)
    weights = build_network(settings, run.label_space, seed).state_dict()
    features = run.network.state_dict().items()
    weights |= {name: value for name, value in features if not name.startswith(HEADS)}
    save_checkpoint(path, Checkpoint({"network": weights}, {}))
    return path


def learn(job: tuple[int, str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Learn and judge one row with one seed, or read what is there."""
    seed, row = job
    out, threads = arguments.out, int(arguments.processes > 1)
    settings = settings_of(row, arguments.minutes, arguments.steps, arguments.judged, threads)
    data = parts(arguments)
    safe = "".join(c if c.isalnum() else "_" for c in row)
    place = out / f"{safe}-{seed}"
    done = place.with_suffix(".json")
    if not done.is_file():
        init = None
        if arguments.start is not None:
            init = with_new_heads(
                arguments.start, settings, seed, place.with_suffix(".safetensors")
            )
        result, _ = train_detector([data["train"]], [data["val"]], place, settings, seed, init)
        found = judge(place, data["val"], data["test"], plain=row == BASE)
        content = {"row": row, "seed": seed, "steps": result.steps, "minutes": result.minutes}
        write_json(done, {**content, "history": str(place / "history.jsonl"), **found})
    content = json.loads(done.read_text(encoding="utf-8"))
    return dict(content)


def spread(values: Sequence[float | None]) -> str:
    """Mean and standard deviation over seeds, as text."""
    known = np.array([v for v in values if v is not None], dtype=float)
    if not len(known):
        return "–"
    if len(known) == 1:
        return f"{known[0]:.3f} (one seed)"
    return f"{known.mean():.3f} ± {known.std(ddof=1):.3f}"


def table(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One line a row, of the seeds that are there."""
    base = {run["seed"]: run["voting"]["f1_8"] for run in found if run["row"] == BASE}
    lines = []
    for row in ROWS:
        runs = [entry for entry in found if entry["row"] == row]
        if runs:
            lines.append(_line(row, runs, "voting", base))
        if row == BASE and runs:
            lines.append(_line(PLAIN, runs, "plain", base))
    return lines


def _line(
    name: str, runs: Sequence[Mapping[str, Any]], how: str, base: Mapping[int, float]
) -> dict[str, Any]:
    figures = {key: spread([run[how][k] for run in runs]) for key, k in FIGURES.items()}
    gains = [run[how]["f1_8"] - base[run["seed"]] for run in runs if run["seed"] in base]
    figures["F1 at 8 px, less the first row's of the same seed"] = (
        "–" if name == BASE else ", ".join(f"{gain:+.3f}" for gain in gains)
    )
    steps = round(float(np.median([run["steps"] for run in runs])))
    return {"row": name, "seeds": len(runs), "steps": steps, **figures}


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of ship_data.py")
    parser.add_argument("--train", nargs="+", default=["train", "wide"], help="shares to learn")
    parser.add_argument("--test", default="test", help="share to judge on")
    parser.add_argument("--test-data", type=Path, help="where that share is, if elsewhere")
    parser.add_argument("--out", type=Path, help="default: out/ablation or out/ablation_random")
    parser.add_argument("--minutes", type=float, default=4.0, help="of learning, each run")
    parser.add_argument("--steps", type=int, help="equal steps for all rows instead of minutes")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=1, help="runs at once")
    parser.add_argument("--rows", nargs="+", choices=list(ROWS))
    parser.add_argument("--start", type=Path, help="run of the recipe's first part")
    parser.add_argument("--images", type=int, default=900, help="to learn from")
    parser.add_argument("--judged", type=int, default=84, help="to validate on, and to judge on")
    parser.add_argument("--record-only", action="store_true", help="learn nothing")
    parser.add_argument("--no-record", action="store_true", help="for a trial: print only")
    arguments = parser.parse_args()
    name = "ablation_random" if arguments.start is None else "ablation"
    arguments.out = arguments.out or ROOT / "out" / name
    rows = arguments.rows or (FROM_RANDOM if arguments.start is None else list(ROWS))
    if not arguments.record_only:
        parts(arguments)  # written here, so that no two processes do
        jobs = [(seed, row) for seed in range(1, arguments.seeds + 1) for row in rows]
        work = partial(learn, arguments=arguments)
        for found in side_by_side(work, jobs, arguments.processes):
            print(found["row"], found["seed"], found["steps"], found["voting"], flush=True)
    runs = [json.loads(p.read_text(encoding="utf-8")) for p in sorted(arguments.out.glob("*.json"))]
    finish(name, runs, arguments.no_record)


def finish(name: str, runs: Sequence[Mapping[str, Any]], only_print: bool) -> None:
    """Record or print the table, and the picture of both losses."""
    lines = table(runs)
    if only_print:
        print(json.dumps(lines, indent=1, ensure_ascii=False))
        return
    steps = round(float(np.median([run["steps"] for run in runs])))
    start = (
        "random weights" if name == "ablation_random" else "the first part's features, new heads"
    )
    note = (
        f"{steps} steps from {start}, crops of 320×192 px, judged on whole images 1280×720 of "
        "drives with other seeds by the exact map; mean ± standard deviation over seeds. All rows: "
        f"random background; but for the named change they are {BASE}, no gradient through P^C. "
        "Plain suppression takes the best vote's point and drops the others within the radius: the "
        "same networks, calibrated anew."
    )
    command = "python benchmarks/ablation.py --data out/ship/data"
    if name == "ablation":
        command += " --start out/ship/run"
    command += f" --steps {steps} --processes 2"
    record(name, command, lines, note)
    if name == "ablation_random":
        record_loss_plane(runs, COUPLINGS, command)


if __name__ == "__main__":
    main()
