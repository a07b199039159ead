"""Random changes of batches: what stays, what moves, and within which bounds."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from dalearn_ros.classification.augment import (
    AugmentationSettings,
    change,
    change_together,
    prepare,
)

NOTHING = AugmentationSettings(
    shift=0.0, scale=0.0, aspect=0.0, turn_deg=0.0, shear=0.0,
    stroke=0.0, blur=0.0, contrast=0.0, noise=0.0, invert=0.0,
)  # fmt: skip


def _images(count: int = 4, size: int = 17) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.rand(count, 3, size, size)


def _only(**changes: float) -> AugmentationSettings:
    return dataclasses.replace(NOTHING, **changes)


def test_prepare_is_0_to_1() -> None:
    found = prepare(torch.tensor([[[[0, 51, 255]]]], dtype=torch.uint8))
    assert found.flatten().tolist() == pytest.approx([0.0, 0.2, 1.0])


def test_no_strength_and_no_settings_change_nothing() -> None:
    images = _images()
    assert change(images, AugmentationSettings(), 0.0) is images
    assert torch.allclose(change(images, NOTHING), images, atol=1e-5)


def test_every_image_is_changed_in_its_own_way_by_the_seed() -> None:
    image = _images(1).expand(3, -1, -1, -1)
    torch.manual_seed(5)
    one = change(image, AugmentationSettings())
    torch.manual_seed(5)
    again = change(image, AugmentationSettings())
    assert torch.equal(one, again)
    assert not torch.allclose(one[0], one[1], atol=0.01)
    assert one.min() >= 0.0 and one.max() <= 1.0


def test_moving_brings_in_the_colour_of_the_border() -> None:
    plain = torch.full((2, 3, 16, 16), 0.8)
    moved = change(plain, _only(shift=0.4, scale=0.8, turn_deg=90.0, shear=0.5, aspect=0.5))
    assert torch.allclose(moved, plain, atol=1e-5)


@pytest.mark.parametrize("name,most", [("shift", 0.2), ("turn_deg", 30.0), ("scale", 0.3)])
def test_a_dot_moves_no_farther_than_allowed(name: str, most: float) -> None:
    size = 65
    images = torch.zeros(200, 1, size, size)
    images[:, :, 31:34, 47:50] = 1.0  # 16 px right of the centre
    torch.manual_seed(0)
    moved = change(images, _only(**{name: most}))[:, 0]
    line = torch.arange(size, dtype=torch.float32) - 32
    mass = moved.sum(dim=(1, 2))
    x = (moved.sum(dim=1) * line).sum(dim=1) / mass
    y = (moved.sum(dim=2) * line).sum(dim=1) / mass
    if name == "shift":
        assert (x - 16).abs().max() == pytest.approx(most * size, abs=1.0)
        assert y.abs().max() == pytest.approx(most * size, abs=1.0)
    elif name == "turn_deg":
        assert torch.hypot(x, y).sub(16).abs().max() < 0.5
        assert torch.rad2deg(torch.atan2(y, x)).abs().max() == pytest.approx(most, abs=1.5)
    else:
        factor = torch.log(x / 16)
        assert factor.abs().max() == pytest.approx(most, abs=0.03)
        assert factor.min() < -0.2 and factor.max() > 0.2


def test_strokes_stay_between_the_darkest_and_the_brightest_neighbour() -> None:
    images = _images(30)
    changed = change(images, _only(stroke=1.0))
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    bright, dark = functional.max_pool2d(padded, 3, 1), -functional.max_pool2d(-padded, 3, 1)
    assert (changed <= bright + 1e-5).all() and (changed >= dark - 1e-5).all()
    means = (changed - images).mean(dim=(1, 2, 3))
    assert means.min() < -0.05 and means.max() > 0.05  # thinner ones and thicker ones


def test_inverting_and_blurring() -> None:
    images = _images()
    assert torch.allclose(change(images, _only(invert=1.0)), 1.0 - images, atol=1e-5)
    blurred = change(images, _only(blur=1.0))
    assert (blurred.std(dim=(1, 2, 3)) < images.std(dim=(1, 2, 3))).all()


def test_maps_move_with_their_images() -> None:
    still = {"stroke": 0.0, "blur": 0.0, "contrast": 0.0, "noise": 0.0}
    settings = AugmentationSettings(**still)
    images = torch.zeros(3, 1, 16, 16)
    images[:, :, 5:9, 6:11] = 0.8
    torch.manual_seed(1)
    changed, maps = change_together(images, images.clone(), settings)
    assert not torch.equal(changed, images)
    assert torch.allclose(changed, maps, atol=1e-6)
    torch.manual_seed(1)
    assert torch.equal(change(images, settings), changed)
