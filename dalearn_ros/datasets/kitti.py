"""A KITTI drive becomes an ordinary bag and map: real images, calibration, poses, one real sign.

Where the vehicle was comes from its GPS/IMU point (latitude, longitude) in the frames that have it;
the camera poses carry it to the others. ``base_link`` is on the ground under that point, 1.08 m
behind the camera. The map's grid is UTM, so headings are turned by the meridian convergence there.
Roll and pitch are known only against the first frame: the vehicle is taken as level on average.
The sign's height and size are not in the data: size and turn are nominal, and the height is the one
at which its boxes lie (the median over the frames); left and right owe nothing to the boxes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import atomic_directory
from dalearn_ros.core.progress import track
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import LINK_FROM_OPTICAL, Transform
from dalearn_ros.maps.lanelet2_writer import Lanelet2Writer, Origin

Array = npt.NDArray[np.float64]
LEVER_M = 1.08  # camera ahead of the GPS/IMU point
CAMERA_HEIGHT_M = 1.65
COLOUR_CAMERA_M = 0.06  # the boxes' camera, to the left of the grey one
SIGN_SIZE_M = 0.84
START_NS = 1_000_000_000
PERIOD_NS = 100_000_000  # 10 Hz; the set has no stamps
HEADING_START_RAD = -3.05497  # of frame 0, from east, counter-clockwise
CATEGORIES = (
    "de274-30", "de278", "de274-60", "de123", "de205", "de306", "de283", "de286", "de282",
    "de220-20", "de220-10", "de250", "de209", "de301", "de350", "de222",
)  # fmt: skip
CAMERA_TOPIC = "/camera/image_raw/compressed"
INFO_TOPIC = "/camera/camera_info"
POSE_TOPIC = "/localization/kinematic_state"
# Position and heading of the set's GPS/IMU: 5 cm and 0.1 degrees (assumed; it states none).
COVARIANCE = np.diag([0.05, 0.05, 0.1, 0.002, 0.002, 0.002]) ** 2
BASE_FROM_CAMERA = Transform(LINK_FROM_OPTICAL.rotation, np.array([LEVER_M, 0.0, CAMERA_HEIGHT_M]))


@dataclass(frozen=True)
class Sign:
    """One mapped sign: name, code, place, and its boxes by frame (x0, y0, x1, y1 in pixels)."""

    name: str
    code: str
    latitude: float
    longitude: float
    boxes: Mapping[int, Array]
    vehicle: Mapping[int, Array]


@dataclass(frozen=True)
class KittiDrive:
    """What the folder holds.

    Attributes:
        images: Files in the order of frames.
        camera: The rectified grey camera.
        first_from_camera: (N, 3, 4) camera poses in the frame of the first.
        signs: The mapped signs.
    """

    images: list[Path]
    camera: Camera
    first_from_camera: Array
    signs: list[Sign]

    @property
    def projector(self) -> Projector:
        """UTM metres about the first sign, rounded to a thousandth of a degree."""
        sign = self.signs[0]
        return Projector("LocalCartesianUTM", round(sign.latitude, 3), round(sign.longitude, 3))


def import_kitti(data: Path, out: Path) -> dict[str, int]:
    """Write ``OUT/bag`` and ``OUT/map`` from a folder of the form of ``kitti_drive``.

    Args:
        data: Folder with ``image_0``, ``calib.txt``, ``poses.txt`` and ``signs.json``.
        out: The new folder.

    Returns:
        Counts: ``frames``, ``signs``.

    Raises:
        DatasetError: A file is missing or not what it should be.
        InputError: ``out`` exists, or the disk is full.
    """
    drive = read_kitti(data)
    poses = vehicle_poses(drive)
    with atomic_directory(out) as folder:
        _write_map(drive, poses, folder / "map")
        with BagWriter(folder / "bag") as bag:
            bag.transforms(
                "/tf_static", START_NS, {("base_link", "camera_optical"): BASE_FROM_CAMERA}
            )
            for image, pose in track(zip(drive.images, poses), len(poses), "import"):
                stamp = pose.stamp_ns
                bag.camera_info(INFO_TOPIC, stamp, drive.camera)
                bag.compressed_image(
                    CAMERA_TOPIC, stamp, image.read_bytes(), "camera_optical", image.suffix[1:]
                )
                _write_pose(bag, poses, pose)
    return {"frames": len(poses), "signs": len(drive.signs)}


def read_kitti(data: Path) -> KittiDrive:
    """Read the folder; see :func:`import_kitti`."""
    images = sorted((data / "image_0").glob("*.png"))
    if not images:
        raise DatasetError.at(data, "image_0", "images (.png) of a KITTI drive", "none")
    calibration = _numbers(data / "calib.txt", 12)[0].reshape(3, 4)
    poses = _numbers(data / "poses.txt", 12).reshape(-1, 3, 4)
    if len(poses) != len(images):
        found = f"{len(poses)} poses for {len(images)} images"
        raise DatasetError.at(data / "poses.txt", "", "one pose an image", found)
    width, height = _png_size(images[0])
    camera = Camera(width, height, calibration[:, :3])
    return KittiDrive(images, camera, poses, _signs(data / "signs.json"))


def vehicle_poses(drive: KittiDrive) -> list[Pose]:
    """Pose of ``base_link`` in the map for every frame.

    In frames with a GPS position that is the position; between and beyond them, the camera poses
    plus the (interpolated, else nearest) offset from them to the GPS positions.
    """
    map_from_enu = _enu_axes(drive.projector)
    enu_from_first = Transform(_level(drive.first_from_camera), np.zeros(3))
    cameras = [
        Transform(map_from_enu, np.zeros(3)) @ enu_from_first @ Transform(p[:, :3], p[:, 3])
        for p in drive.first_from_camera
    ]
    bases = [camera @ BASE_FROM_CAMERA.inverse() for camera in cameras]
    offsets = {
        frame: drive.projector.forward(*place)[0, :2] - bases[frame].translation[:2]
        for sign in drive.signs
        for frame, place in sign.vehicle.items()
    }
    known = sorted(offsets)
    table = np.array([offsets[frame] for frame in known])
    ground = bases[0].translation[2]
    poses = []
    for frame, base in enumerate(bases):
        x, y = (float(np.interp(frame, known, table[:, axis])) for axis in (0, 1))
        moved = base.translation + np.array([x, y, -ground])
        stamp = START_NS + frame * PERIOD_NS
        poses.append(Pose(stamp, Transform(base.rotation, moved), COVARIANCE))
    return poses


def sign_places(drive: KittiDrive, poses: list[Pose]) -> list[Array]:
    """Centre (3,) of each sign in the map; the height is the median that its boxes ask for."""
    places = []
    for sign in drive.signs:
        place = np.append(drive.projector.forward(sign.latitude, sign.longitude)[0, :2], 0.0)
        heights = []
        for frame, box in sign.boxes.items():
            map_from_camera = poses[frame].map_from_base @ BASE_FROM_CAMERA
            ray = drive.camera.unproject([[(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]])[0]
            ray = map_from_camera.rotation @ ray
            away = place - map_from_camera.translation
            reach = float(np.linalg.norm(away[:2]) / np.linalg.norm(ray[:2]))
            heights.append(map_from_camera.translation[2] + reach * ray[2])
        places.append(place + np.array([0.0, 0.0, float(np.median(heights))]))
    return places


def _write_map(drive: KittiDrive, poses: list[Pose], folder: Path) -> None:
    projector = drive.projector
    writer = Lanelet2Writer(Origin(projector.latitude, projector.longitude))
    for sign, place in zip(drive.signs, sign_places(drive, poses), strict=True):
        forward = poses[min(sign.boxes)].map_from_base.rotation[:, 0] * np.array([1.0, 1.0, 0.0])
        right = np.cross(forward / np.linalg.norm(forward), [0.0, 0.0, 1.0])
        half = 0.5 * SIGN_SIZE_M
        bottom = place - np.array([0.0, 0.0, half])
        tags = {
            "type": "traffic_sign",
            "subtype": sign.code,
            "height": SIGN_SIZE_M,
            "source": f"KITTI sign {sign.name}",
        }
        writer.way(np.stack([bottom - half * right, bottom + half * right]), tags)
    writer.write(folder)


def _write_pose(bag: BagWriter, poses: list[Pose], pose: Pose) -> None:
    number = (pose.stamp_ns - START_NS) // PERIOD_NS
    before, after = poses[max(number - 1, 0)], poses[min(number + 1, len(poses) - 1)]
    seconds = (after.stamp_ns - before.stamp_ns) * 1e-9
    moved = after.map_from_base.translation - before.map_from_base.translation
    turned = (before.map_from_base.inverse() @ after.map_from_base).yaw_rad
    covariances = (COVARIANCE, np.diag([0.1, 0.1, 0.1, 0.01, 0.01, 0.01]) ** 2)
    bag.odometry(
        POSE_TOPIC,
        pose.stamp_ns,
        pose.map_from_base,
        float(np.linalg.norm(moved)) / seconds,
        turned / seconds,
        covariances,
        ("map", "base_link"),
    )


def _enu_axes(projector: Projector) -> Array:
    """(3, 3) rotation from true east, north, up to the map's grid at its origin."""
    lat, lon, step = projector.latitude, projector.longitude, 1e-4
    here, there = projector.forward([lat, lat + step], [lon, lon], 0.0)
    east_of_north = float(np.arctan2(there[0] - here[0], there[1] - here[1]))
    return Transform.from_euler(0.0, 0.0, -east_of_north).rotation


