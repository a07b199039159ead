"""A landmark network as ONNX: uint8 image in, four maps out, selection outside."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from dalearn_ros.coding.metadata import KEY, OUTPUTS, ModelMetadata
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file
from dalearn_ros.core.randomness import generator
from dalearn_ros.detector.network import LandmarkNetwork, merged
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.parity import compare_outputs

OPSET = 17
PARITY_BOUND = 2e-3
_SIZES = ((128, 96), (192, 160))


class _Graph(nn.Module):
    def __init__(self, network: LandmarkNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.network.heads(image)


def export_onnx(network: LandmarkNetwork, metadata: ModelMetadata, path: Path) -> float:
    """Write an ONNX file whose answers are those of the network.

    The input is ``image`` (N, H, W, C) uint8 BGR with N any and H and W any multiples of
    ``metadata.input.multiple``; Cast, Sub, Mul, Transpose stand inside. Normalisations and the
    branches of the backbone are merged into its convolutions. The outputs are those of
    :class:`coding.decode.RawOutputs`.

    Args:
        network: With its final weights.
        metadata: Goes into the file.
        path: The file, written whole or not at all.

    Returns:
        The largest difference between the two, relative to 1 + the size of the value.

    Raises:
        ModelError: The difference is larger than :data:`PARITY_BOUND`; nothing is written.
    """
    network = network.eval().to(memory_format=torch.contiguous_format)
    with atomic_file(path) as temporary:
        _write(merged(network), metadata, temporary)
        difference = parity(network, OnnxBackend(temporary, threads=1))
        if not difference <= PARITY_BOUND:
            raise ModelError(
                f"{path}: not written, because the exported model's answers differ from the "
                f"network's by {difference:.2g}, more than {PARITY_BOUND:g}."
            )
    return difference


def parity(network: LandmarkNetwork, exported: OnnxBackend) -> float:
    """Largest difference of all outputs on random images, relative to 1 + the size of the value."""
    reference = TorchBackend(network, exported.metadata)
    channels = exported.metadata.input.channels
    random = generator(0, "parity")
    worst = 0.0
    for width, height in _SIZES:
        image = random.integers(0, 256, (1, height, width, channels), dtype=np.uint8)
        found = compare_outputs(exported.run(image), reference.run(image))
        worst = max(worst, found.worst)
    return worst


def _write(network: LandmarkNetwork, metadata: ModelMetadata, path: Path) -> None:
    multiple = metadata.input.multiple
    example = torch.zeros(1, 2 * multiple, 3 * multiple, metadata.input.channels, dtype=torch.uint8)
    axes = {"image": {0: "batch", 1: "height", 2: "width"}}
    axes.update({name: {0: "batch", 2: "rows", 3: "columns"} for name in OUTPUTS})
    buffer = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(network),
            (example,),
            buffer,  # type: ignore[arg-type]
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, metadata.to_json()
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
