"""Which images corrected maps belong to; what cannot be used is said."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.attention.edits import match_edits
from dalearn_ros.attention.teacher_maps import UNJUDGED, TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError

SIZE = (30, 22)


def edit(digest: str, **changes: object) -> TeacherMap:
    attention = np.full((3, 4), 0.5, np.float32)
    base = TeacherMap(
        digest, attention, SIZE, (32.0, 24.0), "a.jpg", "hand", "Ada", "2026-01-01", {}
    )
    return dataclasses.replace(base, **changes)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = []
    for name in ("a", "b", "a again"):
        file = tmp_path / f"{name}.jpg"
        file.write_bytes(name[0].encode())
        found.append(file)
    return found


def test_a_map_finds_all_files_with_its_bytes(tmp_path: Path, files: list[Path]) -> None:
    folder = tmp_path / "edits"
    TeacherMaps(folder).write(edit(sha256_of(files[0]), misrecognised="perception"))
    TeacherMaps(folder).write(edit(sha256_of(files[1]), made="imported"))
    found = match_edits(folder, files, lambda _: SIZE)
    assert sorted(found.used) == [0, 1, 2]
    assert found.skipped == ()
    summary = found.summary()
    assert (summary["given"], summary["used"], summary["images"]) == (2, 2, 3)
    assert summary["made"] == {"hand": 1, "imported": 1}
    assert summary["recognised_before_share"] == 0.5
    third = dataclasses.replace(found.used[1], misrecognised=UNJUDGED)
    unknown = dataclasses.replace(found, used={**found.used, 1: third}).summary()
    assert unknown["recognised_before_share"] == 0.0  # of the one that was judged
    other = match_edits(folder, files[:2], lambda _: SIZE)
    assert other.digest != found.digest


def test_maps_that_cannot_be_used_are_listed(tmp_path: Path, files: list[Path]) -> None:
    folder = tmp_path / "edits"
    maps = TeacherMaps(folder)
    maps.write(edit(sha256_of(files[0])))
    maps.write(edit("ab" * 32, image="gone.jpg"))
    damaged = maps.write(edit(sha256_of(files[1]), image="b.jpg"))
    about = folder / f"{damaged.digest}.json"
    content = json.loads(about.read_text())
    about.write_text(json.dumps({**content, "covered_px": [0, 24]}))
    found = match_edits(folder, files, lambda _: SIZE)
    assert sorted(found.used) == [0, 2]
    reasons = dict(found.skipped)
    assert "in none of the given data" in reasons["gone.jpg"]
    assert "no area" in reasons["b.jpg"]
    next(folder.glob(f"{damaged.digest}.*.png")).unlink()
    assert "damaged" in dict(match_edits(folder, files, lambda _: SIZE).skipped)[damaged.digest]


def test_no_map_that_can_be_used_is_refused(tmp_path: Path, files: list[Path]) -> None:
    folder = tmp_path / "edits"
    with pytest.raises(InputError, match="no such folder"):
        match_edits(folder, files, lambda _: SIZE)
    TeacherMaps(folder).write(edit(sha256_of(files[1])))
    with pytest.raises(InputError, match=r"1 maps, none of which .* of an image of \(30, 22\) px"):
        match_edits(folder, files, lambda _: (40, 22))
