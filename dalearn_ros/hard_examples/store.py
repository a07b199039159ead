"""The parameter store: target distributions with their condition, and what became of each (H3).

One SQLite file. A *target* is an image whose colours others are given; a *parameter* is the
distribution of one of its areas (or of all of it), or one generated near another.
"""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.datasets.areas import encode_index
from dalearn_ros.hard_examples.light_table import Cell, Condition
from dalearn_ros.hard_examples.statistics import AreaStatistics, Distribution
from dalearn_ros.hard_examples.store_file import StoreFile
from dalearn_ros.hard_examples.store_rows import Parameter, Target
from dalearn_ros.hard_examples.store_schema import StoreError, transaction

Image = npt.NDArray[np.uint8]
Random = np.random.Generator
LEAST_PIXELS = 64  # an area of fewer pixels says nothing about a condition


class ParameterStore(StoreFile):
    """A store; make one with :meth:`create` or :meth:`open`. A context manager."""

    def add_target(
        self,
        name: str,
        digest: str,
        condition: Condition,
        statistics: AreaStatistics,
        source: str = "",
        size: tuple[int, int] = (0, 0),
        index: Image | None = None,
        thumbnail: Image | None = None,
        least_pixels: int = LEAST_PIXELS,
    ) -> int | None:
        """Put in an image's distributions, one parameter an area and one for the whole image.

        Args:
            name: The image's name.
            digest: Of its content; the same image under the same condition counts once.
            condition: When and in what weather it was taken.
            statistics: Of its areas, in the store's colour space.
            source: Where it came from.
            size: (width, height) px.
            index: Its index image, made smaller or not; its labels are those of ``statistics``.
            thumbnail: A small BGR picture of it, kept as JPEG.
            least_pixels: Areas with fewer are left out.

        Returns:
            The target's id, or None if the store has it already.
        """
        encoded = None if index is None else encode_index(index)
        small = None if thumbnail is None else _jpeg(thumbnail)
        names = json.dumps(list(statistics.names[:-1]))
        place = condition.time, condition.weather
        row = digest, name, source, *place, *size, encoded, names, small
        with transaction(self.db):
            done = self.db.execute(
                "INSERT OR IGNORE INTO targets (digest, name, source, time, weather, width, "
                "height, index_png, index_names, thumbnail) VALUES (?,?,?,?,?,?,?,?,?,?)", row
            )  # fmt: skip
            if not done.rowcount:
                return None
            target = int(done.lastrowid or 0)
            for one in measured(condition, statistics, least_pixels).values():
                self.insert(dataclasses.replace(one, target=target))
        return target

    def add_generated(self, distribution: Distribution, parent: Parameter) -> Parameter:
        """Put in a distribution that was generated near another; it belongs to its cell.

        Raises:
            StoreError: The store was opened to read only.
        """
        with transaction(self.db):
            number = self.insert(Parameter.new(parent.cell, distribution, parent=parent.id))
        return self.parameter(number)

    def record_use(self, numbers: Sequence[int], accuracy: float | None, model: str) -> None:
        """Note that parameters took part in a conversion, and how well it was recognised.

        Args:
            numbers: Ids of the parameters of the conversion.
            accuracy: 0 to 1; None: it says nothing of them, the last one that does stays.
            model: Version of the model that was asked.

        Raises:
            StoreError: The store was opened to read only.
        """
        with transaction(self.db):
            self.db.executemany(
                "UPDATE parameters SET used = used + 1 WHERE id = ?", [(n,) for n in numbers]
            )
            if accuracy is not None:
                self.db.executemany(
                    "UPDATE parameters SET accuracy = ?, model = ? WHERE id = ?",
                    [(accuracy, model, number) for number in numbers],
                )

    def parameter(self, number: int) -> Parameter:
        """One parameter by its id.

        Raises:
            StoreError: There is none.
        """
        found = self._read("id = ?", (number,))
        if not found:
            raise StoreError.at(self.path, "parameters", "an id of it", str(number))
        return found[0]

    def parameters(
        self,
        area: str | None = None,
        condition: Condition | None = None,
        target: int | None = None,
        unused: bool = False,
    ) -> list[Parameter]:
        """Parameters by their ids, of one area, condition and target image where those are named.

        Args:
            area: Name of an area, or ``image``.
            condition: A condition.
            target: Id of a target image.
            unused: Only those that took part in no conversion yet.
        """
        given: list[tuple[str, Any]] = [] if area is None else [("area = ?", area)]
        if condition is not None:
            given += [("time = ?", condition.time), ("weather = ?", condition.weather)]
        given += [] if target is None else [("target = ?", target)]
        given += [("used = ?", 0)] if unused else []
        where = " AND ".join(text for text, _ in given) or "1"
        return self._read(where, tuple(value for _, value in given))

    def targets(self, condition: Condition | None = None) -> list[Target]:
        """Target images by their ids, of one condition if it is named."""
        where, values = "", tuple[str, ...]()
        if condition is not None:
            where, values = " WHERE time = ? AND weather = ?", (condition.time, condition.weather)
        rows = self.db.execute(f"SELECT * FROM targets{where} ORDER BY id", values)
        return [Target.of_row(row) for row in rows]

    def conditions(self) -> dict[Condition, int]:
        """Conditions that target images have, and how many have each."""
        rows = self.db.execute(
            "SELECT time, weather, COUNT(*) FROM targets GROUP BY time, weather ORDER BY 1, 2"
        )
        return {Condition(time, weather): int(count) for time, weather, count in rows}

    def draw(self, random: Random, condition: Condition | None = None) -> Target:
        """A target image at random: of the named condition, or of any, each condition as likely.

        Raises:
            StoreError: The store is empty, or has none of that condition.
        """
        counts = self.conditions()
        if condition is None:
            if not counts:
                hint = "Fill it with `dalearn conditions collect`."
                raise StoreError.at(self.path, "", "target images", "an empty store", hint)
            condition = sorted(counts)[int(random.integers(len(counts)))]
        if condition not in counts:
            known = ", ".join(map(str, counts)) or "none: the store is empty"
            hint = "Collect images of it with `dalearn conditions collect`."
            raise StoreError.at(self.path, "", f"images of {condition}", known, hint)
        found = self.targets(condition)
        return found[int(random.integers(len(found)))]

    def of_target(self, target: int) -> dict[str, Parameter]:
        """Area → parameter of a target image."""
        return {found.cell.area: found for found in self.parameters(target=target)}

    def index_of(self, target: int) -> tuple[Image, tuple[str, ...]] | None:
        """Index image (h, w) of a target, mostly smaller than it, and its names; None: it has none.

        Raises:
            StoreError: No such target.
        """
        row = self._target_row(target)
        if row["index_png"] is None:
            return None
        index = cv2.imdecode(np.frombuffer(row["index_png"], np.uint8), cv2.IMREAD_GRAYSCALE)
        return np.asarray(index, np.uint8), tuple(json.loads(row["index_names"]))

    def thumbnail_of(self, target: int) -> Image | None:
        """Small BGR picture (h, w, 3) of a target image; None: it has none.

        Raises:
            StoreError: No such target.
        """
        row = self._target_row(target)
        if row["thumbnail"] is None:
            return None
        picture = cv2.imdecode(np.frombuffer(row["thumbnail"], np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(picture, np.uint8)

    def _target_row(self, target: int) -> sqlite3.Row:
        row: sqlite3.Row | None = self.db.execute(
            "SELECT * FROM targets WHERE id = ?", (target,)
        ).fetchone()
        if row is None:
            raise StoreError.at(self.path, "targets", "an id of it", str(target))
        return row

    def insert(self, one: Parameter) -> int:
        """Put in a parameter with its history as it is, but for its id; the new id."""
        std = one.distribution.std
        spread = [s * s for s in std] if self.spread == "variance" else list(std)
        values = [x for pair in zip(one.distribution.mean, spread, strict=True) for x in pair]
        cell, history = one.cell, (one.used, one.accuracy, one.model)
        done = self.db.execute(
            "INSERT INTO parameters (target, parent, time, weather, area, pixels, mean_0, spread_0,"
            " mean_1, spread_1, mean_2, spread_2, used, accuracy, model)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (one.target, one.parent, cell.time, cell.weather, cell.area, one.pixels, *values,
             *history),
        )  # fmt: skip
        return int(done.lastrowid or 0)

    def _read(self, where: str, values: tuple[Any, ...]) -> list[Parameter]:
        rows = self.db.execute(f"SELECT * FROM parameters WHERE {where} ORDER BY id", values)
        return [Parameter.of_row(row, self.spread == "variance") for row in rows]


def measured(
    condition: Condition, statistics: AreaStatistics, least_pixels: int = LEAST_PIXELS
) -> dict[str, Parameter]:
    """Area → parameter of an image, which no store has yet; without areas of fewer pixels."""
    made = {}
    for area, pixels in zip(statistics.names, statistics.pixels, strict=True):
        found = statistics.of(area)
        if found is not None and pixels >= least_pixels:
            cell = Cell(condition.time, condition.weather, area)
            made[area] = Parameter.new(cell, found, int(pixels))
    return made


def _jpeg(picture: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes())
