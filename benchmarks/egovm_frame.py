"""A real HD map on a real frame of six cameras: is the road brighter where the map says paint?

The map is 2-D and the data gives no ground, so a plane (height under the lidar, slope along and
across the vehicle) is fitted to the paint on every second 5 m of road and scored on the rest, and
the other way round. To see that the figure can fail, the pose is turned by 1 degree or moved by
0.3 m, and each wrong pose has the plane fitted anew: it may do its best. ::

    python benchmarks/egovm_frame.py --real-data ../shared/data --out /tmp/egovm

``--out`` gets one picture a camera with the projected map. The data is for research only: neither
it nor these pictures belong into the project.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import record
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform

Array = npt.NDArray[np.float64]
Image = npt.NDArray[np.uint8]
VIEWS = ("backward", "left_backward", "left_forward", "right_backward", "right_forward", "short")
KINDS = {  # name in the file: colour (BGR)
    "lane_dashed": (0, 255, 255),
    "lane_solid": (0, 255, 0),
    "curb": (255, 128, 0),
    "stop_line": (0, 0, 255),
    "crosswalk": (255, 0, 255),
}
POLE_COLOUR = (255, 255, 255)
BESIDE_M = 0.5  # the asphalt to compare with, on both sides
MARGIN = 4.0  # grey levels by which paint must be brighter than both
STEP_M, BLOCK_M = 0.2, 5.0
REACH_M = 20.0  # beyond it a plane is too poor a road for a line 0.15 m wide
DRAWN_M = 90.0
PIECES = 9  # points a line is projected at: distortion bends it
VEHICLE_M = (-3.0, 7.0, 2.2)  # behind, ahead, aside of the lidar: the car sees itself there
BLUR_PX = 1.5
POSES = {  # turned by degrees, moved to the left by metres
    "as given": (0.0, 0.0),
    "turned 1° left": (1.0, 0.0),
    "turned 1° right": (-1.0, 0.0),
    "moved 0.3 m left": (0.0, 0.3),
    "moved 0.3 m right": (0.0, -0.3),
}


@dataclass(frozen=True)
class View:
    """One camera: its image in colour and as blurred grey, intrinsics, mounting on the lidar."""

    name: str
    image: Image
    grey: npt.NDArray[np.float32]
    camera: Camera
    lidar_from_camera: Transform


@dataclass(frozen=True)
class Scene:
    """The frame and its map.

    Attributes:
        views: The six cameras.
        map_from_lidar: Pose of the lidar, UTM metres.
        segments: Kind to (N, 4): x, y of both ends, UTM metres.
        poles: (N, 4) x, y, (unused), height; metres.
    """

    views: list[View]
    map_from_lidar: Transform
    segments: dict[str, Array]
    poles: Array

    def forward_left(self, xy: Array) -> Array:
        """(N, 2) metres ahead of and to the left of the lidar, of map points (N, 2)."""
        c, s = np.cos(self.map_from_lidar.yaw_rad), np.sin(self.map_from_lidar.yaw_rad)
        away: Array = (xy - self.map_from_lidar.translation[:2]) @ np.array([[c, -s], [s, c]])
        return away

    def on_ground(self, xy: Array, ground: npt.ArrayLike) -> Array:
        """Points (N, 3) over (N, 2) on the plane (height under the lidar, two slopes)."""
        height, ahead, left = np.asarray(ground, dtype=np.float64)
        rise = self.forward_left(xy) @ np.array([ahead, left])
        return np.column_stack([xy, self.map_from_lidar.translation[2] - height + rise])

    def pose(self, turn_deg: float, left_m: float) -> Transform:
        """The lidar's pose, turned about the vertical and moved to the left."""
        given = self.map_from_lidar
        turn = Transform.from_euler(0.0, 0.0, np.radians(turn_deg)).rotation
        left = np.array([-np.sin(given.yaw_rad), np.cos(given.yaw_rad), 0.0])
        return Transform(turn @ given.rotation, given.translation + left_m * left)


