"""Vehicle poses out of a bag: Odometry, PoseStamped, PoseWithCovarianceStamped or TF."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.bags.pose_frames import map_from_base
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import BagError, PoseError
from dalearn_ros.geometry.tf_buffer import TransformBuffer
from dalearn_ros.geometry.trajectory import MAX_GAP_NS, Trajectory
from dalearn_ros.geometry.transforms import Transform

ODOMETRY = "nav_msgs/msg/Odometry"
POSE = "geometry_msgs/msg/PoseStamped"
POSE_COVARIANCE = "geometry_msgs/msg/PoseWithCovarianceStamped"
TF = "tf2_msgs/msg/TFMessage"
POSE_KINDS = (ODOMETRY, POSE, POSE_COVARIANCE)
PREFERRED = "/localization/kinematic_state"


def stamp_ns(header: Any) -> int:
    """Integer nanoseconds of a std_msgs/Header."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def choose_pose_topic(bag: Bag, topic: str | None, map_frame: str = "map") -> str:
    """The topic to take poses from.

    The named one; else ``/localization/kinematic_state``; else the only one in the map frame; a
    bag with none but TF gives its only TF topic that is not static.

    Raises:
        BagError: The named one is missing or holds no poses, or the choice is not clear.
    """
    known = bag.topics_of(*POSE_KINDS)
    if topic is not None:
        if topic in known or (bag.topics.get(topic) == TF and bag.counts[topic]):
            return topic
        found = ", ".join(known) or "none"
        raise BagError.at(bag.path, "", f"poses on the topic {topic}", f"pose topics: {found}")
    if PREFERRED in known:
        return PREFERRED
    frames = {name: _frame_of(bag, name) or map_frame.lstrip("/") for name in known}
    in_map = [name for name in known if frames[name] == map_frame.lstrip("/")]
    moving = [name for name in bag.topics_of(TF) if not name.endswith("tf_static")]
    choice = in_map if known else moving
    if len(choice) == 1:
        return choice[0]
    expected, hint = f"{PREFERRED} or one pose topic", "Name the one to use with --pose-topic."
    if not choice:
        found, hint = "none", "Labels need vehicle poses."
        if known:
            expected += f" in the frame '{map_frame}'"
            found = ", ".join(f"{name} in '{frames[name]}'" for name in known)
            name = frames[known[0]]
            hint = (
                f"If '{name}' is the map's frame, --map-frame {name} takes it; if TF joins it with "
                f"'{map_frame}', --pose-topic {known[0]} does."
            )
        raise BagError.at(bag.path, "", expected, found, hint)
    raise BagError.at(bag.path, "", expected, ", ".join(choice), hint)


def read_trajectory(
    bag: Bag,
    topic: str,
    max_gap_ns: int = MAX_GAP_NS,
    map_frame: str = "map",
    base_frame: str = "base_link",
) -> Trajectory:
    """All poses of a topic.

    Args:
        bag: The bag.
        topic: A pose topic, or one of TF messages (then ``map_frame`` from ``base_frame``).
        max_gap_ns: Samples further apart are not interpolated between (D5).
        map_frame: Frame of the map.
        base_frame: Frame of the vehicle.

    Returns:
        The trajectory ``map_frame <- base_frame``; a covariance of nothing but zeros counts as
        unknown. Poses in another frame (``header.frame_id``), or of another one
        (``child_frame_id``), are carried over by TF; an empty name counts as the wanted one.

    Raises:
        BagError: No such topic, another type, no poses on it, or TF does not join their frames
            with the two.
    """
    kind = bag.topics.get(topic)
    if kind == TF:
        return _from_transforms(bag, topic, max_gap_ns, (map_frame, base_frame))
    if kind not in POSE_KINDS:
        expected = f"poses on the topic {topic}"
        raise BagError.at(bag.path, "", expected, kind or "no such topic")
    stamps, positions, quaternions, covariances = [], [], [], []
    wanted = map_frame.lstrip("/"), base_frame.lstrip("/")
    frames: set[tuple[str, str]] = set()
    for raw in bag.raw([topic]):
        message = bag.decode(raw)
        body = message.pose if kind == POSE else message.pose.pose
        p, q = body.position, body.orientation
        child = str(message.child_frame_id) if kind == ODOMETRY else ""
        parent = str(message.header.frame_id)
        frames.add((parent.lstrip("/") or wanted[0], child.lstrip("/") or wanted[1]))
        stamps.append(stamp_ns(message.header))
        positions.append((p.x, p.y, p.z))
        quaternions.append((q.x, q.y, q.z, q.w))
        if kind != POSE:
            covariances.append(np.asarray(message.pose.covariance).reshape(6, 6))
    if not stamps:
        raise BagError.at(bag.path, topic, "poses", "no message")
    if len(frames) > 1:
        told = ", ".join(f"'{parent}' <- '{child}'" for parent, child in sorted(frames))
        raise BagError.at(bag.path, topic, "poses in one frame", told)
    matrix = np.array(covariances) if covariances else None
    poses = Trajectory(
        np.array(stamps, dtype=np.int64),
        np.array(positions),
        np.array(quaternions),
        matrix if matrix is not None and np.any(matrix) else None,
        max_gap_ns,
        topic,
    )
    if frames == {wanted}:
        return poses
    transforms = read_transforms(bag, max_gap_ns)
    return map_from_base(poses, frames.pop(), wanted, transforms, bag.path)


