"""A depth head goes along where the features stay: folder, answers, file, and where it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from helpers.tiny_depth import depth_settings
from helpers.tiny_retraining import retraining

from dalearn_ros.attention.depth_kept import open_attentive_depth
from dalearn_ros.attention.retrain import Inputs, retrain
from dalearn_ros.attention.run import open_landmark_run
from dalearn_ros.coding.metadata import DEPTH_OUTPUTS, OUTPUTS
from dalearn_ros.core.errors import ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.distill import Inputs as DistillInputs
from dalearn_ros.depth.distill import distill
from dalearn_ros.depth.run import open_depth_run
from dalearn_ros.depth.taught import DEPTH, has_depth
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.export.half import to_half
from dalearn_ros.export.onnx import PARITY_BOUND
from dalearn_ros.export.quantise import quantised
from dalearn_ros.export.run import export_run
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.parity import (
    BOUNDS,
    compare_outputs,
    made_up_camera,
    made_up_location,
)
from dalearn_ros.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS

QUICK = {"steps": 40, "learning_rate": 0.01, "average_decay": 0.9}


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory, roads: Dataset, detector_path: Path) -> Path:
    """A run with a depth head whose answer is no constant."""
    out = tmp_path_factory.mktemp("deep") / "run"
    how = depth_settings({"local": {"loop": QUICK}, "loop": QUICK})
    distill(DistillInputs(detector_path, [roads], [roads], []), out, how, 1)
    return out


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, roads: Dataset, deep: Path) -> Path:
    """The same after it learnt where to look."""
    out = tmp_path_factory.mktemp("both") / "run"
    metrics = retrain(Inputs(deep, [roads]), out, retraining(deep), 1)
    assert metrics["depth"] == "kept" and metrics["learns"] == ["attention", "perception"]
    return out


def depth_by(network: torch.nn.Module, ask: str, roads: Dataset, taught: Path) -> torch.Tensor:
    """Log depth of an image, (1, h, w)."""
    image = roads.image(0)[None]
    location = made_up_location(image, open_depth_run(taught).taught.metadata(8))
    assert location is not None
    with torch.no_grad():
        found = getattr(network, ask)(torch.from_numpy(image), torch.from_numpy(location))
    depth: torch.Tensor = found[len(OUTPUTS)]
    return depth


def test_depth_stays_to_the_bit_though_the_detector_learns(
    both: Path, deep: Path, roads: Dataset
) -> None:
    network = open_attentive_depth(both).network
    before = open_depth_run(deep).network
    learnt = network.looks.detector.mix.state_dict()
    was = before.detector.mix.state_dict()
    assert any(not torch.equal(value, was[name]) for name, value in learnt.items())
    found = depth_by(network, "maps_depth_and_attention", roads, deep)
    right = depth_by(before, "maps_and_depth", roads, deep)
    assert torch.equal(found, right)
    assert np.ptp(right.numpy()) > 0.1
    alone = open_landmark_run(both).network  # the landmarks are those of the run without depth
    image = torch.from_numpy(roads.image(0)[None])
    location = torch.from_numpy(
        made_up_location(image.numpy(), open_depth_run(deep).taught.metadata(8))
    )
    with torch.no_grad():
        maps = network.maps_depth_and_attention(image, location)
        plain = alone.maps_and_attention(image)
    for one, other in zip((*maps[:4], maps[-1]), plain, strict=True):
        assert torch.equal(one, other)


def test_the_file_has_depth_and_attention(
    both: Path, deep: Path, roads: Dataset, tmp_path: Path
) -> None:
    metadata, difference = export_run(both, tmp_path / "m.onnx", depth=True)
    assert difference <= PARITY_BOUND
    assert metadata.depth == open_depth_run(deep).taught.metadata(8)
    assert metadata.attention is not None
    backend = OnnxBackend(tmp_path / "m.onnx", threads=1)
    assert backend.metadata == metadata
    kinds = {node.op_type for node in onnx.load(str(tmp_path / "m.onnx")).graph.node}
    assert "BatchNormalization" not in kinds
    image = roads.image(0)[None]
    location = made_up_location(image, metadata.depth)
    torch_backend = TorchBackend(open_attentive_depth(both).network, metadata)
    for asked, named in (
        ((location, True), (*OUTPUTS, *DEPTH_OUTPUTS, "attention")),
        ((None, True), (*OUTPUTS, "attention")),
        ((location, False), (*OUTPUTS, *DEPTH_OUTPUTS)),
        ((None, False), OUTPUTS),
    ):
        found, right = (one.run(image, *asked) for one in (backend, torch_backend))
        assert compare_outputs(found, right).worst <= PARITY_BOUND
        given = [name for name in vars(found) if getattr(found, name) is not None]
        assert set(given) == set(named)
    detector = LandmarkDetector.load(tmp_path / "m.onnx", 1)
    answer = detector.answer(roads.image(0), 0, made_up_camera((160, 96)), attention=True)
    assert answer.depth is not None and answer.attention is not None
    export_run(both, tmp_path / "flat.onnx")
    assert OnnxBackend(tmp_path / "flat.onnx", threads=1).metadata.depth is None


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_another_precision_keeps_both(
    both: Path, roads: Dataset, tmp_path: Path, precision: str
) -> None:
    path, out = tmp_path / "m.onnx", tmp_path / "out.onnx"
    metadata, _ = export_run(both, path, depth=True)
    model = onnx.load(str(path))
    if precision == "fp16":
        onnx.save(to_half(model), str(out))
    else:
        onnx.save(quantised(model, lambda row: roads.image(row)[None], 4, "minmax"), str(out))
    image = roads.image(0)[None]
    asked = made_up_location(image, metadata.depth), True
    before, after = (OnnxBackend(one, threads=1) for one in (path, out))
    assert after.info.precision == precision and after.metadata == metadata
    assert (
        compare_outputs(after.run(image, *asked), before.run(image, *asked)).common
        < (BOUNDS[precision])
    )


def test_it_is_kept_once_more(both: Path, deep: Path, roads: Dataset, tmp_path: Path) -> None:
    metrics = retrain(Inputs(both, [roads]), tmp_path / "again", retraining(both), 2)
    assert metrics["depth"] == "kept"
    network = open_attentive_depth(tmp_path / "again").network
    found = depth_by(network, "maps_depth_and_attention", roads, deep)
    right = depth_by(open_depth_run(deep).network, "maps_and_depth", roads, deep)
    assert torch.equal(found, right)


def test_features_that_learn_leave_it_behind(deep: Path, roads: Dataset, tmp_path: Path) -> None:
    changes = {"attention": {"learns": ["features", "attention", "perception"]}}
    run = tmp_path / "run"
    metrics = retrain(Inputs(deep, [roads]), run, retraining(deep, changes), 1)
    assert metrics["depth"] == "left behind"
    assert not has_depth(run)
    with pytest.raises(ModelError, match=r"a run with a depth head, found one without"):
        export_run(run, tmp_path / "m.onnx", depth=True)


def test_a_run_without_depth_says_nothing_of_it(
    detector_path: Path, roads: Dataset, tmp_path: Path
) -> None:
    metrics = retrain(
        Inputs(detector_path, [roads]), tmp_path / "run", retraining(detector_path), 1
    )
    assert metrics["depth"] is None
    assert not has_depth(tmp_path / "run")


def test_a_start_whose_head_is_not_there_is_refused_before_anything_is_learnt(
    both: Path, deep: Path, roads: Dataset, tmp_path: Path
) -> None:
    for number, start in enumerate((both, deep)):
        copied = shutil.copytree(start, tmp_path / f"start{number}")
        found = load_checkpoint(copied / WEIGHTS)
        groups = {name: state for name, state in found.groups.items() if name != DEPTH}
        save_checkpoint(copied / WEIGHTS, Checkpoint(groups, found.header))
        with pytest.raises(ModelError, match="not finished, its weights lack the depth head"):
            retrain(Inputs(copied, [roads]), tmp_path / "run", retraining(copied), 1)
        assert not (tmp_path / "run").exists()
