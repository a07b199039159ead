"""What a bag holds and lacks for labelling: topics, cameras, calibration, mounting, poses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.images import ImageFault, decode_compressed, decode_raw
from dalearn_ros.bags.mounting import fixed_mounting, way
from dalearn_ros.bags.poses import TF, read_transforms, stamp_ns
from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.topics import CAMERA_INFO, COMPRESSED
from dalearn_ros.core.checks import FAIL, NOTE, OK, Check, attempt
from dalearn_ros.core.errors import BagError, PoseError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import JUMP_MARGIN_M, MAX_SPEED_MPS, Trajectory

LOW_POSE_HZ = 10.0
RECORD = "ros2 bag record {}"


def topics_check(reader: BagReader) -> list[Check]:
    """Topics with type and number of messages."""
    bag = reader.bag
    width = max(map(len, bag.topics))
    rows = [
        f"{topic:<{width}}  {kind.replace('/msg/', '/')}  {bag.counts[topic]}"
        for topic, kind in sorted(bag.topics.items())
    ]
    found = f"{len(rows)} topics in {bag.duration_ns / 1e9:.1f} s"
    return [Check("bag", OK, "\n".join([found, *rows]))]


def camera_checks(reader: BagReader, topic: str, transforms: TransformBuffer) -> list[Check]:
    """Frames and rate, calibration, image size and mounting of one camera."""
    count, span_s = reader.bag.counts[topic], reader.bag.duration_ns / 1e9
    rate = f", {count / span_s:.1f} Hz" if span_s > 0.0 and count > 1 else ""
    checks = [Check(f"images {topic}", OK, f"{count} frames{rate}")]
    name = f"calibration {topic}"
    folder = topic.removesuffix("/compressed").rsplit("/", 1)[0]
    mend = f"record it with the images: {RECORD.format(f'{topic} {folder}/camera_info ...')}"
    if reader.bag.topics_of(CAMERA_INFO):
        mend = "calibrate: ros2 run camera_calibration cameracalibrator --help"
    camera: list[Camera] = []

    def calibration() -> list[Check]:
        camera.append(reader.camera(topic))
        changes = len(reader.calibrations(topic)) - 1
        checks = [_calibration(reader, topic, camera[0], name)]
        if changes:
            found = f"camera_info changes {changes} times; each image takes the latest at its stamp"
            checks.append(Check(name, NOTE, found, "is that so, or do two drivers publish on it?"))
        return checks

    checks += attempt(name, calibration, mend)
    if camera:
        checks += _mounting(reader.base_frame, camera[0].name, transforms, topic)
    return checks


def _calibration(reader: BagReader, topic: str, camera: Camera, name: str) -> Check:
    message = reader.bag.decode(next(reader.bag.raw([topic])))
    try:
        if reader.topics[topic] == COMPRESSED:
            image = decode_compressed(message.data.tobytes())
        else:
            m = message
            shape = int(m.height), int(m.width)
            image = decode_raw(m.data, *shape, m.encoding, int(m.step), bool(m.is_bigendian))
    except ImageFault as fault:
        mend = "such frames are left out and counted; are the others readable?"
        return Check(name, NOTE, f"the first image cannot be read: {fault}", mend)
    size = image.shape[1], image.shape[0]
    if size != (camera.width, camera.height):
        return Check(
            name,
            FAIL,
            f"images are {size[0]}x{size[1]}, camera_info says {camera.width}x{camera.height}",
            "record the camera_info that belongs to these images: a resized stream needs the "
            "resized camera_info (image_proc's resize_node publishes both)",
        )
    focal = camera.matrix[0, 0], camera.matrix[1, 1]
    found = (
        f"{size[0]}x{size[1]}, focal lengths {focal[0]:.1f}, {focal[1]:.1f} px, "
        f"{camera.model or 'no distortion model'}, frame '{camera.name}'"
    )
    if not 0.2 * size[0] < focal[0] < 20.0 * size[0]:
        return Check(name, NOTE, found, "such a focal length is unusual for this image size")
    return Check(name, OK, found)


def _mounting(base: str, frame: str, transforms: TransformBuffer, topic: str) -> list[Check]:
    name = f"mounting {topic}"
    mend = (
        "record /tf_static, or add the mounting to it while playing the bag: ros2 run tf2_ros "
        "static_transform_publisher --x X --y Y --z Z --roll R --pitch P --yaw Y "
        f"--frame-id {base} --child-frame-id {frame}"
    )
    if not frame:
        mend = "set header.frame_id of camera_info to the camera's optical frame"
        return [Check(name, FAIL, "camera_info names no frame", mend)]
    try:
        mounting = fixed_mounting(transforms, base, frame)
        chain, sampled = way(transforms, base, frame)
    except PoseError as error:
        mend = (
            "label needs a camera that is fixed to the vehicle" if error.reason == "moves" else mend
        )
        return [Check(name, FAIL, str(error).rstrip("."), mend)]
    x, y, z = mounting.translation
    found = f"{' -> '.join(reversed(chain))}: x {x:.2f}, y {y:.2f}, z {z:.2f} m"
    if sampled:
        text = f"{found}; '{sampled[0]}' comes on /tf, always the same: expected on /tf_static"
        return [Check(name, NOTE, text)]
    if abs(float(mounting.rotation[2, 2])) > 0.7:  # the optical axis points up or down
        mend = f"does '{frame}' follow REP 103 (z forward, x right, y down)?"
        return [Check(name, NOTE, f"{found}; its optical axis points up or down", mend)]
    return [Check(name, OK, found)]


def transforms_of(reader: BagReader) -> TransformBuffer:
    """``/tf`` and ``/tf_static``; an empty buffer if they cannot be read."""
    try:
        return read_transforms(reader.bag, reader.max_gap_ns)
    except BagError:
        return TransformBuffer()


def pose_checks(
    reader: BagReader, topic: str | None, found: list[tuple[str, Trajectory]]
) -> list[Check]:
    """Which topic gives the poses, their rate, gaps and jumps.

    Args:
        reader: The bag.
        topic: The named topic, or None for the rule of :func:`choose_pose_topic`.
        found: The chosen topic and its poses are appended.

    Raises:
        BagError, PoseError: There are no poses, or the choice is not clear.
    """
    chosen = reader.pose_topic(topic)
    poses = reader.trajectory(chosen)
    kind = "TF" if reader.topics.get(chosen) == TF else reader.topics[chosen].rpartition("/")[2]
    checks = [Check("pose topic", OK, f"{chosen} ({kind})")]
    finite: npt.NDArray[np.bool_] = np.asarray(np.isfinite(poses.positions).all(axis=1))
    if not finite.any():
        mend = "does the localization run and publish when this is recorded?"
        return [*checks, Check("poses", FAIL, f"none of {len(poses)} is finite", mend)]
    found.append((chosen, poses))
    return [*checks, *_pose_quality(poses, finite)]


def _pose_quality(poses: Trajectory, finite: npt.NDArray[np.bool_]) -> list[Check]:
    steps_s = np.diff(poses.stamps_ns) / 1e9
    if not len(steps_s):
        return [Check("poses", FAIL, "there is one pose only", "record the poses of the drive")]
    moved = np.linalg.norm(np.diff(poses.positions, axis=0), axis=1)
    rate, driven = 1.0 / float(np.median(steps_s)), float(np.nansum(moved))
    jumps = np.flatnonzero(moved > MAX_SPEED_MPS * steps_s + JUMP_MARGIN_M)
    gaps = np.flatnonzero(steps_s > poses.max_gap_ns / 1e9)
    checks = [Check("poses", OK, f"{len(poses)} at {rate:.1f} Hz over {driven:.0f} m")]
    if rate < LOW_POSE_HZ:
        mend = f"{LOW_POSE_HZ:g} Hz or more keep what lies between two poses small"
        checks = [Check("poses", NOTE, checks[0].found, mend)]
    if len(gaps):
        worst = f"longest {steps_s.max():.2f} s"
        mend = "frames in them get no labels"
        checks.append(_places("pose gaps", poses, gaps, worst, mend))
    if len(jumps):
        worst = f"largest {moved[jumps].max():.1f} m"
        mend = "frames in them get no labels; did the localization restart?"
        checks.append(_places("pose jumps", poses, jumps, worst, mend))
    if not finite.all():
        found = f"{int((~finite).sum())} of {len(poses)} poses are not finite"
        checks.append(Check("poses finite", NOTE, found, "frames beside them get no labels"))
    return checks


def _places(
    name: str, poses: Trajectory, rows: npt.NDArray[np.int64], worst: str, mend: str
) -> Check:
    start = poses.stamps_ns[0]
    when = ", ".join(f"{(poses.stamps_ns[row] - start) / 1e9:.1f}" for row in list(rows)[:5])
    more = ", ..." if len(rows) > 5 else ""
    return Check(name, NOTE, f"{len(rows)}, {worst}, at {when}{more} s of the drive", mend)


def clock_check(reader: BagReader, camera_topic: str, poses: Trajectory) -> list[Check]:
    """Whether the poses cover the time of a camera's images, by the stamps of its camera_info."""
    name = f"clock {camera_topic}"
    folder = camera_topic.removesuffix("/compressed").rsplit("/", 1)[0]
    known = reader.bag.topics_of(CAMERA_INFO)
    own = [topic for topic in known if topic.startswith(f"{folder}/")] or known
    stamps = np.array([stamp_ns(reader.bag.decode(raw).header) for raw in reader.bag.raw(own)])
    start, end = int(poses.stamps_ns[0]), int(poses.stamps_ns[-1])
    if not stamps.any():
        return [Check(name, FAIL, "the images have stamp 0", "let the camera driver stamp them")]
    covered = float(np.mean((stamps >= start) & (stamps <= end)))
    if covered == 0.0:
        away = max(int(stamps.min()) - end, start - int(stamps.max())) / 1e9
        mend = "synchronise the clocks (PTP or NTP), or set use_sim_time for all nodes alike"
        return [Check(name, FAIL, f"stamps of images and poses lie {away:.1f} s apart", mend)]
    found = f"poses cover {100.0 * covered:.0f} % of the images' time"
    if covered < 0.9:
        return [Check(name, NOTE, found, "frames outside of it get no labels")]
    return [Check(name, OK, found)]
