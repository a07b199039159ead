"""Corrected maps as files: round trip, revisions, damage."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.attention.teacher_maps import EditConflict, TeacherMap, TeacherMaps
from dalearn_ros.core.errors import InputError

DIGEST = "ab" * 32


def some_map(**changes: object) -> TeacherMap:
    attention = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    base = TeacherMap(
        DIGEST, attention, (30, 22), (32.0, 24.0), "images/a.jpg", "hand", "Ada",
        "2026-01-02T03:04:05Z", {"weights": "12"}, "perception",
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    maps = TeacherMaps(tmp_path / "edits")
    assert maps.digests() == []
    assert maps.read(DIGEST) is None
    written = maps.write(some_map())
    found = maps.read(DIGEST)
    assert found is not None
    assert np.array_equal(found.attention, written.attention)
    assert np.abs(found.attention - some_map().attention).max() <= 0.5 / 65535 + 1e-9
    plain = {"attention": np.zeros(0)}
    same = dataclasses.replace(some_map(revision=1), **plain), dataclasses.replace(found, **plain)
    assert str(same[0]) == str(same[1])
    assert maps.digests() == [DIGEST]
    (picture,) = (tmp_path / "edits").glob("*.png")
    assert cv2.imread(str(picture), cv2.IMREAD_UNCHANGED).dtype == np.uint16


def test_a_map_that_somebody_else_wrote_is_not_lost(tmp_path: Path) -> None:
    maps = TeacherMaps(tmp_path)
    first = maps.write(some_map())
    second = maps.write(dataclasses.replace(first, who="Bob"))
    assert second.revision == 2
    with pytest.raises(EditConflict, match="revision 2, by Bob"):
        maps.write(dataclasses.replace(first, who="Eve"))
    found = maps.read(DIGEST)
    assert found is not None
    assert found.who == "Bob"
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_damaged_files_are_named(tmp_path: Path) -> None:
    maps = TeacherMaps(tmp_path)
    maps.write(some_map())
    (picture,) = tmp_path.glob("*.png")
    picture.write_bytes(b"no picture")
    with pytest.raises(InputError, match="is damaged"):
        maps.read(DIGEST)
    picture.unlink()
    with pytest.raises(InputError, match="is damaged"):
        maps.read(DIGEST)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "ab", "AB" * 32, DIGEST + "\n"])
def test_a_name_that_is_no_digest_is_refused(tmp_path: Path, digest: str) -> None:
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        TeacherMaps(tmp_path).read(digest)
