"""What runs a network: a small protocol, and ONNX Runtime behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import onnxruntime

from dalearn_ros.coding.metadata import KEY, OUTPUTS, ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError


class Backend(Protocol):
    """Runs a landmark network on one image."""

    metadata: ModelMetadata

    def run(self, image: npt.NDArray[np.uint8]) -> RawOutputs:
        """Input (1, H, W, C) uint8, sides multiples of ``metadata.input.multiple``."""
        ...


class OnnxBackend:
    """ONNX Runtime on the CPU."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Open an exported model.

        Args:
            path: The ONNX file.
            threads: Threads of one inference; None takes all cores.

        Raises:
            ModelError: Missing, truncated, not ONNX, or not a landmark detector of this format.
        """
        if not path.is_file():
            raise ModelError(f"{path}: there is no such model file.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime's exceptions share no base class
            first = (str(error).splitlines() or ["no reason given"])[0]
            raise ModelError(f"{path}: is not a readable ONNX model ({first}).") from None
        stored = self._session.get_modelmeta().custom_metadata_map
        self.metadata = ModelMetadata.from_json(stored.get(KEY), str(path))
        names = {output.name for output in self._session.get_outputs()}
        if not set(OUTPUTS) <= names:
            expected = "the outputs " + ", ".join(OUTPUTS)
            raise ModelError.at(path, "", expected, ", ".join(sorted(names)))
        self._input = self._session.get_inputs()[0].name
        self._path = path

    def run(self, image: npt.NDArray[np.uint8]) -> RawOutputs:
        """One inference; see :class:`Backend`.

        Raises:
            ModelError: The runtime refused the image (a model that was changed by hand).
        """
        try:
            found = self._session.run(list(OUTPUTS), {self._input: image})
        except Exception as error:  # the runtime's exceptions share no base class
            raise ModelError(f"{self._path}: inference failed ({error}).") from None
        return RawOutputs(*(np.asarray(output)[0] for output in found))
