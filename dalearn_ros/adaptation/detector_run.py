"""Adapt a landmark detector to a new city: one run in a folder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import torch

from dalearn_ros.adaptation.detector_inputs import Inputs, check_inputs, labelled_draws
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
    forget_after,
    of_source,
    state_of,
)
from dalearn_ros.adaptation.source_images import Draws
from dalearn_ros.adaptation.target_crops import AdaptBatches, TargetCrops, few_shot_settings
from dalearn_ros.core.files import write_json
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.detector.network import NEW_PARTS, LandmarkNetwork
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)
from dalearn_ros.training.loading import worker_errors
from dalearn_ros.training.loop import WEIGHTS, Trainer
from dalearn_ros.training.peers import ALONE
from dalearn_ros.training.run_folder import FORMAT_VERSION, claim_run

LEARNING, CANDIDATES, PLACES = "learning", "candidates", "places.npz"
PSEUDO_LABELS, SUMMARY = "pseudo_labels.csv", "adaptation.json"
TARGET_IMAGES = "target_images"  # of a bag, extracted before the run begins


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


def adapt_detector(
    inputs: Inputs, run: Path, settings: AdaptSettings, seed: int, scanned: Path | None = None
) -> Outcome:
    """Adapt, or go on with the run that is in the folder.

    Afterwards the folder is a run like one of ``dalearn train``: it can be exported, evaluated and
    started from; ``candidates/`` has the networks along the way, ``pseudo_labels.csv`` every
    pseudo label, ``adaptation.json`` the choice.

    Args:
        inputs: What it learns from.
        run: Its folder.
        settings: All of them.
        seed: Of all draws.
        scanned: Where runs from one start to the same images share their first look at these;
            None: in the run's folder.

    Raises:
        InputError: The folder holds something else, or a run that differs; the difference is named.
        DatasetError: Target and source are the same images.
        ModelError: ``init`` does not fit, or a loss is not finite.
        SettingsError: Settings that do not fit together.
    """
    warnings = check_inputs(settings, inputs)
    for sentence in warnings:
        logging.getLogger(__name__).warning("%s", sentence)
    space = inputs.source[0].label_space
    claim_run(run, _description(inputs, settings, seed), (TARGET_IMAGES,))
    start = build_network(settings, space, seed)
    path = inputs.init / WEIGHTS if inputs.init.is_dir() else inputs.init
    load_weights(start, dict(load_checkpoint(path).groups.get("network", {})), path, new=NEW_PARTS)
    draws, few_draws = labelled_draws(inputs, settings)
    warnings += [*draws.notes, *(few_draws.notes if few_draws else ())]
    torch.set_num_threads(settings.batch.threads or ALONE.threads)
    (run / LEARNING).mkdir(exist_ok=True)
    with worker_errors():
        choice = Choice(
            settings,
            space,
            inputs.validation or inputs.source,
            inputs.target,
            run / CANDIDATES,
        )
        source = CropBatches(inputs.source, settings, seed, repeats=draws.repeats)
        kept = scanned or run / LEARNING / PLACES
        few = None
        if few_draws is not None:
            own = few_shot_settings(settings)
            few = CropBatches(inputs.few_shot, own, seed, repeats=few_draws.repeats)
        batches = AdaptBatches(source, _target_crops(inputs, settings, seed, start, kept), few)
        images = [inputs.target.name(i) for i in range(len(inputs.target))]
        log = PseudoLog(run / PSEUDO_LABELS, images, space.names, settings.collapse)
        task = AdaptTask(settings, batches, log, choice)
        torch.manual_seed(seed)
        network = AdaptNetwork(start, settings.adaptation.domain).to(ALONE.device)
        trainer = Trainer(network, task, settings.loop, run / LEARNING, seed=seed)
        forget_after(run / CANDIDATES, trainer.step)
        assert isinstance(trainer.average.network, AdaptNetwork)
        task.teacher = trainer.average.network
        if trainer.step == 0:
            task.validate(trainer.average.network)
        result = trainer.run()
    if task.skipped:
        names = ", ".join(sorted(task.skipped)[:3])
        warnings.append(f"{len(task.skipped)} images cannot be read, among them {names}.")
    sound = result.steps
    if result.reason not in ("steps", "time", "converged"):  # the window in which it ran away
        sound -= settings.collapse.window
    chosen, refused = choose(
        candidates(run / CANDIDATES), settings, sound, labelled=bool(inputs.few_shot)
    )
    outcome = Outcome(
        chosen,
        refused,
        result.steps,
        result.minutes,
        result.reason,
        task.schedule.events,
        warnings,
    )
    _finish(run, outcome, inputs, draws)
    return outcome


def _target_crops(
    inputs: Inputs, settings: AdaptSettings, seed: int, start: LandmarkNetwork, kept: Path
) -> TargetCrops | None:
    """None if no loss looks at target images."""
    own = settings.adaptation
    if own.domain.weight == 0.0 and own.self_training.weight == 0.0:
        return None
    places = scan(start, settings, inputs.source[0].label_space, inputs.target, kept)
    return TargetCrops(inputs.target, places, settings, seed, inputs.mapped)


def _description(inputs: Inputs, settings: AdaptSettings, seed: int) -> dict[str, object]:
    values = dump_settings(settings)
    own = {f: values[f] for f in values if f not in dump_settings(TrainSettings())}
    mapped = None if inputs.mapped is None else sum(len(labels or ()) for labels in inputs.mapped)
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


def _finish(run: Path, outcome: Outcome, inputs: Inputs, draws: Draws) -> None:
    """Write the chosen network as a run's weights, and what was chosen."""
    header = {"step": outcome.chosen.step, "figures": of_source(outcome.chosen.figures)}
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
            "source_left_out": {k: len(v) for k, v in draws.left_out.items()},
            "warnings": outcome.warnings,
        },
    )
