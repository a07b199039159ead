"""Gathers what an evaluation needs, frame by frame: for the replay of a bag and for a live node."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_file, plain
from dalearn_ros.evaluation.bootstrap import intervals_of
from dalearn_ros.evaluation.conditions import by_condition
from dalearn_ros.evaluation.detection import MATCH_PX, DetectionScore
from dalearn_ros.evaluation.distances import DistanceRows
from dalearn_ros.evaluation.frames import AXES, Frame, FrameTable, truth_digest
from dalearn_ros.evaluation.gallery import Gallery, Snapshot
from dalearn_ros.evaluation.health import health_result
from dalearn_ros.evaluation.matching import Matching
from dalearn_ros.evaluation.poses import PoseScore
from dalearn_ros.evaluation.report import report_page
from dalearn_ros.evaluation.report_localization import Paths
from dalearn_ros.evaluation.timing import Timing
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, LandmarkMap, Observations
from dalearn_ros.localization.drive_health import DriveHealth

METRICS, TIMING, REPORT = "metrics.json", "timing.json", "report.html"
FRAMES = "frames.jsonl"
RESULTS = (METRICS, TIMING, REPORT, FRAMES)


class Collector:
    """Scores frames as they come; at the end writes metrics, timing and report.

    Detections and poses are independent: call :meth:`add` for every frame that has truth, and
    :meth:`add_pose` for every frame that has a true pose.

    Args:
        label_space: Names of the classes.
        match_px: The tolerance of the main figures, pixels.
        landmarks: The map, for the report's picture of the drive.
        title: The report's heading.
        source: What was evaluated (bag, map, model), shown in the report.
        drive: Name of the drive; empty if unknown.
        condition: Its weather and light, if they are known.

    Attributes:
        health: Health of map and camera, set by whoever localizes; None: nobody looked.
        score_threshold: Of the model's claims, set by whoever knows it; NaN if unknown.
    """

    def __init__(
        self,
        label_space: LabelSpace | None = None,
        *,
        match_px: float = MATCH_PX,
        landmarks: LandmarkMap | None = None,
        title: str = "Evaluation",
        source: Mapping[str, Any] | None = None,
        drive: str = "",
        condition: str = "",
    ) -> None:
        self.label_space = label_space or LabelSpace.load()
        self.detection = DetectionScore(self.label_space, match_px)
        self.table = FrameTable.beside(self.detection)
        self.localization, self.prior = PoseScore(), PoseScore()
        self.clock = Timing()
        self.gallery = Gallery()
        self.distances = DistanceRows()
        self.frames_skipped: Counter[str] = Counter()
        self.depth_skipped: Counter[str] = Counter()  # frames that were evaluated without theirs
        self.no_pose: Counter[str] = Counter()
        self.paths = Paths(landmarks)
        self.health: DriveHealth | None = None
        self.score_threshold = math.nan
        self.title, self.source = title, dict(source or {})
        self.drive, self.condition = drive, condition

    def add(
        self,
        truth: Labels,
        observations: Observations,
        size: tuple[int, int],
        *,
        approximate: npt.NDArray[np.bool_] | None = None,
        timing_ms: Mapping[str, float] | None = None,
        image: bytes | npt.NDArray[np.uint8] | Callable[[], bytes] | None = None,
        name: str = "",
        attention: AttentionMap | None = None,
        drive: str | None = None,
        condition: str | None = None,
    ) -> Matching:
        """Score the observations of one image.

        Args:
            truth: Ground truth of the image, ignored rows included.
            observations: What was seen, pixels of the same image.
            size: Width and height of the image, pixels.
            approximate: (N,) truth that counts for class, not for pixel error.
            timing_ms: Stage → milliseconds (preprocess, inference, decode, publish, total,
                session_run).
            image: For the report's pictures, kept only if the frame is among the best or worst:
                encoded bytes, pixels (H, W, 3) BGR, or a function that gives the bytes.
            name: Of the frame, for people.
            attention: Where the network looked, for the report's worst frames.
            drive: That the image is from; None: the one of all.
            condition: Its weather and light; None: that of all.
        """
        found = self.detection.add(truth, observations, size, approximate)
        self.distances.add(truth, found)
        if timing_ms:
            self.clock.add(timing_ms)
        stamp = observations.stamp_ns
        name = name or str(stamp)
        drive = self.drive if drive is None else drive
        condition = self.condition if condition is None else condition
        self.table.frames.append(Frame(name, stamp, drive, condition, truth_digest(truth)))
        snapshot = Snapshot(name, stamp, size, truth, observations, found, None, attention)
        self.gallery.offer(snapshot, image)
        return found

    def add_pose(
        self, estimate: Pose | None, truth: Pose, prior: Pose | None, reason: str = ""
    ) -> None:
        """Score the pose of one frame, that of the last :meth:`add`.

        Args:
            estimate: The localizer's; None if it gave none.
            truth: The true pose at the same stamp.
            prior: The pose that the localizer was given; None if there was none.
            reason: Why there is no estimate.
        """
        errors = self.localization.add(estimate, truth), self.prior.add(prior, truth)
        if self.table.frames:
            rows = dict(zip(AXES, errors[0], strict=True))
            rows |= {f"prior_{axis}": e for axis, e in zip(AXES, errors[1], strict=True)}
            self.table.poses.extend(frame=len(self.table.frames) - 1, **rows)
        self.paths.add(estimate, truth, prior)
        if estimate is None:
            self.no_pose[reason or "no pose"] += 1

    def skip(self, reason: str, count: int = 1) -> None:
        """Count frames that could not be evaluated."""
        if count:
            self.frames_skipped[reason] += count

    def span(self, drive_s: float, wall_s: float) -> None:
        """Length of the drive and of the run over it, seconds: the realtime factor."""
        self.clock.span(drive_s, wall_s)

    def metrics(self) -> dict[str, Any]:
        """The content of ``metrics.json``, not yet rounded; NaN becomes null when written."""
        frames, skipped = self.detection.frames, sum(self.frames_skipped.values())
        return {
            **self.detection.result(),
            "score_threshold": self.score_threshold,
            "frames_skipped": dict(sorted(self.frames_skipped.items())),
            "depth_images_skipped": dict(sorted(self.depth_skipped.items())),
            "skipped_share": skipped / (frames + skipped) if frames + skipped else math.nan,
            "by_condition": by_condition(self.table),
            "localization": self.localization.result(),
            "prior": self.prior.result(),
            **health_result(self.health),
            "intervals": intervals_of(self.table),
        }

    def write(self, out: Path | str) -> dict[str, Any]:
        """Write ``metrics.json``, ``timing.json``, ``report.html``, ``frames.jsonl``: all or none.

        The same frames give the same bytes in ``metrics.json``. Files of an earlier evaluation are
        replaced.

        Args:
            out: The folder; made if it is missing.

        Returns:
            The metrics.

        Raises:
            InputError: ``out`` is a file, is not writable, or the disk is full.
        """
        folder = Path(out)
        check_out(folder)
        metrics = self.metrics()
        texts = {
            METRICS: _json(metrics),
            TIMING: _json(self.clock.result()),
            REPORT: report_page(self, metrics),
        }
        made = not folder.exists()
        try:
            with contextlib.ExitStack() as stack:
                for name, text in texts.items():
                    part = stack.enter_context(atomic_file(folder / name))
                    part.write_text(text, encoding="utf-8")
                part = stack.enter_context(atomic_file(folder / FRAMES))
                with part.open("w", encoding="utf-8") as file:
                    file.writelines(self.table.lines())
        except BaseException:
            if made and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            raise
        return metrics


def check_out(folder: Path) -> None:
    """Raise InputError if the results cannot go there, before any work is done."""
    if folder.exists() and not folder.is_dir():
        raise InputError.at(folder, "", "a folder for the results", "a file")


def _json(content: Any) -> str:
    return json.dumps(plain(content), indent=1, sort_keys=True, allow_nan=False) + "\n"
