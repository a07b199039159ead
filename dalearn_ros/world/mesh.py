"""Quads collected by texture, lit when they are added.

World frame: metres, z up. A quad's corners run counter-clockwise seen from its front: bottom-left,
bottom-right, top-right, top-left.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
UNIT_UV = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
VERTEX = np.dtype([("p", "<f4", 3), ("c", "u1", 4), ("t", "<f4", 2)])


@dataclass(frozen=True)
class Light:
    """Light that is baked into the corners: a sun (or none) and the sky.

    Attributes:
        direction: (3,) unit vector towards the sun.
        sun: (3,) red, green, blue of direct light, linear, 0 and up.
        sky: (3,) of the light from all around.
    """

    direction: Array
    sun: Array
    sky: Array

    def shade(self, normals: Array) -> Array:
        """Colour factors (N, 3) in display space (square root of linear) for unit normals."""
        direct = np.clip(normals @ self.direction, 0.0, 1.0)[:, None] * self.sun
        around = (0.68 + 0.32 * normals[:, 2:3]) * self.sky
        return np.asarray(np.sqrt(np.clip(direct + around, 0.0, 1.0)))


@dataclass
class Mesh:
    """Quads of one object or one tile of the city."""

    light: Light
    parts: dict[str, list[tuple[Array, Array, Array]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(
        self,
        texture: str,
        corners: npt.ArrayLike,
        uv: npt.ArrayLike | None = None,
        tint: npt.ArrayLike = (1.0, 1.0, 1.0),
        normal: npt.ArrayLike | None = None,
        lit: bool = True,
        alpha: float = 1.0,
    ) -> None:
        """Add quads.

        Args:
            texture: Name of the texture.
            corners: (N, 4, 3) metres.
            uv: (N, 4, 2) or (4, 2) texture coordinates, (0, 0) bottom-left; None: a unit square.
            tint: (3,), (N, 3) or (N, 4, 3) red, green, blue factors in display space.
            normal: (3,) overrides the quads' own normals for lighting.
            lit: False leaves the tint as it is (lamps, sky).
            alpha: Factor of the texture's alpha.
        """
        p = np.asarray(corners, dtype=np.float64).reshape(-1, 4, 3)
        n = len(p)
        t = np.broadcast_to(np.asarray(UNIT_UV if uv is None else uv, dtype=np.float64), (n, 4, 2))
        c = np.asarray(tint, dtype=np.float64)
        c = c[:, None, :] if c.ndim == 2 else c
        c = np.broadcast_to(c, (n, 4, 3)).copy()
        if lit:
            normals = _normals(p) if normal is None else np.broadcast_to(normal, (n, 3))
            c *= self.light.shade(np.asarray(normals))[:, None, :]
        rgba = np.concatenate([c, np.full((n, 4, 1), alpha)], axis=2)
        self.parts[texture].append((p, t, rgba))

    def add_two_sided(
        self, texture: str, corners: npt.ArrayLike, uv: npt.ArrayLike | None = None, **more: object
    ) -> None:
        """Add quads that are seen from both sides."""
        p = np.asarray(corners, dtype=np.float64).reshape(-1, 4, 3)
        t = np.broadcast_to(
            np.asarray(UNIT_UV if uv is None else uv, dtype=np.float64), (len(p), 4, 2)
        )
        self.add(texture, p, t, **more)  # type: ignore[arg-type]
        self.add(texture, p[:, [1, 0, 3, 2]], t[:, [1, 0, 3, 2]], **more)  # type: ignore[arg-type]

    def add_box(
        self,
        texture: str,
        frame: Array,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
        tint: npt.ArrayLike = (1.0, 1.0, 1.0),
        uv_scale: float = 0.0,
        top: bool = True,
        bottom: bool = False,
    ) -> None:
        """Add a box given in the local ``frame`` ((4, 4) to the world), low to high corner."""
        faces = box_faces(np.asarray(low, float), np.asarray(high, float), top, bottom)
        world = faces @ frame[:3, :3].T + frame[:3, 3]
        uv = None
        if uv_scale > 0:
            width = np.linalg.norm(faces[:, 1] - faces[:, 0], axis=1)
            height = np.linalg.norm(faces[:, 3] - faces[:, 0], axis=1)
            size = np.stack([width, height], axis=1)[:, None, :] / uv_scale
            uv = UNIT_UV[None] * size
        self.add(texture, world, uv, tint)

    def arrays(self) -> dict[str, npt.NDArray[np.void]]:
        """Vertices of each texture, (4·N,) records of position, colour and texture coordinate."""
        result = {}
        for texture, parts in self.parts.items():
            p, t, c = (np.concatenate(column) for column in zip(*parts, strict=True))
            vertices = np.zeros(p.shape[0] * 4, dtype=VERTEX)
            vertices["p"] = p.reshape(-1, 3)
            vertices["t"] = t.reshape(-1, 2)
            vertices["c"] = np.round(np.clip(c, 0.0, 1.0) * 255.0).reshape(-1, 4)
            result[texture] = vertices
        return result


def box_faces(low: Array, high: Array, top: bool = True, bottom: bool = False) -> Array:
    """Faces (4 to 6, 4, 3) of an axis-aligned box: front (-y), right, back, left, top, bottom."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    faces = []
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        faces.append([(ax, ay, z0), (bx, by, z0), (bx, by, z1), (ax, ay, z1)])
    if top:
        faces.append([(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)])
    if bottom:
        faces.append([(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)])
    return np.array(faces, dtype=np.float64)


def _normals(p: Array) -> Array:
    n = np.cross(p[:, 2] - p[:, 0], p[:, 3] - p[:, 1])
    length = np.linalg.norm(n, axis=1, keepdims=True)
    return np.asarray(n / np.maximum(length, 1e-12))
