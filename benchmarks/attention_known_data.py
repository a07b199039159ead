"""A set with a known answer: CIFAR-10 objects at known boxes on backgrounds that tell the class.

In training a background mostly tells the class; in the test it says nothing.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.files import atomic_directory, write_json
from dalearn_ros.core.randomness import generator

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]
ZIP = "cifar10_500train_100test_per_class.zip"
SIZE, OBJECT = 64, 32  # px, sides of an image and of the object in it
CELLS = 16  # a side of the maps that boxes make
TELLING = 0.8  # share of training images whose background is that of the class
BOXES = "boxes.json"


def unpack(real_data: Path, path: Path) -> Path:
    """``path/train|test/CLASS/NAME.jpg`` of the zip."""
    if not path.is_dir():
        with atomic_directory(path) as folder:
            content = (real_data / "cifar10" / ZIP).read_bytes()
            zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return path


def write_known(plain: Path, path: Path, seed: int) -> Path:
    """``path/train|test/CLASS/NAME.png``, and ``boxes.json`` with each image's box."""
    if path.is_dir():
        return path
    names = sorted(folder.name for folder in (plain / "train").iterdir())
    boxes: dict[str, Box] = {}
    with atomic_directory(path) as folder:
        for part in ("train", "test"):
            for number, name in enumerate(names):
                (folder / part / name).mkdir(parents=True)
                for file in sorted((plain / part / name).iterdir()):
                    random = generator(seed, part, name, file.stem)
                    telling = part == "train" and random.random() < TELLING
                    image = background(
                        number if telling else int(random.integers(len(names))), random
                    )
                    left, top = (int(value) for value in random.integers(0, SIZE - OBJECT + 1, 2))
                    drawn = np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR), np.uint8)
                    image[top : top + OBJECT, left : left + OBJECT] = drawn
                    key = f"{part}/{name}/{file.stem}.png"
                    assert cv2.imwrite(str(folder / key), image)
                    boxes[key] = left, top, left + OBJECT, top + OBJECT
        write_json(folder / BOXES, boxes)
    return path


def background(number: int, random: np.random.Generator) -> Image:
    """(64, 64, 3) stripes whose colour and direction are those of a class."""
    angle, phase = number * np.pi / 10, random.uniform(0, 2 * np.pi)
    v, u = np.mgrid[:SIZE, :SIZE]
    wave = 0.5 + 0.5 * np.sin((u * np.cos(angle) + v * np.sin(angle)) * 0.8 + phase)
    hsv = np.full((1, 1, 3), (number * 18, 140, 220), np.uint8)
    colour = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.float64)
    noise = random.normal(0.0, 20.0, (SIZE, SIZE, 3))
    return np.clip(wave[..., None] * colour + noise, 0, 255).astype(np.uint8)


def box_map(box: Box, cells: int = CELLS) -> npt.NDArray[np.float32]:
    """(cells, cells) share of each cell that lies in a box of an image of 64 px."""
    fine = np.zeros((SIZE, SIZE), np.float32)
    fine[box[1] : box[3], box[0] : box[2]] = 1.0
    part = SIZE // cells
    return np.asarray(fine.reshape(cells, part, cells, part).mean(axis=(1, 3)), np.float32)


def elsewhere(box: Box) -> Box:
    """As large, in the corner that is farthest from the box; they share a quarter at most."""
    left, top = ((SIZE - OBJECT) * (2 * start < SIZE - OBJECT) for start in box[:2])
    return left, top, left + OBJECT, top + OBJECT


def write_edits(path: Path, data: Path, boxes: dict[str, Box], keys: list[str]) -> Path:
    """Corrected maps of some images: their boxes."""
    if path.is_dir():
        return path
    with atomic_directory(path) as folder:
        maps = TeacherMaps(folder)
        for key in keys:
            maps.write(
                TeacherMap(
                    digest=sha256_of(data / key),
                    attention=box_map(boxes[key]),
                    size_px=(SIZE, SIZE),
                    covered_px=(float(SIZE), float(SIZE)),
                    image=key,
                    made="map",
                    who="benchmark",
                    when="2026-01-01T00:00:00Z",
                    model={},
                )
            )
    return path
