"""Real photographs, dark and hazy: does a model that recoloured photographs have hardened gain?

The test copies are made by physics and not by conversion of distributions: less light with the
noise of photons and of the sensor, and scattering over distance. The photographs have neither map
nor depth: distance grows evenly from the bottom of the image to its top, and index images tell the
landmarks apart from all else. Every row begins with the network of ``road_photos.py``'s first
folds and takes as many steps. Finished runs are kept in ``--out``::

    python benchmarks/road_photos.py --real-data ../shared/data --work out/road_photos
    python benchmarks/hard_photos.py --work out/road_photos
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.ablation import spread
from benchmarks.figures import ROOT, record
from benchmarks.hard_examples import NONE, ONLINE, STORE, judge
from dalearn_ros.core.files import write_json
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.settings import dump_settings, load_settings, merged
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.hard_examples.index_images import index_from_maps
from dalearn_ros.hard_examples.run import Inputs, harden
from dalearn_ros.hard_examples.search_settings import HardenSettings

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


def copies(test: Dataset, out: Path) -> dict[str, list[Dataset]]:
    """The test photographs as they are and changed, written once."""
    found = {"as it is": [test]}
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


def run_row(row: str, fold: Path, out: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Learn and judge one row on one fold, or read what is there."""
    file = out / f"{row.replace(' ', '_')}.json"
    if not file.is_file():
        train, val = Dataset.open(fold / "train"), Dataset.open(fold / "val")
        base = dump_settings(open_run(fold / "run").settings)
        loop = {"steps": args.steps, "learning_rate": 0.0003, "warmup_steps": 20}
        same = {"average_decay": 0.98, "average_ramp": False, "max_minutes": None}
        changes = {
            "loop": {**loop, **same, "checkpoint_every": 20},
            "batch": {"workers": 0, "threads": 1},
        }
        place = file.with_suffix("")
        if row == NONE:
            plain = load_settings(TrainSettings, None, merged(base, changes))
            train_detector([train], [val], place, plain, 1, fold / "run")
        else:
            if not (train.path / "areas").is_dir():
                index_from_maps(train)
            search = {"outputs": args.outputs, "tries": 20 * args.outputs}
            more = {"search": search, "update": {"every": max(1, args.outputs // 50)}}
            own = load_settings(HardenSettings, None, merged(merged(base, changes), more))
            harden(Inputs(fold / "run", [train], STORE, [val]), place, own, 1)
        judged = judge(place, copies(Dataset.open(fold / "test"), out))
        write_json(file, {"row": row, "judged": judged})
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


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
    rows = []
    for row in (NONE, ONLINE):
        found = [
            run_row(row, args.work / f"fold{k}", args.out / f"fold{k}", args)["judged"]
            for k in range(args.folds)
        ]
        figures = {name: spread([one[name]["f1"] for one in found]) for name in found[0]}
        rows.append({"row": row, "folds": args.folds, **figures})
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
