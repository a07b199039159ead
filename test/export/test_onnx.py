"""The exported file answers as the network does, and says what it is."""

import dataclasses
import json

import numpy as np
import onnx
import pytest
import torch
from helpers.tiny_attention_run import write_attention
from helpers.tiny_training import tiny_settings, write_dataset

import dalearn_ros.export.onnx as exporter
from dalearn_ros.attention.run import open_landmark_run
from dalearn_ros.coding.metadata import (
    DEPTH_OUTPUTS,
    KEY,
    OUTPUTS,
    AttentionMetadata,
    DepthMetadata,
)
from dalearn_ros.core.errors import InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.network import DepthNetwork
from dalearn_ros.detector.regime import build_network, metadata_of
from dalearn_ros.detector.run import train_detector
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.export.half import to_half
from dalearn_ros.export.onnx import PARITY_BOUND, export_onnx
from dalearn_ros.export.quantise import quantised
from dalearn_ros.export.run import export_run
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.parity import BOUNDS, compare_outputs, made_up_location
from dalearn_ros.landmarks.catalogue import LabelSpace


def _parts(channels=3):
    settings = tiny_settings({"input": {"channels": channels}})
    space = LabelSpace.load()
    return build_network(settings, space, 0).eval(), metadata_of(settings, space, {}, {"seed": 0})


@pytest.mark.parametrize("channels", [3, 1])
def test_answers_at_two_sizes(tmp_path, channels):
    torch.set_num_threads(1)
    network, metadata = _parts(channels)
    assert export_onnx(network, metadata, tmp_path / "m.onnx") <= PARITY_BOUND
    backend = OnnxBackend(tmp_path / "m.onnx", threads=1)
    random = np.random.default_rng(1)
    for count, height, width in [(1, 32, 32), (3, 96, 160)]:
        images = random.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
        with torch.no_grad():
            expected = network.heads(torch.from_numpy(images))
        for row, found in enumerate(backend.run_batch(images)):
            for name, value in zip(OUTPUTS, expected, strict=True):
                assert np.allclose(getattr(found, name), value[row].numpy(), atol=2e-3), name
    with pytest.raises(ModelError, match=r"m\.onnx: inference failed"):
        backend.run(np.zeros((1, 32, 32, 4 - channels), np.uint8))


def test_what_stands_in_the_file(tmp_path):
    network, metadata = _parts()
    export_onnx(network, metadata, tmp_path / "m.onnx")
    model = onnx.load(str(tmp_path / "m.onnx"))
    image = model.graph.input[0]
    assert image.name == "image"
    assert image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim] == [
        "batch", "height", "width", 3,
    ]  # fmt: skip
    assert [output.name for output in model.graph.output] == list(OUTPUTS)
    aliases = ("Constant", "Identity")  # Identity: two names for equal initial weights
    kinds = [node.op_type for node in model.graph.node if node.op_type not in aliases]
    assert kinds[:4] == ["Cast", "Sub", "Mul", "Transpose"]
    stored = {entry.key: entry.value for entry in model.metadata_props}
    content = json.loads(stored[KEY])
    assert content["label_space_digest"] == LabelSpace.load().digest
    assert content["grid"] == {"cell_px": 8, "nodes": 5}
    assert OnnxBackend(tmp_path / "m.onnx").metadata == metadata


def _with_depth(branches=False):
    settings = tiny_settings({"network": {"branches": branches}})
    space = LabelSpace.load()
    torch.manual_seed(3)
    network = DepthNetwork(build_network(settings, space, 0), 16, location=True)
    for module in network.head.modules():
        if isinstance(module, torch.nn.Conv2d):  # the first answer is a constant
            torch.nn.init.normal_(module.weight, 0.0, 0.15)
    metadata = metadata_of(settings, space, {}, {"seed": 0})
    return network.eval(), dataclasses.replace(metadata, depth=DepthMetadata(stride=8))


