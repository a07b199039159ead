"""Index images for the images of a dataset: from its map and poses, or from segmentations."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError, MapError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.area_mapping import AreaMapping
from dalearn_ros.datasets.areas import FOLDER, AreaSidecar, read_index
from dalearn_ros.datasets.cameras import camera_of
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.labels.area_settings import AREAS, AreaSettings
from dalearn_ros.labels.areas import AreaIndexer
from dalearn_ros.maps.load import map_digest
from dalearn_ros.maps.surfaces import Surfaces, path_surfaces, read_surfaces

Image = npt.NDArray[np.uint8]
Indices = Iterator[tuple[int, Image | str]]  # row, and its index image or why it has none
LANDMARK_AREAS = {"sign", "signal", "marking"}


@dataclass(frozen=True)
class Made:
    """What became of the images of a dataset.

    Attributes:
        images: So many have an index image now.
        left_out: Reason → number of images without one.
        shares: Area → share of all pixels.
        notes: Sentences about what was assumed.
    """

    images: int
    left_out: Counter[str]
    shares: dict[str, float]
    notes: tuple[str, ...] = ()


def index_from_maps(
    dataset: Dataset, maps: Sequence[Path] = (), settings: AreaSettings | None = None
) -> Made:
    """Write index images made from lanes, labels, cameras and poses beside a dataset's images.

    Args:
        dataset: Made by ``dalearn label``: its images have their camera and pose. Of images without
            them, such as imported ones, only the landmarks are told apart from all else.
        maps: The maps of its drives; none takes that of ``dataset.json``. Of a map without lanes,
            road is a strip about the driven path.
        settings: What is assumed where the map does not say it.

    Raises:
        DatasetError: No image has a camera and pose or landmarks, or none is of one of the maps.
        MapError: The map of ``dataset.json`` is gone, or a map cannot be read.
    """
    surfaces = _surfaces_by_map(dataset, maps)
    strips = _strips(dataset)

    def made() -> Indices:
        indexers: dict[str, AreaIndexer] = {}
        for row in range(len(dataset)):
            meta = dataset.meta(row)
            known = placed_camera(meta)
            if known is None:
                yield row, _landmarks_only(dataset, row)
                continue
            key, drive = _map_of(dataset, meta), str(meta.get("drive", ""))
            if key not in surfaces and len(surfaces) == 1 and not _is_digest(key):
                key = next(iter(surfaces))
            if surfaces and key not in surfaces:
                yield row, "of a map that was not named"
                continue
            lanes = surfaces.get(key)
            name = key if lanes is not None and len(lanes.road_m) else f"drive {drive}"
            if name not in indexers:
                ground = lanes if name == key and lanes is not None else strips[drive]
                indexers[name] = AreaIndexer(ground, dataset.label_space, settings)
            try:
                image = dataset.image(row)
            except DatasetError:
                yield row, "unreadable"
                continue
            yield row, indexers[name].index(dataset.labels(row), *known, image=image)

    notes = {note for found in surfaces.values() for note in found.notes}
    if not surfaces or any(not len(found.road_m) for found in surfaces.values()):
        notes |= {note for strip in strips.values() for note in strip.notes}
    unknown = sum(placed_camera(dataset.meta(row)) is None for row in range(len(dataset)))
    if unknown:
        notes.add(f"{unknown} images have no camera and pose: of them only landmarks are known.")
    source = {"maps": [str(path.resolve()) for path in maps]}
    return _write(dataset, AREAS, source, made(), tuple(sorted(notes)))


def index_from_files(dataset: Dataset, folder: Path, mapping: AreaMapping | None = None) -> Made:
    """Write index images made from PNG files beside a dataset's images.

    Args:
        dataset: Any.
        folder: A PNG for each image, with the image's name.
        mapping: Which value or colour is which area; without signs, signals and markings in it,
            those of the labels are drawn in. None: the values are places in the list of areas.

    Raises:
        DatasetError: No such folder, no file for any image, or one that does not fit.
    """
    if not folder.is_dir():
        raise DatasetError.at(folder, "", "a folder of PNG files", "no such folder")
    names = AREAS if mapping is None else mapping.names
    having = set(names) if mapping is None else {mapping.names[int(i)] for i in mapping.areas}
    nothing = Surfaces(np.zeros((0, 4, 3)), np.zeros((0, 4, 3)), True)
    indexer = AreaIndexer(nothing, dataset.label_space)

    def made() -> Indices:
        for row in range(len(dataset)):
            file = folder / f"{dataset.image_path(row).stem}.png"
            if not file.is_file():
                yield row, "without a PNG of its name"
                continue
            try:
                shape = dataset.image(row).shape
            except DatasetError:
                yield row, "unreadable"
                continue
            index = read_areas_png(file, shape, mapping)
            if not having & LANDMARK_AREAS:
                indexer.draw_landmarks(index, dataset.labels(row))
            yield row, index

    return _write(dataset, names, {"files": str(folder.resolve())}, made(), ())


def _landmarks_only(dataset: Dataset, row: int) -> Image | str:
    """Landmarks in an image of which nothing else is known; why not, if it has none."""
    labels = dataset.labels(row)
    if not len(labels):
        return "without camera, pose and landmarks"
    try:
        index = np.zeros(dataset.image(row).shape[:2], np.uint8)
    except DatasetError:
        return "unreadable"
    nothing = Surfaces(np.zeros((0, 4, 3)), np.zeros((0, 4, 3)), True)
    AreaIndexer(nothing, dataset.label_space).draw_landmarks(index, labels)
    return index


def read_areas_png(file: Path, shape: tuple[int, ...], mapping: AreaMapping | None) -> Image:
    """An index image, or a segmentation through a mapping.

    Raises:
        DatasetError: It cannot be read, has another size, or values without an area.
    """
    return read_index(file, shape, AREAS) if mapping is None else mapping.read(file, shape)


def placed_camera(meta: dict[str, Any]) -> tuple[Camera, Transform] | None:
    """Camera and map_from_camera that a dataset keeps about an image; None if it lacks them.

    Raises:
        DatasetError: The calibration is damaged.
    """
    if not meta.get("camera") or "map_from_camera" not in meta:
        return None
    camera = camera_of(meta, str(meta["file_name"]))
    matrix = np.asarray(meta["map_from_camera"], np.float64)
    return camera, Transform(matrix[:3, :3], matrix[:3, 3])


def _write(
    dataset: Dataset,
    names: tuple[str, ...],
    source: dict[str, Any],
    indices: Indices,
    notes: tuple[str, ...],
) -> Made:
    """All of them in place of those that were there, or none."""
    counts, left_out, images = np.zeros(len(names), np.int64), Counter[str](), 0
    with tempfile.TemporaryDirectory(dir=dataset.path, prefix=".areas") as folder:
        sidecar = AreaSidecar(Path(folder), names, source)
        for row, index in track(indices, len(dataset), "index"):
            if isinstance(index, str):
                left_out[index] += 1
                continue
            sidecar.write(dataset.image_path(row), index)
            counts += np.bincount(index.ravel(), minlength=len(names))
            images += 1
        if not images:
            found = ", ".join(f"{count} {reason}" for reason, count in left_out.items()) or "none"
            raise DatasetError.at(dataset.path, "", "images that can be indexed", found)
        shutil.rmtree(dataset.path / FOLDER, ignore_errors=True)
        (Path(folder) / FOLDER).rename(dataset.path / FOLDER)
    shares = dict(zip(names, (counts / max(int(counts.sum()), 1)).tolist(), strict=True))
    return Made(images, left_out, shares, notes)


def _surfaces_by_map(dataset: Dataset, maps: Sequence[Path]) -> dict[str, Surfaces]:
    """Digest → surfaces of each map."""
    named = list(maps)
    if not named and dataset.source.get("map"):
        named = [Path(str(dataset.source["map"]))]
        if not named[0].exists():
            hint = "Name it with --map."
            raise MapError.at(named[0], "", f"the map of {dataset.path}", "no such file", hint)
    return {map_digest(path): read_surfaces(path) for path in named}


def _map_of(dataset: Dataset, meta: dict[str, Any]) -> str:
    known = (meta.get("map"), dataset.source.get("map_sha256"))
    return str(next((name for name in known if name), ""))


def _is_digest(text: str) -> bool:
    return len(text) == 64 and set(text) <= set("0123456789abcdef")


def _strips(dataset: Dataset) -> dict[str, Surfaces]:
    """Drive → a strip about the path of its cameras."""
    drives: dict[str, list[npt.NDArray[np.float64]]] = defaultdict(list)
    for row in range(len(dataset)):
        known = placed_camera(dataset.meta(row))
        if known is not None:
            drives[str(dataset.meta(row).get("drive", ""))].append(known[1].translation)
    return {drive: path_surfaces(np.array(places)) for drive, places in drives.items()}
