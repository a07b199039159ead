"""Float L*a*b* by hand numbers and by OpenCV; what does not fit into sRGB."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.hard_examples.colour import bgr_to_lab, lab_inside, lab_to_bgr
from dalearn_ros.hard_examples.spaces import SPACES, colour_space


@pytest.mark.parametrize(
    "bgr, lab",
    [  # published values of the sRGB primaries (D65), of white, black and middle grey
        ((255, 255, 255), (100.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        ((0, 0, 255), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((255, 0, 0), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0.0, 0.0)),
    ],
)
def test_lab_of_known_colours(bgr: tuple, lab: tuple) -> None:
    found = bgr_to_lab(np.array([[bgr]], np.uint8))[0, 0]
    assert found == pytest.approx(lab, abs=0.02)


def test_lab_by_the_standards_formulas() -> None:
    """In double precision: IEC 61966-2-1 and CIE 15."""
    image = np.random.default_rng(1).integers(0, 256, (80, 90, 3), np.uint8)
    coded = image[..., ::-1] / 255.0
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    x = linear @ np.array([0.4124564, 0.3575761, 0.1804375]) / 0.95047
    y = linear @ np.array([0.2126729, 0.7151522, 0.0721750])
    z = linear @ np.array([0.0193339, 0.1191920, 0.9503041]) / 1.08883
    fx, fy, fz = (
        np.where(t > 216 / 24389, np.cbrt(t), (24389 / 27 * t + 16) / 116) for t in (x, y, z)
    )
    expected = np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], axis=-1)
    assert np.abs(bgr_to_lab(image) - expected).max() < 1e-3


def test_lab_as_opencv_has_it() -> None:
    """OpenCV interpolates float L*a*b* in a table; the back conversion is exact."""
    image = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    ours = bgr_to_lab(image)
    theirs = cv2.cvtColor(np.float32(image) / np.float32(255), cv2.COLOR_BGR2LAB)
    assert np.abs(ours - theirs).mean() < 0.3
    back = cv2.cvtColor(ours, cv2.COLOR_LAB2BGR) * 255.0
    assert np.abs(back - image).max() < 0.5


@pytest.mark.parametrize("name", SPACES)
def test_all_8_bit_colours_come_back(name: str) -> None:
    space = colour_space(name)
    steps = np.array([0, 1, 2, 3, 5, 9, 14, 40, 90, 128, 200, 254, 255], np.uint8)
    image = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(13, -1, 3)
    image = np.ascontiguousarray(image)
    values = space.from_bgr(image)
    back, outside = space.to_bgr(values)
    assert np.array_equal(back, image)
    assert not outside.any()
    for channel, (low, high) in enumerate(space.ranges):
        assert low - 0.1 <= values[..., channel].min()
        assert values[..., channel].max() <= high + 0.1


def test_what_srgb_cannot_show_is_clipped_and_told() -> None:
    lab = np.array([[[120, 0, 0], [-20, 0, 0], [50, 100, 0], [50, 0, 0]]], np.float32)
    image, outside = lab_to_bgr(lab)
    assert outside.tolist() == [[True, True, True, False]]
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[0, 1].tolist() == [0, 0, 0]
    assert image[0, 2, 1] == 0  # no green is left in a red beyond sRGB
    assert lab_inside(lab[0]).tolist() == [False, False, False, True]


def test_rgb_and_ycbcr_by_hand() -> None:
    image = np.array([[[0, 0, 255]]], np.uint8)  # red
    assert SPACES["rgb"].from_bgr(image)[0, 0] == pytest.approx([100.0, 0.0, 0.0], abs=1e-4)
    ycbcr = SPACES["ycbcr"].from_bgr(image)[0, 0]
    assert ycbcr == pytest.approx([29.9, -16.8736, 50.0], abs=1e-4)


def test_an_unknown_space_is_named() -> None:
    with pytest.raises(SettingsError, match="expected one of lab, rgb, ycbcr, found 'hsv'"):
        colour_space("hsv")