@dataclass(frozen=True)
class Paint:
    """Points (N, 2) along painted lines, the unit vector (N, 2) across, and the block (N,)."""

    xy: Array
    across: Array
    block: npt.NDArray[np.int64]

    def select(self, mask: npt.NDArray[np.bool_]) -> Paint:
        """The points of a mask."""
        return Paint(self.xy[mask], self.across[mask], self.block[mask])


def read_scene(folder: Path) -> Scene:
    """Read ``frame.npz`` and the six images.

    Raises:
        DatasetError: A file is missing or cannot be read.
    """
    try:
        with np.load(folder / "frame.npz") as content:
            data = {name: content[name] for name in content.files}
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder / 'frame.npz'}: cannot be read ({error}).") from None
    views = []
    for name, k, e in zip(VIEWS, data["camera_intrinsic"], data["camera_extrinsic"], strict=True):
        image = cv2.imread(str(folder / f"{name}.jpg"))
        if image is None:
            raise DatasetError(f"{folder / name}.jpg: no readable image.")
        matrix = np.array([[k[0], 0.0, k[2]], [0.0, k[1], k[3]], [0.0, 0.0, 1.0]])
        camera = Camera(image.shape[1], image.shape[0], matrix, k[4:], name=name)
        grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (0, 0), BLUR_PX)
        mounting = Transform.from_quaternion(e[3:], e[:3])
        views.append(View(name, image.astype(np.uint8), grey.astype(np.float32), camera, mounting))
    segments = {
        kind: np.concatenate([data[n] for n in data if n.rsplit("_", 1)[0] == kind])
        for kind in KINDS
    }
    pose = data["pose"]
    return Scene(views, Transform.from_quaternion(pose[3:], pose[:3]), segments, data["pole"])


def paint_of(scene: Scene, kinds: Sequence[str], reach_m: float = REACH_M) -> Paint:
    """Points every 0.2 m along the lines of the kinds, in reach and not on the own vehicle."""
    segments = np.concatenate([scene.segments[kind] for kind in kinds])
    points, across = [], []
    for start, end in zip(segments[:, :2], segments[:, 2:], strict=True):
        along = end - start
        count = max(round(float(np.hypot(*along)) / STEP_M), 1)
        points.append(start + along * ((np.arange(count) + 0.5) / count)[:, None])
        across.append(np.tile([-along[1], along[0]] / np.hypot(*along), (count, 1)))
    xy, beside = np.concatenate(points), np.concatenate(across)
    ahead, left = scene.forward_left(xy).T
    back, front, side = VEHICLE_M
    on_car = (ahead > back) & (ahead < front) & (np.abs(left) < side)
    block = np.floor(ahead / BLOCK_M).astype(np.int64)
    return Paint(xy, beside, block).select((np.hypot(ahead, left) < reach_m) & ~on_car)


class Reader:
    """Brightness at paint and beside it, for one pose and any ground."""

    def __init__(self, scene: Scene, pose: Transform, paint: Paint) -> None:
        """Keep, for each view, the paint that can be in it (on level ground, with a margin)."""
        self._scene = scene
        self._views: list[tuple[View, Transform, Paint]] = []
        level = scene.on_ground(paint.xy, (2.0, 0.0, 0.0))
        for view in scene.views:
            camera_from_map = (pose @ view.lidar_from_camera).inverse()
            pixels, valid = view.camera.project(camera_from_map.apply(level))
            near = valid & view.camera.inside(pixels, margin_px=300.0)
            self._views.append((view, camera_from_map, paint.select(near)))

    def brightness(self, ground: npt.ArrayLike) -> list[Array]:
        """For each view (M, 3) grey levels: on the paint, 0.5 m to its left and to its right."""
        return [self._read(view, to_camera, p, ground) for view, to_camera, p in self._views]

    def _read(self, view: View, to_camera: Transform, paint: Paint, ground: npt.ArrayLike) -> Array:
        offsets = np.array([0.0, BESIDE_M, -BESIDE_M])[:, None, None]
        places = (paint.xy + offsets * paint.across).reshape(-1, 2)
        points = self._scene.on_ground(places, ground)
        pixels, valid = view.camera.project(to_camera.apply(points))
        valid &= view.camera.inside(pixels, margin_px=-1.0)
        u, v = np.rint(np.where(valid[:, None], pixels, 0.0)).astype(np.int64).T
        values = view.grey[v, u].astype(np.float64).reshape(3, -1).T
        return values[valid.reshape(3, -1).all(axis=0)]


