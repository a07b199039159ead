"""What a model's scores, covariances and distances are worth, on drives they were not fitted on.

Four tables: scores (best vote against calibrated), covariances, distances by class, and the trial
of suppressing neighbours of the same class, which is not part of the decoder. The model is one
that `dalearn export --val` wrote; the datasets are the validation drives of ship_data.py. Their
city is built again without the map's noise, so that a covariance can also be held against
where the landmarks really are.

    python benchmarks/calibration.py --model out/ship/landmarks.onnx --data out/ship/data/val/*
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from benchmarks.localization import true_landmarks
from dalearn_ros.coding.calibration import fit_covariance
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.calibrate import Found, Seen, folds_of, raw_observations, score_hits
from dalearn_ros.detector.settings import ValidationSettings
from dalearn_ros.detector.validation import THRESHOLDS, f1_at, observe
from dalearn_ros.evaluation.calibration import REACH, expected_calibration_error, inside
from dalearn_ros.evaluation.matching import match
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.maps import load_map
from dalearn_ros.world.city import build_city
from dalearn_ros.world.mapping import write_map
from dalearn_ros.world.plan import make_plan
from dalearn_ros.world.style import city_named

Array = npt.NDArray[np.float64]
MATCH_PX = 8.0
MARKINGS = 6  # first class id of the road markings
COMMAND = (
    "python benchmarks/calibration.py --model out/ship/landmarks.onnx --data out/ship/data/val/*"
)


def true_points(data: Dataset, index: int, points: dict[str, Array]) -> Array:
    """(N, 2) pixels of the labels' landmarks without the map's noise; NaN if not in ``points``."""
    meta, ids = data.meta(index), data.labels(index).map_id.tolist()
    camera = Camera(
        meta["width"],
        meta["height"],
        np.array(meta["camera"]["matrix"]),
        np.array(meta["camera"]["distortion"]),
    )
    pose = np.array(meta["map_from_camera"])
    nowhere = np.full(3, np.nan)
    place = np.array([points.get(name, nowhere) for name in ids]).reshape(-1, 3)
    pixels, _ = camera.project((place - pose[:3, 3]) @ pose[:3, :3])
    return pixels


def landmarks_of(data: Dataset) -> dict[str, Array]:
    """Map id to its reference point in the city of the drive, without the map's noise."""
    name, *condition, seed = data.path.name.split("_")
    city = city_named(name)
    plan = make_plan(city, len(data), int(seed))
    scene, _ = build_city(city, "_".join(condition), int(seed), plan)
    with tempfile.TemporaryDirectory() as folder:
        file = write_map(scene, plan, int(seed), Path(folder) / "map")
        true = true_landmarks(load_map(file), file, name, int(seed))
    return dict(zip(true.ids.tolist(), true.point_m, strict=True))


def best_f1(seen: Sequence[Seen]) -> dict[str, float]:
    """Figures at the threshold with the best F1."""
    rows = [{**f1_at(seen, t, MATCH_PX), "threshold": t} for t in THRESHOLDS]
    return max(rows, key=lambda row: row["f1"])


def score_row(name: str, found: Sequence[Found], scores: Sequence[Array]) -> dict[str, Any]:
    """A row of the table of scores."""
    seen = [Seen(f.truth, raw_observations(f, s)) for f, s in zip(found, scores, strict=True)]
    best = best_f1(seen)
    kept, hits = [], []
    for entry in seen:
        result = match(entry.truth, entry.observations, MATCH_PX)
        judged = np.concatenate([result.seen, result.false_alarms])
        kept.append(entry.observations.score[judged])
        hits.append(np.arange(len(judged)) < len(result.seen))
    score, hit = np.concatenate(kept), np.concatenate(hits)
    said = score >= best["threshold"]
    return {
        "score": name,
        "F1": best["f1"],
        "precision": best["precision"],
        "recall": best["recall"],
        "threshold": best["threshold"],
        "ECE, all candidates": expected_calibration_error(score, hit),
        "ECE, above the threshold": expected_calibration_error(score[said], hit[said]),
    }


