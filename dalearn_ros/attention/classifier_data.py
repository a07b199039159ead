"""What plain classifiers and regressors learn from: a folder a class, or ``values.csv``."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dalearn_ros.attention.classifier_run import CLASSIFICATION
from dalearn_ros.classification.folders import (
    ImageSet,
    check_classes,
    class_names,
    read_files,
    read_labelled,
)
from dalearn_ros.core.errors import DatasetError

VALUES = "values.csv"


@dataclass(frozen=True)
class Examples:
    """Images with their truth.

    Attributes:
        images: The images.
        truth: (n,) int64 classes, or (n, K) float32 values.
        names: Of the classes or values.
    """

    images: ImageSet
    truth: Tensor
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


def names_of(path: Path, task: str) -> tuple[str, ...]:
    """The classes of a folder, or the values of its ``values.csv``; no image is opened.

    Raises:
        DatasetError: There are none.
    """
    return class_names(path) if task == CLASSIFICATION else value_table(path)[0]


def read_examples(
    path: Path, task: str, names: Sequence[str], size: int, channels: int
) -> Examples:
    """Read a folder of images with a folder for each class, or with ``values.csv``.

    The table's first line is ``file,NAME,...``, each other one a file of the folder and its values.

    Args:
        path: The folder.
        task: ``classification`` or ``regression``.
        names: The classes or values that are wanted; a class may lack a folder.
        size: Width and height of the images as they are returned.
        channels: 1 or 3; 0: 1 if all are grey, else 3.

    Raises:
        DatasetError: Other classes or values, a line of the table that cannot be used, or not one
            readable image.
    """
    if task == CLASSIFICATION:
        check_classes(path, class_names(path), names, path)
        images = read_labelled(path, names, size, channels)
        return Examples(images, images.labels, tuple(names))
    found, files, values = value_table(path)
    if found != tuple(names):
        expected, have = ", ".join(names), ", ".join(found)
        raise DatasetError.at(path / VALUES, "line 1", f"the values {expected}", have)
    images = read_files(path, [(file, row) for row, file in enumerate(files)], size, channels)
    return Examples(images, torch.tensor(values, dtype=torch.float32)[images.labels], found)


def select(data: Examples, numbers: Sequence[int]) -> Examples:
    """Some of the images."""
    rows, own = torch.tensor(numbers, dtype=torch.int64), data.images
    images = dataclasses.replace(
        own,
        images=own.images[rows],
        files=tuple(own.files[number] for number in numbers),
        labels=own.labels[rows],
        digests=tuple(own.digests[number] for number in numbers),
    )
    return dataclasses.replace(data, images=images, truth=data.truth[rows])


def value_table(path: Path) -> tuple[tuple[str, ...], list[Path], list[list[float]]]:
    """Names, files and values of a folder's ``values.csv``; no image is opened.

    Raises:
        DatasetError: There is none, or a line of it cannot be used.
    """
    table = path / VALUES
    try:
        lines = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{table}: cannot be read ({error}).") from None
    head = [cell.strip() for cell in lines[0]] if lines else []
    if len(head) < 2 or head[0] != "file":
        expected = "'file' and the names of the values"
        raise DatasetError.at(table, "line 1", expected, ",".join(head) or "nothing")
    files, values = [], []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        file = path / line[0].strip()
        row = [_number(cell) for cell in line[1:]]
        if len(line) != len(head) or not all(map(math.isfinite, row)):
            expected = f"a file and {len(head) - 1} numbers"
            raise DatasetError.at(table, f"line {number}", expected, ",".join(line))
        if not file.resolve().is_relative_to(path.resolve()):
            raise DatasetError.at(table, f"line {number}", f"a file in {path}", line[0])
        files.append(file)
        values.append(row)
    return tuple(head[1:]), files, values


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