def contrast(brightness: Array) -> Array:
    """(M,) grey levels by which paint is brighter than the brighter of its two sides."""
    difference: Array = brightness[:, 0] - brightness[:, 1:].max(axis=1)
    return difference


def share(brightness: Array) -> float:
    """Share of points brighter than both sides by more than 4 grey levels."""
    return float((contrast(brightness) > MARGIN).mean())


def fit_ground(scene: Scene, pose: Transform, paint: Paint) -> Array:
    """The plane (height, slope ahead, slope left) on which the paint stands out most.

    A grid, then Nelder-Mead; the contrast of a point counts from -5 to 15 grey levels.
    """
    reader = Reader(scene, pose, paint)

    def loss(ground: Array) -> float:
        values = np.concatenate(reader.brightness(ground))
        return -float(np.clip(contrast(values), -5.0, 15.0).mean())

    grid = itertools.product(
        np.arange(1.8, 2.41, 0.05), np.arange(-0.015, 0.016, 0.005), np.arange(-0.02, 0.021, 0.01)
    )
    start = np.array(min(grid, key=lambda ground: loss(np.array(ground))))
    simplex = start + np.vstack([np.zeros(3), np.diag([0.03, 0.003, 0.006])])
    options = {"maxfev": 80, "initial_simplex": simplex}
    ground: Array = minimize(loss, start, method="Nelder-Mead", options=options).x
    return ground


def held_out(scene: Scene, pose: Transform, paint: Paint) -> tuple[list[Array], list[Array]]:
    """Brightness by view on blocks of road that the ground was not fitted to, and both grounds."""
    grounds, values = [], []
    for parity in (0, 1):
        fitted = paint.block % 2 == parity
        grounds.append(fit_ground(scene, pose, paint.select(fitted)))
        reader = Reader(scene, pose, paint.select(~fitted))
        values.append(reader.brightness(grounds[-1]))
    return [np.concatenate(pair) for pair in zip(*values, strict=True)], grounds


def draw(scene: Scene, view: View, ground: npt.ArrayLike) -> tuple[Image, dict[str, int]]:
    """The view with the map within 60 m, and how many pieces of each kind lie in it."""
    picture = view.image.copy()
    camera_from_map = (scene.map_from_lidar @ view.lidar_from_camera).inverse()
    counts = dict.fromkeys([*KINDS, "pole"], 0)
    for kind, colour in KINDS.items():
        ends = scene.segments[kind].reshape(-1, 2, 2)
        steps = np.linspace(0.0, 1.0, PIECES)[:, None]
        lines = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * steps
        points = scene.on_ground(lines.reshape(-1, 2), ground)
        counts[kind] = _draw_lines(picture, view, camera_from_map.apply(points), colour)
    feet = scene.on_ground(scene.poles[:, :2], ground)
    rise = np.linspace(0.0, 1.0, PIECES) * scene.poles[:, 3:4]
    points = (feet[:, None] + rise[..., None] * np.array([0.0, 0.0, 1.0])).reshape(-1, 3)
    counts["pole"] = _draw_lines(picture, view, camera_from_map.apply(points), POLE_COLOUR)
    return picture, counts


