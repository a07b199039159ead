"""Observations as messages: the full cloud, detections for other people's tools, class names."""

from __future__ import annotations

import array
import functools
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes.messages import header_of, stamp_of

Array = npt.NDArray[np.float64]
FLOATS = (
    "x",
    "y",
    "z",
    "u",
    "v",
    "score",
    "cov_uu",
    "cov_uv",
    "cov_vv",
    "range_m",
    "sigma_range_m",
)
ORDER = (
    *("x", "y", "z", "u", "v", "class_id", "score", "cov_uu", "cov_uv", "cov_vv"),
    *("range_m", "sigma_range_m", "track_id"),
)
ROW = np.dtype([(name, "<f4" if name in FLOATS else "<i4") for name in ORDER])
BOX_SIGMAS = 6.0


def cloud_of(found: Observations, frame_id: str, camera: Camera | None = None) -> PointCloud2:
    """The full observation as sensor_msgs/PointCloud2 in the camera's optical frame.

    Fields, 4 bytes each: x y z (metres; NaN where the distance or the camera is unknown), u v
    (pixels of the raw image), class_id, score, cov_uu cov_uv cov_vv (px²), range_m,
    sigma_range_m (NaN unknown), track_id (-1 none). An empty cloud says that nothing was seen.
    """
    rows = np.zeros(len(found), ROW)
    points = points_of(found, camera)
    for column, name in enumerate("xyz"):
        rows[name] = points[:, column]
    rows["u"], rows["v"] = found.point_px[:, 0], found.point_px[:, 1]
    rows["class_id"], rows["track_id"] = found.class_id, found.track_id
    rows["score"] = found.score
    rows["cov_uu"] = found.covariance_px2[:, 0, 0]
    rows["cov_uv"] = found.covariance_px2[:, 0, 1]
    rows["cov_vv"] = found.covariance_px2[:, 1, 1]
    rows["range_m"], rows["sigma_range_m"] = found.range_m, found.sigma_range_m
    data = array.array("B")
    data.frombytes(rows.tobytes())
    return PointCloud2(
        header=header_of(found.stamp_ns, frame_id),
        height=1,
        width=len(rows),
        fields=_fields(),
        is_bigendian=False,
        point_step=ROW.itemsize,
        row_step=ROW.itemsize * len(rows),
        data=data,
        is_dense=bool(np.isfinite(points).all()),
    )


def observations_of(message: PointCloud2) -> Observations:
    """The inverse of :func:`cloud_of`; reads any field order and padding.

    Raises:
        InputError: A field is missing, or of another type, or there are too few bytes.
    """
    names = [field.name for field in message.fields]
    missing = [name for name in ORDER[3:] if name not in names]
    if missing:
        raise InputError.at("landmarks cloud", "fields", ", ".join(ORDER), ", ".join(names))
    order = ">" if message.is_bigendian else "<"
    kinds = {PointField.FLOAT32: "f4", PointField.INT32: "i4", PointField.UINT32: "u4"}
    kinds |= {PointField.FLOAT64: "f8", PointField.UINT16: "u2", PointField.UINT8: "u1"}
    used = [field for field in message.fields if field.name in ORDER]
    odd = [field.name for field in used if field.datatype not in kinds]
    if odd:
        raise InputError.at("landmarks cloud", "fields", "numbers", f"others in {odd}")
    layout = np.dtype(
        {
            "names": [field.name for field in used],
            "formats": [order + kinds[field.datatype] for field in used],
            "offsets": [field.offset for field in used],
            "itemsize": message.point_step,
        }
    )
    count = int(message.width) * int(message.height)
    raw = memoryview(message.data)
    if raw.nbytes < count * layout.itemsize:
        expected = f"{count} points of {layout.itemsize} bytes"
        raise InputError.at("landmarks cloud", "data", expected, f"{raw.nbytes} bytes")
    rows = np.frombuffer(raw, layout, count)
    uv, vv = rows["cov_uv"], rows["cov_vv"]
    covariance = np.stack([rows["cov_uu"], uv, uv, vv], axis=-1).reshape(-1, 2, 2)
    return Observations(
        stamp_ns=stamp_of(message.header),
        class_id=rows["class_id"].astype(np.int64),
        point_px=np.stack([rows["u"], rows["v"]], axis=-1).astype(np.float64),
        score=rows["score"].astype(np.float64),
        covariance_px2=covariance.astype(np.float64),
        range_m=rows["range_m"].astype(np.float64),
        sigma_range_m=rows["sigma_range_m"].astype(np.float64),
        track_id=rows["track_id"].astype(np.int64),
    )


