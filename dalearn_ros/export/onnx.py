"""A landmark network as ONNX: uint8 image in, four maps out; depth and attention beside them."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from dalearn_ros.coding.metadata import (
    ATTENTION_OUTPUTS,
    DEPTH_OUTPUTS,
    KEY,
    LOCATION_INPUT,
    OUTPUTS,
    ModelMetadata,
)
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.core.randomness import generator
from dalearn_ros.detector.network import merged
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.parity import compare_outputs, made_up_location
from dalearn_ros.inference.protocol import no_location

OPSET = 17
PARITY_BOUND = 2e-3
_SIZES = ((128, 96), (192, 160))


class _Graph(nn.Module):
    """What of a network is written: the answers of one of its methods."""

    def __init__(self, network: nn.Module, method: str) -> None:
        super().__init__()
        self.network, self._method = network, method

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return tuple(getattr(self.network, self._method)(*inputs))


def export_onnx(network: nn.Module, metadata: ModelMetadata, path: Path) -> float:
    """Write an ONNX file whose answers are those of the network.

    The input is ``image`` (N, H, W, C) uint8 BGR with N any and H and W any multiples of
    ``metadata.input.multiple``; Cast, Sub, Mul, Transpose stand inside. Normalisations and the
    branches of the backbone are merged into its convolutions. The outputs are those of
    :class:`coding.decode.RawOutputs`.

    Where the metadata have depth there is one more input, ``location`` (N, CHANNELS, H / stride,
    W / stride) float32 of :mod:`coding.location`, and two more outputs of (N, H / stride,
    W / stride): ``log_depth``, the logarithm of z along the optical axis in metres, and
    ``log_depth_variance``. Where they have attention there is one more output, ``attention``
    (N, h, w), 0 to 1: the map that the four maps were answered under. Where they have none, nothing
    in the file knows of it.

    Args:
        network: With its final weights: a :class:`LandmarkNetwork`; with depth a
            :class:`depth.network.DepthNetwork`, with attention an
            :class:`attention.network.LandmarkAttention`, with both an
            :class:`attention.depth_kept.AttentiveDepth`.
        metadata: Goes into the file.
        path: The file, written whole or not at all.

    Returns:
        The largest difference between the two, relative to 1 + the size of the value.

    Raises:
        ModelError: The difference is larger than :data:`PARITY_BOUND`; nothing is written.
    """
    network = network.eval().to(memory_format=torch.contiguous_format)
    with atomic_file(path) as temporary:
        _write(_as_written(network, metadata), metadata, temporary)
        difference = parity(network, OnnxBackend(temporary, threads=1))
        if not difference <= PARITY_BOUND:
            raise ModelError(
                f"{path}: not written, because the exported model's answers differ from the "
                f"network's by {difference:.2g}, more than {PARITY_BOUND:g}."
            )
    return difference


def parity(network: nn.Module, exported: OnnxBackend) -> float:
    """Largest difference of all outputs on random images, relative to 1 + the size of the value."""
    reference = TorchBackend(network, exported.metadata)
    channels = exported.metadata.input.channels
    random = generator(0, "parity")
    worst = 0.0
    for width, height in _SIZES:
        image = random.integers(0, 256, (1, height, width, channels), dtype=np.uint8)
        location = made_up_location(image, exported.metadata.depth)
        answer, right = (one.run(image, location, attention=True) for one in (exported, reference))
        found = compare_outputs(answer, right)
        worst = max(worst, found.worst)
    return worst


def _as_written(network: Any, metadata: ModelMetadata) -> nn.Module:
    """The graph's module: a copy without branches and, as far as may be, normalisations."""
    if metadata.attention is not None and metadata.depth is not None:
        from dalearn_ros.attention.depth_kept import merged_attentive_depth

        return _Graph(merged_attentive_depth(network), "maps_depth_and_attention")
    if metadata.attention is not None:
        from dalearn_ros.attention.network import merged_attention

        return _Graph(merged_attention(network), "maps_and_attention")
    if metadata.depth is not None:
        from dalearn_ros.depth.network import merged_depth

        return _Graph(merged_depth(network), "maps_and_depth")
    return _Graph(merged(network), "heads")


def _write(graph: nn.Module, metadata: ModelMetadata, path: Path) -> None:
    multiple, depth = metadata.input.multiple, metadata.depth
    image = torch.zeros(1, 2 * multiple, 3 * multiple, metadata.input.channels, dtype=torch.uint8)
    examples, inputs = [image], ["image"]
    axes = {"image": {0: "batch", 1: "height", 2: "width"}}
    axes.update({name: {0: "batch", 2: "rows", 3: "columns"} for name in OUTPUTS})
    if depth is not None:
        examples.append(torch.from_numpy(no_location(image.numpy(), depth)))
        inputs.append(LOCATION_INPUT)
        axes[LOCATION_INPUT] = {0: "batch", 2: "depth_rows", 3: "depth_columns"}
        cells = {0: "batch", 1: "depth_rows", 2: "depth_columns"}
        axes.update(dict.fromkeys(DEPTH_OUTPUTS, cells))
    if metadata.attention is not None:
        cells = {0: "batch", 1: "rows", 2: "columns"}
        axes.update(dict.fromkeys(ATTENTION_OUTPUTS, cells))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            tuple(examples),
            buffer,  # type: ignore[arg-type]
            input_names=inputs,
            output_names=list(metadata.outputs),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, metadata.to_json()
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
