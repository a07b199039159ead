"""Pictures into a store, those too that it has as a whole already."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from helpers.small_store import DAY, NAMES, picture

from dalearn_ros.hard_examples.collect import Kept, collect
from dalearn_ros.hard_examples.pictures import Picture
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore


def test_an_image_that_is_there_as_a_whole_gets_its_areas(tmp_path: Path) -> None:
    image, index = picture(100)
    whole, known = Picture("a", image, None), Picture("a", image, index, NAMES)
    with ParameterStore.create(tmp_path / "s") as store:
        assert collect(store, [whole], DAY, "before") == Counter(targets=1, whole_only=1)
        assert set(store.of_target(1)) == {WHOLE} and store.index_of(1) is None
        store.record_use([store.of_target(1)[WHOLE].id], 0.4, "m")
        assert collect(store, [known], DAY, "after") == Counter(twice=1, completed=1)
        found = store.of_target(1)
        assert set(found) == {"road", "sky", WHOLE}
        assert (found[WHOLE].used, found[WHOLE].accuracy) == (1, 0.4)
        kept = store.index_of(1)
        assert kept is not None and kept[1] == NAMES
        np.testing.assert_array_equal(kept[0], index)
        assert collect(store, [known, whole], DAY, "again") == Counter(twice=2, whole_only=1)
        assert len(store) == 3 and store.index_of(1) is not None


def test_areas_without_a_kept_index_image(tmp_path: Path) -> None:
    image, index = picture(100)
    with ParameterStore.create(tmp_path / "s") as store:
        collect(store, [Picture("a", image, None)], DAY, "before")
        known = Picture("a", image, index, NAMES)
        assert collect(store, [known], DAY, "after", Kept(index_px=0))["completed"] == 1
        assert set(store.of_target(1)) == {"road", "sky", WHOLE} and store.index_of(1) is None
