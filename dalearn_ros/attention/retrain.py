"""Retrain a detector with corrected attention maps: a run in a folder (A3, A6, A7)."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from dalearn_ros.attention.cam import Cam, landmark_score
from dalearn_ros.attention.cells import WantedMap
from dalearn_ros.attention.depth_kept import KeptDepth, depth_of, keep_depth
from dalearn_ros.attention.edits import Edits
from dalearn_ros.attention.freezing import Frozen, losses_of, parts_that_learn
from dalearn_ros.attention.landmark_maps import edits_of, proposed_maps
from dalearn_ros.attention.landmark_review import (
    LandmarkReviewer,
    all_frames,
    review,
    spread,
    without_edited,
)
from dalearn_ros.attention.regime import AttentionTask, with_branch
from dalearn_ros.attention.regression import summarise, told
from dalearn_ros.attention.regression_report import REPORT, verdict_of, write_report
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.attention.run import LANDMARK_FORMAT, LandmarkRun, start_landmark_run
from dalearn_ros.attention.samples import MapCrops
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError, ModelError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.taught import DEPTH, has_depth
from dalearn_ros.detector.run import OF_THE_START, RUN_FORMAT
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.settings import TrainSettings, check_settings
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import WEIGHTS, Trainer, TrainResult
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

METRICS = "metrics.json"
LEFT_BEHIND = "left behind"  # the features learn, or there is no branch (cam)


@dataclass(frozen=True)
class Inputs:
    """What a detector is retrained with.

    Attributes:
        init: Run folder of a detector, with an attention branch or without.
        data: Labelled images; corrected maps belong to images of theirs.
        validation: For thresholds, and to see what breaks elsewhere; may be empty.
        edits: Folder of corrected maps; None: the branch learns without.
    """

    init: Path
    data: Sequence[Dataset]
    validation: Sequence[Dataset] = ()
    edits: Path | None = None


def retrain(inputs: Inputs, run: Path, settings: RetrainSettings, seed: int) -> dict[str, Any]:
    """Learn, or go on with the run that is in the folder, and compare with the start.

    Afterwards the folder is a run with an attention branch (with ``attention.source: cam`` one
    without), with ``metrics.json`` and ``report.html``. A start's depth head goes along as it is
    while the detector's features do not learn.

    Args:
        inputs: Start, data and maps.
        run: The folder.
        settings: All of them; network, grid, input, targets and decoding are the start's.
        seed: Of a new branch, crops and order.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        InputError: The folder holds something else, or a run that differs; no map can be used.
        DatasetError: Datasets of other classes than the start.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together, or nothing that learns.
    """
    check_settings(settings, 1)
    check_label_spaces([*inputs.data, *inputs.validation])
    start = _start(inputs, settings, seed)
    cam = settings.attention.source == "cam"
    match_px = settings.validation.match_px
    before = LandmarkReviewer(start, match_px, cam)
    edits = edits_of(inputs.data, inputs.edits)
    maps = {number: edit.wanted for number, edit in edits.used.items()}
    proposed = proposed_maps(inputs.data, settings, before, set(maps))
    maps.update(proposed)
    losses = losses_of(settings.attention, bool(maps))
    learns = parts_that_learn(settings.attention, losses, is_new=False)
    kept = None if cam else depth_of(inputs.init, learns)
    description = _description(inputs, settings, start, edits, maps, seed)
    claim_run(run, description if kept is None else {**description, DEPTH: dict(kept.about)})
    with worker_errors():
        crops = MapCrops(inputs.data, settings, seed, maps, settings.attention.repeat)
        result, skipped = _learn(start, crops, inputs, run, settings, losses, learns, seed)
    if kept is not None:
        keep_depth(run, kept)
    after = LandmarkReviewer(start_landmark_run(run, settings.branch, seed), match_px, cam)
    everywhere = all_frames(inputs.validation)
    others = without_edited(everywhere, edits)
    left_out = len(everywhere) - len(others)
    where = "validation" if everywhere else "training"
    if not everywhere:
        frames = enumerate(all_frames(inputs.data))
        others = [frame for number, frame in frames if number not in maps]
    others = spread(others, settings.validation.images)
    rows, wanted = review(before, after, inputs.data, edits.used, others)
    summary = summarise(rows, "f1")
    metrics = {
        "verdict": verdict_of(summary),
        "score": "f1",
        "new_branch": start.is_new and not cam,
        "depth": _fate(inputs.init, kept),
        "losses": list(losses),
        "learns": list(learns),
        "steps": result.steps,
        "elsewhere_is": where,
        **summary,
        "edits": {**edits.summary(), "proposed": len(proposed), "in_validation": left_out},
        "start_figures": dict(start.header.get("figures", {})),
        "figures": dict(result.figures),
        "skipped_images": sorted(skipped),
        "rows": told(rows),
    }
    write_json(run / METRICS, metrics)
    write_report(run / REPORT, metrics, rows, wanted, cam)
    return metrics


def _fate(start: Path, kept: KeptDepth | None) -> str | None:
    """What became of the start's depth head; None: it has none."""
    if not has_depth(start):
        return None
    return LEFT_BEHIND if kept is None else "kept"


