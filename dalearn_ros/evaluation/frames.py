"""What each frame says, in a few numbers: ``frames.jsonl``, for intervals and comparisons."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import plain
from dalearn_ros.evaluation.columns import Columns
from dalearn_ros.evaluation.detection import DetectionScore
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
AXES = ("longitudinal_m", "lateral_m", "heading_deg")
DIGITS = 4  # of pixels, metres and degrees; scores keep 6


@dataclass(frozen=True, slots=True)
class Frame:
    """One line.

    Attributes:
        name: Of the frame.
        stamp_ns: Integer nanoseconds, 0 if unknown.
        drive: That it is from; empty if unknown.
        condition: That the dataset or bag names; empty if it names none.
        truth: Hash of its truth: frames of two runs with the same one were judged alike.
    """

    name: str
    stamp_ns: int
    drive: str
    condition: str
    truth: str


@dataclass
class FrameTable:
    """All frames of a run; the columns are those of ``frames.jsonl``.

    Attributes:
        classes: Names of the classes, the background first.
        frames: One each.
        hits: ``frame`` (position in ``frames``), ``row`` (of the frame's truth), ``class_id``,
            ``px`` (NaN if not scored).
        missed: ``frame``, ``class_id``.
        claims: ``frame``, ``class_id``, ``score``, ``hits``, ``false_alarms``.
        poses: ``frame``, and the signed errors of the localizer (:data:`AXES`) and of the prior
            (the same with ``prior_`` before), NaN where there was none. A row for each frame that
            has a true pose.
    """

    classes: tuple[str, ...]
    frames: list[Frame] = field(default_factory=list)
    hits: Columns = field(default_factory=lambda: Columns(frame="q", row="h", class_id="h", px="d"))
    missed: Columns = field(default_factory=lambda: Columns(frame="q", class_id="h"))
    claims: Columns = field(
        default_factory=lambda: Columns(
            frame="q", class_id="h", score="d", hits="h", false_alarms="h"
        )
    )
    poses: Columns = field(
        default_factory=lambda: Columns(
            frame="q", **{f"{source}{axis}": "d" for source in ("", "prior_") for axis in AXES}
        )
    )

    @classmethod
    def beside(cls, score: DetectionScore) -> FrameTable:
        """A table that shares the rows of a score: what is added there is here too."""
        return cls(score.label_space.names, [], score.hits, score.missed, score.claims)

    def counts(self) -> Ints:
        """(N, classes, 3) hits, false alarms and misses of each frame."""
        shape = len(self.frames), len(self.classes)
        counts = np.zeros((*shape, 3), np.int64)
        for k, rows in enumerate((self.hits, self.claims, self.missed)):
            one = np.ones(len(rows), np.int64)
            weight = rows["false_alarms"] if k == 1 else one
            np.add.at(counts[:, :, k], (rows["frame"], rows["class_id"]), weight)
        return counts

    def lines(self) -> Iterator[str]:
        """``frames.jsonl``, a line a frame."""
        rows = {"hits": self.hits, "missed": self.missed, "claims": self.claims}
        grouped = {name: _grouped(table, len(self.frames)) for name, table in rows.items()}
        poses = {int(frame): k for k, frame in enumerate(self.poses["frame"])}
        errors = {name: self.poses[name] for name in self.poses.names if name != "frame"}
        for number, frame in enumerate(self.frames):
            content = {"frame": frame.name, "stamp_ns": frame.stamp_ns, "truth": frame.truth}
            content |= {k: v for k in ("drive", "condition") if (v := getattr(frame, k))}
            content |= self._seen(*(grouped[name](number) for name in rows))
            if number in poses:
                at = {name: column[poses[number]] for name, column in errors.items()}
                content |= _errors(at)
            yield json.dumps(content, sort_keys=True, allow_nan=False) + "\n"

    def _seen(
        self, hits: dict[str, Any], missed: dict[str, Any], claims: dict[str, Any]
    ) -> dict[str, Any]:
        """``counts``, ``point_px``, ``truth_row`` and ``claims`` of one frame, by class."""
        counts: dict[str, list[int]] = {}
        points: dict[str, list[float | None]] = {}
        truths: dict[str, list[int]] = {}
        entries: dict[str, list[list[float]]] = {}

        def add(number: int, place: int, count: int) -> None:
            counts.setdefault(self.classes[number], [0, 0, 0])[place] += count

        for number, row, px in zip(hits["class_id"], hits["row"], hits["px"], strict=True):
            add(number, 0, 1)
            points.setdefault(self.classes[number], []).append(_rounded(px))
            truths.setdefault(self.classes[number], []).append(int(row))
        for number in missed["class_id"]:
            add(number, 2, 1)
        columns = (claims[name] for name in ("class_id", "score", "hits", "false_alarms"))
        for number, score, hit, false_alarm in zip(*columns, strict=True):
            add(number, 1, int(false_alarm))
            entry = [round(float(score), 6), int(hit), int(false_alarm)]
            entries.setdefault(self.classes[number], []).append(entry)
        return {"counts": counts, "point_px": points, "truth_row": truths, "claims": entries}


def truth_digest(truth: Labels) -> str:
    """8 characters of a hash of classes, points (to 0.01 px) and which rows are ignored."""
    digest = hashlib.sha256(np.ascontiguousarray(truth.class_id, np.int64).tobytes())
    digest.update(np.round(100.0 * np.nan_to_num(truth.point_px)).astype(np.int64).tobytes())
    digest.update(np.ascontiguousarray(truth.ignore, np.bool_).tobytes())
    return digest.hexdigest()[:8]


def read_frames(
    path: Path, classes: Sequence[str], into: FrameTable | None = None, folder: str = ""
) -> FrameTable:
    """Read ``frames.jsonl``.

    Args:
        path: The file.
        classes: Names of the classes, the background first.
        into: A table of the same classes that gets the frames; None makes one.
        folder: Goes before the names of frames and drives, so that those of several files differ;
            empty leaves them as they are.

    Returns:
        The table.

    Raises:
        InputError: There is none, or a line of it is not one.
    """
    table = into if into is not None else FrameTable(tuple(classes))
    before = len(table.frames)
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    _take(table, json.loads(line), folder)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    found = f"{type(error).__name__}: {error}"
                    expected = "a frame as `dalearn evaluate` writes it"
                    raise InputError.at(path, f"line {number}", expected, found) from None
    except UnicodeDecodeError as error:
        place = f"after line {len(table.frames) - before}"
        found = f"byte {error.object[error.start]:#x}"
        raise InputError.at(path, place, "UTF-8 text", found) from None
    except FileNotFoundError:
        hint = "Evaluate it again: earlier versions did not write it."
        raise InputError.at(path, "", "a line for each frame", "no such file", hint) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    return table


def _take(table: FrameTable, content: dict[str, Any], folder: str) -> None:
    """Add one line to a table."""
    ids = {name: number for number, name in enumerate(table.classes)}
    at = len(table.frames)
    drive, condition, truth = (str(content.get(k, "")) for k in ("drive", "condition", "truth"))
    name = str(content["frame"])
    if folder:
        name, drive = f"{folder}/{name}", f"{folder}/{drive}"
    frame = Frame(name, int(content["stamp_ns"]), drive, condition, truth)
    for name, (_, _, lost) in content["counts"].items():
        table.missed.extend(frame=at, class_id=np.full(int(lost), ids[name]))
    for name, errors in content["point_px"].items():
        row, px = np.array(content["truth_row"][name]), np.array(errors, np.float64)
        table.hits.extend(frame=at, row=row, class_id=ids[name], px=px)
    for name, entries in content["claims"].items():
        score, hits, false_alarms = np.array(entries, np.float64).reshape(-1, 3).T
        table.claims.extend(
            frame=at, class_id=ids[name], score=score,
            hits=hits.astype(np.int16), false_alarms=false_alarms.astype(np.int16),
        )  # fmt: skip
    if "pose" in content:
        found = {"": content["pose"] or {}, "prior_": content["prior"] or {}}
        table.poses.extend(
            frame=at,
            **{f"{s}{a}": float(e.get(a, math.nan)) for s, e in found.items() for a in AXES},
        )
    table.frames.append(frame)


def _grouped(rows: Columns, frames: int) -> Any:
    """A function: number of a frame → its rows of a table whose frames ascend."""
    columns = {name: rows[name] for name in rows.names}
    ends = np.searchsorted(columns["frame"], np.arange(frames + 1))

    def of(number: int) -> dict[str, Any]:
        return {name: c[ends[number] : ends[number + 1]] for name, c in columns.items()}

    return of


def _errors(at: dict[str, float]) -> dict[str, Any]:
    """``pose`` and ``prior`` of a frame, null where there was none."""
    content: dict[str, Any] = {}
    for key, source in (("pose", ""), ("prior", "prior_")):
        values = {axis: float(at[source + axis]) for axis in AXES}
        known = all(math.isfinite(value) for value in values.values())
        content[key] = plain(values, DIGITS) if known else None
    return content


def _rounded(value: float) -> float | None:
    return round(float(value), DIGITS) if math.isfinite(value) else None