@dataclasses.dataclass(frozen=True)
class Errors:
    """Observations above the threshold and the truth that each means.

    Attributes:
        class_id: (N,).
        fold: (N,).
        to_map: (N, 2) seen minus the map's point, px.
        to_true: (N, 2) seen minus where it really is, px.
        votes: (N, 2, 2) covariance of the votes.
        map: (N, 2, 2) the map's noise, px².
        range: (N,) relative error of the distance over its sigma.
        relative: (N,) relative error of the distance.
    """

    class_id: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int64]
    to_map: Array
    to_true: Array
    votes: Array
    map: Array
    range: Array
    relative: Array


def errors_of(
    found: Sequence[Found],
    scores: Sequence[Array],
    threshold: float,
    true: Sequence[Array],
    range_sigma: float,
) -> Errors:
    """What the observations above a threshold are off by."""
    parts: list[list[Any]] = [[] for _ in dataclasses.fields(Errors)]
    for entry, score, points, fold in zip(found, scores, true, folds_of(found), strict=True):
        chosen = entry.candidates.select(score >= threshold)
        entry = dataclasses.replace(entry, candidates=chosen)
        seen = raw_observations(entry, score[score >= threshold])
        result = match(entry.truth, seen, REACH * MATCH_PX)
        rows, columns = result.truth, result.seen
        relative = seen.range_m[columns] / entry.truth.range_m[rows] - 1.0
        sigma = np.hypot(chosen.range_spread[columns], range_sigma)
        values = [
            entry.truth.class_id[rows],
            np.full(len(rows), fold),
            seen.point_px[columns] - entry.truth.point_px[rows],
            seen.point_px[columns] - points[rows],
            seen.covariance_px2[columns],
            entry.truth.covariance_px2[rows],
            relative * (1.0 + relative) ** -1 / sigma,
            relative,
        ]
        for part, value in zip(parts, values, strict=True):
            part.append(value)
    return Errors(*(np.concatenate(part) for part in parts))


def cross_fitted(errors: Errors) -> Array:
    """(N, 2, 2) covariances of the detector by factor and floor fitted on the other folds."""
    own = np.zeros_like(errors.votes)
    for k in np.unique(errors.fold):
        rest = errors.fold != k
        scale, floor = fit_covariance(errors.to_map[rest], errors.votes[rest], errors.map[rest])
        own[~rest] = scale * errors.votes[~rest] + floor * np.eye(2)
    return own


def by_median(errors: Errors) -> Array:
    """(N, 2, 2) covariances by one factor from the median of the hits' errors."""
    near = np.hypot(*errors.to_map.T) <= MATCH_PX
    solved = np.linalg.solve(errors.votes[near], errors.to_map[near, :, None])[:, :, 0]
    squared = (errors.to_map[near] * solved).sum(axis=1)
    scale: Array = errors.votes * np.median(squared) / (2.0 * np.log(2.0))
    return scale


def covariance_rows(errors: Errors) -> list[dict[str, Any]]:
    """Rows of the table of covariances."""
    rows = []
    ways = (("one factor, by the median", by_median), ("factor and floor", cross_fitted))
    groups = {
        "all": errors.class_id > 0,
        "signs and signals": errors.class_id < MARKINGS,
        "markings": errors.class_id >= MARKINGS,
    }
    for way, covariance_of in ways:
        own = covariance_of(errors)
        for name, group in groups.items():
            for against, error, extra in (
                ("the map's point, with its noise", errors.to_map, errors.map),
                ("where it really is", errors.to_true, 0.0 * errors.map),
            ):
                known = group & np.isfinite(error).all(axis=1)
                shares = inside(error[known], (own + extra)[known])
                rows.append(
                    {
                        "covariance": way,
                        "landmarks": name,
                        "points": int(known.sum()),
                        "held against": against,
                        "error, median px": float(np.median(np.hypot(*error[known].T))),
                        **{f"{k} σ": share for k, share in shares.items()},
                    }
                )
    return rows


