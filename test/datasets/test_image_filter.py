"""Spoiled images are left out with their reason, good ones in any weather stay."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.painted_scene import noisy, scene
from helpers.tiny_training import write_dataset
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.image_filter import (
    FilterSettings,
    LabelledImages,
    distinct,
    filter_images,
)
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset


def weather(image: np.ndarray) -> dict[str, np.ndarray]:
    """The same scene by day, night and in fog, as a camera gives it."""
    return {
        "day": noisy(image, 1.5),
        "night": noisy((image * 0.25).astype(np.uint8), 7.0),
        "fog": noisy(np.asarray(170 + 0.15 * (image.astype(float) - 128)), 1.5),
    }


class InMemory:
    """Images by name; the name is the key too."""

    def __init__(self, images: dict[str, np.ndarray | None]) -> None:
        self.images = list(images.items())

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> np.ndarray:
        image = self.images[index][1]
        if image is None:
            raise DatasetError("cannot be decoded")
        return image

    def name(self, index: int) -> str:
        return self.images[index][0]

    digest = name


def test_good_images_stay_and_spoiled_ones_go_for_their_reason() -> None:
    images: dict[str, np.ndarray | None] = {}
    for seed in range(4):
        for name, image in weather(scene(seed)).items():
            images[f"{name}{seed}"] = image
    day = scene(9)
    spoiled = {
        "noise": noisy(day, 25.0),
        "blur": noisy(cv2.GaussianBlur(day, (0, 0), 1.6), 1.0),  # 3.2 px at 1280 columns
        "overexposed": np.clip(day.astype(int) * 4, 0, 255).astype(np.uint8),
        "underexposed": (day * 0.03).astype(np.uint8),
        "unreadable": None,
    }
    found = filter_images(InMemory(images | spoiled), FilterSettings(), threads=2)
    assert found.left_out == {reason: [reason] for reason in spoiled}
    assert list(found.rows) == list(range(len(images)))


@pytest.mark.parametrize(
    "name, reason", [("max_noise", "noise"), ("max_blur_px", "blur"), ("max_bright", "overexposed"),
                     ("max_dark", "underexposed"), ("min_change", "standing")],
)  # fmt: skip
def test_each_test_can_be_switched_off(name: str, reason: str) -> None:
    day = scene(1)
    image = {
        "noise": noisy(day, 25.0),
        "blur": np.asarray(cv2.GaussianBlur(day, (0, 0), 1.6)),
        "overexposed": np.clip(day.astype(int) * 4, 0, 255).astype(np.uint8),
        "underexposed": (day * 0.03).astype(np.uint8),
        "standing": noisy(scene(2), 3.0),
    }[reason]
    images = InMemory({"a": scene(2), "b": image})
    only = FilterSettings(**{f.name: None for f in dataclasses.fields(FilterSettings)})
    assert len(filter_images(images, only, 1).rows) == 2
    default = getattr(FilterSettings(), name)
    on = filter_images(images, dataclasses.replace(only, **{name: default}), 1)
    assert on.left_out == {reason: ["b"]}


def test_of_a_standing_vehicle_the_smallest_digest_stays_in_any_order() -> None:
    """Noise and compression differ from frame to frame; a step further is another image."""
    standing = {f"s{n}": noisy(scene(5), 4.0, n) for n in range(4)}
    away = {f"m{n}": np.roll(scene(5), 12 * (n + 1), axis=1) for n in range(3)}
    images = standing | away
    for order in (sorted(images), sorted(images, reverse=True)):
        found = filter_images(InMemory({name: images[name] for name in order}), FilterSettings(), 1)
        kept = {order[int(row)] for row in found.rows}
        assert kept == {"s0", "m0", "m1", "m2"}
        assert sorted(found.left_out["standing"]) == ["s1", "s2", "s3"]


@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.0, 1.0))
def test_distinct_is_what_comparing_all_by_key_gives(seed: int, count: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    base = random.integers(0, 255, (3, 36, 64))
    change = random.integers(-60, 60, (count, 36, 64)) * random.random((count, 1, 1))
    images = np.clip(base[random.integers(0, 3, count)] + change, 0, 255).astype(np.uint8)
    keys = [f"{k:02d}" for k in random.permutation(count)]
    kept: list[int] = []
    pixels = images.astype(float)
    for row in np.argsort(keys):
        if all(
            np.abs(pixels[row] - pixels[k]).mean() > limit * max(pixels[row].std(), pixels[k].std())
            for k in kept
        ):
            kept.append(int(row))
    assert sorted(kept) == list(np.flatnonzero(distinct(images, keys, limit)))


def test_a_list_and_a_dataset_can_be_filtered(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), scene(number))
    images = ImageList.open([tmp_path])
    found = filter_images(images, FilterSettings())
    assert len(images.select(found.rows, found.left_out)) == 3
    data = Dataset.open(write_dataset(tmp_path / "data"))
    labelled = LabelledImages(data)
    off = FilterSettings(max_noise=None, max_blur_px=None, min_change=0.0)
    found = filter_images(labelled, off)
    assert len(found.rows) + len(found.left_out.get("standing", [])) == len(data)
    assert labelled.name(0) == str(data.image_path(0))
