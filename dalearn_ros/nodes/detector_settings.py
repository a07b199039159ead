"""Parameters of the node ``landmark_detector``."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field
from dalearn_ros.inference.backend import KINDS
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.tracking import TrackingSettings
from dalearn_ros.nodes.camera_names import ALONE

CHANGEABLE = ("model", "score_threshold", "max_age_ms", "track", "confirmed_only")


@dataclass(frozen=True)
class DetectorNodeSettings:
    """Parameters of the node ``landmark_detector``."""

    model: str = field("", "ONNX file or run folder; empty takes the shipped model.")
    backend: str = field(
        "auto", "What runs the network; auto: TensorRT where it works.", choices=KINDS
    )
    engine: EngineSettings = field(EngineSettings, "How TensorRT builds and keeps engines.")
    threads: int = field(0, "Threads of one inference; 0 takes all cores.", minimum=0, maximum=256)
    cameras: tuple[str, ...] = field(
        ALONE, "Names of the cameras; of several, each has topics of its own: ~/input/NAME/image."
    )
    image_transport: str = field(
        "raw",
        "Listen to ~/input/image or to ~/input/image/compressed.",
        choices=("raw", "compressed"),
    )
    score_threshold: float = field(
        0.0, "Weakest score that is published; 0 takes the model's own.", minimum=0.0, maximum=1.0
    )
    max_age_ms: float = field(
        0.0, "An image that is older when its turn comes is dropped as late; 0: none is.",
        unit="ms", minimum=0.0, maximum=60000.0,
    )  # fmt: skip
    track: bool = field(True, "Number landmarks that are seen again (track_id).")
    confirmed_only: bool = field(
        False, "Publish only what has a track_id: later by a few images, fewer false alarms."
    )
    tracking: TrackingSettings = field(TrackingSettings, "What the same landmark is.")
    rectified: bool = field(False, "The images are rectified (P, R); else raw (K, D).")
    journal: str = field("", "File for the fate of every image, written at the end; empty: none.")
    auto_activate: bool = field(True, "Configure and activate at start, without a manager.")
