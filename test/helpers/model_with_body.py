"""A model by hand with a layer before its heads, and images of what it sees; no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from helpers.tiny_model import write_tiny_model


def write_model_with_body(path: Path, gain: float = 1.0) -> Path:
    """The tiny model behind two 1x1 convolutions that multiply by ``gain`` and by its inverse."""
    write_tiny_model(path)
    model = onnx.load(str(path))
    graph = model.graph
    nodes = list(graph.node)
    for node in nodes[3:]:
        node.input[0] = "body"
    eye = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    stored = {"up_w": eye * np.float32(gain), "down_w": eye / np.float32(gain)}
    stored["none"] = np.zeros(3, np.float32)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in stored.items())
    body = [
        helper.make_node("Conv", ["x", "up_w", "none"], ["up"], name="first"),
        helper.make_node("Relu", ["up"], ["positive"], name="relu"),
        helper.make_node("Conv", ["positive", "down_w", "none"], ["body"], name="second"),
    ]
    ordered = [*nodes[:3], *body, *nodes[3:]]
    for number, node in enumerate(ordered):
        node.name = node.name or f"node{number}"
    copied = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del graph.node[:]
    graph.node.extend(copied)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path