@pytest.mark.parametrize("branches", [False, True])
def test_depth_has_the_answers_of_the_network(tmp_path, branches):
    torch.set_num_threads(1)
    network, metadata = _with_depth(branches)
    assert export_onnx(network, metadata, tmp_path / "m.onnx") <= PARITY_BOUND
    backend = OnnxBackend(tmp_path / "m.onnx", threads=1)
    assert backend.metadata == metadata
    random = np.random.default_rng(1)
    for width, height, count in ((96, 64, 2), (160, 128, 1)):
        images = random.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
        location = made_up_location(images, metadata.depth)
        with torch.no_grad():
            right = network.maps_and_depth(torch.from_numpy(images), torch.from_numpy(location))
        found = backend.run_batch(images, location)
        again = TorchBackend(network, metadata).run_batch(images, location)
        plain = backend.run_batch(images)
        for row in range(count):
            for name, value in zip(OUTPUTS + DEPTH_OUTPUTS, right, strict=True):
                assert np.allclose(getattr(found[row], name), value[row].numpy(), atol=2e-3), name
                assert np.allclose(getattr(again[row], name), value[row].numpy(), atol=1e-5), name
            assert found[row].log_depth.shape == (height // 8, width // 8)
            assert plain[row].log_depth is None
            assert np.array_equal(plain[row].offset, found[row].offset)
        other = backend.run_batch(images, location[:, :, ::-1].copy())
        assert np.abs(other[0].log_depth - found[0].log_depth).max() > 1e-3  # it is listened to


@pytest.fixture(scope="module")
def attentive(tmp_path_factory):
    """The run of a detector with an attention branch, and its data."""
    folder = tmp_path_factory.mktemp("attentive")
    data = Dataset.open(write_dataset(folder / "data"))
    train_detector([data], [], folder / "before", tiny_settings({"loop": {"steps": 1}}), 4)
    return write_attention(folder / "run", folder / "before", synthesis="residual"), data


def test_a_run_with_attention_has_the_answers_and_the_map_of_the_network(attentive, tmp_path):
    torch.set_num_threads(1)
    run, data = attentive
    metadata, difference = export_run(run, tmp_path / "m.onnx", [data])
    assert difference <= PARITY_BOUND
    assert metadata.attention == AttentionMetadata(8, "residual")
    assert metadata.training["images"] == 4 and "f1" in metadata.training["validation"]
    backend = OnnxBackend(tmp_path / "m.onnx", threads=1)
    assert backend.metadata == metadata
    network = open_landmark_run(run).network
    random = np.random.default_rng(1)
    for width, height, count in ((96, 64, 2), (160, 128, 1)):
        images = random.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
        with torch.no_grad():
            right = network.maps_and_attention(torch.from_numpy(images))
        found = backend.run_batch(images, attention=True)
        again = TorchBackend(network, metadata).run_batch(images, attention=True)
        for row in range(count):
            for name, value in zip((*OUTPUTS, "attention"), right, strict=True):
                assert np.allclose(getattr(found[row], name), value[row].numpy(), atol=2e-3), name
                assert np.allclose(getattr(again[row], name), value[row].numpy(), atol=1e-5), name
            assert found[row].attention.shape == (height // 8, width // 8)
            assert 0 < found[row].attention.min() < found[row].attention.max() < 1
        for plain in (backend.run_batch(images), TorchBackend(network, metadata).run_batch(images)):
            assert plain[0].attention is None
            assert np.allclose(plain[0].offset, found[0].offset, atol=2e-3)
    model = onnx.load(str(tmp_path / "m.onnx"))
    kinds = [node.op_type for node in model.graph.node]
    assert "BatchNormalization" not in kinds and "GlobalAveragePool" not in kinds
    assert "ReduceMean" not in kinds  # the branch's own scores are not computed
    with pytest.raises(ModelError, match=r"a run with a depth head, found one without"):
        export_run(run, tmp_path / "m.onnx", depth=True)


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_branch_in_another_precision_keeps_its_map(attentive, tmp_path, precision):
    run, data = attentive
    path, out = tmp_path / "m.onnx", tmp_path / "out.onnx"
    export_run(run, path)
    model, image = onnx.load(str(path)), data.image(0)[None]
    if precision == "fp16":
        onnx.save(to_half(model), str(out))
    else:
        onnx.save(quantised(model, lambda row: data.image(row)[None], 4, "minmax"), str(out))
    before, after = OnnxBackend(path, threads=1), OnnxBackend(out, threads=1)
    assert after.info.precision == precision and after.metadata == before.metadata
    right, found = before.run(image, attention=True), after.run(image, attention=True)
    spread = np.ptp(right.attention)
    assert spread > 0.01
    assert np.abs(found.attention - right.attention).max() < 0.2 * spread
    assert compare_outputs(found, right).common < BOUNDS[precision]


def test_a_detector_is_the_same_file_with_and_without_a_depth_head_beside_it(tmp_path):
    network, metadata = _with_depth()
    plain = dataclasses.replace(metadata, depth=None)
    export_onnx(network.detector, plain, tmp_path / "of_it.onnx")
    alone = build_network(tiny_settings(), LabelSpace.load(), 0).eval()
    export_onnx(alone, plain, tmp_path / "alone.onnx")
    written = (tmp_path / "alone.onnx").read_bytes()
    assert written == (tmp_path / "of_it.onnx").read_bytes()
    assert b"depth" not in written and b"location" not in written and b"attention" not in written


def test_normalisations_and_branches_are_merged(tmp_path):
    settings = tiny_settings({"network": {"branches": True, "refine": [1, 0, 0]}})
    space = LabelSpace.load()
    network = build_network(settings, space, 0).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.0)
    assert export_onnx(network, metadata_of(settings, space, {}, {}), tmp_path / "m.onnx") < 1e-5
    nodes = [node.op_type for node in onnx.load(str(tmp_path / "m.onnx")).graph.node]
    assert "BatchNormalization" not in nodes
    assert nodes.count("Conv") == 5 + 3 + 1 + 2 + 4  # backbone, laterals, refining, mixing, heads
    assert len(network.backbone.branches) == 5


def test_answers_that_differ_leave_nothing(tmp_path, monkeypatch):
    network, metadata = _parts()
    monkeypatch.setattr(exporter, "parity", lambda *_: float("nan"))
    with pytest.raises(ModelError, match="not written, because"):
        export_onnx(network, metadata, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_the_old_file(tmp_path, monkeypatch):
    network, metadata = _parts()
    (tmp_path / "m.onnx").write_bytes(b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporter, "parity", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_onnx(network, metadata, tmp_path / "m.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"old"


def test_a_run_becomes_a_model_with_its_history(tmp_path):
    data = Dataset.open(write_dataset(tmp_path / "data"))
    train_detector([data], [], tmp_path / "run", tiny_settings({"loop": {"steps": 1}}), 4)
    with pytest.raises(InputError, match=r"ends with \.onnx, found 'm\.pt'"):
        export_run(tmp_path / "run", tmp_path / "m.pt")
    metadata, difference = export_run(tmp_path / "run", tmp_path / "m.onnx", [data])
    assert difference <= PARITY_BOUND
    assert metadata.training["seed"] == 4
    assert metadata.training["images"] == 4
    assert metadata.training["steps"] == 1
    assert "f1" in metadata.training["validation"]
