"""Label one bag of a fleet: a dataset in COCO form, and a row for each of its frames."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.replay import check_label_space
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.evaluate import loaded, model_digest
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.parts import DATASET, Columns, Processed
from dalearn_ros.labels.settings import LabelSettings
from dalearn_ros.landmarks.catalogue import LabelSpace

FRAMES = "frames"


@dataclass(frozen=True)
class LabelBag:
    """Labels a bag as ``dalearn label`` does; see :class:`fleet.parts.Process`.

    The table ``frames`` has file_name (in the bag's dataset), stamp_ns, tile, camera, x_m, y_m (the
    camera's place in the map), labels and ignored.

    Attributes:
        pose_topic: As in :func:`datasets.from_bag.label_bag`.
        camera_topics: The same; empty: the only camera.
        settings: The same.
        extras: The same, without a detector.
        model: ONNX file or run folder to audit the labels against; None: no audit.
        threads: Of that model.
    """

    pose_topic: str | None
    camera_topics: Sequence[str]
    settings: LabelSettings
    extras: Extras
    model: Path | None
    threads: int

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        """The bag's rows; the dataset goes to ``FOLDER/dataset``."""
        cv2.setNumThreads(self.threads)
        extras = self.extras
        if self.model is not None:
            detector = self._detector()
            extras = dataclasses.replace(extras, detect=detector.detect, model=str(self.model))
        started, out = time.perf_counter(), folder / DATASET
        topics = list(self.camera_topics) or None
        summary = label_bag(bag.bag, bag.map, out, self.pose_topic, topics, self.settings, extras)
        facts = {
            "labels": summary["labels"],
            "landmarks_labelled": summary["landmarks_labelled"],
            "seconds": time.perf_counter() - started,
        }
        if self.model is not None:
            facts["audit"] = summary["against_detections"]["verdict"]
        tables = {FRAMES: frames_of(Dataset.open(out))}
        return Processed(summary["frames"], summary["frames_skipped"], facts, tables)

    def depends(self) -> dict[str, Any]:
        """What the results depend on, JSON values.

        Raises:
            ModelError: There is no such model, or its classes are others.
        """
        if self.model is not None:
            self._detector()
        names = [field.name for field in dataclasses.fields(Extras) if field.name != "detect"]
        return {
            "pose_topic": self.pose_topic,
            "camera_topics": list(self.camera_topics),
            "settings": dump_settings(self.settings),
            "extras": {name: getattr(self.extras, name) for name in names},
            "audit_model_sha256": None if self.model is None else model_digest(self.model),
        }

    def _detector(self) -> Any:
        assert self.model is not None
        detector = loaded(self.model, self.threads)
        check_label_space(detector.label_space, LabelSpace.load())
        return detector


def frames_of(dataset: Dataset) -> Columns:
    """A row for each image of a dataset that was labelled from a bag."""
    metas = [dataset.meta(index) for index in range(len(dataset))]
    ignored = [dataset.labels(index).ignore for index in range(len(dataset))]
    places = np.array([meta["map_from_camera"] for meta in metas], np.float64).reshape(-1, 4, 4)
    return {
        "file_name": [str(meta["file_name"]) for meta in metas],
        "stamp_ns": np.array([meta["stamp_ns"] for meta in metas], np.int64),
        "tile": [str(meta["tile"]) for meta in metas],
        "camera": [str(meta["camera"]["name"]) for meta in metas],
        "x_m": places[:, 0, 3],
        "y_m": places[:, 1, 3],
        "labels": np.array([int((~one).sum()) for one in ignored], np.int64),
        "ignored": np.array([int(one.sum()) for one in ignored], np.int64),
    }


def summarise(manifest: Manifest) -> dict[str, Any]:
    """The content of ``summary.json``: sums over the bags, and their audits' verdicts."""
    sums, skipped, verdicts = Counter[str](), Counter[str](), Counter[str]()
    for shard in manifest.committed():
        for bag in shard["bags"]:
            found = {"bags": 1, "frames": bag["frames"], "labels": bag["facts"]["labels"]}
            sums.update(found)
            skipped.update(bag["frames_skipped"])
            verdicts.update([bag["facts"]["audit"]] if "audit" in bag["facts"] else [])
    return {
        **{name: sums[name] for name in ("bags", "frames", "labels")},
        "frames_skipped": dict(sorted(skipped.items())),
        "audits": dict(sorted(verdicts.items())),
    }
