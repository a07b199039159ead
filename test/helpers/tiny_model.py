"""A tiny landmark detector by hand, without torch and without training.

It sees pure red squares of 8x8 px that stand on the grid as ``warning_sign`` and pure green ones
as ``arrow``, and says that the reference point is the centre of the cell.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import KEY, OUTPUTS, InputSettings, ModelMetadata
from dalearn_ros.landmarks.catalogue import LabelSpace

CELL = 8
RANGE_M = 20.0
SIGMA_CELLS = 0.1


def write_tiny_model(path: Path, label_space: LabelSpace | None = None) -> Path:
    """Write the model; returns ``path``."""
    space = label_space or LabelSpace.load()
    metadata = ModelMetadata(
        space,
        Grid(CELL, 1),
        InputSettings(mean=0.0, scale=1.0 / 255.0),
        DecodeSettings(),
        {"note": "tiny test model"},
    )
    model = _graph(space)
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, metadata.to_json()
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def _graph(space: LabelSpace) -> onnx.ModelProto:
    weights, bias = _class_filter(space)
    flat = np.zeros((2, 3, CELL, CELL), np.float32)
    tensors = {
        "scale": np.array(1.0 / 255.0, np.float32),
        "class_w": weights,
        "class_b": bias,
        "flat_w": flat,
        "zero_b": np.zeros(2, np.float32),
        "var_b": np.full(2, 2.0 * np.log(SIGMA_CELLS), np.float32),
        "range_w": flat[:1],
        "range_b": np.full(1, np.log(RANGE_M), np.float32),
    }
    stride = {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "class_w", "class_b"], [OUTPUTS[0]], **stride),
        helper.make_node("Conv", ["x", "flat_w", "zero_b"], [OUTPUTS[1]], **stride),
        helper.make_node("Conv", ["x", "flat_w", "var_b"], [OUTPUTS[2]], **stride),
        helper.make_node("Conv", ["x", "range_w", "range_b"], [OUTPUTS[3]], **stride),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])
    channels = (len(space), 2, 2, 1)
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count, "rows", "columns"])
        for name, count in zip(OUTPUTS, channels, strict=True)
    ]
    stored = [numpy_helper.from_array(value, name) for name, value in tensors.items()]
    graph = helper.make_graph(nodes, "tiny", [image], outputs, stored)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)


def _class_filter(space: LabelSpace) -> tuple[np.ndarray, np.ndarray]:
    weights = np.zeros((len(space), 3, CELL, CELL), np.float32)
    bias = np.full(len(space), -20.0, np.float32)
    bias[0] = 0.0
    mean = 1.0 / CELL**2
    for name, channel in (("warning_sign", 2), ("arrow", 1)):
        row = space.id_of(name)
        weights[row] = -40.0 * mean
        weights[row, channel] = 40.0 * mean
    return weights, bias
