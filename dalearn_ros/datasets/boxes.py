"""Boxes of other people's datasets become labels: class by a table, point by the class's rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import DatasetError, InputError, did_you_mean
from dalearn_ros.core.resources import resource
from dalearn_ros.core.yaml_file import read_yaml
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float64]
MIN_SIDE_PX = 12.0


@dataclass(frozen=True)
class Box:
    """One annotated object, in our pixels (centre of the top-left pixel is 0, 0).

    Attributes:
        name: Its class in the foreign set.
        outline_px: (k, 2) polygon, the box's corners or a finer outline.
        point_px: (2,) a reference point that the set gives itself, or None.
        ignore: The set marks it as difficult, or as a crowd.
    """

    name: str
    outline_px: Array
    point_px: Array | None = None
    ignore: bool = False


class ClassTable:
    """Foreign class names → class ids.

    Args:
        spec: A YAML file with ``classes: {name: class or null}``, the name of a shipped one
            (``road_photos``, ``carla_towns``), or pairs such as ``stop=regulating_sign,car=none``.
            None: the foreign names are ours.
        approximate: Accept boxes for classes whose reference point is not the box's centre.

    Raises:
        DatasetError: No such file, or a class that the label space does not have.
        SettingsError: The same, for a class name.
    """

    def __init__(self, spec: str | None, approximate: bool = False) -> None:
        self.label_space = LabelSpace.load()
        self.approximate = approximate
        self.source = spec or "the label space"
        table: Mapping[str, str | None] = {name: name for name in self.label_space.names[1:]}
        if spec is not None:
            table = _read_table(spec)
        self.ids: dict[str, int | None] = {
            name: None if value in (None, "none") else self.label_space.id_of(str(value))
            for name, value in table.items()
        }

    def labels(self, boxes: Iterable[Box], where: str) -> tuple[Labels, npt.NDArray[np.bool_]]:
        """Labels of one image and (N,) whether each point is approximate.

        A class with the rule ``center`` takes the box's centre. For ``lower_right`` a box tells no
        point: with ``approximate`` its lower right corner stands in, marked, so that it counts for
        the class and not for the pixel error. Range, visible share and covariance are unknown
        (NaN); what is under 12 px is marked `ignore`.

        Args:
            boxes: The objects.
            where: File, for errors.

        Raises:
            DatasetError: A name that the table lacks, or a box for a class that needs a point.
        """
        kept = [(box, self._class_of(box.name, where)) for box in boxes]
        rows = [(box, class_id) for box, class_id in kept if class_id is not None]
        points, flags = [], []
        for box, class_id in rows:
            point, stand_in = self._point(box, class_id, where)
            points.append(point)
            flags.append(stand_in)
        count = len(rows)
        small = [float(np.ptp(box.outline_px, axis=0).max()) < MIN_SIDE_PX for box, _ in rows]
        labels = Labels(
            class_id=np.array([class_id for _, class_id in rows], dtype=np.int64),
            point_px=np.array(points, dtype=np.float64).reshape(-1, 2),
            outlines_px=Ragged.of([box.outline_px for box, _ in rows], 2),
            range_m=np.full(count, np.nan),
            visible=np.full(count, np.nan),
            map_id=np.array([""] * count, dtype=np.str_),
            covariance_px2=np.full((count, 2, 2), np.nan),
            ignore=np.array([b.ignore or s for (b, _), s in zip(rows, small)], dtype=np.bool_),
        )
        return labels, np.array(flags, dtype=np.bool_)

    def _class_of(self, name: str, where: str) -> int | None:
        if name not in self.ids:
            more = f"Name its class with --classes, as in '{name}=regulating_sign', or =none."
            hint = f"{did_you_mean(name, self.ids)} {more}".strip()
            expected = f"an object of {self.source}: " + ", ".join(self.ids)
            raise DatasetError.at(where, "", expected, f"'{name}'", hint)
        return self.ids[name]

    def _point(self, box: Box, class_id: int, where: str) -> tuple[Array, bool]:
        if box.point_px is not None:
            return box.point_px, False
        low, high = box.outline_px.min(axis=0), box.outline_px.max(axis=0)
        if self.label_space.rule_of(class_id) == "center":
            return (low + high) / 2.0, False
        if not self.approximate:
            name = self.label_space.names[class_id]
            expected = f"the reference point of a {name} (its lower right end on the road)"
            hint = (
                "Leave the class out (=none), or pass --approximate: then the box's corner stands "
                "in and counts for the class, not for the pixel error."
            )
            raise DatasetError.at(where, f"'{box.name}'", expected, "only a box", hint)
        return high, True


def _read_table(spec: str) -> Mapping[str, str | None]:
    if "=" in spec:
        pairs = [pair.partition("=") for pair in spec.split(",") if pair.strip()]
        return {name.strip(): value.strip() for name, _, value in pairs}
    path = Path(spec)
    if path.suffix not in (".yaml", ".yml"):
        try:
            path = resource(f"config/imports/{spec}.yaml")
        except InputError:
            known = sorted(p.stem for p in resource("config/imports").glob("*.yaml"))
            expected = f"a YAML file, name=class pairs, or one of {', '.join(known)}"
            raise DatasetError.at("--classes", "", expected, f"'{spec}'") from None
    table = read_yaml(path, DatasetError, "table of classes").get("classes")
    if not isinstance(table, Mapping) or not table:
        raise DatasetError.at(path, "key 'classes'", "names and classes", repr(table))
    return {str(name): value for name, value in table.items()}
