"""The camera model against OpenCV, finite differences and round trips."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.core.errors import InputError
from dalearn_ros.geometry.camera import Camera

K = np.array([[1150.0, 0, 655.5], [0, 1140.0, 352.25], [0, 0, 1]])
LENSES: dict[str, tuple[str, list[float]]] = {
    "none": ("plumb_bob", []),
    "barrel": ("plumb_bob", [-0.32, 0.11, 0.0012, -0.0007, -0.018]),
    "pincushion": ("plumb_bob", [0.21, 0.05, -0.001, 0.002]),
    "rational": ("rational_polynomial", [5.1, 2.2, 2e-4, -4e-4, 0.08, 5.4, 3.6, 0.5]),
    "prism": (
        "rational_polynomial",
        [0.4, -0.2, 1e-3, -2e-3, 0.02, 0.7, -0.1, 0.03, 1e-3, -2e-4, -1.5e-3, 3e-4],
    ),
    "tilted": (
        "rational_polynomial",
        [-0.2, 0.05, 1e-3, 5e-4, 0.0, 0.1, 0.0, 0.0, 1e-3, 0.0, -1e-3, 0.0, 0.02, -0.03],
    ),
    "fisheye": ("equidistant", [-0.013, 0.006, -0.0041, 0.0008]),
    "fisheye plain": ("equidistant", []),
}


def camera(lens: str) -> Camera:
    model, values = LENSES[lens]
    return Camera(1280, 720, K, np.array(values), model)


def by_opencv(model: Camera, p: np.ndarray) -> np.ndarray:
    still = np.zeros(3)
    if model.model == "equidistant":
        given = p.reshape(-1, 1, 3), still, still, model.matrix, model.distortion
        return np.asarray(cv2.fisheye.projectPoints(*given)[0]).reshape(-1, 2)
    given = p, still, still, model.matrix, model.distortion
    return np.asarray(cv2.projectPoints(*given)[0]).reshape(-1, 2)


def points(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    z = rng.uniform(2, 80, 500)
    return np.stack([rng.uniform(-0.55, 0.55, 500) * z, rng.uniform(-0.3, 0.3, 500) * z, z], 1)


@pytest.mark.parametrize("lens", LENSES)
def test_projection_equals_opencv(lens: str) -> None:
    model = camera(lens)
    pixels, valid = model.project(points())
    assert valid.all()
    np.testing.assert_allclose(pixels, by_opencv(model, points()), atol=1e-9)


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


strong = st.floats(-0.4, 0.4)
small = st.floats(-0.004, 0.004)
RATIONAL = st.tuples(strong, strong, small, small, strong, strong, strong, strong)
FISHEYE = st.tuples(st.floats(-0.1, 0.1), *[st.floats(-0.03, 0.03)] * 3)


def in_field(model: Camera, widest_deg: float = 75.0) -> np.ndarray:
    """Points all over the field of a lens, up to 95 % of its radius."""
    reach = min(np.tan(np.radians(widest_deg)), 0.95 * np.sqrt(model.field_r2))
    radius = np.tan(np.linspace(0.0, np.arctan(reach), 12))
    angle = np.linspace(0.0, 2.0 * np.pi, 9)
    x = (radius[:, None] * np.cos(angle)).ravel()
    y = (radius[:, None] * np.sin(angle)).ravel()
    return np.stack([x, y, np.ones_like(x)], axis=1) * np.linspace(1.0, 60.0, len(x))[:, None]


@given(RATIONAL)
def test_any_polynomial_lens_equals_opencv_and_comes_back(values: tuple[float, ...]) -> None:
    model = Camera(1280, 720, K, np.array(values), "rational_polynomial")
    # Inside 60 % of the radial field the tangential part cannot fold the image either.
    p = in_field(model, 50.0)
    p[:, :2] *= 0.6
    pixels, valid = model.project(p)
    assert valid.all()
    np.testing.assert_allclose(pixels, by_opencv(model, p), atol=1e-6)
    again, valid = model.project(model.unproject(pixels))
    assert valid.all()
    np.testing.assert_allclose(again, pixels, atol=1e-6)
    np.testing.assert_allclose(model.unproject(pixels), p / p[:, 2:], atol=1e-6)


@given(FISHEYE)
def test_any_fisheye_lens_equals_opencv_and_comes_back(values: tuple[float, ...]) -> None:
    model = Camera(1280, 720, K, np.array(values), "equidistant")
    p = in_field(model, 88.0)
    pixels, valid = model.project(p)
    assert valid.all()
    np.testing.assert_allclose(pixels, by_opencv(model, p), atol=1e-6)
    again, _ = model.project(model.unproject(pixels))
    np.testing.assert_allclose(again, pixels, atol=1e-6)


@given(st.one_of(RATIONAL, FISHEYE))
def test_the_field_ends_where_the_radius_stops_to_grow(values: tuple[float, ...]) -> None:
    kind = "equidistant" if len(values) == 4 else "rational_polynomial"
    radial = np.array(values)
    if kind == "rational_polynomial":
        radial[2:4] = 0.0
    model = Camera(1280, 720, K, radial, kind)
    end = min(np.sqrt(model.field_r2), 20.0)
    radius = np.linspace(0.0, end * (1.0 - 1e-9), 400)
    distorted = model.lens.distort(radius, 0.0 * radius)[0]
    assert (np.diff(distorted) > -1e-12).all()
    if np.isfinite(model.field_r2):
        beyond = np.array([[1.001 * np.sqrt(model.field_r2), 0.0, 1.0]])
        assert not model.project(beyond)[1].any()


def test_a_pixel_outside_the_image_of_the_field_has_no_ray() -> None:
    folding = Camera(1280, 720, K, np.array([-0.4, 0, 0, 0, 0]))
    # The largest distorted radius is 0.9129 (1 - 0.4 / 1.2) = 0.6086.
    u = 655.5 + 1150.0 * np.array([0.608, 0.609])
    rays = folding.unproject(np.stack([u, [352.25, 352.25]], axis=1))
    assert np.isnan(rays[:, 0]).tolist() == [False, True]


def test_a_fisheye_sees_what_a_pinhole_cannot() -> None:
    wide = Camera(
        1000, 1000, np.array([[320.0, 0, 500], [0, 320.0, 500], [0, 0, 1]]), model="fisheye"
    )
    angle = np.radians([0.0, 45.0, 80.0])
    pixels, valid = wide.project(np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=1))
    assert valid.all()
    np.testing.assert_allclose(pixels[:, 0], 500.0 + 320.0 * angle, atol=1e-9)
    assert wide.model == "equidistant"
    assert wide.rectified().model == "plumb_bob"


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


@pytest.mark.parametrize(
    "end",
    [
        [0.5, 0.1, 5e-4, -4e-4, 0.01, 0.9, 0.25, 0.03, 1e-3, 2e-3, -1e-3, 5e-4],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2e-3, 0.0, 0.0],
        [0.0, 0.0, 2e-2, 3e-2, 0.0, 0.0, 0.0, 0.0],
    ],
)
def test_no_point_folds_back_into_the_image(end: list[float]) -> None:
    """Up to 89 degrees off the axis, whatever lands in the image has the ray it came from."""
    model = Camera(1280, 720, K, np.array(end), "rational_polynomial")
    off = np.radians(np.linspace(0.0, 89.0, 300))[:, None]
    about = np.linspace(0.0, 2 * np.pi, 181)[None]
    x, y = np.sin(off) * np.cos(about), np.sin(off) * np.sin(about)
    p = np.stack([x, y, np.cos(off) + 0 * about], -1).reshape(-1, 3)
    pixels, valid = model.project(p)
    seen = valid & model.inside(pixels)
    assert seen.sum() > 1000
    np.testing.assert_allclose(model.unproject(pixels[seen]), (p / p[:, 2:])[seen], atol=1e-6)


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
        (K, [0.1] * 8, "plumb_bob", "8 values belong to rational_polynomial"),
        (K, [0.1] * 5, "rational_polynomial", "8, 12 or 14 values for rational_polynomial"),
        (K, [0.1] * 5, "equidistant", "0 or 4 values for equidistant, found 5"),
        (K, [np.nan] * 5, "plumb_bob", "D: expected finite values"),
        (K * np.nan, [], "plumb_bob", "finite values, focal lengths above 0"),
        (K.T, [], "plumb_bob", "column by column"),
        (K * [[1], [1], [0]], [], "plumb_bob", "K: expected row by row"),
        (
            K,
            [],
            "thin_prism",
            "plumb_bob or rational_polynomial or equidistant, found 'thin_prism'",
        ),
    ],
)
def test_a_wrong_calibration_is_a_sentence(
    matrix: np.ndarray, distortion: list[float], model: str, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        Camera(1280, 720, matrix, np.array(distortion), model)
