"""Real photographs, dark and hazy: does a model that recoloured photographs have hardened gain?

The test copies are made by physics and not by conversion of distributions: less light with the
noise of photons and of the sensor, and scattering over distance. The photographs have neither map
nor depth: distance grows evenly from the bottom of the image to its top, and index images tell the
landmarks apart from all else. Every row begins with the network of ``road_photos.py``'s first
folds and takes as many steps. Finished runs are kept (``benchmarks/results/runs/hard_photos``)::

    python benchmarks/road_photos.py --real-data ../shared/data --work out/road_photos
    python benchmarks/hard_photos.py --work out/road_photos
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.ablation import spread
from benchmarks.figures import ROOT, record
from benchmarks.hard_examples import NONE, ONLINE, STORE, judge
from benchmarks.kept_runs import Entry, KeptRuns, digest_of_start
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.settings import dump_settings, load_settings, merged
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.hard_examples.index_images import index_from_maps
from dalearn_ros.hard_examples.run import Inputs, harden
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.recipe.plan import settings_parts

Image = npt.NDArray[np.uint8]
LIGHT, ELECTRONS, READ_NOISE = 0.05, 1500.0, 4.0  # of the light by day; at white; electrons
SCATTERING_PER_M, NEAR_M, FAR_M, AIRLIGHT = 0.03, 5.0, 60.0, 0.75
COMMAND = "python benchmarks/hard_photos.py --work out/road_photos"


def dark(image: Image, random: np.random.Generator) -> Image:
    """A photograph (H, W, 3) uint8 with a twentieth of the light, brightened by two stops.

    Photons arrive by Poisson's law, and the sensor adds noise of its own.
    """
    electrons = random.poisson(linear(image) * LIGHT * ELECTRONS) + random.normal(
        0.0, READ_NOISE, image.shape
    )
    return coded(electrons * 4.0 / ELECTRONS)


def haze(image: Image, random: np.random.Generator) -> Image:
    """A photograph (H, W, 3) uint8 through haze: I = J t + A (1 - t), t = exp(-beta d)."""
    del random  # nothing is drawn
    distance = np.linspace(FAR_M, NEAR_M, image.shape[0])[:, None, None]
    passed = np.exp(-SCATTERING_PER_M * distance)
    return coded(linear(image) * passed + AIRLIGHT * (1.0 - passed))


def linear(image: Image) -> npt.NDArray[np.float64]:
    """Coded sRGB levels as light, 0 to 1 (IEC 61966-2-1)."""
    level = image / 255.0
    return np.asarray(np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4))


def coded(light: npt.NDArray[np.float64]) -> Image:
    """The inverse of :func:`linear`."""
    light = np.clip(light, 0.0, 1.0)
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(level * 255.0), np.uint8)


CHANGES = {"dark": dark, "haze": haze}
CHANGED = ("as it is", *CHANGES)


def copies(test: Dataset, out: Path) -> dict[str, list[Dataset]]:
    """The test photographs as they are and changed, written once."""
    found = {CHANGED[0]: [test]}
    for name, change in CHANGES.items():
        path = out / name
        if not path.is_dir():
            with DatasetWriter(path, test.label_space, {"kind": name}) as writer:
                for i in range(len(test)):
                    image = change(test.image(i), generator(0, name, i))
                    meta = {**test.meta(i), "name": test.image_path(i).stem}
                    about = {k: meta[k] for k in ("name", "width", "height")}
                    writer.add(image, test.labels(i), about, test.approximate(i))
        found[name] = [Dataset.open(path)]
    return found


def settings_of(row: str, fold: Path, args: argparse.Namespace) -> TrainSettings:
    """Recipe of one row on one fold."""
    changes = {
        "loop": {
            "steps": args.steps,
            "learning_rate": 0.0003,
            "warmup_steps": 20,
            "average_decay": 0.98,
            "average_ramp": False,
            "max_minutes": None,
            "checkpoint_every": 20,
            "mixed_precision_cpu": True,
        },
        "batch": {"workers": 0, "threads": 1},
    }
    same = merged(dump_settings(open_run(fold / "run").settings), changes)
    if row == NONE:
        return load_settings(TrainSettings, None, same)
    search = {"outputs": args.outputs, "tries": 20 * args.outputs}
    update = {"every": max(1, args.outputs // 50)}
    return load_settings(HardenSettings, None, merged(same, {"search": search, "update": update}))


def run_row(row: str, number: int, args: argparse.Namespace) -> Entry:
    """Learn and judge one row on one fold."""
    fold, out = args.work / f"fold{number}", args.out / f"fold{number}"
    train, val, test = (Dataset.open(fold / part) for part in ("train", "val", "test"))
    settings = settings_of(row, fold, args)
    place = out / f"{row.replace(' ', '_')}_{args.steps}_{args.outputs}"
    if isinstance(settings, HardenSettings):
        if not (train.path / "areas").is_dir():
            index_from_maps(train)
        harden(Inputs(fold / "run", [train], STORE, [val]), place, settings, 1)
    else:
        train_detector([train], [val], place, settings, 1, fold / "run")
    return {
        "row": row,
        "fold": number,
        "judged": judge(place, copies(test, out)),
    }


def recipe_of(row: str, number: int, args: argparse.Namespace) -> list[Any]:
    """All that a run's result depends on."""
    fold = args.work / f"fold{number}"
    settings = settings_parts(settings_of(row, fold, args))
    return [row, number, settings, digest_of_start(fold / "run"), sha256_of(STORE)]


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "road_photos")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "hard_photos")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--outputs", type=int, default=200)
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs = KeptRuns.of("hard_photos", args.out, args.no_record)
    recipes = {
        f"{row} {k}": recipe_of(row, k, args) for k in range(args.folds) for row in (NONE, ONLINE)
    }
    for name, recipe in recipes.items():
        runs.once(name, recipe, partial(run_row, recipe[0], recipe[1], args))
    rows = []
    for row in (NONE, ONLINE):
        found = [one["judged"] for one in runs.entries(recipes) if one["row"] == row]
        figures = {name: spread([one[name]["f1"] for one in found]) for name in CHANGED}
        rows.append({"row": row, "folds": len(found), **figures})
        print(rows[-1], flush=True)
    if not args.no_record:
        note = (
            f"F1 at 8 px, mean ± standard deviation over folds; {args.steps} steps, "
            f"{args.outputs} converted images. Dark: {LIGHT:g} of the light with photon noise; "
            f"haze: scattering {SCATTERING_PER_M:g} per metre."
        )
        record("hard_photos", COMMAND, rows, note)


if __name__ == "__main__":
    main()
