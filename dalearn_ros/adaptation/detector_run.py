"""Adapt a landmark detector to a new city: one run in a folder."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from dalearn_ros.adaptation.detector_network import AdaptNetwork
from dalearn_ros.adaptation.detector_regime import AdaptTask
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.pseudo_log import PseudoLog
from dalearn_ros.adaptation.scan import scan
from dalearn_ros.adaptation.selection import (
    CRITERION,
    Candidate,
    Choice,
    candidates,
    choose,
    of_source,
    state_of,
)
from dalearn_ros.adaptation.settings import check_adaptation
from dalearn_ros.adaptation.target_crops import AdaptBatches, TargetCrops, few_shot_settings
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import NEW_PARTS, LandmarkNetwork
from dalearn_ros.detector.regime import DetectorTask, build_network
from dalearn_ros.detector.run import open_run
from dalearn_ros.detector.samples import CropBatches, check_label_spaces, worker_errors
from dalearn_ros.detector.settings import TrainSettings, check_settings
from dalearn_ros.landmarks.types import Labels
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from dalearn_ros.training.loop import WEIGHTS, Trainer
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE, claim_run

LEARNING, CANDIDATES = "learning", "candidates"
PSEUDO_LABELS, SUMMARY = "pseudo_labels.csv", "adaptation.json"
TARGET_IMAGES = "target_images"  # of a bag, extracted before the run begins
OF_THE_START = ("network", "grid", "input", "targets", "decoding")


@dataclass(frozen=True)
class Inputs:
    """What an adaptation learns from.

    Attributes:
        init: Run folder or weights of the start.
        source: Labelled datasets of the old city.
        validation: Labelled source images for thresholds and choice; empty: those of ``source``.
        target: Images of the new city.
        few_shot: The few labelled images of it; may be empty.
        mapped: For each target image the landmarks that a map has there; None: no map.
    """

    init: Path
    source: Sequence[Dataset]
    validation: Sequence[Dataset]
    target: ImageList
    few_shot: Sequence[Dataset] = ()
    mapped: Sequence[Labels] | None = None


@dataclass(frozen=True)
class Outcome:
    """How an adaptation ended.

    Attributes:
        chosen: The network that was taken.
        refused: Why it is the start; empty if adaptation helped.
        steps: Steps of learning.
        minutes: Time spent on them.
        reason: Why learning ended.
        events: (step, what, why) of each switch of self-training.
        warnings: Sentences for the user.
    """

    chosen: Candidate
    refused: str
    steps: int
    minutes: float
    reason: str
    events: list[tuple[int, str, str]]
    warnings: list[str]


def read_settings(init: Path, config: Path | None) -> AdaptSettings:
    """Settings of an adaptation: the network's are those of the start, where it is a run folder.

    Raises:
        SettingsError: A settings file that cannot be used.
        ModelError: ``init`` is no finished run.
    """
    if not init.is_dir():
        return load_settings(AdaptSettings, config)
    values = dump_settings(open_run(init).settings)
    return load_settings(AdaptSettings, config, {name: values[name] for name in OF_THE_START})


def adapt_detector(inputs: Inputs, run: Path, settings: AdaptSettings, seed: int) -> Outcome:
    """Adapt, or go on with the run that is in the folder.

    Afterwards the folder is a run like one of ``dalearn train``: it can be exported, evaluated and
    started from; ``candidates/`` has the networks along the way, ``pseudo_labels.csv`` every
    pseudo label, ``adaptation.json`` the choice.

    Raises:
        InputError: The folder holds something else, or a run that differs; the difference is named.
        DatasetError: Target and source are the same images.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together.
    """
    warnings = [*check_adaptation(settings.adaptation), *compare_images(inputs)]
    _check(settings, inputs)
    check_settings(settings, 1)
    for sentence in warnings:
        logging.getLogger(__name__).warning("%s", sentence)
    space = inputs.source[0].label_space
    claim_run(run, _description(inputs, settings, seed), (TARGET_IMAGES,))
    start = build_network(settings, space, seed)
    path = inputs.init / WEIGHTS if inputs.init.is_dir() else inputs.init
    load_weights(start, dict(load_checkpoint(path).groups.get("network", {})), path, new=NEW_PARTS)
    with worker_errors():
        choice = Choice(
            settings,
            space,
            inputs.validation or inputs.source,
            inputs.target,
            run / CANDIDATES,
            seed,
        )
        task = _task(inputs, run, settings, seed, start, choice)
        torch.manual_seed(seed)
        network = AdaptNetwork(start, settings.adaptation.domain)
        (run / LEARNING).mkdir(exist_ok=True)
        trainer = Trainer(network, task, settings.loop, run / LEARNING, seed=seed)
        assert isinstance(trainer.average.network, AdaptNetwork)
        task.teacher = trainer.average.network
        if trainer.step == 0:
            task.validate(trainer.average.network)
        result = trainer.run()
    if task.skipped:
        names = ", ".join(sorted(task.skipped)[:3])
        warnings.append(f"{len(task.skipped)} images cannot be read, among them {names}.")
    chosen, refused = choose(candidates(run / CANDIDATES), settings)
    outcome = Outcome(
        chosen,
        refused,
        result.steps,
        result.minutes,
        result.reason,
        task.schedule.events,
        warnings,
    )
    _finish(run, outcome, inputs)
    return outcome


def compare_images(inputs: Inputs) -> list[str]:
    """Hold target images against source images.

    Returns:
        Sentences to warn with: images of both, images of another size.

    Raises:
        DatasetError: There is no image that is not one of the source.
    """
    source = ImageList.open([dataset.path for dataset in inputs.source])
    known = {source.digest(i) for i in range(len(source))}
    target = inputs.target
    both = sum(target.digest(i) in known for i in range(len(target)))
    if both == len(target):
        raise DatasetError(
            "--target: all of its images are images of --source; there is nothing to adapt to."
        )
    found = []
    if both:
        found.append(f"{both} of {len(target)} target images are images of the source, too.")
    few = 50
    if len(target) < few:
        found.append(
            f"There are only {len(target)} target images; what is learnt from so few may not hold "
            "for the city."
        )
    here, there = source.size(0)[0], target.size(0)[0]
    if not 2 / 3 <= there / here <= 3 / 2:
        found.append(
            f"Target images are {there} px wide, source images {here} px: landmarks differ in size "
            "by as much; cameras of like resolution are better."
        )
    return found


def _check(settings: AdaptSettings, inputs: Inputs) -> None:
    check_label_spaces([*inputs.source, *inputs.validation, *inputs.few_shot])
    if settings.loop.accumulate > 1:
        expected = "1, because domains are compared within a batch"
        found = str(settings.loop.accumulate)
        raise SettingsError.at("settings", "key 'loop.accumulate'", expected, found)
    if settings.loop.validate_every == 0:
        expected = "a number of steps, because the networks in between are compared"
        raise SettingsError.at("settings", "key 'loop.validate_every'", expected, "0")
    if inputs.few_shot and settings.adaptation.few_shot_weight == 0.0:
        expected = "a weight above 0 for --few-shot"
        raise SettingsError.at("settings", "key 'adaptation.few_shot_weight'", expected, "0")


def _task(
    inputs: Inputs,
    run: Path,
    settings: AdaptSettings,
    seed: int,
    start: LandmarkNetwork,
    choice: Choice,
) -> AdaptTask:
    own, names = settings.adaptation, inputs.source[0].label_space.names
    target = None
    if own.domain.weight > 0.0 or own.self_training.weight > 0.0:
        places = scan(start, settings, inputs.source[0].label_space, inputs.target)
        target = TargetCrops(inputs.target, places, settings, seed, inputs.mapped)
    few = None
    if inputs.few_shot:
        few = CropBatches(inputs.few_shot, few_shot_settings(settings), seed)
    batches = AdaptBatches(CropBatches(inputs.source, settings, seed), target, few)
    detector = DetectorTask(settings, inputs.source, [], seed)
    images = [inputs.target.name(i) for i in range(len(inputs.target))]
    log = PseudoLog(run / PSEUDO_LABELS, images, names, settings.collapse)
    return AdaptTask(settings, batches, detector, log, choice)


def _description(inputs: Inputs, settings: AdaptSettings, seed: int) -> dict[str, object]:
    values = dump_settings(settings)
    own = {f: values[f] for f in values if f not in dump_settings(TrainSettings())}
    mapped = None if inputs.mapped is None else sum(len(labels) for labels in inputs.mapped)
    return {
        "format": "landmark-detector run",
        "format_version": FORMAT_VERSION,
        "settings": {name: value for name, value in values.items() if name not in own},
        "adaptation": own,
        "label_space": inputs.source[0].label_space.to_dict(),
        "seed": seed,
        "init": str(inputs.init),
        "data": [{"path": str(d.path), "images": len(d)} for d in inputs.source],
        "validation": [{"path": str(d.path), "images": len(d)} for d in inputs.validation],
        "target": {"images": len(inputs.target), "sha256": inputs.target.fingerprint},
        "few_shot": [{"path": str(d.path), "images": len(d)} for d in inputs.few_shot],
        "mapped_landmarks": mapped,
    }


def _finish(run: Path, outcome: Outcome, inputs: Inputs) -> None:
    """Write the chosen network as a run's weights, and what was chosen."""
    header = {"step": outcome.chosen.step, "figures": of_source(outcome.chosen)}
    save_checkpoint(run / WEIGHTS, Checkpoint({"network": state_of(outcome.chosen)}, header))
    write_json(
        run / SUMMARY,
        {
            "chosen_step": outcome.chosen.step,
            "refused": outcome.refused,
            "criterion": CRITERION,
            "candidates": [
                {"step": c.step, **{k: v for k, v in c.figures.items() if "calibration" not in k}}
                for c in candidates(run / CANDIDATES)
            ],
            "self_training": [
                {"step": step, "what": what, "why": why} for step, what, why in outcome.events
            ],
            "ended": outcome.reason,
            "steps": outcome.steps,
            "minutes": outcome.minutes,
            "target_images": len(inputs.target),
            "target_left_out": {k: len(v) for k, v in inputs.target.left_out.items()},
            "warnings": outcome.warnings,
        },
    )


__all__ = ["RUN_FILE", "Inputs", "Outcome", "adapt_detector", "compare_images", "read_settings"]
