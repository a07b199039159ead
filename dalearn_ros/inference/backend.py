"""ONNX Runtime behind the protocol, and the choice between runtimes."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from dalearn_ros.coding.metadata import KEY, LOCATION_INPUT, ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.onnx_precision import precision_of
from dalearn_ros.inference.protocol import (
    Backend,
    BackendInfo,
    Images,
    Location,
    no_location,
    split_outputs,
)
from dalearn_ros.inference.tensorrt import open_engine, toolkit

__all__ = ["KINDS", "Backend", "BackendInfo", "OnnxBackend", "open_backend", "prepare_engine"]

KINDS = ("auto", "onnx", "tensorrt")
_LOG = logging.getLogger(__name__)


def open_backend(
    path: Path,
    kind: str = "auto",
    threads: int | None = None,
    engine: EngineSettings | None = None,
) -> Backend:
    """Open an exported model with the runtime that suits the machine.

    Args:
        path: The ONNX file.
        kind: ``onnx``: ONNX Runtime on the CPU. ``tensorrt``: TensorRT or an error. ``auto``:
            TensorRT where it works, else ONNX Runtime; one line of the log says which and why.
        threads: Threads of one inference in ONNX Runtime; None takes all cores.
        engine: How TensorRT builds and keeps engines; None takes the defaults.

    Raises:
        ModelError: The model cannot be read, ``kind`` is none of :data:`KINDS`, or TensorRT was
            asked for and there is none here, it does not accept the model, or its answers differ
            from those of ONNX Runtime (:data:`parity.BOUNDS`).
        InputError: The folder of the engines cannot be written.
    """
    if kind not in KINDS:
        raise ModelError.at("backend", "", "one of " + ", ".join(KINDS), f"'{kind}'")
    plain = OnnxBackend(path, threads)
    if kind == "onnx":
        return plain
    said = logging.INFO
    try:
        tools = toolkit()
        said = logging.WARNING  # from here on, somebody should know
        found = open_engine(path, plain, engine or EngineSettings(), tools)
    except ModelError as error:
        if kind == "tensorrt":
            raise
        _LOG.log(said, "%s: runs in %s; not in TensorRT: %s", path, plain.info, error)
        return plain
    _LOG.info("%s: runs in %s", path, found.info)
    return found


def prepare_engine(path: Path, engine: EngineSettings | None = None) -> Path:
    """Build the engine of a model into the cache, compare it and end: nothing is left to start.

    Args:
        path: The ONNX file.
        engine: How and where; None takes the defaults.

    Returns:
        The engine file; one that fits already is kept.

    Raises:
        ModelError: As :func:`open_backend` with ``tensorrt``.
        InputError: The folder of the engines cannot be written.
    """
    found = open_engine(path, OnnxBackend(path), engine or EngineSettings(), toolkit())
    assert found.info.engine is not None
    return found.info.engine


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
        image = self._check_tensors(path)
        self._input = image.name
        self._one_by_one = image.shape[0] == 1  # files of before the batch axis was free
        self._path = path
        precision = precision_of(path.read_bytes())
        self.info = BackendInfo("onnxruntime", onnxruntime.__version__, "cpu", precision)

    def _check_tensors(self, path: Path) -> Any:
        """The image's input, if the file has the tensors that its metadata speak of."""
        image, *others = self._session.get_inputs()
        names = {output.name for output in self._session.get_outputs()}
        if not set(self.metadata.outputs) <= names:
            expected = "the outputs " + ", ".join(self.metadata.outputs)
            raise ModelError.at(path, "", expected, ", ".join(sorted(names)))
        wanted = [] if self.metadata.depth is None else [LOCATION_INPUT]
        if [one.name for one in others] != wanted:
            expected = "the inputs " + ", ".join([image.name, *wanted])
            found = ", ".join(one.name for one in (image, *others))
            raise ModelError.at(path, "", expected, found)
        return image

    def run(
        self, image: Images, location: Location | None = None, attention: bool = False
    ) -> RawOutputs:
        """One inference; see :class:`Backend`.

        Raises:
            ModelError: The runtime refused the image (a model that was changed by hand).
        """
        return self._run(image, location, attention)[0]

    def run_batch(
        self, images: Images, location: Location | None = None, attention: bool = False
    ) -> list[RawOutputs]:
        """Several images of one size; see :class:`Backend`.

        Raises:
            ModelError: The runtime refused the images, or there are none.
        """
        if len(images) == 0:
            raise ModelError(f"{self._path}: inference needs at least one image.")
        if self._one_by_one:
            rows = [slice(row, row + 1) for row in range(len(images))]
            places = [None if location is None else location[r] for r in rows]
            return [self.run(images[r], p, attention) for r, p in zip(rows, places, strict=True)]
        return self._run(images, location, attention)

    def _run(self, images: Images, location: Location | None, attention: bool) -> list[RawOutputs]:
        feeds: dict[str, Any] = {self._input: images}
        depth, names = self.metadata.depth, self.metadata.asked(location is not None, attention)
        if depth is not None:  # the runtime always computes all of a graph
            given = no_location(images, depth) if location is None else location
            feeds[LOCATION_INPUT] = given
        try:
            found = self._session.run(list(names), feeds)
        except Exception as error:  # the runtime's exceptions share no base class
            raise ModelError(f"{self._path}: inference failed ({error}).") from None
        return split_outputs([np.asarray(output) for output in found], names)
