"""Source crops in the colours of target crops."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dalearn_ros.adaptation.target_colours import in_colours_of, recoloured

Image = npt.NDArray[np.uint8]


def _textured(seed: int, low: int, high: int, channels: int = 3) -> Image:
    values = np.random.default_rng(seed).integers(low, high, (40, 60, channels))
    return np.asarray(values, np.uint8)


def _moments(image: Image) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and deviation in Lab by the formula of CIE, from sRGB under D65."""
    linear = image[..., ::-1].astype(np.float64) / 255.0
    linear = np.where(linear > 0.04045, ((linear + 0.055) / 1.055) ** 2.4, linear / 12.92)
    to_xyz = np.array(
        [
            [0.412453, 0.357580, 0.180423],
            [0.212671, 0.715160, 0.072169],
            [0.019334, 0.119193, 0.950227],
        ]
    )
    ratio = linear @ to_xyz.T / np.array([0.950456, 1.0, 1.088754])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16.0 / 116.0)
    lab = np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )
    return lab.mean(axis=(0, 1)), lab.std(axis=(0, 1))


def test_mean_and_spread_in_lab_become_those_of_the_model() -> None:
    day, night = _textured(1, 90, 160), _textured(2, 20, 60)
    night[..., 0] //= 2  # another cast
    mean, spread = _moments(in_colours_of(day, night))
    wanted_mean, wanted_spread = _moments(night)
    # what leaves the range of 8 bits is clipped, so that the moments are not quite the model's
    assert np.abs(mean - wanted_mean).max() < 1.5
    assert np.abs(spread - wanted_spread).max() < 1.5


def test_an_image_in_its_own_colours_stays_as_it_is() -> None:
    image = _textured(3, 30, 220)
    assert np.abs(in_colours_of(image, image).astype(int) - image).max() <= 1


def test_grey_images_take_the_level_and_contrast_of_the_model() -> None:
    image, model = _textured(4, 100, 120, 1), _textured(5, 40, 80, 1)
    found = in_colours_of(image, model)
    assert found.shape == image.shape
    assert found.mean() == pytest.approx(model.mean(), abs=0.5)
    assert found.std() == pytest.approx(model.std(), abs=0.5)


def test_an_image_of_one_colour_takes_the_mean_and_gets_no_pattern() -> None:
    plain = np.full((20, 30, 3), 128, np.uint8)
    model = _textured(6, 0, 255)
    found = in_colours_of(plain, model)
    assert len(np.unique(found.reshape(-1, 3), axis=0)) == 1
    lab = cv2.cvtColor((found[:1, :1] / np.float32(255)).astype(np.float32), cv2.COLOR_BGR2Lab)
    assert np.abs(lab[0, 0] - _moments(model)[0]).max() < 1.5


def test_contrast_is_raised_by_three_at_most() -> None:
    dull, model = _textured(7, 126, 131, 1), _textured(8, 0, 255, 1)
    assert in_colours_of(dull, model).std() <= 3.0 * dull.std() + 0.5


@pytest.mark.parametrize(("share", "changed"), [(0.0, 0), (1.0, 6)])
def test_a_share_of_the_crops_is_recoloured(share: float, changed: int) -> None:
    crops = np.stack([_textured(seed, 90, 160) for seed in range(6)])
    models = np.stack([_textured(9, 10, 40)])
    before = crops.copy()
    found = recoloured(crops, models, share, np.random.default_rng(0))
    assert sum(not np.array_equal(a, b) for a, b in zip(found, crops, strict=True)) == changed
    np.testing.assert_array_equal(crops, before)


def test_half_of_many_crops() -> None:
    crops = np.stack([_textured(seed, 90, 160) for seed in range(200)])
    found = recoloured(crops, crops[:1] // 4, 0.5, np.random.default_rng(0))
    count = sum(not np.array_equal(a, b) for a, b in zip(found, crops, strict=True))
    assert 75 <= count <= 125
