"""fp16 and int8: what stands in the file, what it loses, and when it is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.model_with_body import write_model_with_body
from helpers.tiny_attention_model import add_attention
from helpers.tiny_depth_model import add_depth
from helpers.tiny_training import write_dataset
from onnx import TensorProto, numpy_helper

from dalearn_ros.coding.metadata import OUTPUTS
from dalearn_ros.core.errors import DatasetError, InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.export.precision import KEY, PrecisionSettings, convert
from dalearn_ros.export.quantise import last_convolutions, only_for_depth
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.parity import made_up_location

MINMAX = PrecisionSettings(calibration="minmax", calibration_frames=3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset.open(write_dataset(tmp_path_factory.mktemp("data") / "d"))


@pytest.fixture
def fp32(tmp_path: Path) -> Path:
    return write_model_with_body(tmp_path / "fp32.onnx")


def _borders(model: onnx.ModelProto) -> list[int]:
    ends = [*model.graph.input, *model.graph.output]
    return [value.type.tensor_type.elem_type for value in ends]


def _stored(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def test_fp16_has_half_weights_and_the_old_borders(
    data: Dataset, fp32: Path, tmp_path: Path
) -> None:
    out = tmp_path / "fp16.onnx"
    done = convert(fp32, out, "fp16", [data])
    model = onnx.load(str(out))
    assert _borders(model) == [TensorProto.UINT8] + 4 * [TensorProto.FLOAT]
    assert {value.dtype for value in _stored(model).values()} == {np.dtype(np.float16)}
    assert [node.op_type for node in model.graph.node][:3] == ["Cast", "Mul", "Transpose"]
    assert OnnxBackend(out).info.precision == "fp16"
    assert OnnxBackend(out).metadata == OnnxBackend(fp32).metadata
    assert done.loss.before.f1 == done.loss.after.f1 == done.loss.apart.f1 == 1.0
    told = {entry.key: entry.value for entry in model.metadata_props}
    content = json.loads(told[KEY])
    assert content["precision"] == "fp16"
    assert content["loss"]["frames"] == 4
    assert content["loss"]["after"]["f1"] == 1.0


def test_int8_is_symmetric_and_leaves_heads_and_biases(
    data: Dataset, fp32: Path, tmp_path: Path
) -> None:
    """TensorRT's rules: int8, zero points 0, no Q/DQ on biases, Cast before Transpose."""
    out = tmp_path / "int8.onnx"
    done = convert(fp32, out, "int8", [data], [data], MINMAX)
    model = onnx.load(str(out))
    stored, nodes = _stored(model), model.graph.node
    made_by = {name: node for node in nodes for name in node.output}
    steps = [n for n in nodes if n.op_type in ("QuantizeLinear", "DequantizeLinear")]
    assert len([n for n in steps if n.op_type == "QuantizeLinear"]) == 2
    for node in steps:
        zero = stored[node.input[2]]
        assert zero.dtype == np.int8
        assert not zero.any()
    convolutions = {n.name: n for n in nodes if n.op_type == "Conv"}
    for name in ("first", "second"):
        sources = [made_by[i].op_type for i in convolutions[name].input[:2]]
        assert sources == ["DequantizeLinear", "DequantizeLinear"]
        assert convolutions[name].input[2] in stored  # the bias, as it was
        assert stored[made_by[convolutions[name].input[1]].input[1]].shape == (3,)
    heads = [n for n in nodes if set(n.output) & set(OUTPUTS)]
    assert all(n.input[0] == "body" and n.input[1] in stored for n in heads)
    kinds = [n.op_type for n in nodes]
    assert kinds.index("Cast") < kinds.index("Transpose")
    assert _borders(model) == [TensorProto.UINT8] + 4 * [TensorProto.FLOAT]
    assert OnnxBackend(out).info.precision == "int8"
    assert done.calibration == "minmax"
    assert done.calibration_frames == 3
    assert done.loss.after.f1 == 1.0
    assert LandmarkDetector.load(out).metadata == LandmarkDetector.load(fp32).metadata


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_model_keeps_its_depth(data: Dataset, fp32: Path, tmp_path: Path, precision: str) -> None:
    add_depth(fp32)
    out = tmp_path / "out.onnx"
    convert(fp32, out, precision, [data], [data] if precision == "int8" else [], MINMAX)
    before, after = OnnxBackend(fp32), OnnxBackend(out)
    assert after.metadata == before.metadata and after.metadata.depth is not None
    images = np.full((1, 64, 96, 3), 90, np.uint8)
    location = made_up_location(images, after.metadata.depth)
    right, found = before.run(images, location).log_depth, after.run(images, location).log_depth
    np.testing.assert_allclose(found, right, atol=2e-3 if precision == "fp16" else 1e-6)
    assert _borders(onnx.load(str(out))) == [TensorProto.UINT8] + 7 * [TensorProto.FLOAT]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_model_keeps_its_attention(
    data: Dataset, fp32: Path, tmp_path: Path, precision: str
) -> None:
    add_attention(fp32)
    out = tmp_path / "out.onnx"
    convert(fp32, out, precision, [data], [data] if precision == "int8" else [], MINMAX)
    before, after = OnnxBackend(fp32), OnnxBackend(out)
    assert after.metadata == before.metadata and after.metadata.attention is not None
    image = data.image(0)[None]
    right, found = (one.run(image, attention=True).attention for one in (before, after))
    assert right is not None and np.ptp(right) > 0.4
    np.testing.assert_allclose(found, right, atol=4e-3)  # int8: of an image that is rounded
    assert after.run(image).attention is None
    assert _borders(onnx.load(str(out))) == [TensorProto.UINT8] + 5 * [TensorProto.FLOAT]