def retrain_settings(
    init: Path, config: Path | None, overrides: Mapping[str, Any] | None = None
) -> RetrainSettings:
    """Settings with those of :data:`detector.run.OF_THE_START` from the start.

    Args:
        init: Run folder of the start.
        config: Settings file; None takes the defaults.
        overrides: Values that win over the file, but not over the start's.

    Raises:
        SettingsError: A settings file that cannot be used.
        ModelError: ``init`` is no finished run of a detector.
    """
    branch = load_settings(RetrainSettings, config, overrides).branch
    values = dump_settings(start_landmark_run(init, branch, 0).settings)
    own = {name: values[name] for name in OF_THE_START}
    return load_settings(RetrainSettings, config, {**(overrides or {}), **own})


def _start(inputs: Inputs, settings: RetrainSettings, seed: int) -> LandmarkRun:
    start = start_landmark_run(inputs.init, settings.branch, seed)
    if settings.attention.source == "cam" and not start.is_new:
        expected = "a detector without an attention branch, for attention.source 'cam'"
        hint = "It has a map of its own: use attention.source 'branch'."
        raise ModelError.at(inputs.init, "", expected, "one with a branch", hint)
    space = inputs.data[0].label_space
    if start.label_space.digest != space.digest:
        expected = f"the classes of {inputs.data[0].path}"
        raise DatasetError.at(inputs.init, "", expected, ", ".join(start.label_space.names[1:]))
    return start


def _learn(
    start: LandmarkRun,
    crops: MapCrops,
    inputs: Inputs,
    run: Path,
    settings: RetrainSettings,
    losses: Sequence[str],
    learns: Sequence[str],
    seed: int,
) -> tuple[TrainResult, set[str]]:
    shell = copy.deepcopy(start.network).to(ALONE.device)
    parts = dict(shell.parts())
    network: nn.Module = shell
    recognise = with_branch
    if settings.attention.source == "cam":
        del parts["attention"]
        cam = Cam(shell, landmark_score)
        network, recognise = shell.detector, cam.recognise if "map" in losses else cam.answer
    frozen = Frozen(parts, learns)
    figures = dict(start.header.get("figures", {}))
    task = AttentionTask(
        settings, crops, inputs.validation, seed, losses, frozen, recognise, figures
    )
    result = Trainer(network, task, settings.loop, run, seed=seed).run()
    return result, task.skipped


def _description(
    inputs: Inputs,
    settings: RetrainSettings,
    start: LandmarkRun,
    edits: Edits,
    maps: Mapping[int, WantedMap],
    seed: int,
) -> dict[str, Any]:
    values = dump_settings(settings)
    trained = [f.name for f in dataclasses.fields(TrainSettings)]
    cam = settings.attention.source == "cam"
    found = {
        "format": RUN_FORMAT if cam else LANDMARK_FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": {name: values[name] for name in trained},
        "attention": values["attention"],
        "label_space": start.label_space.to_dict(),
        "seed": seed,
        "init": {"path": str(inputs.init), "sha256": sha256_of(inputs.init / WEIGHTS)},
        "data": [{"path": str(d.path), "images": len(d)} for d in inputs.data],
        "validation": [{"path": str(d.path), "images": len(d)} for d in inputs.validation],
        "edits": edits.about(inputs.edits),
        "maps": len(maps),
    }
    return found if cam else {**found, "branch": dump_settings(start.branch)}
