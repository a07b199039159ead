"""The camera model against OpenCV, finite differences and round trips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera

K = np.array([[1150.0, 0, 655.5], [0, 1140.0, 352.25], [0, 0, 1]])
LENSES = {
    "none": [],
    "barrel": [-0.32, 0.11, 0.0012, -0.0007, -0.018],
    "pincushion": [0.21, 0.05, -0.001, 0.002],
}


def camera(lens: str) -> Camera:
    return Camera(1280, 720, K, np.array(LENSES[lens]))


def points(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    z = rng.uniform(2, 80, 500)
    return np.stack([rng.uniform(-0.55, 0.55, 500) * z, rng.uniform(-0.3, 0.3, 500) * z, z], 1)


@pytest.mark.parametrize("lens", LENSES)
def test_projection_equals_opencv(lens: str) -> None:
    model = camera(lens)
    pixels, valid = model.project(points())
    expected = cv2.projectPoints(points(), np.zeros(3), np.zeros(3), K, model.distortion)[0]
    assert valid.all()
    np.testing.assert_allclose(pixels, expected.reshape(-1, 2), atol=1e-9)


@pytest.mark.parametrize("lens", LENSES)
def test_unprojection_is_the_inverse(lens: str) -> None:
    p = points()
    pixels, _ = camera(lens).project(p)
    np.testing.assert_allclose(camera(lens).unproject(pixels), p / p[:, 2:], atol=1e-10)


@pytest.mark.parametrize("lens", LENSES)
def test_jacobian_equals_finite_differences(lens: str) -> None:
    p, step = points()[:50], 1e-5
    for axis in range(3):
        shift = np.eye(3)[axis] * step
        ahead, _ = camera(lens).project(p + shift)
        behind, _ = camera(lens).project(p - shift)
        numeric = (ahead - behind) / (2 * step)
        analytic = camera(lens).project_jacobian(p)[:, :, axis]
        np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=1e-4)


def test_points_behind_the_camera_are_not_valid() -> None:
    pixels, valid = camera("none").project([[0, 0, -5], [0, 0, 0], [0, 0, 5]])
    assert valid.tolist() == [False, False, True]
    assert np.isnan(pixels[:2]).all()
    np.testing.assert_allclose(pixels[2], [655.5, 352.25])


def test_a_point_where_the_lens_folds_back_is_not_valid() -> None:
    folding = Camera(1280, 720, K, np.array([-0.4, 0, 0, 0, 0]))
    # r (1 - 0.4 r²) grows until 1 = 1.2 r², r = 0.9129.
    assert folding.field_r2 == pytest.approx(1 / 1.2)
    _, valid = folding.project([[0.90, 0, 1], [0.92, 0, 1], [1.4, 0, 1]])
    assert valid.tolist() == [True, False, False]


def test_resizing_keeps_the_half_pixel() -> None:
    half = camera("barrel").scaled(0.5)
    full_px, _ = camera("barrel").project(points())
    half_px, _ = half.project(points())
    assert (half.width, half.height) == (640, 360)
    np.testing.assert_allclose(half_px, (full_px + 0.5) * 0.5 - 0.5, atol=1e-9)


def test_the_image_area_ends_half_a_pixel_beyond_the_outer_centres() -> None:
    edge = [[-0.5, 0], [-0.6, 0], [1279.5, 719.5], [1279.6, 0], [np.nan, 0]]
    assert camera("none").inside(edge).tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("matrix", "distortion", "model", "text"),
    [
        (np.zeros((3, 3)), [], "plumb_bob", "focal lengths above 0"),
        (K, [0.1, 0.2, 0.3], "plumb_bob", "0, 4 or 5 values for plumb_bob, found 3"),
        (K, [np.nan] * 5, "plumb_bob", "focal lengths above 0"),
        (K, [], "thin_prism", "expected plumb_bob, found 'thin_prism'"),
    ],
)
def test_a_wrong_calibration_is_a_sentence(
    matrix: np.ndarray, distortion: list[float], model: str, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        Camera(1280, 720, matrix, np.array(distortion), model)
