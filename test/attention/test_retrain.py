"""Retraining a detector: batches, run folder, resumption, report, class activation maps."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_retraining import retraining

from dalearn_ros.attention.cells import WantedMap
from dalearn_ros.attention.landmark_maps import edits_of
from dalearn_ros.attention.landmark_review import (
    LandmarkReviewer,
    all_frames,
    without_edited,
)
from dalearn_ros.attention.opening import open_viewer
from dalearn_ros.attention.retrain import METRICS, Inputs, retrain
from dalearn_ros.attention.run import open_landmark_run, start_landmark_run
from dalearn_ros.attention.samples import MapCrops
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import open_run
from dalearn_ros.training.checkpoint import load_checkpoint


def write_edits(path: Path, data: Dataset, count: int = 2) -> Path:
    for index in range(count):
        file = data.image_path(index)
        attention = np.zeros((12, 20), np.float32)
        attention[5:8, 6:9] = 1.0
        TeacherMaps(path).write(
            TeacherMap(
                sha256_of(file), attention, (160, 96), (160.0, 96.0), file.name, "hand", "Ada",
                "2026-01-01T00:00:00Z", {}, "perception" if index else "",
            )
        )  # fmt: skip
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(run / "weights.safetensors").groups["network"])


def test_crops_bring_maps_and_classes(detector_path: Path, roads: Dataset) -> None:
    how = retraining(detector_path, {"crops": {"scale_jitter": 0.0, "turn_jitter_deg": 0.0}})
    full = WantedMap(np.ones((12, 20), np.float32), (160.0, 96.0), (160, 96))
    batches = MapCrops([roads], how, 1, {0: full}, repeat=3)
    seen: list[float] = []
    for step in range(6):
        batch = batches[step]
        assert batch["wanted"].shape == batch["weight"].shape == (2, 8, 12)
        assert batch["occurs"].shape == (2, len(roads.label_space) - 1)
        shows = (batch["class_id"] == 1).flatten(1).any(dim=1)
        assert torch.equal(batch["occurs"][shows, 0], torch.ones(int(shows.sum())))
        for name, weight, wanted in zip(
            batch["names"], batch["weight"], batch["wanted"], strict=True
        ):
            mapped = name.endswith("image 0")
            assert bool(weight.any()) == mapped
            assert torch.equal(wanted, weight)
            seen.append(float(mapped))
    assert sum(seen) == 6  # of 12 crops; a round has 3 + 3 images


def test_a_new_branch_learns_and_its_start_does_not(
    tmp_path: Path, detector_path: Path, roads: Dataset
) -> None:
    inputs = Inputs(detector_path, [roads], [roads])
    metrics = retrain(inputs, tmp_path / "run", retraining(detector_path), 1)
    assert metrics["new_branch"]
    assert metrics["losses"] == ["attention", "perception"]
    assert metrics["learns"] == ["attention", "perception"]
    run = open_landmark_run(tmp_path / "run")
    assert "score_threshold" in run.header["figures"]
    start = open_run(detector_path).network.state_dict()
    for name, value in run.network.detector.state_dict().items():
        frozen = not name.startswith(("mix.", "class_", "offset_", "variance_", "range_"))
        if frozen:
            assert torch.equal(value, start[name]), name
    assert not torch.equal(run.network.detector.class_head.weight, start["class_head.weight"])
    assert open_viewer(tmp_path / "run").names == roads.label_space.names[1:]
    assert "Elsewhere" in metrics["verdict"]
    assert (tmp_path / "run" / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_edits_bring_the_map_closer_and_a_resumed_run_is_the_same(
    tmp_path: Path, detector_path: Path, roads: Dataset
) -> None:
    edits = write_edits(tmp_path / "edits", roads)
    inputs = Inputs(detector_path, [roads], [], edits)
    how = retraining(detector_path, {"loop": {"steps": 6}})
    whole = retrain(inputs, tmp_path / "whole", how, 3)
    short = tmp_path / "short"

    class Stop(Exception):
        pass

    from dalearn_ros.attention import regime

    plain, count = regime.AttentionTask.watch, 0

    def watch(self: Any, step: int, progress: float, values: Any) -> str:
        nonlocal count
        count += 1
        if count == 4:
            raise Stop
        return plain(self, step, progress, values)

    regime.AttentionTask.watch = watch  # type: ignore[method-assign]
    try:
        with pytest.raises(Stop):
            retrain(inputs, short, how, 3)
    finally:
        regime.AttentionTask.watch = plain  # type: ignore[method-assign]
    resumed = retrain(inputs, short, how, 3)
    assert resumed == whole
    one, two = weights(tmp_path / "whole"), weights(short)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert (short / METRICS).read_bytes() == (tmp_path / "whole" / METRICS).read_bytes()
    assert whole["losses"] == ["attention", "perception", "map"]
    assert whole["edits"]["used"] == 2
    assert whole["edits"]["recognised_before_share"] == 0.5
    assert whole["edits"]["in_validation"] == 0
    everywhere = all_frames([roads])
    found = edits_of([roads], edits)
    rest = without_edited(everywhere, found)
    assert rest == [one for number, one in enumerate(everywhere) if number not in found.used]
    assert whole["edited"]["images"] == 2
    assert whole["edited"]["mass_after"] is not None
    assert whole["elsewhere_is"] == "training"
    text = (short / "report.html").read_text()
    assert text.count("<figure>") == 2
    with pytest.raises(InputError, match="another 'edits"):
        write_edits(tmp_path / "more", roads, 3)
        retrain(dataclasses.replace(inputs, edits=tmp_path / "more"), short, how, 3)


def test_padded_maps_are_shown_over_the_image_alone(detector_path: Path, roads: Dataset) -> None:
    reviewer = LandmarkReviewer(start_landmark_run(detector_path, BranchSettings(), 1), 8.0, True)
    image = roads.image(0)[:90]  # padded to 96 rows, 12 cells
    view = reviewer._viewer.see(image)
    assert view.covered_px == (160.0, 96.0)
    steps = np.repeat(np.arange(12, dtype=np.float32)[:, None] / 12, 20, axis=1)
    reviewer._attention = lambda view: steps  # type: ignore[method-assign]
    shown = reviewer.judge(image, roads.labels(0)).attention
    assert shown is not None
    centres = (np.arange(12) + 0.5) * 90 / 96 - 0.5  # in cells of the padded map
    assert np.abs(shown[1:, 5] - centres[1:] / 12).max() < 0.01


def test_the_map_alone_moves_the_branch_alone(
    tmp_path: Path, detector_path: Path, roads: Dataset
) -> None:
    first = tmp_path / "branch"
    retrain(Inputs(detector_path, [roads]), first, retraining(detector_path), 1)
    edits = write_edits(tmp_path / "edits", roads, 4)
    loop = {"steps": 30, "learning_rate": 0.02, "average_decay": 0.5}
    changes = {"attention": {"losses": ["map"]}, "loop": loop}
    run = tmp_path / "run"
    metrics = retrain(Inputs(first, [roads], [], edits), run, retraining(first, changes), 1)
    assert metrics["learns"] == ["attention"]
    assert not metrics["new_branch"]
    before, after = weights(first), weights(run)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("branch.") for name in changed)
    wanted = np.zeros((12, 20), np.float32)
    wanted[5:8, 6:9] = 1.0
    far = []
    for path in (first, run):
        maps = [open_viewer(path).see(roads.image(index)).attention for index in range(4)]
        far.append(np.mean([np.linalg.norm(one - wanted) for one in maps]))
    assert far[1] < 0.8 * far[0]


def test_labels_are_free_teachers(tmp_path: Path, detector_path: Path, roads: Dataset) -> None:
    changes = {"attention": {"map_teachers": "all"}}
    metrics = retrain(
        Inputs(detector_path, [roads]), tmp_path / "all", retraining(detector_path, changes), 1
    )
    assert metrics["edits"]["proposed"] == 4
    assert metrics["losses"] == ["attention", "perception", "map"]
    shutil.copytree(roads.path, tmp_path / "empty")  # its first image shows no landmark
    file = tmp_path / "empty" / "annotations.json"
    coco = json.loads(file.read_text())
    first = coco["images"][0]["id"]
    coco["annotations"] = [one for one in coco["annotations"] if one["image_id"] != first]
    file.write_text(json.dumps(coco))
    wrong = {"map_teachers": "misrecognised", "misrecognised_by": "perception"}
    some = retrain(
        Inputs(detector_path, [Dataset.open(tmp_path / "empty")]),
        tmp_path / "some",
        retraining(detector_path, {"attention": wrong}),
        1,
    )
    assert some["edits"]["proposed"] == 3  # it sees nothing: only there it is right


def test_class_activation_maps_are_learnt_without_a_branch(
    tmp_path: Path, detector_path: Path, roads: Dataset
) -> None:
    edits = write_edits(tmp_path / "edits", roads, 4)
    changes = {"attention": {"source": "cam"}}
    loop = {"steps": 20, "learning_rate": 0.002, "average_decay": 0.5}
    map_alone = {"attention": {"source": "cam", "losses": ["map"]}, "loop": loop}
    moved = retrain(
        Inputs(detector_path, [roads], [], edits),
        tmp_path / "moved",
        retraining(detector_path, map_alone),
        1,
    )
    assert moved["losses"] == ["map"]
    wanted = np.zeros((12, 20), np.float32)
    wanted[5:8, 6:9] = 1.0
    far = []
    for path in (detector_path, tmp_path / "moved"):
        reviewer = LandmarkReviewer(start_landmark_run(path, BranchSettings(), 1), 8.0, True)
        maps = [reviewer.judge(roads.image(i), roads.labels(i)).attention for i in range(4)]
        far.append(np.mean([np.linalg.norm(one - wanted) for one in maps if one is not None]))
    assert far[1] < 0.9 * far[0]  # the class activation maps went where they should
    run = tmp_path / "run"
    inputs = Inputs(detector_path, [roads], [], edits)
    metrics = retrain(inputs, run, retraining(detector_path, changes), 1)
    assert metrics["losses"] == ["perception", "map"]
    assert metrics["edited"]["mass_before"] is not None
    open_run(run)  # it is a detector as any other
    with pytest.raises(ModelError, match="no map that could be edited"):
        open_viewer(run)
    retrain(Inputs(detector_path, [roads]), tmp_path / "branch", retraining(detector_path), 1)
    with pytest.raises(ModelError, match="use attention.source 'branch'"):
        retrain(
            Inputs(tmp_path / "branch", [roads]),
            tmp_path / "no",
            retraining(tmp_path / "branch", changes),
            1,
        )
