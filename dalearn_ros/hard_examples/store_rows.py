"""What comes out of the parameter store: parameters with their history, and target images."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

from dalearn_ros.hard_examples.light_table import Cell, Condition
from dalearn_ros.hard_examples.statistics import Distribution


@dataclass(frozen=True)
class Parameter:
    """One target distribution and its history.

    Attributes:
        id: In its store.
        cell: Condition and area.
        distribution: What images are converted to.
        pixels: From how many pixels it was measured; 0: generated.
        target: The target image it came from; None: generated.
        parent: The parameter near which it was generated; None: measured.
        used: How many conversions it took part in.
        accuracy: Recognition accuracy of the last of them that says something of it (outcome not
            "original fails"), 0 to 1; None: there is none.
        model: Version of the model that was asked then.
    """

    id: int
    cell: Cell
    distribution: Distribution
    pixels: int
    target: int | None
    parent: int | None
    used: int
    accuracy: float | None
    model: str

    @classmethod
    def new(
        cls,
        cell: Cell,
        distribution: Distribution,
        pixels: int = 0,
        target: int | None = None,
        parent: int | None = None,
    ) -> Parameter:
        """One that no store has yet (id 0), never used."""
        return cls(0, cell, distribution, pixels, target, parent, 0, None, "")

    @classmethod
    def of_row(cls, row: sqlite3.Row, variance: bool) -> Parameter:
        """From a row of the table; ``variance``: what the file holds in place of deviations."""
        spread = [float(row[f"spread_{channel}"]) for channel in range(3)]
        std = [math.sqrt(value) for value in spread] if variance else spread
        return cls(
            id=row["id"],
            cell=Cell(row["time"], row["weather"], row["area"]),
            distribution=Distribution(
                (row["mean_0"], row["mean_1"], row["mean_2"]), (std[0], std[1], std[2])
            ),
            pixels=row["pixels"],
            target=row["target"],
            parent=row["parent"],
            used=row["used"],
            accuracy=row["accuracy"],
            model=row["model"],
        )


@dataclass(frozen=True)
class Target:
    """One target image.

    Attributes:
        id: In its store.
        name: The image's name.
        source: Where it came from.
        condition: When and in what weather it was taken.
        size: (width, height) px.
    """

    id: int
    name: str
    source: str
    condition: Condition
    size: tuple[int, int]

    @classmethod
    def of_row(cls, row: sqlite3.Row) -> Target:
        """From a row of the table."""
        condition = Condition(row["time"], row["weather"])
        size = row["width"], row["height"]
        return cls(row["id"], row["name"], row["source"], condition, size)