def points_of(found: Observations, camera: Camera | None) -> Array:
    """(N, 3) metres in the optical frame, NaN where camera or distance is unknown."""
    if camera is None or not len(found):
        return np.full((len(found), 3), np.nan)
    rays = camera.unproject(found.point_px)
    unit: Array = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return unit * found.range_m[:, None]


def detections_of(
    found: Observations, frame_id: str, camera: Camera | None = None
) -> Detection2DArray:
    """vision_msgs/Detection2DArray: a box of 6 sigma about each reference point.

    The class id is text, its name is in LabelInfo. Where the distance is known, the pose is the
    point in the optical frame with its covariance.
    """
    header = header_of(found.stamp_ns, frame_id)
    points, covariances = points_of(found, camera), _point_covariances(found, camera)
    message = Detection2DArray(header=header)
    for row in range(len(found)):
        one = Detection2D(header=header)
        sigma = np.sqrt(np.maximum(np.diagonal(found.covariance_px2[row]), 0.0))
        centre = one.bbox.center.position
        centre.x, centre.y = (float(v) for v in found.point_px[row])
        one.bbox.size_x, one.bbox.size_y = (float(v) for v in BOX_SIGMAS * sigma)
        opinion = ObjectHypothesisWithPose()
        opinion.hypothesis.class_id = str(int(found.class_id[row]))
        opinion.hypothesis.score = float(found.score[row])
        if np.isfinite(points[row]).all():
            place = opinion.pose.pose.position
            place.x, place.y, place.z = (float(v) for v in points[row])
            covariance = np.zeros((6, 6))
            covariance[:3, :3] = covariances[row]
            opinion.pose.covariance = covariance.ravel()
        one.results = [opinion]
        one.id = str(int(found.track_id[row])) if found.track_id[row] >= 0 else ""
        message.detections.append(one)
    return message


def label_info_of(space: LabelSpace, threshold: float, stamp_ns: int) -> LabelInfo:
    """vision_msgs/LabelInfo: number and name of every class, and the score threshold."""
    classes = [VisionClass(class_id=i, class_name=name) for i, name in enumerate(space.names)]
    header = header_of(stamp_ns, "")
    return LabelInfo(header=header, class_map=classes, threshold=float(threshold))


def _point_covariances(found: Observations, camera: Camera | None) -> Array:
    """(N, 3, 3) m²: the pixel's covariance across the ray, the distance's along it."""
    if camera is None or not len(found):
        return np.zeros((len(found), 3, 3))
    unit = points_of(found, camera) / found.range_m[:, None]
    step = 0.5  # px; central differences of the unit ray by the pixel
    slopes = []
    for shift in ((step, 0.0), (0.0, step)):
        ends = [camera.unproject(found.point_px + sign * np.array(shift)) for sign in (1, -1)]
        ahead, behind = (rays / np.linalg.norm(rays, axis=1, keepdims=True) for rays in ends)
        slopes.append((ahead - behind) / (2.0 * step))
    by_pixel = np.stack(slopes, axis=-1) * found.range_m[:, None, None]
    sigma = np.nan_to_num(found.sigma_range_m, nan=0.0)
    along = unit[:, :, None] * unit[:, None, :] * (sigma**2)[:, None, None]
    across: Array = by_pixel @ found.covariance_px2 @ by_pixel.transpose(0, 2, 1)
    return across + along


@functools.cache
def _fields() -> list[Any]:
    """The same objects for every cloud; messages copy them when they are sent."""
    made = []
    for name, (kind, offset) in ((n, ROW.fields[n][:2]) for n in ORDER):  # type: ignore[index]
        datatype = PointField.FLOAT32 if kind.kind == "f" else PointField.INT32
        made.append(PointField(name=name, offset=offset, datatype=datatype, count=1))
    return made
