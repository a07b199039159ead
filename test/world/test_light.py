"""Short cuts of light and lens give what the long way gives."""

from __future__ import annotations

import cv2
import numpy as np

from dalearn_ros.world import stray
from dalearn_ros.world.camera import camera_of
from dalearn_ros.world.lens import Lens
from dalearn_ros.world.style import CITIES


def test_smearing_in_strips_is_the_mean_of_two_whole_pictures() -> None:
    lens = Lens(camera_of(CITIES["south"]))
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 256, (lens.height, lens.width, 4), dtype=np.uint8)
    flow = rng.uniform(-2.0, 2.0, (180, 320, 2)).astype(np.float32)
    full = cv2.resize(flow, (1280, 720))
    ends = [
        cv2.remap(picture, lens.map + sign * full, None, cv2.INTER_LINEAR).astype(float)
        for sign in (1, -1)
    ]
    expected = (ends[0] + ends[1])[..., :3] / 2
    assert np.abs(lens.moving(picture, flow) - expected).max() <= 0.5


def test_codes_are_never_mixed() -> None:
    lens = Lens(camera_of(CITIES["east"]))
    picture = np.zeros((lens.height, lens.width, 4), np.uint8)
    picture[..., 3] = 96
    picture[:, lens.width // 2 :, 3] = 200
    codes = lens.codes(picture)
    assert set(np.unique(codes)) == {96, 200}
    right = lens.map[..., 0] >= lens.width // 2 - 0.5
    assert np.count_nonzero((codes == 200) != right) <= 2


def test_bloom_is_two_gaussians_of_what_is_too_bright() -> None:
    small = np.full((180, 320, 3), 0.5, np.float32)
    assert not stray.bloom(small).any()
    small[80:100, 150:170] = 2.75
    bright = np.clip(small - 0.75, 0, None)
    expected = 0.35 * cv2.GaussianBlur(bright, (0, 0), 2) + 0.25 * cv2.GaussianBlur(
        bright, (0, 0), 8
    )
    assert np.abs(stray.bloom(small) - expected).max() < 0.02
    assert np.isclose(stray.bloom(small).sum(), 0.6 * bright.sum(), rtol=0.02)


def test_airlight_and_veil_by_hand() -> None:
    clear, exposure = np.full((2, 2), 0.25, np.float32), np.full((2, 2), 2.0, np.float32)
    light = stray.airlight(clear, exposure, np.array([0.3, 0.2, 0.1]))
    np.testing.assert_allclose(light[0, 0], [0.15, 0.30, 0.45], rtol=1e-6)  # blue, green, red
    angle = np.full((2, 2), 0.5, np.float32)  # the sun lies outside: 0.25 + 0.75 / 2 of the veil
    veil = stray.glare(angle, np.zeros((2, 2), bool), 1.0, exposure)
    expected = 0.625 * (0.010 / 0.27 + 0.05 * np.exp(-1.5)) * 2.0
    np.testing.assert_allclose(veil[1, 1], expected * np.array([0.62, 0.84, 1.0]), rtol=1e-5)
