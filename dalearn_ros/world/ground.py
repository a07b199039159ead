"""Carriageways, kerbs, pavements, verges and painted lines."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dalearn_ros.world.markings import SIZES
from dalearn_ros.world.mesh import Mesh
from dalearn_ros.world.roads import Approach, Road
from dalearn_ros.world.scene import Scene

Array = npt.NDArray[np.float64]
PAINT_M = 0.012  # paint lies this far above the road, in the picture and in the map
UP = (0.0, 0.0, 1.0)


def strip(
    mesh: Mesh,
    road: Road,
    texture: str,
    s: Array,
    left: tuple[float, float],
    right: tuple[float, float],
    uv_m: float,
    tint: npt.ArrayLike = (1.0, 1.0, 1.0),
    flat: bool = True,
) -> None:
    """A ribbon along a road between two rails (d, h), ``s`` increasing; one quad a step."""
    a = road.at(s, right[0], right[1])
    b = road.at(s, left[0], left[1])
    corners = np.stack([a[:-1], a[1:], b[1:], b[:-1]], axis=1)
    width = float(np.hypot(left[0] - right[0], left[1] - right[1]))
    low = right[0] / uv_m
    u0, u1 = s[:-1] / uv_m, s[1:] / uv_m
    base = np.full_like(u0, low)
    far = base + width / uv_m
    uv = np.stack(
        [
            np.stack([u0, base], -1),
            np.stack([u1, base], -1),
            np.stack([u1, far], -1),
            np.stack([u0, far], -1),
        ],
        axis=1,
    )
    mesh.add(
        texture,
        corners,
        uv - np.floor(uv[:, :1].min(axis=2, keepdims=True)),
        tint,
        UP if flat else None,
    )


def sections(a: float, b: float, step: float) -> Array:
    """Stations from a to b at most ``step`` apart."""
    return np.linspace(a, b, max(2, int(np.ceil((b - a) / step)) + 1))


def carriageway(scene: Scene, mesh: Mesh, road: Road, a: float, b: float) -> None:
    """The asphalt between two stations."""
    s = sections(a, b, 4.0)
    strip(mesh, road, "asphalt", s, (road.half_m, 0.0), (-road.half_m, 0.0), 8.0)


def roadside(scene: Scene, mesh: Mesh, road: Road, a: float, b: float, reach: float) -> None:
    """Kerbs, pavements and verges on both sides between two stations."""
    city, half = scene.city, road.half_m
    k, far = city.kerb_m, road.half_m + city.pavement_m
    s = sections(a, b, 4.0)
    for side in (1.0, -1.0):
        rails = [(side * half, 0.0), (side * half, k), (side * far, k), (side * reach, k)]
        for i, (texture, uv_m, tint) in enumerate(
            [("kerb", 2.0, 0.92), ("paving", 2.0, 1.0), ("grass", 6.0, 1.0)]
        ):
            if texture == "kerb":
                top = (side * (half + 0.14), k + 0.004)
                strip(mesh, road, "kerb", s, *ordered(rails[1], top, side), 2.0, flat=True)
            first, second = ordered(rails[i], rails[i + 1], side)
            strip(mesh, road, texture, s, first, second, uv_m, (tint,) * 3, flat=i > 0)


def ordered(
    near: tuple[float, float], far: tuple[float, float], side: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(left, right) rails of a strip on one side (+1 left) of the road."""
    return (far, near) if side > 0 else (near, far)


def line(
    mesh: Mesh,
    road: Road,
    a: float,
    b: float,
    d: float,
    width: float,
    texture: str = "paint_white",
    dash: tuple[float, float] | None = None,
) -> None:
    """A painted line along a road; ``dash`` = (paint, gap) lengths in metres."""
    if b - a < 0.5:
        return
    spans = [(a, b)]
    if dash is not None:
        starts = np.arange(a, b - dash[0] * 0.5, sum(dash))
        spans = [(float(x), float(min(x + dash[0], b))) for x in starts]
    for x, y in spans:
        s = sections(x, y, 4.0)
        strip(mesh, road, texture, s, (d + width / 2, PAINT_M), (d - width / 2, PAINT_M), 2.0)


def lane_lines(scene: Scene, mesh: Mesh, road: Road, a: float, b: float) -> None:
    """Centre, lane and edge lines between two stations."""
    city, w = scene.city, scene.city.lane_m
    centre = "paint_yellow" if city.centre_yellow else "paint_white"
    if road.lanes > 1 or city.centre_yellow:
        for d in (-0.12, 0.12) if road.lanes > 1 else (0.0,):
            line(mesh, road, a, b, d, 0.12, centre)
    else:
        line(mesh, road, a, b, 0.0, 0.12, centre, (3.0, 6.0))
    for side in (1.0, -1.0):
        for i in range(1, road.lanes):
            line(mesh, road, a, b, side * i * w, 0.12, "paint_white", (3.0, 5.0))
        edge = road.lanes * w + 0.1
        if city.parking_m > 0 or not city.centre_yellow:
            line(mesh, road, a, b, side * edge, 0.12, "paint_white")
        else:
            line(mesh, road, a, b, side * edge, 0.12, "paint_yellow")


def quad_on_road(approach: Approach, a: float, r: float, length: float, width: float) -> Array:
    """Corners (4, 3) of a marking with its centre at (a, r).

    In the order near left, near right, far right, far left as the driver sees them.
    """
    at_a = np.array([a + length / 2, a + length / 2, a - length / 2, a - length / 2])
    at_r = np.array([r - width / 2, r + width / 2, r + width / 2, r - width / 2])
    return approach.at(at_a, at_r, PAINT_M)


def crosswalk(scene: Scene, mesh: Mesh, approach: Approach, a: float, depth: float) -> None:
    """Zebra stripes across the road with its middle ``a`` metres before the junction's centre."""
    half = approach.road.half_m
    reach = half - 0.3
    stripe = 0.5
    n = int((2 * reach) // (2 * stripe))
    start = -n * stripe + stripe / 2
    corners = [quad_on_road(approach, a, start + 2 * stripe * i, depth, stripe) for i in range(n)]
    uv = np.array([[0, 0], [stripe / 2, 0], [stripe / 2, depth / 2], [0, depth / 2]])
    mesh.add("paint_white", np.array(corners), uv, normal=UP)
    low, high = start - stripe / 2, start + 2 * stripe * (n - 1) + stripe / 2
    scene.inventory.marking(
        "crosswalk", quad_on_road(approach, a, (low + high) / 2, depth, high - low)
    )


def stop_line(scene: Scene, mesh: Mesh, approach: Approach, a: float, width: float) -> None:
    """A stop line across the lanes of one direction."""
    lanes = approach.road.lanes * scene.city.lane_m
    corners = quad_on_road(approach, a, lanes / 2 + 0.05, width, lanes - 0.2)
    uv = np.array([[0, 0], [lanes / 2, 0], [lanes / 2, width / 2], [0, width / 2]])
    mesh.add("paint_white", corners, uv, normal=UP)
    ends = [(corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2]
    scene.inventory.stop_line(np.array(ends), width)


def painted(
    scene: Scene, mesh: Mesh, approach: Approach, name: str, place: tuple[float, float]
) -> None:
    """An arrow or symbol with its middle at ``place`` (a, r); its upper end lies far away."""
    width, length = SIZES[name]
    corners = quad_on_road(approach, *place, length, width)
    mesh.add(name, corners, normal=UP)
    scene.inventory.marking(name, corners)
