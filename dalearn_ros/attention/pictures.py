"""The images that a person may look at: a labelled dataset, or plain images in folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from dalearn_ros.attention.classifier_data import VALUES, value_table
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import printable
from dalearn_ros.datasets.image_list import image_files
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.landmarks.types import Labels

Truth = Labels | int | Sequence[float]
KINDS = LANDMARKS, CLASS, NUMBERS = "landmarks", "class", "values"


class Pictures:
    """Images by number, with what is true of them where that is known.

    Attributes:
        path: Where they are from.
        labelled: Whether the truth is known.
    """

    def __init__(
        self,
        path: Path,
        files: Sequence[Path],
        dataset: Dataset | None = None,
        truths: Sequence[Truth | None] | None = None,
    ) -> None:
        self.path = path
        self.labelled = dataset is not None or truths is not None
        self._files = tuple(files)
        self._dataset = dataset
        self._truths = truths

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """What to call an image: its path below :attr:`path`, printable."""
        file = self._files[index]
        below = file.relative_to(self.path) if file.is_relative_to(self.path) else file.name
        return printable(str(below))

    def file(self, index: int) -> Path:
        """The image's file.

        Raises:
            DatasetError: The dataset names a file outside of its folder.
        """
        file = self._files[index]
        if self._dataset is not None:
            named = PurePosixPath(str(self._dataset.meta(index)["file_name"]))
            if named.is_absolute() or ".." in named.parts:
                expected = "images in the dataset's folder"
                raise DatasetError.at(self.path / "annotations.json", "", expected, f"'{named}'")
        return file

    def truth(self, index: int) -> Truth | None:
        """Labels of a landmark dataset, number of a class, values of a regressor; None: unknown.

        Raises:
            DatasetError: The image's labels are damaged.
        """
        if self._dataset is not None:
            return self._dataset.labels(index)
        return None if self._truths is None else self._truths[index]


def open_pictures(path: Path, names: Sequence[str], kind: str) -> Pictures:
    """Open a dataset, a folder of images (all folders in it), or an image.

    Args:
        path: Of a classifier, images anywhere in a folder of a class's name have that class
            (``path`` may be one such folder), others none; of a regressor, the images of
            ``values.csv`` have their values, others none.
        names: Of the model's classes or values, without a background.
        kind: What the model answers with, one of :data:`KINDS`.

    Raises:
        DatasetError: No such thing, no image in it, or a dataset with other classes.
    """
    if kind == LANDMARKS and (path / "dataset.json").is_file():
        dataset = Dataset.open(path)
        found = dataset.label_space.names[1:]
        if tuple(found) != tuple(names):
            expected = f"the model's classes ({', '.join(names)})"
            raise DatasetError.at(path, "label space", expected, ", ".join(found))
        if not len(dataset):
            raise DatasetError(f"{path}: holds no image.")
        return Pictures(path, [dataset.image_path(row) for row in range(len(dataset))], dataset)
    if kind == NUMBERS and (path / VALUES).is_file():
        have, files, values = value_table(path)
        if have != tuple(names):
            expected = f"the model's values ({', '.join(names)})"
            raise DatasetError.at(path / VALUES, "line 1", expected, ", ".join(have))
        return Pictures(path, files, truths=values)
    files = list(image_files(path))
    if not files:
        raise DatasetError.at(path, "", "images", "none in it")
    folder = path if path.is_dir() else path.parent
    if kind != CLASS:
        return Pictures(folder, files)
    numbers = {name: number for number, name in enumerate(names)}
    below = [file.relative_to(folder).parts for file in files]
    truths = [numbers.get(parts[0]) if len(parts) > 1 else None for parts in below]
    if all(truth is None for truth in truths):  # perhaps it is the folder of one class
        truths = [numbers.get(folder.resolve().name)] * len(files)
    labelled = any(truth is not None for truth in truths)
    return Pictures(folder, files, truths=truths if labelled else None)
