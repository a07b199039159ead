"""Segmentation images as index images: which of their values or colours is which area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError, InputError, SettingsError
from dalearn_ros.core.resources import resource
from dalearn_ros.core.yaml_file import read_yaml
from dalearn_ros.datasets.areas import check_shape, read_labels_png
from dalearn_ros.labels.area_settings import AREAS

Image = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
SHIPPED = "config/segmentations"


@dataclass(frozen=True)
class AreaMapping:
    """Values of a segmentation → areas.

    Attributes:
        names: Areas: the usual ones, and after them those that the mapping adds.
        values: (V,) ascending; a colour counts as red*65536 + green*256 + blue.
        areas: (V,) place in ``names`` of each.
        rest: Place of all other values; -1: they are an error.
        colours: Whether the values are colours.
    """

    names: tuple[str, ...]
    values: Ints
    areas: Ints
    rest: int
    colours: bool

    @classmethod
    def load(cls, name: Path | str) -> AreaMapping:
        """Read a mapping: a YAML file, or the name of a shipped one, such as ``cityscapes``.

        ``areas:`` has names of areas, each with a list of whole numbers, or of colours
        ``[red, green, blue]``; ``rest:`` names the area of all other values, without it they are
        an error.

        Raises:
            SettingsError: No such mapping, not of that form, or a value that stands twice.
        """
        path = Path(name)
        if not path.is_file():
            try:
                path = resource(f"{SHIPPED}/{name}.yaml")
            except InputError:
                expected = "a file, or the name of a shipped mapping (cityscapes)"
                raise SettingsError.at(name, "", expected, "neither") from None
        return cls.from_dict(read_yaml(path, SettingsError, "mapping"), str(path))

    @classmethod
    def from_dict(cls, content: Any, source: str) -> AreaMapping:
        """From the file's content, see :meth:`load`."""
        given = content.get("areas") if isinstance(content, Mapping) else None
        if not isinstance(given, Mapping) or not given:
            raise SettingsError.at(source, "key 'areas'", "areas with their values", repr(given))
        rest = content.get("rest")
        added = [str(area) for area in (*given, *([] if rest is None else [rest]))]
        names = (*AREAS, *dict.fromkeys(area for area in added if area not in AREAS))
        pairs, kinds = {}, set()
        for area, values in given.items():
            place = f"area '{area}'"
            if not isinstance(values, list):
                raise SettingsError.at(source, place, "a list of values", repr(values))
            for value in values:
                number, colour = _number(value, source, place)
                if number in pairs:
                    raise SettingsError.at(source, place, "a new value", f"{value} again")
                pairs[number] = names.index(str(area))
                kinds.add(colour)
        if len(kinds) != 1:
            raise SettingsError.at(source, "areas", "numbers or colours", "both, or none")
        order = sorted(pairs)
        areas = np.array([pairs[value] for value in order], np.int64)
        number = -1 if rest is None else names.index(str(rest))
        return cls(names, np.array(order, np.int64), areas, number, kinds.pop())

    def read(self, file: Path, shape: tuple[int, ...]) -> Image:
        """A segmentation PNG as an index image (H, W) uint8.

        Args:
            file: One channel of 8 or 16 bits, or colours.
            shape: (rows, columns, ...) that it must have.

        Raises:
            DatasetError: It cannot be read, has another size, or a value that the mapping does not
                know.
        """
        found = read_labels_png(file)
        check_shape(file, found, shape)
        if (found.ndim == 3) != self.colours:
            expected = "colours" if self.colours else "one channel"
            other = "one channel" if self.colours else "colours"
            raise DatasetError.at(file, "", f"{expected}, as the mapping has", other)
        values = found.astype(np.int64)
        if self.colours:
            values = values @ np.array([1, 256, 65536])  # BGR
        place = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        known = self.values[place] == values
        if self.rest < 0 and not known.all():
            strange = int(values[~known][0])
            told = f"{strange:06x} (red green blue)" if self.colours else str(strange)
            hint = "Name it in the mapping, or say 'rest: other' there."
            raise DatasetError.at(file, "labels", "values of the mapping", told, hint)
        return np.where(known, self.areas[place], self.rest).astype(np.uint8)


def _number(value: Any, source: str, place: str) -> tuple[int, bool]:
    """A value as a whole number, and whether it is a colour."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 65536:
        return value, False
    levels = value if isinstance(value, list) and len(value) == 3 else []
    if levels and all(isinstance(level, int) and 0 <= level < 256 for level in levels):
        return (levels[0] * 256 + levels[1]) * 256 + levels[2], True
    expected = "whole numbers of 0 to 65535, or colours [red, green, blue]"
    raise SettingsError.at(source, place, expected, repr(value))
