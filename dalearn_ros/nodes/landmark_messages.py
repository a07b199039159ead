"""Observations as messages: the full cloud, detections for other people's tools, class names."""

from __future__ import annotations

import array
import functools
from typing import Any

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from vision_msgs.msg import (
    Detection2D,
    Detection2DArray,
    LabelInfo,
    ObjectHypothesisWithPose,
    VisionClass,
)

from dalearn_ros.bags.observation_rows import (
    FIELDS,
    ORDER,
    ROW,
    box_sizes_of,
    point_covariances_of,
    points_of,
    rows_of,
)
from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.nodes.messages import header_of, stamp_of


def cloud_of(found: Observations, frame_id: str, camera: Camera | None = None) -> PointCloud2:
    """The full observation as sensor_msgs/PointCloud2 in the camera's optical frame.

    Its fields are those of :func:`rows_of`. An empty cloud says that nothing was seen.
    """
    rows, dense = rows_of(found, camera)
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
        is_dense=dense,
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


def detections_of(
    found: Observations, frame_id: str, camera: Camera | None = None
) -> Detection2DArray:
    """vision_msgs/Detection2DArray: a box of 6 sigma about each reference point.

    The class id is text, its name is in LabelInfo. Where the distance is known, the pose is the
    point in the optical frame with its covariance.
    """
    header = header_of(found.stamp_ns, frame_id)
    points, covariances = points_of(found, camera), point_covariances_of(found, camera)
    sizes = box_sizes_of(found)
    message = Detection2DArray(header=header)
    for row in range(len(found)):
        one = Detection2D(header=header)
        centre = one.bbox.center.position
        centre.x, centre.y = (float(v) for v in found.point_px[row])
        one.bbox.size_x, one.bbox.size_y = (float(v) for v in sizes[row])
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


@functools.cache
def _fields() -> list[Any]:
    """The same objects for every cloud; messages copy them when they are sent."""
    return [
        PointField(name=name, offset=offset, datatype=datatype, count=1)
        for name, offset, datatype in FIELDS
    ]
