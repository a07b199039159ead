"""Judges both sides of the comparison alike: thresholds on validation images, figures on others."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.side_tasks import Split
from benchmarks.yolo_files import YoloDetector, suppressed
from dalearn_ros.datasets import Dataset
from dalearn_ros.detector.calibrate import Seen
from dalearn_ros.detector.validation import f1_at
from dalearn_ros.evaluation.calibration import labels_with_map_noise
from dalearn_ros.evaluation.detection import MATCH_PX, DetectionScore
from dalearn_ros.evaluation.intervals import f1_interval
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.landmarks.types import Observations

LEAST = 0.02
SWEEP = tuple(round(LEAST + 0.02 * i, 3) for i in range(48))
OVERLAPS = (0.3, 0.5, 0.7)
SIZE = (1280, 736)
Look = Callable[[npt.NDArray[np.uint8]], Mapping[str, Observations]]


def judge(split: Split, model: Path, yolo: bool) -> dict[str, Any]:
    """Thresholds by validation, then figures.

    Returns:
        ``val`` and ``test``, each with F1 at 8 px, its interval over images, F1 at 4 px and the
        median and 95th percentile of the reference point's error (None where nothing was found),
        and ``threshold`` and ``decoding``.
    """
    look = _yolo_look(split, model) if yolo else _our_look(model)
    val = observed(look, split.val)
    choices = [
        (f1_at(seen, t, MATCH_PX)["f1"], -t, name) for name, seen in val.items() for t in SWEEP
    ]
    _, negative, name = max(choices)
    threshold = -negative
    return {
        "threshold": threshold,
        "decoding": name,
        "val": figures(split.val, val[name], threshold),
        "test": figures(split.test, observed(look, split.test)[name], threshold),
    }


def _our_look(model: Path) -> Look:
    low = {"score_threshold": LEAST, "candidate_threshold": 0.1}
    detector = LandmarkDetector.load(model, 2, low)
    return lambda image: {"voting": detector.detect(image)}


def _yolo_look(split: Split, model: Path) -> Look:
    detector = YoloDetector(model, split.train.label_space, LEAST)

    def look(image: npt.NDArray[np.uint8]) -> Mapping[str, Observations]:
        found = detector.candidates(image)
        return {f"overlap {overlap:g}": suppressed(found, overlap) for overlap in OVERLAPS}

    return look


def observed(look: Look, data: Dataset) -> dict[str, list[Seen]]:
    """Truth and observations of every image of a dataset, for each way of decoding."""
    found: dict[str, list[Seen]] = {}
    for index in range(len(data)):
        truth = labels_with_map_noise(data, index, 0.0)
        for name, seen in look(data.image(index)).items():
            found.setdefault(name, []).append(Seen(truth, seen))
    return found


def figures(data: Dataset, seen: Sequence[Seen], threshold: float) -> dict[str, float | None]:
    """Figures at a score threshold."""
    scored = DetectionScore(data.label_space)
    counts = []
    for index, entry in enumerate(seen):
        meta = data.meta(index)
        chosen = entry.observations.select(entry.observations.score >= threshold)
        size = (int(meta["width"]), int(meta["height"]))
        match = scored.add(entry.truth, chosen, size, data.approximate(index))
        counts.append([len(match.truth), len(match.false_alarms), len(match.missed)])
    found = scored.result()
    pixels = found["reference_point_px"]
    low, high = f1_interval(np.array(counts))
    return {
        "F1 at 8 px": float(found["f1_at"]["8"]),
        "F1 at 8 px, low": low,
        "F1 at 8 px, high": high,
        "F1 at 4 px": float(found["f1_at"]["4"]),
        "point, median px": _finite(pixels["median"]),
        "point, p95 px": _finite(pixels["p95"]),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def latency_rows(results: Sequence[Mapping[str, Any]], rounds: int) -> list[dict[str, Any]]:
    """Parameters and milliseconds of one model of each side, the runs taking turns."""
    first: dict[str, Mapping[str, Any]] = {}
    for entry in results:
        if Path(entry["model"]).is_file():
            first.setdefault(entry["detector"], entry)
    models = {name: Path(entry["model"]) for name, entry in first.items()}
    spent = {threads: _take_turns(models, threads, rounds) for threads in (1, 2)}
    return [
        {
            "detector": name,
            "parameters, 10⁶": entry["parameters"] / 1e6,
            "1 thread, ms": float(np.median(spent[1][name])),
            "2 threads, ms": float(np.median(spent[2][name])),
            "2 threads, least ms": float(np.min(spent[2][name])),
        }
        for name, entry in first.items()
    ]


def _take_turns(models: Mapping[str, Path], threads: int, rounds: int) -> dict[str, list[float]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    sessions, inputs = {}, {}
    for name, model in models.items():
        session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
        sessions[name], inputs[name] = session, {session.get_inputs()[0].name: _blank(session)}
    spent: dict[str, list[float]] = {name: [] for name in sessions}
    for number in range(rounds + 1):
        for name, session in sessions.items():
            started = time.perf_counter()
            session.run(None, inputs[name])
            if number:  # the first run sets memory up
                spent[name].append((time.perf_counter() - started) * 1e3)
    return spent


def _blank(session: Any) -> npt.NDArray[Any]:
    """Noise in the form that a model takes: (1, H, W, 3) bytes, or (1, 3, H, W) from 0 to 1."""
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (1, SIZE[1], SIZE[0], 3), dtype=np.uint8)
    if "uint8" in session.get_inputs()[0].type:
        return image
    return np.ascontiguousarray(image.transpose(0, 3, 1, 2), np.float32) / np.float32(255.0)
