"""Attention where the answer is known: objects at known boxes, backgrounds that mislead.

``without branch`` and ``with branch`` learn from random weights for as many steps. ``edited``: the
test images that the network with a branch misrecognises are answered again under the map of their
box; ``edited elsewhere`` under the map of a box as large in the corner that is farthest from it, as
changing a wrong answer can only help. ``retrained`` rows all go on with the network with a branch,
for as many steps, with the same data and draws: the images that have maps are drawn as often in the
row without the map's loss. Plain CIFAR-10 shows what the branch alone does. Finished runs are kept
(``benchmarks/results/runs/attention_known``); started again, it goes on with what is missing;
several processes may share ``--out``::

    python benchmarks/attention_known.py --real-data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from benchmarks.attention_known_data import (
    BOXES,
    Box,
    box_map,
    elsewhere,
    unpack,
    write_edits,
    write_known,
)
from benchmarks.figures import ROOT, record
from benchmarks.kept_runs import Entry, KeptRuns, machines_of
from benchmarks.parallel import awaited
from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_data import Examples, read_examples
from dalearn_ros.attention.classifier_retrain import retrain_images
from dalearn_ros.attention.classifier_run import CLASSIFICATION, open_image_run
from dalearn_ros.attention.classifier_settings import ImageSettings
from dalearn_ros.attention.classifier_start import ImageInputs
from dalearn_ros.attention.classifier_task import answered
from dalearn_ros.attention.network import PARTS
from dalearn_ros.attention.proposals import mass_inside
from dalearn_ros.classification.augment import prepare
from dalearn_ros.classification.folders import class_names
from dalearn_ros.core.randomness import generator
from dalearn_ros.core.settings import load_settings

NAME = "attention_known"
SEEDS = (1, 2, 3)
STEPS, AGAIN = 1000, 500  # from random weights, retraining
MAPS = (100, 500)
ALL = "all"
PLAIN, BRANCH = "without branch", "with branch"
EDITED, CONTROL = "edited at inference", "edited elsewhere"
CIFAR = "CIFAR-10"
NO_MAPS, WITH_MAPS = "retrained without maps", "retrained with maps"


def settings_of(steps: int, rate: float, size: int, attention: dict[str, Any]) -> ImageSettings:
    """The recipe of all rows."""
    values = {
        "input": {"size": size, "channels": 3},
        "mirror": 0.5,
        "batch": {"size": 64, "threads": 1},
        "loop": {"steps": steps, "learning_rate": rate, "average_decay": 0.99,
                 "checkpoint_every": 100, "mixed_precision_cpu": True},
        "attention": attention,
    }  # fmt: skip
    return load_settings(ImageSettings, None, values)


def score(run: Path, data: Examples, boxes: Sequence[Box] | None) -> dict[str, Any]:
    """Accuracy, and with a branch the share of attention in the boxes and what edits change."""
    network = open_image_run(run).network
    right = (answered(network, data.images.images).argmax(dim=1) == data.truth).numpy()
    found: dict[str, Any] = {"accuracy": float(right.mean())}
    if boxes is None or not isinstance(network, ImageAttention):
        return found
    wrong = np.flatnonzero(~right)
    masses, edited, control = [], 0, 0
    with torch.no_grad():
        for number in range(len(data)):
            features, seen = network.look(prepare(data.images.images[number : number + 1]))
            maps = box_map(boxes[number]), box_map(elsewhere(boxes[number]))
            masses.append(mass_inside(seen.attention[0, 0].numpy(), maps[0]))
            if right[number]:
                continue
            for chosen, own in zip(maps, (True, False), strict=True):
                answer = network.answer(features, torch.from_numpy(chosen)[None, None])
                hit = int(answer.argmax()) == int(data.truth[number])
                edited, control = edited + (hit and own), control + (hit and not own)
    count = len(data)
    return {
        **found,
        "mass": float(np.mean(masses)),
        "edits": len(wrong),
        EDITED: found["accuracy"] + edited / count,
        CONTROL: found["accuracy"] + control / count,
    }


def learn(
    out: Path, name: str, seed: int, steps: int, rate: float, attention: dict[str, Any],
    data: Path, size: int, start: Path | None = None, edits: Path | None = None,
) -> Path:  # fmt: skip
    """The run folder of one row, trained if need be."""
    run = out / "runs" / f"{name}_{seed}".replace(" ", "_").replace(",", "")
    inputs = ImageInputs(CLASSIFICATION, data / "train", None, start, edits)
    with awaited(run):
        retrain_images(inputs, run, settings_of(steps, rate, size, attention), seed)
    return run


def one_seed(seed: int, args: argparse.Namespace, runs: KeptRuns) -> None:
    """All rows of a seed that are not there."""
    with awaited(args.out / "data" / "all"):
        plain = unpack(args.real_data, args.out / "data" / "cifar10")
        known = write_known(plain, args.out / "data" / f"known_{seed}", seed)
    boxes = json.loads((known / BOXES).read_text(encoding="utf-8"))
    names = class_names(known / "train")
    rate = 0.004
    cam: dict[str, Any] = {"source": "cam"}

    def row(name: str, make: Callable[[], Path], on: Path, size: int) -> None:
        if not any(part in name for part in args.rows):
            return

        def work() -> Entry:
            run = make()
            data = read_examples(on / "test", CLASSIFICATION, names, size, 3)
            inside = None
            if on == known:
                files = [f"test/{f.parent.name}/{f.name}" for f in data.images.files]
                inside = [boxes[key] for key in files]
            return {"row": name, "seed": seed, **score(run, data, inside)}

        found = runs.once(f"{name}_{seed}", [name, seed, size, rate, args.steps, args.again], work)
        if found is not None:
            print(name, seed, f"accuracy {found['accuracy']:.3f}", flush=True)

    def new(name: str, attention: dict[str, Any], data: Path, size: int) -> Callable[[], Path]:
        return lambda: learn(args.out, name, seed, args.steps, rate, attention, data, size)

    row(PLAIN, new(PLAIN, cam, known, 64), known, 64)
    row(BRANCH, new(BRANCH, {}, known, 64), known, 64)
    start = new(BRANCH, {}, known, 64)
    for count in (*MAPS, ALL):
        keys = sorted(key for key in boxes if key.startswith("train/"))
        chosen = keys
        if count != ALL:
            order = generator(seed, "edited").permutation(len(keys))
            chosen = [keys[i] for i in order[: int(count)]]
        for name, losses in (
            (NO_MAPS, ["attention", "perception"]),
            (WITH_MAPS, ["attention", "perception", "map"]),
        ):
            attention = {"learns": list(PARTS), "losses": losses}

            def again(
                name: str = name, count: object = count, chosen: list[str] = chosen,
                attention: dict[str, Any] = attention,
            ) -> Path:  # fmt: skip
                folder = args.out / "data" / f"edits_{count}_{seed}"
                with awaited(folder):
                    edits = write_edits(folder, known, boxes, chosen)
                steps, label = args.again, f"{name}, {count}"
                how = (attention, known, 64, start(), edits)
                return learn(args.out, label, seed, steps, rate / 2, *how)

            row(f"{name}, {count}", again, known, 64)
    for name, source in ((PLAIN, cam), (BRANCH, {})):
        label = f"{CIFAR}, {name}"
        row(label, new(label, source, plain, 32), plain, 32)


def tables(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Rows of the table, means over the seeds that are there with their range."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        found.setdefault(entry["row"], []).append(entry)
    rows = []
    retrained = [f"{name}, {count}" for count in (*MAPS, ALL) for name in (NO_MAPS, WITH_MAPS)]
    for name in (PLAIN, BRANCH, *retrained, f"{CIFAR}, {PLAIN}", f"{CIFAR}, {BRANCH}"):
        mine = found.get(name, [])
        if not mine:
            continue

        def mean(key: str, mine: Sequence[Entry] = mine) -> float | None:
            values = [entry[key] for entry in mine if key in entry]
            return float(np.mean(values)) if values else None

        each = " ".join(f"{entry['accuracy']:.3f}" for entry in mine)
        rows.append(
            {
                "network": name,
                "accuracy": mean("accuracy"),
                "each seed": each,
                "attention in the box": mean("mass"),
                "edits at inference": mean("edits"),
                EDITED: mean(EDITED),
                CONTROL: mean(CONTROL),
            }
        )
    return rows


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real-data", type=Path, required=True, help="holds cifar10")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / NAME)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--rows", nargs="+", default=[""], help="parts of their names")
    parser.add_argument("--steps", type=int, default=STEPS, help="from random weights")
    parser.add_argument("--again", type=int, default=AGAIN, help="of retraining")
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    runs = KeptRuns.of(NAME, args.out, args.no_record)
    for seed in args.seeds:
        one_seed(seed, args, runs)
    rows = tables(runs.entries())
    if args.no_record:
        for shown in rows:
            print(shown)
        return
    command = "python benchmarks/attention_known.py --real-data ../shared/data"
    note = (
        "Accuracy on 1000 test images, mean of the seeds; chance 0.1. The columns on the right: "
        "test images that were misrecognised and therefore edited, and the accuracy of all once "
        "these were answered under the map of their box, or of a box elsewhere. "
        f"{machines_of(runs.entries())}"
    )
    record(NAME, command, rows, note)


if __name__ == "__main__":
    main()
