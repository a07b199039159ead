"""One function a learning stage: data in folders become a run folder with its model and report.

The verbs of the command line and the recipe call the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dalearn_ros.adaptation.detector_inputs import Inputs as AdaptInputs
from dalearn_ros.adaptation.detector_run import CANDIDATES, TARGET_IMAGES, adapt_detector
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.map_labels import labels_by_content
from dalearn_ros.adaptation.report import write_report
from dalearn_ros.adaptation.selection import candidates
from dalearn_ros.adaptation.target_score import score_target
from dalearn_ros.attention.retrain import Inputs as RetrainInputs
from dalearn_ros.attention.retrain import retrain, retrain_settings
from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.image_filter import Filtered, filter_images
from dalearn_ros.datasets.image_list import ImageList, left_out_lines
from dalearn_ros.datasets.shards import open_training_data
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.distill import Inputs as DistillInputs
from dalearn_ros.depth.distill import distill
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.depth.targets import open_targets
from dalearn_ros.depth.taught import has_portable_depth
from dalearn_ros.detector.run import open_run, settings_from, train_detector
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.export.run import export_run
from dalearn_ros.hard_examples.album import write_album
from dalearn_ros.hard_examples.run import Inputs as HardenInputs
from dalearn_ros.hard_examples.run import harden
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.inference.detector import RUN_MODEL
from dalearn_ros.training.loop import TrainResult
from dalearn_ros.training.peers import ALONE, Peers
from dalearn_ros.training.run_folder import refuse_other

Paths = Sequence[Path]


@dataclass(frozen=True)
class Given:
    """Settings of a stage as a user gives them.

    Attributes:
        config: A settings file; None: the defaults.
        overrides: Values that win over the file, nested as the settings are.
        seed: Of all that is drawn.
    """

    config: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


def train_run(
    data: Paths, val: Paths, out: Path, given: Given, init: Path | None, peers: Peers = ALONE
) -> tuple[TrainResult, set[str]]:
    """Train a detector and export it; see :func:`detector.run.train_detector`.

    Args:
        data: Labelled datasets, or shards of such.
        val: Others, to choose thresholds on; may be empty.
        out: Run folder; the same run in it is continued.
        given: Settings, see :class:`detector.settings.TrainSettings`.
        init: Run folder or weights to start from; None: random weights.
        peers: The processes that learn together; only the first one exports.

    Returns:
        How it ended, and the images that could not be read.
    """
    settings = load_settings(TrainSettings, given.config, given.overrides)
    done = train_detector(
        open_training_data(data), _open(val), out, settings, given.seed, init, peers
    )
    if not peers.rank:
        export_run(out, out / RUN_MODEL)
    return done


def harden_run(
    init: Path,
    data: Paths,
    val: Paths,
    store: Path | None,
    index: Path | None,
    out: Path,
    given: Given,
) -> dict[str, Any]:
    """Seek what breaks a model and learn from it; see :func:`hard_examples.run.harden`.

    Args:
        init: Run folder or weights of the start.
        data: Labelled datasets that are converted and replayed.
        val: Others, to choose thresholds on; empty: the start's stay.
        store: Colour distributions of other conditions; None: no colours are converted.
        index: Folder of index images; None: those beside the data.
        out: Run folder; the same run in it is continued.
        given: Settings, see :class:`hard_examples.search_settings.HardenSettings`.

    Returns:
        The content of ``metrics.json``.
    """
    _check_start(init)
    refuse_other(out)
    settings = settings_from(HardenSettings, init, given.config, given.overrides)
    inputs = HardenInputs(init, _open(data), store, _open(val), index)
    outcome = harden(inputs, out, settings, given.seed)
    metrics = write_album(out, inputs, outcome, settings)
    export_run(out, out / RUN_MODEL)
    return metrics


@dataclass(frozen=True)
class NewCity:
    """What is known of the city that a detector is adapted to.

    Attributes:
        target: Images: folders, datasets or bags; no label is looked at.
        topic: Images of those that are bags; None: all cameras.
        few_shot: A few labelled datasets.
        map_labels: Dataset with the labels that a map gives target images; None: no map.
        evaluate: Labelled datasets, for the score alone, opened after the choice stands.
    """

    target: Paths
    topic: str | None = None
    few_shot: Paths = ()
    map_labels: Path | None = None
    evaluate: Paths = ()


def adapt_run(
    init: Path, source: Paths, val: Paths, city: NewCity, out: Path, given: Given
) -> dict[str, Any]:
    """Adapt a detector to a new city; see :func:`adaptation.detector_run.adapt_detector`.

    Args:
        init: Run folder or weights of the start.
        source: Labelled datasets of the old city.
        val: Others of it, for thresholds and choice; empty: ``source``.
        city: The new one.
        out: Run folder; the same run in it is continued.
        given: Settings, see :class:`adaptation.detector_settings.AdaptSettings`.

    Returns:
        The content of ``metrics.json``; ``refused`` says why the start was kept, empty if not.
    """
    _check_start(init)
    for path in city.evaluate:
        if not (path / "dataset.json").is_file():
            raise InputError.at(path, "", "a dataset for --evaluate", "no dataset.json in it")
    refuse_other(out, (TARGET_IMAGES,))
    settings = settings_from(AdaptSettings, init, given.config, given.overrides)
    data, validation, few = _open(source), _open(val), _open(city.few_shot)
    target = ImageList.open(city.target, out / TARGET_IMAGES, city.topic)
    target = _selected(target, filter_images(target, settings.filter))
    mapped, notes = None, []
    if city.map_labels is not None:
        labels = Dataset.open(city.map_labels)
        check_label_spaces([*data, labels])
        mapped, matched = labels_by_content(labels, target)
        if matched < len(target):
            notes.append(
                f"The map has labels for {matched} of {len(target)} target images; pseudo labels "
                "in the others are judged without it."
            )
    inputs = AdaptInputs(init, data, validation, target, few, mapped)
    outcome = adapt_detector(inputs, out, settings, given.seed)
    export_run(out, out / RUN_MODEL)
    scored = None
    if labelled := _open(city.evaluate):
        check_label_spaces([*data, *labelled])
        found = candidates(out / CANDIDATES)
        scored = score_target(found, outcome.chosen.step, settings, labelled)
    return write_report(out, target, settings, data[0].label_space, scored, notes)


@dataclass(frozen=True)
class Unlabelled:
    """Images on which distances are taught, beside those with known ones.

    Attributes:
        target: Bags, or datasets whose labels are not looked at; empty: the images with known
            distances.
        topic: Images of a bag; None: its only camera.
        rectified: Whether P of camera_info holds instead of K and D; None: by the topic's name.
    """

    target: Paths = ()
    topic: str | None = None
    rectified: bool | None = None


def distill_run(
    init: Path,
    data: Paths,
    val: Paths,
    images: Unlabelled,
    out: Path,
    given: Given,
    teacher: Path | None = None,
) -> dict[str, Any]:
    """Teach a detector distances; see :func:`depth.distill.distill`.

    Args:
        init: Run folder of the detector.
        data: Datasets with known distances.
        val: Others, to judge on; may be empty.
        images: Unlabelled ones.
        out: Run folder; the same run in it is continued.
        given: Settings, see :class:`depth.settings.DistillSettings`.
        teacher: A local model that is there already; None: one is trained on ``data``.

    Returns:
        The content of ``metrics.json``.
    """
    settings = load_settings(DistillSettings, given.config, given.overrides)
    refuse_other(out, (TARGET_IMAGES,))
    found, validation = _open(data), _open(val)
    space = open_run(init).label_space
    folder = out / TARGET_IMAGES
    target = open_targets(images.target, folder, space, images.topic, images.rectified)
    inputs = DistillInputs(init, found, target or found, validation, teacher)
    metrics = distill(inputs, out, settings, given.seed)
    export_run(out, out / RUN_MODEL, depth=metrics["location"] is not None)
    return metrics


def retrain_run(
    init: Path, data: Paths, val: Paths, edits: Path | None, out: Path, given: Given
) -> dict[str, Any]:
    """Teach a detector where to look; see :func:`attention.retrain.retrain`.

    Args:
        init: Run folder of the start, with an attention branch or without.
        data: Labelled datasets; corrected maps belong to images of theirs.
        val: Others, for thresholds and to see what breaks; may be empty.
        edits: Folder of corrected maps; None: the branch learns without.
        out: Run folder; the same run in it is continued.
        given: Settings, see :class:`attention.retrain_settings.RetrainSettings`.

    Returns:
        The content of ``metrics.json``.
    """
    settings = retrain_settings(init, given.config, given.overrides)
    inputs = RetrainInputs(init, _open(data), _open(val), edits)
    metrics = retrain(inputs, out, settings, given.seed)
    export_run(out, out / RUN_MODEL, depth=has_portable_depth(out))
    return metrics


def _open(paths: Paths) -> list[Dataset]:
    return [Dataset.open(path) for path in paths]


def _check_start(init: Path) -> None:
    """Raise InputError for what would only be missed later."""
    if not init.exists():
        raise InputError.at(init, "", "a run folder or weights to start from", "nothing")


def _selected(target: ImageList, passed: Filtered) -> ImageList:
    """The images that passed the filter."""
    if not len(passed.rows):
        found = "; ".join(left_out_lines(passed.left_out))
        hint = "The settings 'filter' have the limits."
        raise DatasetError.at("--target", "", "images that pass the filter", found, hint)
    return target.select(passed.rows, passed.left_out)