def read_odometry(
    bag: Bag, topic: str, max_gap_ns: int = MAX_GAP_NS, base_frame: str = "base_link"
) -> Trajectory:
    """All poses of a topic of nav_msgs/Odometry in its own frame: ``odom <- base_frame``.

    Args:
        bag: The bag.
        topic: Its name.
        max_gap_ns: Samples further apart are not interpolated between.
        base_frame: Frame of the vehicle.

    Raises:
        BagError: No such topic, another type, or see :func:`read_trajectory`.
    """
    kind = bag.topics.get(topic)
    if kind != ODOMETRY:
        expected = f"{ODOMETRY} on the topic {topic}"
        raise BagError.at(bag.path, "", expected, kind or "no such topic")
    first = next(iter(bag.raw([topic])), None)
    frame = "" if first is None else str(bag.decode(first).header.frame_id)
    return read_trajectory(bag, topic, max_gap_ns, frame, base_frame)


def read_transforms(bag: Bag, max_gap_ns: int = MAX_GAP_NS) -> TransformBuffer:
    """All of ``/tf`` and ``/tf_static`` of any namespace, but for what is not finite."""
    buffer = TransformBuffer(max_gap_ns)
    for raw in bag.raw(bag.topics_of(TF)):
        for item in bag.decode(raw).transforms:
            t, q = item.transform.translation, item.transform.rotation
            try:
                link = Transform.from_quaternion((q.x, q.y, q.z, q.w), (t.x, t.y, t.z))
            except ValueError:
                continue
            if not np.isfinite(link.translation).all():
                continue
            if raw.topic.endswith("tf_static"):
                buffer.add_static(item.header.frame_id, item.child_frame_id, link)
            else:
                when = stamp_ns(item.header)
                buffer.add(item.header.frame_id, item.child_frame_id, when, link)
    return buffer


def _from_transforms(bag: Bag, topic: str, max_gap_ns: int, frames: tuple[str, str]) -> Trajectory:
    buffer, (map_frame, base_frame) = read_transforms(bag, max_gap_ns), frames
    chain = buffer.chain(base_frame)
    stamps = sorted({stamp for frame in chain for stamp in buffer.stamps_of(frame)})
    kept, transforms, reason = [], [], ""
    for stamp in stamps or [0]:
        try:
            transforms.append(buffer.lookup(map_frame, base_frame, stamp))
        except PoseError as error:
            reason = str(error).rstrip(".")
            continue
        kept.append(stamp)
    if not kept:
        hint = "--map-frame and --base-frame say what these frames are called here."
        raise BagError.at(bag.path, topic, f"TF {map_frame} <- {base_frame}", reason, hint)
    return Trajectory(
        np.array(kept, dtype=np.int64),
        np.array([t.translation for t in transforms]),
        np.array([t.quaternion for t in transforms]),
        None,
        max_gap_ns,
        topic,
    )


def _frame_of(bag: Bag, topic: str) -> str:
    first = next(bag.raw([topic]), None)
    return "" if first is None else str(bag.decode(first).header.frame_id).lstrip("/")
