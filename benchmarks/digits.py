"""Digits, MNIST to USPS and back: source only, with domain loss, with self-training.

Standard protocol: all training images of the source with labels, all training images of the target
without, scored on all test images of the target. One settings file for both directions; the same
steps, batches and augmentation in every row. A finished training is kept, and a started one
continued, so the command can be interrupted::

    python benchmarks/digits.py --real-data ../shared/data --work out/digits
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import h5py
import numpy as np
import numpy.typing as npt

from benchmarks.figures import ROOT, record
from dalearn_ros.adaptation.classifier_data import Data, Folders, read_data
from dalearn_ros.adaptation.classifier_run import (
    ADAPTED,
    SOURCE_ONLY,
    open_classifier,
    score,
    train_adapted,
    train_source_only,
)
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.classification.folders import read_labelled
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

NAME = "digits"
FORMAT = {"format": "digits", "format_version": FORMAT_VERSION}
PARTS = ("train", "test")
PAIRS = (("mnist", "usps"), ("usps", "mnist"))
CONFIG = ROOT / "config" / "adapt_digits.yaml"
ROWS = {
    "source only": "",
    "+ domain loss": "domain",
    "+ self-training": "all",
}
Images = npt.NDArray[np.uint8]


def load_mnist(folder: Path, part: str) -> tuple[Images, npt.NDArray[Any]]:
    """(n, 28, 28) images and (n,) digits."""
    with np.load(folder / "mnist_28.npz") as content:
        return content[f"{part}_x"], content[f"{part}_y"]


def load_usps(folder: Path, part: str) -> tuple[Images, npt.NDArray[Any]]:
    """(n, 16, 16) images and (n,) digits."""
    with h5py.File(folder / "usps.h5") as content:
        values, digits = content[part]["data"][:], content[part]["target"][:]
    return np.round(values.reshape(-1, 16, 16) * 255.0).astype(np.uint8), digits


def write_folders(images: Images, digits: npt.NDArray[Any], path: Path) -> None:
    """PNG files in a folder for each digit, as torchvision's ``ImageFolder`` reads them."""
    with atomic_directory(path) as folder:
        for digit in range(10):
            (folder / str(digit)).mkdir()
        rows = zip(images, digits, strict=True)
        for number, (image, digit) in enumerate(track(rows, len(images), f"write {path.name}")):
            encoded = cv2.imencode(".png", image)[1]
            (folder / str(digit) / f"{number:05d}.png").write_bytes(encoded.tobytes())


def convert(digits: Path, work: Path) -> None:
    """``work/{mnist,usps}/{train,test}``, if they are not there yet."""
    for name, load in (("mnist", load_mnist), ("usps", load_usps)):
        for part in PARTS:
            if not (work / name / part).exists():
                write_folders(*load(digits, part), work / name / part)


def variant(settings: AdaptClassifierSettings, kind: str) -> AdaptClassifierSettings:
    """The settings of a row: without self-training, or as they are."""
    if kind == "all":
        return settings
    own = dataclasses.replace(settings.adaptation.self_training, weight=0.0)
    adaptation = dataclasses.replace(settings.adaptation, self_training=own)
    return dataclasses.replace(settings, adaptation=adaptation)


def accuracies(
    data: Data, test: Path, work: Path, settings: AdaptClassifierSettings, seed: int
) -> dict[str, float]:
    """Row → accuracy of one direction and seed."""
    labelled = read_labelled(test, data.classes, settings.input.size, data.channels)
    found = {}
    for row, kind in ROWS.items():
        used = variant(settings, kind)
        run = work / f"{kind or SOURCE_ONLY}-{seed}"
        name = ADAPTED if kind else SOURCE_ONLY
        claim_run(run, {**FORMAT, "settings": dump_settings(used), "seed": seed})
        if kind:
            train_adapted(data, run / name, used, seed)
        else:
            train_source_only(data, run / name, used, seed)
        found[row] = score(open_classifier(run / name, data, used), labelled, data.classes)[0]
        print(f"{work.name}, seed {seed}, {row}: {found[row]:.4f}", flush=True)
    return found


def main() -> None:
    """Convert, train, score, record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real-data", type=Path, required=True, help="holds digits")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "digits")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--steps", type=int, help="fewer than the settings have, for a try")
    parser.add_argument("--no-record", action="store_true", help="print only")
    args = parser.parse_args()
    steps = {"loop": {"steps": args.steps}} if args.steps else None
    settings = load_settings(AdaptClassifierSettings, CONFIG, steps)
    convert(args.real_data / "digits", args.work)
    rows = []
    for source, target in PAIRS:
        folders = Folders(args.work / source / "train", args.work / target / "train")
        data = read_data(folders, settings)
        work = args.work / f"{source}-{target}"
        test = args.work / target / "test"
        found = [accuracies(data, test, work, settings, seed) for seed in args.seeds]
        for row in ROWS:
            percent = [100.0 * one[row] for one in found]
            rows.append(
                {
                    "source, target": f"{source.upper()}, {target.upper()}",
                    "trained with": row,
                    "accuracy, %": f"{np.mean(percent):.2f}",
                    "of the seeds, %": ", ".join(f"{value:.2f}" for value in percent),
                }
            )
    for one in rows:
        print(one)
    if not args.no_record:
        note = (
            f"{settings.loop.steps} steps of {settings.batch.size} source and "
            f"{settings.target.size} target images; all training images of both, those of the "
            "target without labels; scored on all test images of the target "
            "(2,007 of USPS, 10,000 of MNIST), once. No target label was used in a training; the "
            "settings were chosen on 2,000 labelled training images of each target."
        )
        print(record(NAME, "python benchmarks/digits.py --real-data ../shared/data", rows, note))


if __name__ == "__main__":
    main()
