"""Run folders of both models: settings, checkpoint, weights, history."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import check_cameras, check_distances, check_validation
from dalearn_ros.depth.judge import judge
from dalearn_ros.depth.local import LocalNetwork, Stem, digest_of
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.regime import LocalTask
from dalearn_ros.depth.samples import LocalBatches
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.depth.taught import Taught, check_location, load_head, location_name, taught_of
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.run import Run, open_run
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import load_weights
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE, claim_run
from dalearn_ros.training.run_reading import described_run, finished_weights, reading_of

LOCAL_FORMAT = "local depth run"
OF_THE_TEACHER = ("location", "patch", "local")


@dataclass(frozen=True)
class LocalRun:
    """A finished local model.

    Attributes:
        path: Its folder.
        settings: Of its learning.
        network: In evaluation, with its averaged weights.
        figures: Of its validation.
        stem_digest: Of the detector's stem that it began with; empty: it does not say.
    """

    path: Path
    settings: DistillSettings
    network: LocalNetwork
    figures: Mapping[str, float]
    stem_digest: str


@dataclass(frozen=True)
class DepthRun:
    """A detector's run with a depth head.

    Attributes:
        run: The run as that of a detector.
        network: Detector and head, in evaluation.
        taught: What the head was taught with.
    """

    run: Run
    network: DepthNetwork
    taught: Taught


def train_local(
    detector: Run,
    data: Sequence[Dataset],
    validation: Sequence[Dataset],
    run: Path,
    settings: DistillSettings,
    seed: int,
) -> tuple[TrainResult, set[str]]:
    """Train a local model, or go on with the run that is in the folder (S4).

    Args:
        detector: Gives the stem, or its make.
        data: Images with known distances.
        validation: Others, to judge it on; may be empty.
        run: The folder. A run with the same settings, data and seed in it is continued.
        settings: All settings.
        seed: Of weights, places and order.

    Returns:
        How it ended, and sentences about the images that could not be used.

    Raises:
        InputError: The folder holds something else, or a run that differs.
        DatasetError: No known distance, or no calibration.
        ModelError: A loss is not finite.
    """
    check_cameras(data)
    check_distances(data, settings.truth)
    check_validation(validation, settings)
    own = ("location", "patch", "truth", "local", "weights", "colours", "batch", "judge")
    values = dump_settings(settings)
    description = {
        "format": LOCAL_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": {name: values[name] for name in own},
        "location": location_name(settings),
        "detector": {
            "run": str(detector.path),
            "settings": dump_settings(detector.settings),
            "label_space": detector.label_space.to_dict(),
            "stem": digest_of(Stem(detector.network, settings.local.stem_stride)),
        },
        "seed": seed,
        "data": [{"path": str(d.path), "images": len(d)} for d in data],
        "validation": [{"path": str(d.path), "images": len(d)} for d in validation],
    }
    torch.manual_seed(seed)
    network = LocalNetwork(
        detector.network, settings.local, settings.patch.size_px, settings.location
    )
    with worker_errors():
        batches = LocalBatches(data, settings, detector.settings, seed)
        task = LocalTask(settings, batches, lambda n: judge(n, validation, settings))
        claim_run(run, description)
        network = network.to(ALONE.device)
        result = Trainer(network, task, settings.local.loop, run, seed=seed).run()
    return result, task.skipped


def open_local(path: Path) -> LocalRun:
    """Open a local model: its folder, or that of a distillation which holds it as ``local``.

    Raises:
        ModelError: No local model there, not finished, damaged, or taught with another location
            function than this version has (S11).
    """
    if not (path / RUN_FILE).is_file() or (path / "local").is_dir():
        path = path / "local"
    hint = "Give the --out folder of 'dalearn distill', or its folder 'local'."
    description = described_run(path, LOCAL_FORMAT, hint)
    with reading_of(path):
        settings = load_settings(DistillSettings, None, description["settings"])
        of_detector = description["detector"]
        train = load_settings(TrainSettings, None, of_detector["settings"])
        space = LabelSpace.from_dict(of_detector["label_space"], str(path / RUN_FILE))
        stem = str(of_detector.get("stem", ""))
    check_location(description.get("location"), path / RUN_FILE)
    checkpoint = finished_weights(path, "distill")
    detector = build_network(train, space, 0)
    network = LocalNetwork(detector, settings.local, settings.patch.size_px, settings.location)
    load_weights(network, dict(checkpoint.groups.get("network", {})), path / WEIGHTS)
    network = network.to(ALONE.device).eval().requires_grad_(False)
    return LocalRun(path, settings, network, checkpoint.header.get("figures", {}), stem)


def open_depth_run(path: Path) -> DepthRun:
    """Open the run folder of a distillation.

    Raises:
        ModelError: Not a run folder, without a depth head, not finished, damaged, or taught with
            another location function than this version has (S11).
    """
    run = open_run(path)
    taught = taught_of(path)
    network = build_depth(run, taught.settings)
    load_head(network.head, path)
    return DepthRun(run, network.eval(), taught)


def build_depth(run: Run, settings: DistillSettings) -> DepthNetwork:
    """A head with random weights on a run's detector."""
    learns = "stem" if settings.local.shared == "tuned" else "none"
    return DepthNetwork(
        run.network, settings.whole.channels, settings.location, learns, settings.local.stem_stride
    )


def with_teacher(settings: DistillSettings, teacher: LocalRun) -> DistillSettings:
    """The settings with those that a given teacher brings: what it was taught with.

    The range of the truth is among them; its kinds and how they are drawn are not.
    """
    own = {name: getattr(teacher.settings, name) for name in OF_THE_TEACHER}
    reach = teacher.settings.truth
    truth = dataclasses.replace(settings.truth, least_m=reach.least_m, greatest_m=reach.greatest_m)
    return dataclasses.replace(settings, truth=truth, **own)
