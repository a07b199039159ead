"""The landmark detector: an image in, observations out (D17). It never learns (D23)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dalearn_ros.coding.decode import decode, inside_image
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.attention import AttentionMap, attention_map
from dalearn_ros.inference.backend import Backend, BackendInfo, open_backend
from dalearn_ros.inference.depth import DepthMap, Locations, check_camera, with_depth_ranges
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.preprocess import Image, to_input
from dalearn_ros.inference.protocol import Location
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations

RUN_MODEL = "model.onnx"


@dataclass(frozen=True)
class Answer:
    """What a model says about an image.

    Attributes:
        observations: The landmarks, in its pixels.
        depth: Of a model with depth, where the camera is known; else None.
        attention: Of a model with an attention branch, where it was asked for; else None.
    """

    observations: Observations
    depth: DepthMap | None
    attention: AttentionMap | None = None


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
        self.metadata: ModelMetadata = backend.metadata
        taught = backend.metadata.depth
        self._locations = None if taught is None else Locations(taught)
        self.override(overrides or {})
        self.last_timing_ms: dict[str, float] = {}

    @classmethod
    def load(
        cls,
        model_path: Path | str,
        threads: int | None = None,
        overrides: Mapping[str, Any] | None = None,
        backend: str = "onnx",
        engine: EngineSettings | None = None,
    ) -> LandmarkDetector:
        """Open an exported model, or a run folder of training.

        Args:
            model_path: An ONNX file, or a run folder of training, which holds one.
            threads: Threads of one inference; None takes all cores.
            overrides: Decoding settings that win over the model's own.
            backend: ``onnx``, ``tensorrt`` or ``auto``, see :func:`open_backend`.
            engine: How TensorRT builds and keeps engines; None takes the defaults.

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
        return cls(open_backend(path, backend, threads, engine), overrides)

    def override(self, overrides: Mapping[str, Any]) -> None:
        """Take the model's own decoding settings anew, with some that win over them.

        Raises:
            SettingsError: An unknown setting, or a value out of range; nothing is changed.
        """
        stored = self._backend.metadata
        values = {**dump_settings(stored.decoding), **overrides}
        decoding = load_settings(type(stored.decoding), None, values)
        self.metadata = dataclasses.replace(stored, decoding=decoding)

    @property
    def backend(self) -> Backend:
        """What runs the network, to run it by itself."""
        return self._backend

    @property
    def info(self) -> BackendInfo:
        """What runs the network."""
        return self._backend.info

    @property
    def label_space(self) -> LabelSpace:
        """The classes that the model knows."""
        return self.metadata.label_space

    def detect(
        self, image_bgr: npt.NDArray[Any], stamp_ns: int = 0, camera: Camera | None = None
    ) -> Observations:
        """Find the landmarks of an image.

        Args:
            image_bgr: (H, W, 3) uint8 BGR of any size; grey, alpha and 16 bit are converted.
            stamp_ns: Stamp of the image, integer nanoseconds.
            camera: Its calibration. A model with depth then takes the landmarks' distances from
                the depth, else they are those of its distance head.

        Returns:
            Observations in the pixels of the image as given, best first. A point may lie outside
            the image when the landmark's cells are inside.

        Raises:
            InputError: The image is empty or of an unknown kind, or the calibration is that of
                images of another size.
        """
        return self.answer(image_bgr, stamp_ns, camera).observations

    def answer(
        self,
        image_bgr: npt.NDArray[Any],
        stamp_ns: int = 0,
        camera: Camera | None = None,
        attention: bool = False,
    ) -> Answer:
        """The landmarks of an image and its depth; see :meth:`detect`.

        Args:
            image_bgr: The image.
            stamp_ns: Of it.
            camera: Its calibration.
            attention: With the attention map, if the model has one.
        """
        start = time.perf_counter()
        settings = self.metadata.input
        ready = to_input(image_bgr, settings.channels, settings.multiple)
        spent = (time.perf_counter() - start) * 1e3
        height, width = image_bgr.shape[:2]
        (found,) = self.detect_ready(ready, (width, height), [stamp_ns], [camera], attention)
        self.last_timing_ms = {"preprocess": spent, **self.last_timing_ms}
        return found

    def detect_ready(
        self,
        inputs: Image,
        size: tuple[int, int],
        stamps_ns: Sequence[int],
        cameras: Sequence[Camera | None] = (),
        attention: bool = False,
    ) -> list[Answer]:
        """Find the landmarks of images of one size that are padded already, in one inference.

        Args:
            inputs: (N, H', W', channels) uint8 as :func:`to_input` and :class:`InputPool` make it.
            size: (width, height) of the images in them.
            stamps_ns: N stamps, integer nanoseconds.
            cameras: N calibrations, None where there is none; empty: there is none at all.
            attention: With attention maps, if the model has them; else they are not even copied.

        Returns:
            N answers, as :meth:`answer` gives them. ``last_timing_ms`` tells ``inference``
            and ``decode`` of all N together.

        Raises:
            InputError: A calibration is that of images of another size.
            ModelError: The runtime refused the images.
        """
        start = time.perf_counter()
        places = list(cameras) or [None] * len(stamps_ns)
        location = self._location(inputs, size, places)
        outputs = self._backend.run_batch(inputs, location, attention)
        inferred = time.perf_counter()
        known, results = self.metadata, []
        for one, stamp_ns, camera in zip(outputs, stamps_ns, places, strict=True):
            found = decode(one, known.grid, known.decoding, stamp_ns, known.calibration)
            inside = inside_image(found.point_px, *size)
            found = found if inside.all() else found.select(inside)
            answer = self._with_depth(found, one, camera, inputs)
            if known.attention is not None and attention:
                seen = attention_map(one, known.attention, size)
                answer = dataclasses.replace(answer, attention=seen)
            results.append(answer)
        decoded = time.perf_counter()
        self.last_timing_ms = {
            "inference": (inferred - start) * 1e3,
            "decode": (decoded - inferred) * 1e3,
        }
        return results

    def _location(
        self, inputs: Image, size: tuple[int, int], cameras: Sequence[Camera | None]
    ) -> Location | None:
        """What the network is told of the cameras; None if it has no depth, or there are none."""
        if self._locations is None:
            return None
        for camera in cameras:
            if camera is not None:
                check_camera(camera, size)
        return self._locations.batch(cameras, (inputs.shape[2], inputs.shape[1]))

    def _with_depth(
        self, found: Observations, outputs: RawOutputs, camera: Camera | None, inputs: Image
    ) -> Answer:
        """An answer with the depth and the distances that it gives, where they are known."""
        if self._locations is None or camera is None:
            return Answer(found, None)
        padded = inputs.shape[2], inputs.shape[1]
        depth = self._locations.depth_map(outputs, camera, padded)
        if depth is None:
            return Answer(found, None)
        return Answer(with_depth_ranges(found, depth, camera), depth)