def test_the_last_convolutions_are_the_heads_and_the_one_of_the_map(fp32: Path) -> None:
    heads = {name for node in last_convolutions(onnx.load(str(fp32)).graph) for name in node.output}
    assert heads == set(OUTPUTS)
    seen = onnx.load(str(add_attention(fp32)))
    found = [node for node in last_convolutions(seen.graph) if not set(node.output) & heads]
    assert [node.name for node in found] == ["looks"]


def test_what_only_depth_needs_is_found(fp32: Path) -> None:
    kinds = ["Squeeze", "Squeeze", "Split", "Conv"]
    assert only_for_depth(onnx.load(str(fp32)).graph) == []
    deep = onnx.load(str(add_depth(fp32)))
    assert [node.op_type for node in only_for_depth(deep.graph)] == kinds


def test_the_scale_of_an_activation_is_its_largest_value_over_127(
    data: Dataset, fp32: Path, tmp_path: Path
) -> None:
    convert(fp32, tmp_path / "int8.onnx", "int8", [data], [data], MINMAX)
    model = onnx.load(str(tmp_path / "int8.onnx"))
    stored = _stored(model)
    (first,) = [n for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] == "x"]
    brightest = max(int(data.image(index).max()) for index in (0, 2, 3))  # evenly spaced of 4
    assert stored[first.input[1]] == pytest.approx(brightest / 255.0 / 127.0, rel=1e-5)


def test_the_best_calibration_is_kept(data: Dataset, fp32: Path, tmp_path: Path) -> None:
    settings = PrecisionSettings(calibration_frames=1, measured_frames=2)
    done = convert(fp32, tmp_path / "int8.onnx", "int8", [data], [data], settings)
    assert done.calibration in ("percentile", "entropy", "minmax")
    assert done.loss.frames == 2


def test_what_overflows_fp16_is_refused(data: Dataset, tmp_path: Path) -> None:
    """Values of 10^6 inside: fine in fp32, infinite in fp16, and the CPU would not notice."""
    model = write_model_with_body(tmp_path / "large.onnx", gain=1e6)
    with pytest.raises(ModelError, match=r"fp16 loses too much: on 4 frames F1 1\.000 -> 0\.000"):
        convert(model, tmp_path / "out.onnx", "fp16", [data])
    assert [p.name for p in tmp_path.iterdir()] == ["large.onnx"]


def test_a_model_that_is_converted_already_is_refused(
    data: Dataset, fp32: Path, tmp_path: Path
) -> None:
    convert(fp32, tmp_path / "half.onnx", "fp16", [data])
    with pytest.raises(ModelError, match="expected an fp32 model to convert, found fp16"):
        convert(tmp_path / "half.onnx", tmp_path / "again.onnx", "int8", [data], [data])


def test_frames_without_landmarks_measure_nothing(fp32: Path, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "grey")
    for image in (folder / "images").iterdir():
        image.write_bytes(_grey())
    with pytest.raises(DatasetError, match="nothing to measure by"):
        convert(fp32, tmp_path / "out.onnx", "fp16", [Dataset.open(folder)])


def test_unreadable_images_are_left_out(fp32: Path, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "data")
    images = sorted((folder / "images").iterdir())
    images[0].write_bytes(b"no image")
    done = convert(fp32, tmp_path / "out.onnx", "fp16", [Dataset.open(folder)])
    assert done.loss.frames == 3
    for image in images:
        image.write_bytes(b"no image")
    with pytest.raises(DatasetError, match="images that can be read, found 4 that cannot"):
        convert(fp32, tmp_path / "out.onnx", "fp16", [Dataset.open(folder)])


def test_the_name_must_be_that_of_a_model(data: Dataset, fp32: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends with \.onnx, found 'm\.trt'"):
        convert(fp32, tmp_path / "m.trt", "fp16", [data])


def _grey() -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", np.full((96, 128, 3), 128, np.uint8))[1].tobytes())
