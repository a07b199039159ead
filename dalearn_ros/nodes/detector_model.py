"""The model that the detector node's parameters name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.core.resources import resource
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.nodes.detector_settings import DetectorNodeSettings

DEFAULT_MODEL = "models/landmarks-s.onnx"


def model_path(settings: DetectorNodeSettings) -> Path:
    """The model that the parameters name, or the shipped one."""
    return Path(settings.model) if settings.model else resource(DEFAULT_MODEL)


def load_detector(settings: DetectorNodeSettings) -> LandmarkDetector:
    """Open the model that the parameters name, for images of all cameras at once.

    Raises:
        DalearnError: It cannot be read, or the backend cannot run it here.
    """
    threads = settings.threads or None
    path, overrides = model_path(settings), overrides_of(settings)
    batch = max(settings.engine.batch, len(settings.cameras))
    engine = dataclasses.replace(settings.engine, batch=batch)
    return LandmarkDetector.load(path, threads, overrides, settings.backend, engine)


def overrides_of(settings: DetectorNodeSettings) -> dict[str, float]:
    """Decoding settings of the parameters that win over the model's own."""
    least = settings.score_threshold
    return {"score_threshold": least} if least > 0.0 else {}


def load_into(settings: DetectorNodeSettings, done: Any) -> None:
    """Set the future to the loaded model, or to what speaks against it."""
    try:
        done.set_result(load_detector(settings))
    except DalearnError as error:
        done.set_result(error)
    except Exception as error:  # a runtime's own: the service must answer
        done.set_result(DalearnError(f"{type(error).__name__}: {error}"))
