"""What an adaptation of the detector learns from, and whether it fits together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.settings import check_adaptation
from dalearn_ros.adaptation.source_images import Draws, draws_of
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import open_run
from dalearn_ros.detector.samples import check_label_spaces
from dalearn_ros.detector.settings import check_settings
from dalearn_ros.landmarks.types import Labels

FEW_IMAGES = 50


@dataclass(frozen=True)
class Inputs:
    """What an adaptation learns from.

    Attributes:
        init: Run folder or weights of the start.
        source: Labelled datasets of the old city.
        validation: Labelled source images for thresholds and choice; empty: those of ``source``.
        target: Images of the new city.
        few_shot: The few labelled images of it; may be empty.
        mapped: For each target image the landmarks that a map has there, None where it is not
            known; None: no map.
    """

    init: Path
    source: Sequence[Dataset]
    validation: Sequence[Dataset]
    target: ImageList
    few_shot: Sequence[Dataset] = ()
    mapped: Sequence[Labels | None] | None = None


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
    if len(target) < FEW_IMAGES:
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


def check_inputs(settings: AdaptSettings, inputs: Inputs) -> list[str]:
    """See that settings and data fit together.

    Returns:
        Sentences to warn with.

    Raises:
        SettingsError: Settings that contradict each other or the data.
        DatasetError: Datasets of other classes, or nothing to adapt to.
    """
    check_settings(settings, 1)
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
    if inputs.init.is_dir():
        space = open_run(inputs.init).label_space
        if space.digest != inputs.source[0].label_space.digest:
            expected = f"the classes of {inputs.source[0].path}"
            raise DatasetError.at(inputs.init, "", expected, ", ".join(space.names[1:]))
    return [*check_adaptation(settings.adaptation), *compare_images(inputs)]


def labelled_draws(inputs: Inputs, settings: AdaptSettings) -> tuple[Draws, Draws | None]:
    """How often the images of the source and the few labelled ones are drawn (U12, U13).

    Returns:
        Those of the source, and of the few-shot images, None without any.

    Raises:
        DatasetError: The filter leaves no image.
    """
    filtering = settings.filter if settings.filter.on else None
    largest = settings.oversampling.largest
    source = draws_of(inputs.source, filtering, largest)
    if not inputs.few_shot:
        return source, None
    total = sum(len(dataset) for dataset in inputs.source)
    return source, draws_of(inputs.few_shot, filtering, largest, total)
