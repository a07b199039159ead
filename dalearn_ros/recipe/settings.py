"""Settings of ``dalearn learn``; ``config/learn.yaml`` shows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import field

STAGES = ("label", "train", "harden", "adapt", "distill", "retrain", "export", "evaluate")
LEARNING = STAGES[1:6]  # each hands a checkpoint to the next
READ_LABELLED = ("train", "val", "few_shot")  # what learning and conversion read of drives
USES = ("train", "val", "target", "few_shot", "test")
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")
_BOTH = ("camera_topic", "time_offset_s", "map_frame", "base_frame")
_LABELLED = (*_BOTH, "pose_topic", "readout_ms")
READ_OF_DRIVES = {  # what is read of a drive beside its bag and map, by its use
    "train": _LABELLED,
    "val": _LABELLED,
    "few_shot": _LABELLED,
    "target": ("camera_topic",),
    "test": (*_BOTH, "truth_topic", "prior_topic", "odometry_topic"),
}
T = TypeVar("T")


@dataclass(frozen=True)
class DriveSettings:
    """A bag, and what it is used for."""

    bag: Path | None = field(None, "Bag folder or .mcap file.")
    map: Path | None = field(None, "Map folder or file; target images need none.")
    use: str = field(
        "train",
        "train: learnt from; val: thresholds and choice; target: images of a new city, without "
        "labels; few_shot: a few labelled ones of it; test: the evaluation.",
        choices=USES,
    )
    pose_topic: str | None = field(None, "Poses to label with; null: as 'dalearn label' picks.")
    camera_topic: str | None = field(None, "Images; null: the only camera.")
    truth_topic: str | None = field(None, "True poses of the evaluation; null: the usual one.")
    prior_topic: str | None = field(None, "Poses for the localizer; null: the usual one.")
    odometry_topic: str | None = field(None, "Odometry for the localizer; null: the usual one.")
    time_offset_s: float = field(
        0.0, "How much later than their stamps the images were taken.", unit="s", minimum=-1.0,
        maximum=1.0,
    )  # fmt: skip
    readout_ms: float = field(
        0.0, "Rolling shutter, see 'dalearn label'.", unit="ms", minimum=-500.0, maximum=500.0
    )
    map_frame: str = field("map", "Frame of the map's coordinates in the bag.")
    base_frame: str = field("base_link", "The vehicle's frame.")


@dataclass(frozen=True)
class DatasetSettings:
    """Labelled images that are there already; as target also a folder of plain images."""

    path: Path | None = field(None, "Dataset folder.")
    use: str = field("train", "As of a drive.", choices=USES)


@dataclass(frozen=True)
class StageSettings:
    """What all stages have."""

    enabled: bool = field(True, "Whether the stage runs.")
    config: Path | None = field(None, "Settings file of the stage's verb; null: its defaults.")
    settings: dict[str, Any] = field(dict, "Values that win over that file, nested as there.")


@dataclass(frozen=True)
class LabelStage(StageSettings):
    """Labels of map and pose, one dataset a drive."""

    areas: bool | None = field(None, "Write index images; null: if 'harden' runs.")
    distances: str = field(
        "auto", "True distances to keep; auto: all, if 'distill' runs.",
        choices=("auto", "none", "map", "all"),
    )  # fmt: skip


@dataclass(frozen=True)
class HardenStage(StageSettings):
    """The search for light and weather that break the model."""

    store: Path | None = field(None, "Store of colour distributions; null: the shipped one.")


@dataclass(frozen=True)
class RetrainStage(StageSettings):
    """Learning where to look."""

    edits: Path | None = field(None, "Folder of corrected maps; null: the branch learns without.")


@dataclass(frozen=True)
class ExportStage(StageSettings):
    """The ONNX file."""

    precision: str = field("fp32", "Of the arithmetic.", choices=("fp32", "fp16", "int8"))


@dataclass(frozen=True)
class EvaluateStage(StageSettings):
    """The evaluation on what is used as test; 'config' and 'settings' are the localizer's."""

    match_px: float = field(8.0, "Tolerance of a hit.", unit="px", minimum=0.1, maximum=1000.0)
    threads: int | None = field(None, "Threads of the network; null: all cores.", minimum=1)
    against: Path | None = field(
        None, "Model that the new one is compared with, such as the one in use; null: none."
    )


