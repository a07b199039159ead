"""An ONNX graph with 8-bit convolutions: symmetric Q/DQ, as TensorRT takes it."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

from dalearn_ros.coding.metadata import (
    ATTENTION_OUTPUTS,
    KEY,
    LOCATION_INPUT,
    OUTPUTS,
    DepthMetadata,
    ModelMetadata,
)
from dalearn_ros.core.progress import track
from dalearn_ros.export.half import with_initializers
from dalearn_ros.inference.protocol import no_location

METHODS = {
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
    "minmax": CalibrationMethod.MinMax,
}
PERCENTILE = 99.999
_PREPARED = ("onnx.quant.pre_process", "onnxruntime.quant")  # says that nothing is left to merge


def quantised(
    model: onnx.ModelProto,
    read: Callable[[int], npt.NDArray[np.uint8]],
    frames: int,
    method: str,
) -> onnx.ModelProto:
    """A copy whose convolutions read 8-bit numbers; heads and additions stay fp32.

    Activations have one scale, weights one a channel, and every zero point is 0: TensorRT knows
    nothing else. Q/DQ stand before the convolutions only, not behind them: ReLU comes between a
    convolution and the next Q, so one rounding is enough, and TensorRT fuses the three. Biases
    stay fp32, because TensorRT's parser refuses 32-bit ones. The four heads stay fp32: they are
    a hundredth of the arithmetic, and what they say is the answer. So does all that only depth
    needs: its location is not shown. So does the layer that makes the attention map, if there is
    one, since all features pass through that map.

    Args:
        model: An fp32 model; it is not changed.
        read: Row → (1, H, W, C) uint8 input of the network.
        frames: How many rows there are.
        method: One of :data:`METHODS`: how the largest value of an activation is chosen.
    """
    plain = with_initializers(model)
    entry = plain.metadata_props.add()
    entry.key, entry.value = _PREPARED
    heads = [node.name for node in last_convolutions(plain.graph)]
    heads += [node.name for node in only_for_depth(plain.graph)]
    stored = {entry.key: entry.value for entry in model.metadata_props}
    depth = ModelMetadata.from_json(stored.get(KEY), "the model to quantise").depth
    options = {
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "QuantizeBias": False,
        "OpTypesToExcludeOutputQuantization": ["Conv"],
        "CalibPercentile": PERCENTILE,
        "CalibStridedMinMax": 1,  # one frame's activations in memory at a time, for all methods
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        out = Path(folder) / "quantised.onnx"
        quantize_static(
            plain,
            out,
            _Reader(plain.graph.input[0].name, read, frames, method, depth),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            nodes_to_exclude=heads,
            per_channel=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=METHODS[method],
            extra_options=options,
        )
        found = onnx.load(str(out))
    del found.metadata_props[:]
    found.metadata_props.extend(model.metadata_props)
    return found


def last_convolutions(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The convolutions that make the landmarks' outputs and the attention map."""
    wanted, found = {*OUTPUTS, *ATTENTION_OUTPUTS}, []
    for node in reversed(graph.node):
        if not wanted & set(node.output):
            continue
        if node.op_type == "Conv":
            found.append(node)
        else:  # the sigmoid of the map, and what takes its channel axis away
            wanted.add(node.input[0])
    return found


def only_for_depth(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes that none of the landmarks' outputs needs."""
    needed, rest = set(OUTPUTS), []
    for node in reversed(graph.node):  # a graph is sorted: what a node takes is made before it
        if needed & set(node.output):
            needed |= set(node.input)
        else:
            rest.append(node)
    return rest


class _Reader:
    """Frames as ``onnxruntime.quantization.CalibrationDataReader`` wants them."""

    def __init__(
        self,
        name: str,
        read: Callable[[int], npt.NDArray[np.uint8]],
        frames: int,
        method: str,
        depth: DepthMetadata | None,
    ) -> None:
        self._depth = depth
        self._name, self._read, self._frames = name, read, frames
        self._bar = iter(track(range(frames), label=f"calibrate ({method})"))
        self._rows = iter(range(frames))

    def __len__(self) -> int:
        return self._frames

    def set_range(self, start_index: int, end_index: int) -> None:
        """The next rows that :meth:`get_next` gives."""
        self._rows = iter(range(start_index, end_index))

    def get_next(self) -> dict[str, Any] | None:
        """The next input; None at the end of the range."""
        row = next(self._rows, None)
        if row is None:
            return None
        next(self._bar, None)
        given: dict[str, Any] = {self._name: self._read(row)}
        if self._depth is not None:
            given[LOCATION_INPUT] = no_location(given[self._name], self._depth)
        return given