def distance_rows(errors: Errors, names: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the table of distances."""
    groups = [("all", errors.class_id > 0)]
    groups += [(names[c], errors.class_id == c) for c in np.unique(errors.class_id)]
    return [
        {
            "class": name,
            "points": int(group.sum()),
            "relative error, median": float(np.median(np.abs(errors.relative[group]))),
            "1 σ": float(np.mean(np.abs(errors.range[group]) <= 1.0)),
            "2 σ": float(np.mean(np.abs(errors.range[group]) <= 2.0)),
        }
        for name, group in groups
    ]


def suppressed(found: Found, score: Array, radius_px: float, classes: range) -> Array:
    """Scores of which those near a better one of their class are 0."""
    result, points = score.copy(), found.candidates.point_px
    for row in np.argsort(-score, kind="stable"):
        if result[row] and found.candidates.class_id[row] in classes:
            near = np.hypot(*(points - points[row]).T) < radius_px
            near &= found.candidates.class_id == found.candidates.class_id[row]
            near[row] = False
            result[near & (result <= result[row])] = 0.0
    return result


def suppression_rows(found: Sequence[Found], scores: Sequence[Array]) -> list[dict[str, Any]]:
    """Rows of the trial of suppression."""
    trials = [("none", 0.0, range(0))]
    trials += [("signs and signals", r, range(1, MARKINGS)) for r in (30.0, 45.0)]
    trials += [("markings", r, range(MARKINGS, 10)) for r in (30.0, 50.0, 80.0, 120.0)]
    trials += [("crosswalks", r, range(8, 9)) for r in (60.0, 100.0, 200.0)]
    rows = []
    for name, radius, classes in trials:
        left = [suppressed(f, s, radius, classes) for f, s in zip(found, scores, strict=True)]
        seen = [Seen(f.truth, raw_observations(f, s)) for f, s in zip(found, left, strict=True)]
        best = best_f1(seen)
        row = {"of": name, "radius px": radius or None, "F1": best["f1"]}
        rows.append({**row, "precision": best["precision"], "recall": best["recall"]})
    return rows


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    arguments = parser.parse_args()
    data = [Dataset.open(path) for path in arguments.data]
    backend = OnnxBackend(arguments.model, None)
    decoding = backend.metadata.decoding
    every = observe(backend, decoding, data, ValidationSettings(images=1_000_000))
    least = decoding.candidate_threshold
    found = [
        dataclasses.replace(f, candidates=f.candidates.select(f.candidates.best >= least))
        for f in every
    ]
    places = [landmarks_of(dataset) for dataset in data]
    true = [
        true_points(dataset, index, places[drive])
        for drive, dataset in enumerate(data)
        for index in range(len(dataset))
    ]
    votes = [f.candidates.best for f in found]
    _, scores, _ = score_hits(found, MATCH_PX, len(backend.metadata.label_space) - 1)
    rows = [score_row("best vote", found, votes), score_row("calibrated", found, scores)]
    note = (
        f"{len(found)} images of {len(data)} drives, 1280×720, tolerance 8 px; calibrated scores "
        "and covariances are of models fitted on other drives."
    )
    record("calibration_scores", COMMAND, rows, note)
    threshold = rows[1]["threshold"]
    errors = errors_of(found, scores, threshold, true, decoding.range_sigma)
    record("calibration_covariances", COMMAND, covariance_rows(errors), (
        "A Gaussian has 0.393, 0.865 and 0.989 inside. Truth within 24 px of an observation."
    ))  # fmt: skip
    names = backend.metadata.label_space.names
    record("calibration_distances", COMMAND, distance_rows(errors, names), (
        "A Gaussian has 0.683 and 0.954 inside."
    ))  # fmt: skip
    record("calibration_suppression", COMMAND, suppression_rows(found, scores))


if __name__ == "__main__":
    main()
