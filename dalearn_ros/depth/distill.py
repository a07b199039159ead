"""The distillation: one run in a folder, with its local model in ``local`` (S5)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.cameras import common_focal_px
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.frames import check_cameras, check_distances, check_validation
from dalearn_ros.depth.judge import judge
from dalearn_ros.depth.local import Stem, digest_of
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.depth.pictures import write_pictures
from dalearn_ros.depth.regime import GlobalTask
from dalearn_ros.depth.run import LocalRun, build_depth, open_local, train_local, with_teacher
from dalearn_ros.depth.samples import GlobalBatches
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.depth.targets import left_behind
from dalearn_ros.depth.taught import DEPTH, location_name
from dalearn_ros.detector.run import Run, open_run
from dalearn_ros.detector.settings import CROP_MULTIPLE
from dalearn_ros.landmarks.types import DISTANCE_KINDS
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import claim_run

LOCAL, LEARNING = "local", "learning"
METRICS, PICTURES = "metrics.json", "pictures"
TARGET_IMAGES = "target_images"  # of a bag, extracted before the run begins


@dataclass(frozen=True)
class Inputs:
    """What a distillation begins with.

    Attributes:
        detector: The run of the landmark detector that gets the head.
        data: Images with known distances.
        target: Unlabelled images; their labels and distances are not looked at.
        validation: Images with known distances, to judge both models on; may be empty.
        teacher: Folder of a local model that is there already; None: one is trained on ``data``.
    """

    detector: Path
    data: Sequence[Dataset]
    target: Sequence[Dataset]
    validation: Sequence[Dataset]
    teacher: Path | None = None


def distill(inputs: Inputs, run: Path, settings: DistillSettings, seed: int) -> dict[str, Any]:
    """Distil, or go on with the run that is in the folder.

    Afterwards the folder is a run like one of ``dalearn train`` with a depth head beside: it can be
    exported, evaluated and started from; ``metrics.json`` has the figures of both models.

    Args:
        inputs: Detector, images, teacher.
        run: The folder.
        settings: All settings; a given teacher brings its own patch, truth, location and stem.
        seed: Of weights, crops and order.

    Returns:
        What stands in ``metrics.json``.

    Raises:
        InputError: The folder holds something else, or a run that differs; the difference is named.
        DatasetError: No known distance, or no calibration.
        ModelError: Detector or teacher do not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together.
    """
    check_settings(settings)
    detector = open_run(inputs.detector)
    given = None if inputs.teacher is None else open_local(inputs.teacher)
    if given is not None:
        settings = with_teacher(settings, given)
    _check_teacher(detector, given, settings)
    _check_images(inputs, settings)
    claim_run(run, _description(inputs, detector, settings, seed), (TARGET_IMAGES,))
    teacher: LocalRun | None = given
    skipped: set[str] = set()
    if settings.weights.teacher > 0.0 and teacher is None:
        named = inputs.data, inputs.validation, run / LOCAL
        _, skipped = train_local(detector, *named, settings, seed)
        teacher = open_local(run / LOCAL)
    network, result, left = _learn(inputs, run, settings, seed, detector, teacher)
    _write_weights(run, network, detector, result)
    metrics = {
        "local": None if teacher is None else judge(teacher.network, inputs.validation, settings),
        "global": judge(network, inputs.validation, settings),
        "steps": result.steps,
        "minutes": result.minutes,
        "ended": result.reason,
        "images": sum(map(len, inputs.data)),
        "target_images": sum(map(len, inputs.target)),
        "skipped": sorted(skipped | left | left_behind(inputs.target)),
        "location": location_name(settings),
        "least_m": settings.truth.least_m,
        "greatest_m": settings.truth.greatest_m,
    }
    write_json(run / METRICS, metrics)
    shown = inputs.validation or inputs.target or inputs.data
    known = bool(inputs.validation)
    write_pictures(run / PICTURES, network, teacher, shown, settings, known)
    return metrics


def check_settings(settings: DistillSettings) -> None:
    """See that values that must fit together do.

    Raises:
        SettingsError: There is nothing to learn from, the range is empty, a patch does not suit
            the stem, or the crops are no input of the network.
    """
    if settings.weights.teacher == settings.weights.truth == 0.0:
        expected = "weights.teacher or weights.truth above 0"
        raise SettingsError.at("settings", "key 'weights'", expected, "both 0")
    if settings.truth.least_m >= settings.truth.greatest_m:
        found = f"{settings.truth.least_m:g} and {settings.truth.greatest_m:g}"
        raise SettingsError.at("settings", "key 'truth'", "least_m below greatest_m", found)
    if unknown := [kind for kind in settings.truth.kinds if kind not in DISTANCE_KINDS]:
        expected = f"some of {', '.join(DISTANCE_KINDS)}"
        raise SettingsError.at("settings", "key 'truth.kinds'", expected, f"'{unknown[0]}'")
    if settings.patch.size_px % 32:
        found = str(settings.patch.size_px)
        raise SettingsError.at("settings", "key 'patch.size_px'", "a multiple of 32", found)
    for name, loop in (("local.loop", settings.local.loop), ("loop", settings.loop)):
        if loop.accumulate > 1:
            found = str(loop.accumulate)
            raise SettingsError.at("settings", f"key '{name}.accumulate'", "1", found)
    for name in ("width", "height"):
        value = getattr(settings.crops, name)
        if value % CROP_MULTIPLE:
            expected = f"a multiple of {CROP_MULTIPLE}, the network's largest stride"
            raise SettingsError.at("settings", f"key 'crops.{name}'", expected, str(value))


def _check_teacher(detector: Run, teacher: LocalRun | None, settings: DistillSettings) -> None:
    """Raise ModelError for a teacher whose images or stem are not those of the detector."""
    if teacher is None:
        return
    channels, own = teacher.network.stem.inputs, detector.network.inputs
    if channels != own:
        raise ModelError.at(teacher.path, "input", f"{own}, the detector's", f"{channels}")
    if settings.local.shared == "none":
        return
    mine = Stem(detector.network, settings.local.stem_stride)
    state = teacher.network.stem.state_dict()
    shapes = {k: v.shape for k, v in mine.state_dict().items()}
    known = teacher.stem_digest or digest_of(teacher.network.stem)  # a frozen stem is the start's
    if shapes != {k: v.shape for k, v in state.items()} or known != digest_of(mine):
        hint = "Train a local model for this detector, or one with local.shared 'none'."
        expected = f"the stem of {detector.path}, which it shares"
        raise ModelError.at(teacher.path, "weights", expected, "another stem", hint)


def _check_images(inputs: Inputs, settings: DistillSettings) -> None:
    """Raise DatasetError for what would only be met after the folder was claimed."""
    weights = settings.weights
    if weights.truth > 0.0 or (weights.teacher > 0.0 and inputs.teacher is None):
        check_cameras(inputs.data)
        check_distances(inputs.data, settings.truth)
    if weights.teacher > 0.0:
        check_cameras(inputs.target)
    check_validation(inputs.validation, settings)


def _learn(
    inputs: Inputs,
    run: Path,
    settings: DistillSettings,
    seed: int,
    detector: Run,
    teacher: LocalRun | None,
) -> tuple[DepthNetwork, TrainResult, set[str]]:
    """Train the global model; its averaged network in evaluation."""
    torch.manual_seed(seed)
    tuned = settings.local.shared == "tuned"
    original = copy.deepcopy(detector.network) if tuned and settings.whole.hold_weight else None
    network = build_depth(detector, settings)
    if tuned and teacher is not None:
        network.take_stem(teacher.network, settings.local.stem_stride)
    with worker_errors():
        batches = GlobalBatches(inputs.target, inputs.data, settings, detector.settings, seed)
        taught_by = None if teacher is None else teacher.network
        validation = inputs.validation
        task = GlobalTask(
            settings, batches, lambda n: judge(n, validation, settings), taught_by, original
        )
        (run / LEARNING).mkdir(exist_ok=True)
        network = network.to(ALONE.device)
        trainer = Trainer(network, task, settings.loop, run / LEARNING, seed=seed)
        result = trainer.run()
    averaged = trainer.average.network
    assert isinstance(averaged, DepthNetwork)
    return averaged, result, task.skipped


def _write_weights(run: Path, network: DepthNetwork, detector: Run, result: TrainResult) -> None:
    groups = {
        "network": dict(network.detector.state_dict()),
        DEPTH: dict(network.head.state_dict()),
    }
    header = {**detector.header, "depth_steps": result.steps}
    if network.learns != "none":  # thresholds and calibration are those of the detector before
        header["figures"] = {}
    save_checkpoint(run / WEIGHTS, Checkpoint(groups, header))


def _description(
    inputs: Inputs, detector: Run, settings: DistillSettings, seed: int
) -> dict[str, Any]:
    own = {
        "settings": dump_settings(settings),
        "location": location_name(settings),
        "focal_px": common_focal_px(inputs.data),
        "seed": seed,
        "teacher": None if inputs.teacher is None else str(inputs.teacher),
        "data": [{"path": str(d.path), "images": len(d)} for d in inputs.data],
        "target": [{"path": str(d.path), "images": len(d)} for d in inputs.target],
        "validation": [{"path": str(d.path), "images": len(d)} for d in inputs.validation],
    }
    return {**detector.description, "init": str(inputs.detector), DEPTH: own}
