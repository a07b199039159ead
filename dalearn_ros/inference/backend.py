"""ONNX Runtime behind the protocol, and the choice between runtimes."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnxruntime

from dalearn_ros.coding.metadata import KEY, OUTPUTS, ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.onnx_precision import precision_of
from dalearn_ros.inference.protocol import Backend, BackendInfo, Images, split_outputs

__all__ = ["KINDS", "Backend", "BackendInfo", "OnnxBackend", "open_backend"]

KINDS = ("auto", "onnx", "tensorrt")
_LOG = logging.getLogger(__name__)


def open_backend(path: Path, kind: str = "auto", threads: int | None = None) -> Backend:
    """Open an exported model with the runtime that suits the machine.

    Args:
        path: The ONNX file.
        kind: ``onnx``: ONNX Runtime on the CPU. ``tensorrt``: TensorRT or an error. ``auto``:
            TensorRT where it works, else ONNX Runtime; one line of the log says which and why.
        threads: Threads of one inference in ONNX Runtime; None takes all cores.

    Raises:
        ModelError: The model cannot be read, ``kind`` is none of :data:`KINDS`, or TensorRT was
            asked for and cannot run here.
    """
    if kind not in KINDS:
        raise ModelError.at("backend", "", "one of " + ", ".join(KINDS), f"'{kind}'")
    if kind == "tensorrt":
        raise ModelError("TensorRT cannot run here: choose the backend 'onnx'.")
    backend = OnnxBackend(path, threads)
    if kind == "auto":
        _LOG.info("%s: %s", path, backend.info)
    return backend


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
        image = self._session.get_inputs()[0]
        self._input = image.name
        self._one_by_one = image.shape[0] == 1  # files of before the batch axis was free
        self._path = path
        precision = precision_of(path.read_bytes())
        self.info = BackendInfo("onnxruntime", onnxruntime.__version__, "cpu", precision)

    def run(self, image: Images) -> RawOutputs:
        """One inference; see :class:`Backend`.

        Raises:
            ModelError: The runtime refused the image (a model that was changed by hand).
        """
        return self._run(image)[0]

    def run_batch(self, images: Images) -> list[RawOutputs]:
        """Several images of one size; see :class:`Backend`.

        Raises:
            ModelError: The runtime refused the images, or there are none.
        """
        if len(images) == 0:
            raise ModelError(f"{self._path}: inference needs at least one image.")
        if self._one_by_one:
            return [self.run(images[row : row + 1]) for row in range(len(images))]
        return self._run(images)

    def _run(self, images: Images) -> list[RawOutputs]:
        try:
            found = self._session.run(list(OUTPUTS), {self._input: images})
        except Exception as error:  # the runtime's exceptions share no base class
            raise ModelError(f"{self._path}: inference failed ({error}).") from None
        return split_outputs([np.asarray(output) for output in found])
