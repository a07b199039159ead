"""The landmark detector: an image in, observations out (D17). It never learns (D23)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dalearn_ros.coding.decode import decode, inside_image
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.inference.backend import Backend, OnnxBackend
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations

RUN_MODEL = "model.onnx"


class LandmarkDetector:
    """Preprocess, network and decoding in one object."""

    def __init__(self, backend: Backend, overrides: Mapping[str, Any] | None = None) -> None:
        """Wrap a backend.

        Args:
            backend: What runs the network.
            overrides: Decoding settings that win over the model's own, such as
                ``{"score_threshold": 0.3}``.
        """
        self._backend = backend
        stored = backend.metadata
        values = {**dump_settings(stored.decoding), **(overrides or {})}
        decoding = load_settings(type(stored.decoding), None, values)
        self.metadata: ModelMetadata = dataclasses.replace(stored, decoding=decoding)
        self.last_timing_ms: dict[str, float] = {}

    @classmethod
    def load(
        cls,
        model_path: Path | str,
        threads: int | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> LandmarkDetector:
        """Open an exported model, or a run folder of training.

        Args:
            model_path: An ONNX file, or a run folder of training, which holds one.
            threads: Threads of one inference; None takes all cores.
            overrides: Decoding settings that win over the model's own.

        Raises:
            ModelError: Missing, damaged, or another project's model.
        """
        path = Path(model_path)
        if path.is_dir():
            path = path / RUN_MODEL
            if not path.is_file():
                raise ModelError(
                    f"{path}: the run has no exported model yet; write it with "
                    f"'dalearn export --model {path.parent} --out {path}'."
                )
        return cls(OnnxBackend(path, threads), overrides)

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self.metadata.label_space

    def detect(self, image_bgr: npt.NDArray[Any], stamp_ns: int = 0) -> Observations:
        """Find the landmarks of an image.

        Args:
            image_bgr: (H, W, 3) uint8 BGR of any size; grey, alpha and 16 bit are converted.
            stamp_ns: Stamp of the image, integer nanoseconds.

        Returns:
            Observations in the pixels of the image as given, best first. A point may lie outside
            the image when the landmark's cells are inside.

        Raises:
            InputError: The image is empty or of an unknown kind.
        """
        start = time.perf_counter()
        settings = self.metadata.input
        ready = to_input(image_bgr, settings.channels, settings.multiple)
        prepared = time.perf_counter()
        outputs = self._backend.run(ready)
        inferred = time.perf_counter()
        known = self.metadata
        found = decode(outputs, known.grid, known.decoding, stamp_ns, known.calibration)
        height, width = image_bgr.shape[:2]
        found = found.select(inside_image(found.point_px, width, height))
        decoded = time.perf_counter()
        self.last_timing_ms = {
            "preprocess": (prepared - start) * 1e3,
            "inference": (inferred - prepared) * 1e3,
            "decode": (decoded - inferred) * 1e3,
        }
        return found