def _draw_lines(picture: Image, view: View, points: Array, colour: tuple[int, int, int]) -> int:
    """Draw lines of 9 points each (optical frame), and count those with a point in the image."""
    near = np.hypot(points[:, 0], points[:, 2]) < DRAWN_M
    pixels, valid = view.camera.project(points)
    inside = (view.camera.inside(pixels) & near).reshape(-1, PIECES)
    valid &= near & view.camera.inside(pixels, margin_px=500.0)
    lines, drawable = pixels.reshape(-1, PIECES, 2), valid.reshape(-1, PIECES)
    for line, first in np.argwhere(drawable[:, :-1] & drawable[:, 1:]):
        a, b = np.rint(lines[line, first : first + 2]).astype(int).tolist()
        cv2.line(picture, a, b, colour, 2, cv2.LINE_AA)
    return int(inside.any(axis=1).sum())


def pose_rows(scene: Scene, paint: Paint) -> tuple[list[dict[str, Any]], list[Array]]:
    """One row a pose, and the brightness by view of the pose as given."""
    rows: list[dict[str, Any]] = []
    given: list[Array] = []
    for name, (turn_deg, left_m) in POSES.items():
        views, grounds = held_out(scene, scene.pose(turn_deg, left_m), paint)
        given = given or views
        values = np.concatenate(views)
        rows.append(
            {
                "pose": name,
                "ground under the lidar (m)": " / ".join(f"{g[0]:.2f}" for g in grounds),
                "samples": len(values),
                "brighter than both sides": f"{share(values):.1%}",
                "upper quartile of contrast": float(np.quantile(contrast(values), 0.75)),
                "median of contrast": float(np.median(contrast(values))),
            }
        )
    return rows, given


def sweep_rows(scene: Scene, paint: Paint, ground: Array) -> list[dict[str, Any]]:
    """The share under poses moved to the left and poses turned to the left, on one ground."""

    def under(turn_deg: float, left_m: float) -> str:
        values = Reader(scene, scene.pose(turn_deg, left_m), paint).brightness(ground)
        return f"{share(np.concatenate(values)):.1%}"

    return [
        {
            "moved left (m)": f"{moved:+.1f}",
            "brighter, moved": under(0.0, float(moved)),
            "turned left (°)": f"{turned:+.2f}",
            "brighter, turned": under(float(turned), 0.0),
        }
        for moved, turned in zip(np.linspace(-0.5, 0.5, 11), np.linspace(-1.25, 1.25, 11))
    ]


def main() -> int:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--real-data", type=Path, required=True, help="folder with egovm_frame/")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    arguments = parser.parse_args()
    scene = read_scene(arguments.real_data / "egovm_frame")
    paint = paint_of(scene, ("lane_dashed", "lane_solid"))
    rows, by_view = pose_rows(scene, paint)
    ground = fit_ground(scene, scene.map_from_lidar, paint)
    arguments.out.mkdir(parents=True, exist_ok=True)
    cameras: list[dict[str, Any]] = []
    for view, values in zip(scene.views, by_view, strict=True):
        picture, counts = draw(scene, view, ground)
        cv2.imwrite(str(arguments.out / f"{view.name}.png"), picture)
        seen = f"{share(values):.1%}" if len(values) else None
        cameras.append({"camera": view.name, **counts, "samples": len(values), "brighter": seen})
    command = "python benchmarks/egovm_frame.py --real-data ../shared/data --out DIR"
    plane = f"{ground[0]:.2f} m, {ground[1]:+.2%} ahead, {ground[2]:+.2%} to the left"
    record(
        "egovm_frame",
        command,
        rows,
        f"Lane lines within {REACH_M:.0f} m; brighter: by more than {MARGIN:.0f} of 255 grey "
        f"levels. Ground fitted to all of them under the pose as given: {plane}.",
    )
    record("egovm_cameras", command, cameras, f"Pieces of map within {DRAWN_M:.0f} m in view.")
    moved = sweep_rows(scene, paint, ground)
    record("egovm_moved", command, moved, "All on the ground fitted under the pose as given.")
    for row in rows + cameras + moved:
        print(row)
    print(f"Pictures of {len(scene.views)} cameras: {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