@dataclass(frozen=True)
class RecipeSettings:
    """Bags and maps, and what to make of them. Paths are relative to the settings file."""

    seed: int = field(0, "Seed of all stages.")
    start: Path | None = field(
        None, "Weights or run folder that 'train' starts from, or that stands in its place."
    )
    drives: dict[str, DriveSettings] = field(dict, "Name of a drive, to its bag.")
    datasets: dict[str, DatasetSettings] = field(dict, "Name of a dataset, to its folder.")
    label: LabelStage | None = field(LabelStage, "Labels of the drives.")
    train: StageSettings | None = field(StageSettings, "First training.")
    harden: HardenStage | None = field(None, "null: left out.")
    adapt: StageSettings | None = field(None, "null: left out.")
    distill: StageSettings | None = field(None, "null: left out.")
    retrain: RetrainStage | None = field(None, "null: left out.")
    export: ExportStage | None = field(ExportStage, "The model file.")
    evaluate: EvaluateStage | None = field(EvaluateStage, "The evaluation.")


def stage_of(settings: RecipeSettings, name: str) -> Any:
    """The settings of a stage that runs; None if it is left out."""
    stage = getattr(settings, name)
    return stage if stage is not None and stage.enabled else None


def drives_of(settings: RecipeSettings, uses: Collection[str]) -> dict[str, DriveSettings]:
    """The drives that are used so, by name."""
    return {name: drive for name, drive in settings.drives.items() if drive.use in uses}


def datasets_of(settings: RecipeSettings, use: str) -> dict[str, Path]:
    """The datasets that are used so, by name."""
    found = settings.datasets.items()
    return {name: one.path for name, one in found if one.use == use and one.path is not None}


def placed(value: T, folder: Path) -> T:
    """Settings whose relative paths begin at ``folder``."""
    if isinstance(value, Path):
        return folder / value  # type: ignore[return-value]
    if isinstance(value, dict):
        return {key: placed(item, folder) for key, item in value.items()}  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: placed(getattr(value, f.name), folder) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def check_recipe(settings: RecipeSettings, source: str) -> None:
    """Raise SettingsError for values that do not fit together."""
    _check_names(settings, source)
    runs = {name for name in STAGES if stage_of(settings, name)}
    learns = [name for name in LEARNING if name in runs]
    export = stage_of(settings, "export")
    reads = learns or (export is not None and export.precision != "fp32")
    wrong = {  # key: (expected, whether it is wrong)
        "drives": (
            f"a drive or dataset with 'use: train', for '{learns[0] if learns else ''}'",
            learns and not _used(settings, "train"),
        ),
        "label": (
            "the stage, for drives to learn from",
            reads and drives_of(settings, READ_LABELLED) and "label" not in runs,
        ),
        "start": (
            "a run folder, because 'train' is left out",
            "train" not in runs and (settings.start is None or settings.start.is_file()),
        ),
        "datasets": (
            "a drive or a folder of images with 'use: target', for 'adapt'",
            "adapt" in runs and not _used(settings, "target"),
        ),
        "export": ("the stage, for 'evaluate'", "evaluate" in runs and "export" not in runs),
        "drives.*.camera_topic": (
            "the same in all drives with 'use: target'",
            len({drive.camera_topic for drive in drives_of(settings, ["target"]).values()}) > 1,
        ),
    }
    for key, (expected, is_wrong) in wrong.items():
        if is_wrong:
            raise SettingsError.at(source, f"key '{key}'", expected, "none or another")


def _used(settings: RecipeSettings, use: str) -> bool:
    return bool(drives_of(settings, [use]) or datasets_of(settings, use))


def _check_names(settings: RecipeSettings, source: str) -> None:
    both = [*settings.drives, *settings.datasets]
    for name in both:
        if not name or set(name) - NAME_CHARACTERS or both.count(name) > 1:
            expected = "a name of letters, digits, _, - and ., once among drives and datasets"
            raise SettingsError.at(source, f"drive or dataset '{name}'", expected, f"'{name}'")
    for name, drive in settings.drives.items():
        if drive.bag is None:
            raise SettingsError.at(source, f"key 'drives.{name}.bag'", "a bag", "none")
        if drive.use != "target" and drive.map is None:
            expected = f"a map, because its use is '{drive.use}'"
            raise SettingsError.at(source, f"key 'drives.{name}.map'", expected, "none")
        _check_unread(name, drive, source)
    for name, one in settings.datasets.items():
        if one.path is None:
            raise SettingsError.at(source, f"key 'datasets.{name}.path'", "a folder", "none")


def _check_unread(name: str, drive: DriveSettings, source: str) -> None:
    """Raise SettingsError for a value that would do nothing."""
    read = {"bag", "map", "use", *READ_OF_DRIVES[drive.use]}
    for one in dataclasses.fields(drive):
        value = getattr(drive, one.name)
        if one.name not in read and value != one.default:
            place = f"key 'drives.{name}.{one.name}'"
            expected = f"none, because nothing reads it of a drive with 'use: {drive.use}'"
            hint = "Name its true poses as 'truth_topic'." if one.name == "pose_topic" else ""
            raise SettingsError.at(source, place, expected, f"'{value}'", hint)
