"""Whatever is done to a map file: landmarks and sentences come out, or one MapError."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_street
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import load_map

VALUES = ["", "nan", "inf", "-1e300", "0", "x", "1", "2", "🚦", "999999", "yes", "&lt;", "-90"]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("street")
    write_street(folder)
    return (folder / "lanelet2_map.osm").read_text()


def _damaged(text: str, seed: int) -> str:
    """Some values replaced, lines dropped, doubled or swapped; sometimes cut off in the middle."""
    chance = random.Random(seed)
    lines = text.splitlines()
    for _ in range(chance.randint(1, 12)):
        i = chance.randrange(2, len(lines) - 1)
        action = chance.choice(["value", "value", "value", "drop", "double", "swap"])
        if action == "value":
            places = list(re.finditer(r'"([^"]*)"', lines[i]))
            if places:
                at = chance.choice(places)
                before, after = lines[i][: at.start()], lines[i][at.end() :]
                lines[i] = f'{before}"{chance.choice(VALUES)}"{after}'
        elif action == "drop":
            del lines[i]
        elif action == "double":
            lines.insert(i, lines[i])
        else:
            lines[i], lines[i - 1] = lines[i - 1], lines[i]
    damaged = "\n".join(lines)
    return damaged[: chance.randrange(len(damaged))] if chance.random() < 0.1 else damaged


@settings(max_examples=25)
@given(seed=st.integers(0, 10**9))
def test_damage_never_ends_in_a_traceback(
    street: str, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder: Path = tmp_path_factory.getbasetemp()
    path = folder / "damaged.osm"
    path.write_text(_damaged(street, seed), encoding="utf-8")
    try:
        landmarks = load_map(path, "vienna")
    except MapError as error:
        assert str(path) in str(error)
        return
    assert len(landmarks) and np.isfinite(landmarks.point_m).all()
    assert len(set(landmarks.ids.tolist())) == len(landmarks)
    assert np.isfinite(landmarks.outlines_m.values).all()
