"""The tiny detector by hand with an attention map beside it: it looks at what is red. No torch.

A cell's attention is sigmoid(GAIN (mean red - mean green)), colours 0 to 1; 0.5 where it is grey.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from dalearn_ros.coding.metadata import (
    ATTENTION_OUTPUTS,
    KEY,
    AttentionMetadata,
    ModelMetadata,
)
from helpers.tiny_model import CELL, write_tiny_model

GAIN = 6.0


def write_tiny_attention_model(path: Path) -> Path:
    """Write the model; returns ``path``."""
    return add_attention(write_tiny_model(path))


def add_attention(path: Path) -> Path:
    """Put a map into the file of a model by hand, and free its batch axis; returns ``path``."""
    model = onnx.load(str(path))
    graph, (entry,) = model.graph, model.metadata_props
    metadata = ModelMetadata.from_json(entry.value, str(path))
    seen = dataclasses.replace(metadata, attention=AttentionMetadata(CELL))
    entry.key, entry.value = KEY, seen.to_json()
    weights = np.zeros((1, 3, CELL, CELL), np.float32)
    weights[0, 2], weights[0, 1] = GAIN / CELL**2, -GAIN / CELL**2
    tensors = {"looks_w": weights, "channel_axis": np.array([1], np.int64)}
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in tensors.items())
    stride = {"kernel_shape": [CELL, CELL], "strides": [CELL, CELL]}
    graph.node.extend(
        [
            helper.make_node("Conv", ["x", "looks_w"], ["looks"], name="looks", **stride),
            helper.make_node("Sigmoid", ["looks"], ["place"], name="place"),
            helper.make_node("Squeeze", ["place", "channel_axis"], [ATTENTION_OUTPUTS[0]]),
        ]
    )
    shape = ["batch", "rows", "columns"]
    graph.output.append(
        helper.make_tensor_value_info(ATTENTION_OUTPUTS[0], TensorProto.FLOAT, shape)
    )
    for tensor in [*graph.input, *graph.output]:
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