def _level(first_from_camera: Array) -> Array:
    """(3, 3) rotation from the first camera to east, north, up: level on average, heading given."""
    up = -first_from_camera[:, :, 1].mean(axis=0)  # the cameras' own up, in the first one's frame
    up /= np.linalg.norm(up)
    right = np.cross(np.array([0.0, 0.0, 1.0]), up)  # forward x up
    right /= np.linalg.norm(right)
    level_from_first = np.stack([np.cross(up, right), -right, up])
    heading = Transform.from_euler(0.0, 0.0, HEADING_START_RAD)
    return (heading @ Transform(level_from_first, np.zeros(3))).rotation


def _signs(path: Path) -> list[Sign]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        signs = [_sign(name, entry) for name, entry in sorted(content.items())]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as JSON ({error}).") from None
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        expected = "category, Geolocation, images, image_geolocations"
        raise DatasetError.at(path, "", expected, found) from None
    if not signs:
        raise DatasetError.at(path, "", "one sign or more", "none")
    return signs


def _sign(name: str, entry: Mapping[str, Any]) -> Sign:
    lat, lon = (float(value) for value in entry["Geolocation"])
    return Sign(
        name,
        CATEGORIES[int(entry["category"])],
        lat,
        lon,
        {_frame(k): np.array(v, dtype=np.float64) for k, v in entry["images"].items()},
        {_frame(k): np.array(v, dtype=np.float64) for k, v in entry["image_geolocations"].items()},
    )


def _frame(name: str) -> int:
    return int(name.rsplit("_", 1)[1])


def _numbers(path: Path, columns: int) -> Array:
    try:
        values = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: cannot be read as rows of numbers ({error}).") from None
    values = values.reshape(-1, columns) if values.size % columns == 0 else values
    if values.size == 0 or values.shape[1] != columns or not np.isfinite(values).all():
        found = f"{values.shape}"
        raise DatasetError.at(path, "", f"rows of {columns} finite numbers", found)
    return values


def _png_size(path: Path) -> tuple[int, int]:
    head = path.open("rb").read(24)
    if head[:4] != b"\x89PNG":
        raise DatasetError.at(path, "", "a PNG image", "something else")
    return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
