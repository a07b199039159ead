"""Every pseudo label as a line of a CSV file, and the watch over their shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.adaptation.collapse import CollapseSettings, collapsed
from dalearn_ros.adaptation.landmark_labels import PseudoLandmarks
from dalearn_ros.adaptation.pseudo_labels import Role

HEADER = "step,image,class,u_px,v_px,score,used_as,map_doubts\n"
Counts = npt.NDArray[np.int64]


class PseudoLog:
    """Writes pseudo labels when the run is saved, so that file and checkpoint agree.

    Attributes:
        counts: (1+M,) pseudo labels of each class so far.
    """

    def __init__(
        self, path: Path, images: Sequence[str], names: tuple[str, ...], settings: CollapseSettings
    ) -> None:
        """Begin a file.

        Args:
            path: The CSV file.
            images: Name of each target image.
            names: Of the classes, background first.
            settings: The watch.
        """
        self.path, self._images, self._names, self._settings = path, images, names, settings
        self.counts: Counts = np.zeros(len(names), np.int64)
        self._first: Counts | None = None
        self._window: list[list[int]] = []
        self._lines: list[str] = []
        self._length = 0

    def add(self, step: int, target: Mapping[str, Any], chosen: PseudoLandmarks) -> None:
        """Take in the pseudo landmarks of a batch."""
        for i in range(len(chosen)):
            crop = int(chosen.crop[i])
            u, v = target["to_image"][crop].apply(chosen.point_px[i])
            image = self._images[target["rows"][crop]].replace('"', '""')
            used = Role(int(chosen.role[i])).name.lower()
            self._lines.append(
                f'{step + 1},"{image}",{self._names[int(chosen.label[i])]},{u:.2f},{v:.2f},'
                f"{chosen.score[i]:.4f},{used},{int(chosen.doubt[i])}\n"
            )
        labelled = chosen.label[chosen.role == Role.LABEL]
        counts = np.bincount(labelled, minlength=len(self._names))
        self.counts += counts
        self._window.append(counts.tolist())

    def collapsed(self) -> str:
        """Why the last window of steps looks like a collapse; empty if it does not."""
        if len(self._window) < self._settings.window:
            return ""
        now = np.array(self._window, np.int64).sum(axis=0)
        self._window.clear()
        if self._first is None:
            self._first = now if now.any() else None  # nothing yet is no measure
            return ""
        return collapsed(self._first, now, self._names, self._settings)

    def state(self) -> dict[str, Any]:
        """Write what is new to the file; what is needed to go on from here."""
        mode = "r+b" if self._length else "wb"
        text = "".join(self._lines) if self._length else HEADER + "".join(self._lines)
        with self.path.open(mode) as file:
            file.truncate(self._length)
            file.seek(self._length)
            file.write(text.encode("utf-8"))
            self._length = file.tell()
        self._lines.clear()
        first = None if self._first is None else self._first.tolist()
        counts = self.counts.tolist()
        return {"length": self._length, "counts": counts, "first": first, "window": self._window}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state; what the file has beyond it is cut off at the next one."""
        self._length = int(state["length"]) if self.path.is_file() else 0
        self.counts = np.array(state["counts"], np.int64)
        self._first = None if state["first"] is None else np.array(state["first"], np.int64)
        self._window = [list(map(int, row)) for row in state["window"]]
        self._lines.clear()
