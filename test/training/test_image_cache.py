"""Images that a process and its children share."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.training import image_cache
from dalearn_ros.training.image_cache import ImageCache, free_bytes


def _image(value: int, shape: tuple[int, int, int] = (4, 5, 3)) -> np.ndarray:
    return np.full(shape, value, np.uint8)


def test_it_keeps_what_fits_and_no_more() -> None:
    cache = ImageCache([60, 60, 60], 130)
    for index in range(3):
        assert cache.get(index) is None
        cache.put(index, _image(index + 1))
    for index in range(2):
        found = cache.get(index)
        assert found is not None
        assert np.array_equal(found, _image(index + 1))
        with pytest.raises(ValueError, match="read-only"):
            found[0] = 0
    assert cache.get(2) is None


def test_an_image_of_another_size_or_of_unknown_size_is_not_kept() -> None:
    cache = ImageCache([60, 0, 24], 1000)
    cache.put(0, _image(1, (4, 4, 3)))
    cache.put(1, _image(1))
    cache.put(2, _image(7, (2, 4, 3)))
    assert cache.get(0) is None
    assert cache.get(1) is None
    assert cache.get(2) is not None
    assert ImageCache([], 10).get(0) is None
    assert ImageCache([60], 0).get(0) is None


def test_what_a_child_puts_in_the_parent_has() -> None:
    cache = ImageCache([60], 60)
    child = os.fork()
    if not child:
        cache.put(0, _image(9))
        os._exit(0)
    os.waitpid(child, 0)
    found = cache.get(0)
    assert found is not None
    assert (found == 9).all()


def test_a_pickled_one_is_empty() -> None:
    cache = ImageCache([60], 60)
    cache.put(0, _image(9))
    assert pickle.loads(pickle.dumps(cache)).get(0) is None


def test_free_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert free_bytes() > 0
    place = tmp_path
    (place / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:    4000 kB\n")
    (place / "max").write_text("3000000\n")
    (place / "current").write_text("1000000\n")
    monkeypatch.setattr(image_cache, "_MEMINFO", place / "meminfo")
    monkeypatch.setattr(image_cache, "_GROUPS", ((str(place / "no"), str(place / "no")),))
    assert free_bytes() == 4_096_000
    groups = ((str(place / "max"), str(place / "current")),)
    monkeypatch.setattr(image_cache, "_GROUPS", groups)
    assert free_bytes() == 2_000_000
    (place / "max").write_text("max\n")
    assert free_bytes() == 4_096_000
    (place / "meminfo").unlink()
    assert free_bytes() == 0
