"""The maps that a detector learns from: corrected ones, and those that labels ask for (A6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from dalearn_ros.attention.cells import WantedMap
from dalearn_ros.attention.edits import NO_EDITS, Edits, match_edits
from dalearn_ros.attention.landmark_review import LandmarkReviewer, all_frames
from dalearn_ros.attention.proposals import known_cells, proposed_map
from dalearn_ros.attention.retrain_settings import RetrainSettings
from dalearn_ros.coding.pixels import padded_size
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset


def edits_of(data: Sequence[Dataset], folder: Path | None) -> Edits:
    """The corrected maps of a folder, by the number of their image in all datasets; None: none.

    Raises:
        InputError: No map of the folder can be used.
    """
    if folder is None:
        return NO_EDITS
    frames = all_frames(data)

    def size_of(number: int) -> tuple[int, int]:
        dataset, index = frames[number]
        height, width = dataset.image(index).shape[:2]
        return width, height

    files = [dataset.image_path(index) for dataset, index in frames]
    return match_edits(folder, files, size_of)


def proposed_maps(
    data: Sequence[Dataset],
    settings: RetrainSettings,
    reviewer: LandmarkReviewer,
    edited: Collection[int],
) -> dict[int, WantedMap]:
    """The maps that labels ask for, of the images without a corrected one that should get one.

    Args:
        data: Labelled images, numbered through all datasets.
        settings: Which images get one (``attention.map_teachers``); input and grid.
        reviewer: Judges whether an image is misrecognised.
        edited: Numbers of the images that have a corrected map.
    """
    teachers, by = settings.attention.map_teachers, settings.attention.misrecognised_by
    if teachers == "none":
        return {}
    found = {}
    for number, (dataset, index) in enumerate(track(all_frames(data), label="propose maps")):
        if number in edited:
            continue
        try:
            image, truth = dataset.image(index), dataset.labels(index)
        except DatasetError:
            continue  # the batches skip and count it
        wrong = teachers == "all" or reviewer.judge(image, truth).verdict.misrecognised(by)
        if not wrong:
            continue
        height, width = image.shape[:2]
        covered = padded_size(width, height, settings.input.multiple)
        cells = settings.grid.shape(*covered)
        size = float(covered[0]), float(covered[1])
        wanted = proposed_map(truth, cells, size)
        known = known_cells(truth, wanted, size)
        found[number] = WantedMap(wanted, size, (width, height), known)
    return found
