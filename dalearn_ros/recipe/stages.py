"""What each stage of the recipe does in its folder, and what it says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dalearn_ros.attention.retrain import LEFT_BEHIND
from dalearn_ros.core.resources import resource
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.taught import has_portable_depth
from dalearn_ros.evaluation.compare import compare
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.replay import evaluate_bag, evaluate_dataset
from dalearn_ros.evaluation.report_compare import write_compare
from dalearn_ros.export.precision import PrecisionSettings, convert
from dalearn_ros.export.run import export_run
from dalearn_ros.hard_examples.colour_conversion import COLOURS
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.inference.detector import RUN_MODEL, LandmarkDetector
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.recipe.learning import (
    Given,
    NewCity,
    Unlabelled,
    adapt_run,
    distill_run,
    harden_run,
    retrain_run,
    train_run,
)
from dalearn_ros.recipe.settings import (
    DriveSettings,
    EvaluateStage,
    ExportStage,
    HardenStage,
    LabelStage,
    RetrainStage,
    StageSettings,
)
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import WEIGHTS

SHIPPED_STORE = "config/conditions.sqlite"


@dataclass(frozen=True)
class Material:
    """What the learning stages learn from.

    Attributes:
        data: Labelled datasets.
        val: Others, for thresholds and choice.
        few_shot: A few labelled ones of the new city.
        target: Images of the new city: folders and bags.
        target_bags: Those of them that are bags.
        topic: Images of the bags.
        seed: Of all stages.
    """

    data: Sequence[Path]
    val: Sequence[Path]
    few_shot: Sequence[Path]
    target: Sequence[Path]
    target_bags: Sequence[Path]
    topic: str | None
    seed: int


@dataclass(frozen=True)
class Outcome:
    """How a stage ended.

    Attributes:
        said: A sentence.
        figures: Its main figures.
        refused: Why it hands on what it was given; empty: it hands on its own run.
        report: A page of it, relative to its folder; empty: none.
    """

    said: str
    figures: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    report: str = ""


def label(
    drive: DriveSettings, stage: LabelStage, areas: bool, distances: str, out: Path
) -> Outcome:
    """Label a drive."""
    assert drive.bag is not None and drive.map is not None
    settings = load_settings(LabelSettings, stage.config, stage.settings)
    extras = Extras(
        time_offset_ns=round(drive.time_offset_s * 1e9),
        readout_s=drive.readout_ms * 1e-3,
        map_frame=drive.map_frame,
        base_frame=drive.base_frame,
        areas=areas,
        distances=distances,
    )
    topics = drive.pose_topic, drive.camera_topic
    found = label_bag(drive.bag, drive.map, out, *topics, settings, extras)
    figures = {key: found[key] for key in ("frames", "labels", "landmarks_labelled")}
    figures.update(areas=areas, distances=distances)
    figures["frames_skipped"] = sum(found["frames_skipped"].values())
    said = f"{found['frames']} frames with {found['labels']} labels."
    return Outcome(said, figures, report="audit.html")


def train(stage: StageSettings, material: Material, init: Path | None, out: Path) -> Outcome:
    """Train a detector."""
    given = Given(stage.config, stage.settings, material.seed)
    result, skipped = train_run(material.data, material.val, out, given, init)
    figures = {"steps": result.steps, "images_left_out": len(skipped), **_on_val(out)}
    return Outcome(f"{result.steps} steps in {result.minutes:.1f} min.", figures)


def store_of(stage: HardenStage) -> Path | None:
    """The store that it names, else the shipped one; None: it converts no colours."""
    settings = load_settings(HardenSettings, stage.config, stage.settings)
    if stage.store is None and COLOURS not in settings.conversions.use:
        return None
    return stage.store or resource(SHIPPED_STORE)


def harden(stage: HardenStage, material: Material, init: Path, out: Path) -> Outcome:
    """Learn from converted images; refused where none was hard."""
    given = Given(stage.config, stage.settings, material.seed)
    found = harden_run(init, material.data, material.val, store_of(stage), None, out, given)
    figures = {"tried": found["tried"], "hard": found["outputs"], "steps": found["steps"]}
    refused = "" if found["outputs"] else "nothing was hard for the model"
    return Outcome(found["verdict"], {**figures, **_on_val(out)}, refused, "album.html")


def adapt(stage: StageSettings, material: Material, init: Path, out: Path) -> Outcome:
    """Adapt to a new city; refused where that does not help."""
    given = Given(stage.config, stage.settings, material.seed)
    city = NewCity(material.target, material.topic, material.few_shot)
    found = adapt_run(init, material.data, material.val, city, out, given)
    figures = {"steps": found["steps"], "chosen_step": found["chosen_step"], **_on_val(out)}
    return Outcome(found["verdict"], figures, found["refused"], "report.html")


def distill(stage: StageSettings, material: Material, init: Path, out: Path) -> Outcome:
    """Teach distances."""
    given = Given(stage.config, stage.settings, material.seed)
    images = Unlabelled(material.target_bags, material.topic)
    found = distill_run(init, material.data, material.val, images, out, given)
    figures = {"steps": found["steps"]}
    if "abs_rel" in found["global"]:
        figures["abs_rel"] = found["global"]["abs_rel"]
    return Outcome(f"{found['steps']} steps in {found['minutes']:.1f} min.", figures)


def retrain(stage: RetrainStage, material: Material, init: Path, out: Path) -> Outcome:
    """Teach where to look."""
    given = Given(stage.config, stage.settings, material.seed)
    found = retrain_run(init, material.data, material.val, stage.edits, out, given)
    used = found["edits"]["used"]
    figures = {"steps": found["steps"], "corrected_maps": used, **_on_val(out)}
    lost = " The depth head was left behind." if found["depth"] == LEFT_BEHIND else ""
    return Outcome(f"{found['verdict']}{lost}", figures, report="report.html")


def export(stage: ExportStage, material: Material | None, init: Path, out: Path) -> Outcome:
    """Write the ONNX file, with depth and attention where the run has them.

    Args:
        stage: Its settings.
        material: For another precision than fp32, which takes none.
        init: Run folder.
        out: Folder of the file.
    """
    depth = has_portable_depth(init)
    model = out / RUN_MODEL
    if stage.precision == "fp32":
        _, difference = export_run(init, model, depth=depth)
        said = f"fp32, answers within {difference:.1g} of the network's."
    else:
        assert material is not None
        settings = load_settings(PrecisionSettings, stage.config, stage.settings)
        export_run(init, out / "fp32.onnx", depth=depth)
        val = [Dataset.open(path) for path in material.val or material.data]
        shown = [Dataset.open(path) for path in material.data]
        done = convert(out / "fp32.onnx", model, stage.precision, val, shown, settings)
        said = f"{stage.precision}; {done.loss}."
    return Outcome(said, {"megabytes": model.stat().st_size / 1e6, "depth": depth})


def evaluate(
    stage: EvaluateStage,
    test: DriveSettings | Path,
    model: Path,
    against: Path | None,
    out: Path,
) -> Outcome:
    """Score a model on a drive or a dataset, and compare with the evaluation of another one."""
    detector = LandmarkDetector.load(model, stage.threads)
    if isinstance(test, Path):
        collected = evaluate_dataset(
            test, detector, stage.match_px, {"dataset": test, "model": model}
        )
    else:
        assert test.bag is not None and test.map is not None
        localizer = load_settings(LocalizerSettings, stage.config, stage.settings)
        options = DriveOptions.of(test, stage.match_px, localizer)
        source = {"bag": test.bag, "map": test.map, "model": model}
        collected = evaluate_bag(test.bag, test.map, detector, options, source)
    found = collected.write(out)
    figures = {name: found[name] for name in ("frames", "f1", "precision", "recall")}
    figures["point_median_px"] = found["reference_point_px"]["median"]
    figures["lateral_median_m"] = found["localization"]["lateral_m"]["median"]
    said = f"F1 {found['f1']:.3f} at {found['match_px']:g} px over {found['frames']} frames."
    if against is not None:
        compared = compare(against, out)
        write_compare(out, compared)
        said += f" Against {stage.against}: {compared['figures'][0]['says']}"
    return Outcome(said, figures, report="report.html")


def _on_val(run: Path) -> dict[str, float]:
    """F1 on the validation data, where the run has it."""
    figures = load_checkpoint(run / WEIGHTS).header.get("figures", {})
    return {"val_f1": figures["f1"]} if "f1" in figures else {}
