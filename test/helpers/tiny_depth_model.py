"""The tiny detector by hand with depth beside it, which its location input alone makes.

ln z = SLOPE . location + OFFSET in every cell, with the same uncertainty everywhere: so each
answer can be worked out from the viewing ray. No torch.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dalearn_ros.coding.location import CHANNELS
from dalearn_ros.coding.metadata import (
    DEPTH_OUTPUTS,
    KEY,
    LOCATION_INPUT,
    DepthMetadata,
    ModelMetadata,
)
from helpers.tiny_model import CELL, write_tiny_model

SLOPE = (0.8, -1.5, 0.3)  # further to the right, nearer below, further under a long focal length
OFFSET = float(np.log(12.0))
SIGMA_LOG = 0.05


def write_tiny_depth_model(path: Path, *reach_m: float, focal_px: float = 0.0) -> Path:
    """Write the model; returns ``path``."""
    return add_depth(write_tiny_model(path), *reach_m, focal_px=focal_px)


def add_depth(
    path: Path, least_m: float = 1.0, greatest_m: float = 100.0, focal_px: float = 0.0
) -> Path:
    """Put depth into the file of a model by hand, and free its batch axis; returns ``path``."""
    model = onnx.load(str(path))
    graph, (entry,) = model.graph, model.metadata_props
    metadata = ModelMetadata.from_json(entry.value, str(path))
    depth = DepthMetadata(stride=CELL, least_m=least_m, greatest_m=greatest_m, focal_px=focal_px)
    entry.key, entry.value = KEY, dataclasses.replace(metadata, depth=depth).to_json()
    weights = np.zeros((2, CHANNELS, 1, 1), np.float32)
    weights[0, :, 0, 0] = SLOPE
    tensors = {
        "depth_w": weights,
        "depth_b": np.array([OFFSET, 2.0 * np.log(SIGMA_LOG)], np.float32),
        "axis": np.array([1], np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in tensors.items())
    graph.node.extend(
        [
            helper.make_node("Conv", [LOCATION_INPUT, "depth_w", "depth_b"], ["both"], name="deep"),
            helper.make_node("Split", ["both"], ["depth1", "variance1"], axis=1),
            helper.make_node("Squeeze", ["depth1", "axis"], [DEPTH_OUTPUTS[0]]),
            helper.make_node("Squeeze", ["variance1", "axis"], [DEPTH_OUTPUTS[1]]),
        ]
    )
    shape = ["batch", CHANNELS, "rows", "columns"]
    graph.input.append(helper.make_tensor_value_info(LOCATION_INPUT, TensorProto.FLOAT, shape))
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "rows", "columns"])
        for name in DEPTH_OUTPUTS
    )
    for tensor in [*graph.input, *graph.output]:
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
