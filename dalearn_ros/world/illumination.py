"""Light and air between the city and the lens: extinction, airlight, headlights, lamps, glare.

The city is drawn with the light of the sky (and sun) baked in. Here each pixel gets the light that
depends on where the camera is, computed from its depth at reduced resolution: L = L0·G + P, with
G = (own light or ambient + headlights + lamps)·T, T = exp(-extinction·range), P = airlight·(1 - T)
+ reflection in a wet road + bloom + the sun's veil. Linear light, red green blue as blue green red.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.world.lens import HEIGHT, WIDTH, Lens
from dalearn_ros.world.materials import emission_weight, ground_weight, retro_weight
from dalearn_ros.world.weather import Weather

Array = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
SMALL = 4  # one sample of air and lamps for so many pixels each way
RETRO_GAIN = 22.0
HEADLIGHT_HEIGHT_M = 0.65


class Illumination:
    """Applies one weather to pictures of one camera."""

    def __init__(self, weather: Weather, lens: Lens, mount: Transform, lamps: Array) -> None:
        w = self.weather = weather
        self.lens, self.mount, self.lamps = lens, mount, lamps
        self.simple = w.airlight is None
        self.dark = w.headlights > 0
        size = (WIDTH // SMALL, HEIGHT // SMALL)
        at = [
            np.ascontiguousarray(m[SMALL // 2 :: SMALL, SMALL // 2 :: SMALL])
            for m in (lens.map_x, lens.map_y)
        ]
        self._maps = (at[0], at[1])
        u, v = np.meshgrid(
            np.arange(size[0]) * SMALL + SMALL // 2, np.arange(size[1]) * SMALL + SMALL // 2
        )
        pixels = np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64)
        rays = lens.camera.unproject(pixels).reshape(size[1], size[0], 3)
        self._range_of_depth = np.linalg.norm(rays, axis=2).astype(np.float32)
        self._rays_optical = rays.astype(np.float32)
        self._rays_base = (rays @ mount.rotation.T).astype(np.float32)
        radius = cv2.resize(lens.radius, size, interpolation=cv2.INTER_AREA)
        self._exposure = ((1.0 - 0.30 * radius**2) ** 2 * w.gain**2).astype(np.float32)
        slope = self._rays_base[..., 2] / np.linalg.norm(self._rays_base, axis=2)
        grazing = np.clip(1.0 + slope, 0.0, 1.0)  # 1 - sine of the angle to the ground
        self._fresnel = ((0.02 + 0.98 * grazing**5) * (slope < 0)).astype(np.float32)
        own = emission_weight()
        self._tables = (own, 1.0 - own, 1.0 + RETRO_GAIN * retro_weight(), ground_weight())
        self._horizon = int(np.argmin(np.abs(slope[:, size[0] // 2])))

    def sample_depth(self, z: npt.NDArray[np.uint32], depth_of: Any) -> Float:
        """Depth in metres on the coarse grid (180, 320)."""
        small = cv2.remap(z.view(np.float32), *self._maps, cv2.INTER_NEAREST).view(np.uint32)
        return np.asarray(depth_of(small), dtype=np.float32)

    def flow(self, depth: Float, later_from_now: Transform) -> Float:
        """Motion (180, 320, 2) in pixels of the drawn picture.

        Args:
            depth: From :meth:`sample_depth`.
            later_from_now: The camera's motion: coordinates a moment later from those now.
        """
        near = np.clip(depth, 1.5, 4000.0)[..., None]
        now = self._rays_optical * near
        later = now @ later_from_now.rotation.T.astype(np.float32)
        later += later_from_now.translation.astype(np.float32)
        moved = later[..., :2] / np.maximum(later[..., 2:], 0.5) - self._rays_optical[..., :2]
        return np.asarray(moved * np.float32(self.lens.focal_px))

    def apply(
        self,
        image: npt.NDArray[Any],
        colour: npt.NDArray[np.uint8],
        depth: Float,
        map_from_base: Transform,
    ) -> npt.NDArray[np.uint8]:
        """The lit picture (720, 1280, 3) uint8, before noise."""
        w = self.weather
        code: Any = colour[..., 3]
        if self.dark or w.wet > 0:
            code = cv2.remap(
                np.ascontiguousarray(code), *self.lens.fixed_nearest, cv2.INTER_NEAREST
            )
        far = np.minimum(depth, np.float32(4000.0))
        clear = np.exp(-w.extinction * far * self._range_of_depth).astype(np.float32)
        linear: Any = cv2.multiply(image, image, scale=1.0 / 65025.0, dtype=cv2.CV_32F)
        if self.dark:
            linear = self._lit(linear, code, depth, clear, map_from_base)
        else:
            gain = clear * self._exposure
            linear = cv2.multiply(linear, _full(np.dstack([gain] * 3)))
        extra = self._airlight(clear)
        if w.wet > 0:
            linear = self._wet(linear, code, extra)
        if w.glare > 0:
            extra += self._glare(depth, map_from_base)
        if self.dark or w.glare > 0:
            extra += self._bloom(linear)
        linear = cv2.add(linear, _full(extra))
        cv2.sqrt(linear, linear)
        return np.asarray(cv2.convertScaleAbs(linear, alpha=255.0))

    def _airlight(self, clear: Float) -> Float:
        assert self.weather.airlight is not None
        scattered = ((1.0 - clear) * self._exposure)[..., None]
        return np.asarray(
            scattered * self.weather.airlight[::-1].astype(np.float32), dtype=np.float32
        )

    def _lit(
        self,
        linear: Float,
        code: npt.NDArray[np.uint8],
        depth: Float,
        clear: Float,
        pose: Transform,
    ) -> Float:
        """Ambient, headlights and lamps on what does not shine by itself."""
        w = self.weather
        assert w.ambient is not None
        seen = clear * self._exposure
        beam, lambert = self._headlights(depth)
        around = w.ambient[::-1].astype(np.float32)[None, None]
        lamps = self._street_lamps(depth, pose)[..., None] * np.array([0.55, 0.80, 1.0], np.float32)
        emission, others, retro, ground = (cv2.LUT(code, table) for table in self._tables)
        base = _full(((around + lamps) * seen[..., None]).astype(np.float32))
        head = _full((beam * seen).astype(np.float32))
        less = _full((beam * (lambert - 1.0) * seen).astype(np.float32))
        own = _full((seen * w.glow).astype(np.float32))
        share = cv2.multiply(head, retro)  # retro = 1 + gain on signs
        cv2.accumulateProduct(less, ground, share)
        cv2.multiply(share, others, share)
        cv2.accumulateProduct(own, emission, share)
        total = cv2.multiply(base, cv2.merge([others] * 3))
        cv2.add(total, cv2.merge([share] * 3), total)
        return np.asarray(cv2.multiply(linear, total, linear))

    def _headlights(self, depth: Float) -> tuple[Float, Float]:
        """Irradiance of low beams on a surface that faces them, and the road's share of it."""
        depth = np.minimum(depth, np.float32(4000.0))
        x = self._rays_base[..., 0] * depth + np.float32(self.mount.translation[0] - 3.6)
        y = self._rays_base[..., 1] * depth
        up = self._rays_base[..., 2] * depth + np.float32(
            self.mount.translation[2] - HEADLIGHT_HEIGHT_M
        )
        x = np.maximum(x, 1.5)
        distance2 = x * x + y * y
        azimuth, elevation = y / x, up / x
        aim = np.exp(-((azimuth / 0.42) ** 2)) + 0.12 * np.exp(-((azimuth / 1.1) ** 2))
        cut = 1.0 / (1.0 + np.exp((elevation + 0.012 - 0.03 * (azimuth < 0)) * 220.0))
        low = np.exp(9.0 * np.minimum(elevation, 0.0))
        beam = (
            self.weather.headlights
            * 420.0
            / np.maximum(distance2, 16.0)
            * aim
            * (cut * low + 0.035)
        )
        lambert = np.clip(2.6 * HEADLIGHT_HEIGHT_M / np.sqrt(distance2), 0.05, 0.5)
        return beam.astype(np.float32), lambert.astype(np.float32)

    def _street_lamps(self, depth: Float, pose: Transform) -> Float:
        """Irradiance of the nearest street lamps."""
        total = np.zeros(depth.shape, np.float32)
        if self.weather.lamps <= 0 or len(self.lamps) == 0:
            return total
        eighth = np.ascontiguousarray(depth[::2, ::2])
        base = self._rays_base[::2, ::2] * np.minimum(eighth, 500.0)[..., None]
        camera = pose @ Transform(np.eye(3), self.mount.translation)
        local = camera.inverse().apply(self.lamps)
        near = np.argsort(np.abs(local[:, 0] - 18.0))[:9]
        sum_small = np.zeros(eighth.shape, np.float32)
        for lamp in local[near].astype(np.float32):
            d = base - lamp
            d2 = np.einsum("ijk,ijk->ij", d, d)
            down = np.clip(-d[..., 2], 0.0, None) / np.sqrt(d2 + 0.5)
            sum_small += (11.0 * self.weather.lamps) * down / (d2 + 2.0)
        return np.asarray(cv2.resize(sum_small, depth.shape[::-1]))

    def _wet(self, linear: Float, code: npt.NDArray[np.uint8], extra: Float) -> Float:
        """A wet ground is darker and mirrors what stands beyond it, blurred upright."""
        w = self.weather
        ground = cv2.LUT(code, self._tables[3])
        size = (WIDTH // SMALL, HEIGHT // SMALL)
        small = cv2.resize(linear, size, interpolation=cv2.INTER_AREA) + extra
        mirror = np.zeros_like(small)
        h = self._horizon
        rows = min(h, size[1] - h)
        mirror[h : h + rows] = small[h - rows : h][::-1]
        mirror = cv2.GaussianBlur(mirror, (5, 23), 0)
        strength = self._fresnel * np.float32(w.wet)
        shine = _full(mirror * strength[..., None])
        dark = cv2.merge([1.0 - np.float32(0.5 * w.wet) * ground] * 3)
        cv2.multiply(linear, dark, linear)
        return np.asarray(cv2.accumulateProduct(shine, cv2.merge([ground] * 3), linear))

    def _glare(self, depth: Float, pose: Transform) -> Float:
        """The sun's disc and its veil."""
        toward_base = pose.rotation.T @ self.weather.light.direction
        toward = self.mount.rotation.T @ toward_base
        unit = self._rays_base / np.linalg.norm(self._rays_base, axis=2, keepdims=True)
        cosine = np.clip(unit @ toward_base.astype(np.float32), -1.0, 1.0)
        angle = np.arccos(cosine)
        if toward[2] < 0.3:
            return np.zeros((*depth.shape, 3), np.float32)
        sky = np.isinf(depth)
        visible = float((sky & (angle < 0.03)).sum()) / max(float((angle < 0.03).sum()), 1.0)
        if not (angle < 0.03).any():
            visible = 0.5
        visible = 0.25 + 0.75 * visible
        veil = (
            self.weather.glare * visible * (0.010 / (angle**2 + 0.02) + 0.05 * np.exp(-angle * 3.0))
        )
        disc = np.where(
            sky, 6.0 * np.exp(-((angle / 0.012) ** 2)) + 0.5 * np.exp(-((angle / 0.06) ** 2)), 0.0
        )
        total = (veil + disc) * self._exposure
        return np.asarray(total[..., None] * np.array([0.62, 0.84, 1.0]), dtype=np.float32)

    def _bloom(self, linear: Float) -> Float:
        """Light that strays around what is brighter than the sensor can hold."""
        size = (WIDTH // SMALL, HEIGHT // SMALL)
        small = cv2.resize(linear, size, interpolation=cv2.INTER_AREA)
        bright = np.clip(small - 0.75, 0.0, 4.0)
        near = cv2.GaussianBlur(bright, (0, 0), 2.0)
        far = cv2.GaussianBlur(bright, (0, 0), 8.0)
        return np.asarray(near * 0.35 + far * 0.25)


def _full(small: Float) -> Float:
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR))
