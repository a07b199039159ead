"""The few types that travel the whole way: landmarks in the map, in an image, and as seen.

Each is a structure of arrays, one row a landmark.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.rolling_shutter import RowPoses
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.ragged import Ragged

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]
Rows = TypeVar("Rows", bound="_Rows")


@dataclass(frozen=True)
class _Rows:
    """Shared by the structures of arrays: length, selection, and a check of the lengths."""

    def __post_init__(self) -> None:
        lengths = {name: len(value) for name, value in self._columns().items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"{type(self).__name__}: columns of different lengths: {lengths}")

    def __len__(self) -> int:
        return len(next(iter(self._columns().values())))

    def select(self: Rows, index: npt.ArrayLike) -> Rows:
        """The rows of a mask (N,) or of indices, in that order."""
        chosen = np.asarray(index)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.int64)
        columns = {
            name: value.select(chosen) if isinstance(value, Ragged) else value[chosen]
            for name, value in self._columns().items()
        }
        return dataclasses.replace(self, **columns)

    def _columns(self) -> dict[str, Any]:
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {k: v for k, v in values.items() if isinstance(v, (np.ndarray, Ragged))}


@dataclass(frozen=True)
class LandmarkMap(_Rows):
    """Landmarks of an HD map, in its ENU frame.

    Attributes:
        ids: (N,) text, the element in the map file; unique.
        class_id: (N,) id in the label space, never 0.
        point_m: (N, 3) reference point by the class's rule (D1), metres.
        outlines_m: N polygons (k, 3), metres.
        normal: (N, 3) unit vector out of the face (signs, signals), NaN where there is none.
        direction: (N, 3) unit driving direction (road markings), NaN where there is none.
        tags: (N,) text, kind and code as in the map, such as ``traffic_sign:de205``.
        frame_id: Name of the frame.
    """

    ids: Texts
    class_id: Ints
    point_m: Floats
    outlines_m: Ragged
    normal: Floats
    direction: Floats
    tags: Texts
    frame_id: str = "map"


@dataclass(frozen=True)
class Labels(_Rows):
    """Ground truth in one image (D4).

    Attributes:
        class_id: (N,) id in the label space.
        point_px: (N, 2) reference point, sub-pixel, raw image.
        outlines_px: N polygons (k, 2), clipped to the image.
        range_m: (N,) distance from the camera to the reference point, metres.
        visible: (N,) share of the outline that is seen, 0 to 1.
        map_id: (N,) text, the landmark in the map; empty if it is from none.
        covariance_px2: (N, 2, 2) uncertainty of the point that follows from the pose, px².
        ignore: (N,) truth that is neither target nor background nor scored: too small, hidden, out
            of its class's range, or a marking of the other direction.
    """

    class_id: Ints
    point_px: Floats
    outlines_px: Ragged
    range_m: Floats
    visible: Floats
    map_id: Texts
    covariance_px2: Floats
    ignore: Bools

    @classmethod
    def empty(cls) -> Labels:
        """An image without landmarks."""
        return cls(
            class_id=np.zeros(0, np.int64),
            point_px=np.zeros((0, 2)),
            outlines_px=Ragged.of([], 2),
            range_m=np.zeros(0),
            visible=np.zeros(0),
            map_id=np.zeros(0, np.str_),
            covariance_px2=np.zeros((0, 2, 2)),
            ignore=np.zeros(0, np.bool_),
        )


DISTANCE_KINDS = ("landmark", "road", "lidar", "depth")


@dataclass(frozen=True)
class Distances(_Rows):
    """True distances at places of one image.

    Attributes:
        pixels: (P, 2) places in the raw image, sub-pixel.
        depth_m: (P,) along the optical axis, metres, above 0.
        kind: (P,) uint8, index into :data:`DISTANCE_KINDS`: a landmark of the map, the road under
            the drive's own path, a LiDAR return, a depth image.
    """

    pixels: Floats
    depth_m: Floats
    kind: npt.NDArray[np.uint8]

    @classmethod
    def empty(cls) -> Distances:
        """None known."""
        return cls(np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.uint8))

    @classmethod
    def joined(cls, parts: Sequence[Distances]) -> Distances:
        """All rows of several, in their order."""
        every = [cls.empty(), *parts]
        return cls(
            np.concatenate([part.pixels for part in every]),
            np.concatenate([part.depth_m for part in every]),
            np.concatenate([part.kind for part in every]),
        )


@dataclass(frozen=True)
class Observations(_Rows):
    """What the detector saw in one image (D17).

    Attributes:
        stamp_ns: Stamp of the image, integer nanoseconds.
        class_id: (N,) id in the label space.
        point_px: (N, 2) reference point in the image as received.
        score: (N,) 0 to 1, best first.
        covariance_px2: (N, 2, 2) of the point, px².
        range_m: (N,) metres, NaN if unknown.
        sigma_range_m: (N,) metres, NaN if unknown.
        track_id: (N,) -1 if untracked.
    """

    stamp_ns: int
    class_id: Ints
    point_px: Floats
    score: Floats
    covariance_px2: Floats
    range_m: Floats
    sigma_range_m: Floats
    track_id: Ints

    @classmethod
    def empty(cls, stamp_ns: int) -> Observations:
        """Nothing seen."""
        nothing = np.zeros(0)
        return cls(
            stamp_ns=stamp_ns,
            class_id=np.zeros(0, np.int64),
            point_px=np.zeros((0, 2)),
            score=nothing,
            covariance_px2=np.zeros((0, 2, 2)),
            range_m=nothing,
            sigma_range_m=nothing,
            track_id=np.zeros(0, np.int64),
        )

    @classmethod
    def of_points(
        cls,
        class_id: Ints,
        point_px: Floats,
        score: Floats | None = None,
        sigma_px: float = 1.0,
        stamp_ns: int = 0,
    ) -> Observations:
        """Points without distances and tracks.

        Args:
            class_id: (N,) id in the label space.
            point_px: (N, 2) reference points.
            score: (N,); None: 1.
            sigma_px: Standard deviation of each coordinate, px.
            stamp_ns: Of the image.
        """
        n = len(point_px)
        unknown = np.full(n, np.nan)
        return cls(
            stamp_ns=stamp_ns,
            class_id=class_id,
            point_px=point_px,
            score=np.ones(n) if score is None else score,
            covariance_px2=np.tile(np.eye(2) * sigma_px**2, (n, 1, 1)),
            range_m=unknown,
            sigma_range_m=unknown,
            track_id=np.full(n, -1, np.int64),
        )


@dataclass(frozen=True)
class Frame:
    """One camera image and all that is known with it.

    Attributes:
        image: (H, W, 3) uint8, BGR.
        stamp_ns: Exposure time, integer nanoseconds.
        camera: Intrinsics of the image as it is.
        base_from_camera: Mounting: optical frame to ``base_link``.
        pose: Vehicle pose at the stamp; None if there is none.
        depth_m: (H, W) metres along the optical axis, or None.
        name: Unique in its bag, fit for a file name.
        encoded: The compressed image as it came, for storing without loss; None if it came raw.
        rows: How the camera moved while a rolling shutter read its rows; None: all at once.
    """

    image: npt.NDArray[np.uint8]
    stamp_ns: int
    camera: Camera
    base_from_camera: Transform
    pose: Pose | None
    depth_m: npt.NDArray[np.float32] | None = None
    name: str = ""
    encoded: bytes | None = None
    rows: RowPoses | None = None

    @property
    def camera_from_map(self) -> Transform:
        """Map frame to optical frame; the frame must have a pose."""
        if self.pose is None:
            raise ValueError(f"frame {self.name} has no pose")
        return (self.pose.map_from_base @ self.base_from_camera).inverse()
