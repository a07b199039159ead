"""What ``evaluate`` has written, read again: one result folder, or a folder of several."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.bootstrap import drawn_figures
from dalearn_ros.evaluation.collector import FRAMES, METRICS
from dalearn_ros.evaluation.frames import FrameTable, read_frames
from dalearn_ros.evaluation.names import flat
from dalearn_ros.evaluation.units import Units

BACKGROUND = "background"


@dataclass(frozen=True)
class Run:
    """A model's answers to one bag or dataset, or to several.

    Attributes:
        path: The folder.
        match_px: Tolerance of a hit, pixels.
        score_threshold: Lowest score of a claim; NaN if unknown, or not the same in all folders.
        table: The frames; of several folders, each is a drive.
        figures: Name → value, NaN where it is not known.
    """

    path: Path
    match_px: float
    score_threshold: float
    table: FrameTable
    figures: Mapping[str, float]

    @classmethod
    def open(cls, path: Path) -> Run:
        """Read a folder, or the folders in it if it holds no ``metrics.json`` itself.

        Raises:
            InputError: It is none, one of an earlier version, or its parts do not go together.
        """
        if (path / METRICS).is_file():
            metrics, classes = _metrics(path)
            table = read_frames(path / FRAMES, classes)
            _check_whole(path, metrics, table)
            return cls(path, float(metrics["match_px"]), _threshold(metrics), table, flat(metrics))
        parts = sorted(file.parent for file in path.glob(f"*/{METRICS}"))
        if not parts:
            hint = "Give the folder that was --out of `dalearn evaluate`."
            raise InputError.at(path, "", f"a {METRICS}", "none", hint)
        first, classes = _metrics(parts[0])
        joined = FrameTable(classes)
        thresholds = set()
        for part in parts:
            metrics, found = _metrics(part)
            if (found, metrics["match_px"]) != (classes, first["match_px"]):
                expected = f"classes and match_px of {parts[0]}"
                raise InputError.at(part / METRICS, "", expected, "others")
            own = read_frames(part / FRAMES, classes)
            _check_whole(part, metrics, own)
            read_frames(part / FRAMES, classes, joined, part.name)
            thresholds.add(_threshold(metrics))
        threshold = thresholds.pop() if len(thresholds) == 1 else math.nan
        return cls(path, float(first["match_px"]), threshold, joined, _figures(joined))

    def figure(self, name: str) -> float:
        """A figure by its dotted name; NaN where it is not known."""
        return self.figures.get(name, math.nan)

    def occurring(self) -> list[str]:
        """Names of the classes that have scored truth."""
        there = self.table.counts()[:, :, ::2].sum(axis=(0, 2)) > 0
        return [name for name, known in zip(self.table.classes, there, strict=True) if known]

    def keys(self) -> list[tuple[str, int]]:
        """What each frame is known by: its name, and which of those of one name it is."""
        before: Counter[str] = Counter()
        keys = []
        for frame in self.table.frames:
            keys.append((frame.name, before[frame.name]))
            before[frame.name] += 1
        return keys


def _metrics(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The content of metrics.json, and the names of the classes."""
    file = path / METRICS
    try:
        metrics = json.loads(file.read_text(encoding="utf-8"))
        classes = (BACKGROUND, *sorted(metrics["per_class"]))
        for name, entry in metrics["per_class"].items():
            _number(f"per_class.{name}.support", entry["support"])
        for name in ("match_px", "frames", "support"):
            _number(name, metrics[name])
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise InputError.at(file, "", "what `dalearn evaluate` writes", found) from None
    return metrics, classes


def _threshold(metrics: Mapping[str, Any]) -> float:
    value = metrics.get("score_threshold")
    return float(value) if isinstance(value, (int, float)) else math.nan


def _number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= 0:
        raise TypeError(f"{name} is {value!r}, not a number")


def _check_whole(path: Path, metrics: Mapping[str, Any], table: FrameTable) -> None:
    """Raise InputError unless frames.jsonl and metrics.json are of the same evaluation."""
    hint = "Was it cut off, or is one of the files of another evaluation? Evaluate it again."
    if len(table.frames) != metrics["frames"]:
        expected = f"{metrics['frames']} frames as in {METRICS}"
        raise InputError.at(path / FRAMES, "", expected, f"{len(table.frames)}", hint)
    support = table.counts()[:, 1:, ::2].sum(axis=(0, 2))
    for name, found in zip(table.classes[1:], support, strict=True):
        wanted = metrics["per_class"][name]["support"]
        if found != wanted:
            expected = f"{wanted} truths of {name} as in {METRICS}"
            raise InputError.at(path / FRAMES, "", expected, f"{found}", hint)


def _figures(table: FrameTable) -> dict[str, float]:
    """The figures of all frames together: a draw that has each once."""
    units = Units("image", np.zeros(len(table.frames), np.int64), 1)
    drawn = drawn_figures(table, units, np.ones((1, 1), np.int64))
    return {name: float(values[0]) for name, values in drawn.items()}
