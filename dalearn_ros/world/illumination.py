"""Light and air between the city and the lens: extinction, airlight, headlights, lamps, glare.

The city is drawn with the light of the sky (and sun) baked in. Here each pixel gets the light that
depends on where the camera is, computed from its depth at reduced resolution: L = L0·G + P, with
G = (own light or ambient + headlights + lamps)·T, T = exp(-extinction·range), P = airlight·(1 - T)
+ reflection in a wet road + bloom + the sun's veil. Linear light, red green blue as blue green red.

Full pictures of floats are worked through in strips of rows that stay in the processor's cache.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world import stray
from dalearn_ros.world.lamps import LAMP_COLOUR, Lamps
from dalearn_ros.world.lens import HEIGHT, STRIPS, WIDTH, Lens
from dalearn_ros.world.materials import DIFFUSE, emission_weight, ground_weight, retro_weight
from dalearn_ros.world.weather import Weather

Array = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]
SMALL = 4  # one sample of air and lamps for so many pixels each way
SIZE = (WIDTH // SMALL, HEIGHT // SMALL)
RETRO_GAIN = 22.0


class Illumination:
    """Applies one weather to pictures of one camera."""

    def __init__(self, weather: Weather, lens: Lens, mount: Transform, lamps: Array) -> None:
        w = self.weather = weather
        self.lens, self.mount = lens, mount
        self.simple = w.airlight is None
        self.dark = w.headlights > 0
        self._maps = np.ascontiguousarray(lens.map[SMALL // 2 :: SMALL, SMALL // 2 :: SMALL])
        u, v = np.meshgrid(
            np.arange(SIZE[0]) * SMALL + SMALL // 2, np.arange(SIZE[1]) * SMALL + SMALL // 2
        )
        pixels = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64)
        rays = lens.camera.unproject(pixels).reshape(SIZE[1], SIZE[0], 3)
        length = np.linalg.norm(rays, axis=2)
        self._extinction = (-w.extinction * length).astype(np.float32)
        self._rays_optical = rays.astype(np.float32)
        rays_base = rays @ mount.rotation.T
        self._unit = (rays_base / length[..., None]).astype(np.float32)
        radius = cv2.resize(lens.radius, SIZE, interpolation=cv2.INTER_AREA)
        self._exposure = ((1.0 - 0.30 * radius**2) ** 2 * w.gain**2).astype(np.float32)
        slope = self._unit[..., 2]
        grazing = np.clip(1.0 + slope, 0.0, 1.0)  # 1 - sine of the angle to the ground
        fresnel = (0.02 + 0.98 * grazing**5) * (slope < 0)
        self._mirroring = cv2.merge([(fresnel * w.wet).astype(np.float32)] * 3)
        self._horizon = int(np.argmin(np.abs(slope[:, SIZE[0] // 2])))
        self._lamps = Lamps(w, rays_base.astype(np.float32), mount, lamps)
        own, self._ground = emission_weight(), ground_weight()
        others = 1.0 - own
        signs = others * (1.0 + np.float32(RETRO_GAIN) * retro_weight())
        self._tables = (others, signs, others * self._ground, own * np.float32(w.glow))
        self._linear = np.empty((HEIGHT, WIDTH, 3), np.float32)

    def sample_depth(self, z: npt.NDArray[np.uint32], depth_of: Any) -> Float:
        """Depth in metres on the coarse grid (180, 320)."""
        small = cv2.remap(z.view(np.float32), self._maps, None, cv2.INTER_NEAREST)  # type: ignore[call-overload]
        return np.asarray(depth_of(small.view(np.uint32)), dtype=np.float32)

    def flow(self, depth: Float, later_from_now: Transform) -> Float:
        """Motion (180, 320, 2) in pixels of the drawn picture.

        Args:
            depth: From :meth:`sample_depth`.
            later_from_now: The camera's motion: coordinates a moment later from those now.
        """
        near = 1 / np.clip(depth, 1.5, 4000.0)
        turned = cv2.split(cv2.transform(self._rays_optical, later_from_now.rotation))
        x, y, z = (
            ray + near * np.float32(t)
            for ray, t in zip(turned, later_from_now.translation, strict=True)
        )
        moved = cv2.merge([x / z, y / z]) - self._rays_optical[..., :2]
        return np.asarray(moved * np.float32(self.lens.focal_px))

    def apply(
        self,
        image: npt.NDArray[Any],
        colour: npt.NDArray[np.uint8],
        depth: Float,
        map_from_base: Transform,
    ) -> npt.NDArray[np.uint8]:
        """The lit picture (720, 1280, 3) uint8, before noise.

        Args:
            image: (720, 1280, 3) uint8, through the lens.
            colour: (H, W, 4) from the renderer: its material codes are used.
            depth: From :meth:`sample_depth`.
            map_from_base: The vehicle's pose.
        """
        w = self.weather
        assert w.airlight is not None
        code = self.lens.codes(colour) if self.dark or w.wet > 0 else None
        clear = np.exp(self._extinction * np.minimum(depth, np.float32(4000.0)))
        if self.dark:
            assert code is not None
            self._light_night(image, code, depth, clear, map_from_base)
        else:
            self._light_day(image, clear)
        extra = stray.airlight(clear, self._exposure, w.airlight)
        shine = self._reflection(extra) if w.wet > 0 else None
        if w.glare > 0:
            self._add_sun(extra, depth, map_from_base)
        if self.dark or w.glare > 0:
            extra += stray.bloom(self._small())
        return self._developed(_full(extra), shine, code)

    def _light_day(self, image: npt.NDArray[Any], clear: Float) -> None:
        """Fill ``_linear`` with the baked light, thinned by the air."""
        gain = _full(clear * self._exposure)
        for rows in STRIPS:
            part = self._linear[rows]
            _square(image[rows], part)
            np.multiply(part, cv2.merge([gain[rows]] * 3), out=part)

    def _light_night(
        self,
        image: npt.NDArray[Any],
        code: Codes,
        depth: Float,
        clear: Float,
        pose: Transform,
    ) -> None:
        """Fill ``_linear``: ambient, headlights and lamps on what does not shine by itself."""
        ambient = self.weather.ambient
        assert ambient is not None
        seen = clear * self._exposure
        beam, lambert = self._lamps.headlights(depth)
        beam *= seen
        lamps = self._lamps.street_lamps(depth, pose)
        fields = [_full(f) for f in (seen, lamps * seen, beam, beam * (lambert - 1))]
        # Ambient, lamps and the rest, each of its own colour.
        colours = np.stack([ambient[::-1], LAMP_COLOUR, np.ones(3)], axis=1)
        for rows in STRIPS:
            others, signs, ground, own = (
                np.asarray(cv2.LUT(code[rows], table), np.float32) for table in self._tables
            )
            sky, lamp, head, less = (f[rows] for f in fields)
            signs *= head  # headlights on what faces them; the road gets less
            ground *= less
            own *= sky
            signs += ground
            signs += own
            sky *= others
            lamp *= others
            part = self._linear[rows]
            _square(image[rows], part)
            np.multiply(part, cv2.transform(cv2.merge([sky, lamp, signs]), colours), out=part)

    def _small(self) -> Float:
        """``_linear`` on the coarse grid."""
        return np.asarray(cv2.resize(self._linear, SIZE, interpolation=cv2.INTER_AREA))

    def _reflection(self, extra: Float) -> Float:
        """What a wet ground mirrors, blurred upright: (720, 1280, 3).

        Args:
            extra: (180, 320, 3) airlight.
        """
        h = self._horizon
        rows = min(h, SIZE[1] - h)
        above = self._linear[SMALL * (h - rows) : SMALL * h]
        small = cv2.resize(above, (SIZE[0], rows), interpolation=cv2.INTER_AREA)
        mirror = np.zeros_like(extra)
        mirror[h : h + rows] = (small + extra[h - rows : h])[::-1]
        blurred = cv2.GaussianBlur(mirror, (5, 23), 0)
        return _full(cv2.multiply(blurred, self._mirroring, blurred))

    def _add_sun(self, extra: Float, depth: Float, pose: Transform) -> None:
        toward = pose.rotation.T @ self.weather.light.direction
        if (self.mount.rotation.T @ toward)[2] < 0.3:
            return  # well beside the picture or behind
        cosine = np.clip(self._unit @ toward.astype(np.float32), -1, 1)
        extra += stray.glare(np.arccos(cosine), np.isinf(depth), self.weather.glare, self._exposure)

    def _developed(self, extra: Float, shine: Float | None, code: Codes | None) -> Codes:
        """The picture (720, 1280, 3) of ``_linear`` on a wet or dry ground, and stray light."""
        out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
        darker = -0.5 * self.weather.wet
        for rows in STRIPS:
            part = self._linear[rows]
            if shine is not None and code is not None and code[rows].max() > DIFFUSE:  # ground
                ground = cv2.LUT(code[rows], self._ground)
                change: Float = np.asarray(cv2.scaleAdd(part, darker, shine[rows]), np.float32)
                change *= np.asarray(cv2.merge([ground] * 3), np.float32)
                part += change
            part += extra[rows]
            cv2.sqrt(part, part)
            cv2.convertScaleAbs(part, out[rows], 255.0)
        return out


def _square(image: npt.NDArray[Any], out: Float) -> None:
    """Linear light 0..1 of a picture in display space."""
    cv2.multiply(image, image, out, 1.0 / 65025.0, cv2.CV_32F)


def _full(small: npt.NDArray[Any]) -> Float:
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR))
