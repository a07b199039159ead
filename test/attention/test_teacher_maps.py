"""Corrected maps as files: round trip, revisions, damage."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.attention import teacher_maps
from dalearn_ros.attention.teacher_maps import DamagedMap, EditConflict, TeacherMap, TeacherMaps
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
    for content in (b"no picture", b""):
        picture.write_bytes(content)
        with pytest.raises(DamagedMap, match="is damaged"):
            maps.read(DIGEST)
    picture.unlink()
    with pytest.raises(DamagedMap, match="is damaged"):
        maps.read(DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        {"model": None}, {"who": 3}, {"revision": True}, {"revision": "1"}, {"digest": "cd" * 32},
        {"size_px": [1]}, {"size_px": ["1", 2]}, {"covered_px": [1.0, None]}, {"image": None},
        {"covered_px": "12"}, {"note": []}, {"cells": None},
    ],
    ids=str,
)  # fmt: skip
def test_fields_of_another_type_are_damage(tmp_path: Path, change: dict[str, object]) -> None:
    maps = TeacherMaps(tmp_path)
    maps.write(some_map())
    file = tmp_path / f"{DIGEST}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(DamagedMap, match="is damaged"):
        maps.read(DIGEST)


def test_a_new_map_takes_the_place_of_a_damaged_one_which_is_kept(tmp_path: Path) -> None:
    maps = TeacherMaps(tmp_path)
    maps.write(maps.write(some_map()))
    file, picture = tmp_path / f"{DIGEST}.json", tmp_path / f"{DIGEST}.2.png"
    picture.write_bytes(b"")
    about = file.read_bytes()
    with pytest.raises(DamagedMap, match="takes the place of this one"):
        maps.write(some_map(revision=2))
    for revision in (3, 4):
        written = maps.write(some_map(who="Bob"))
        assert written.revision == revision
        found = maps.read(DIGEST)
        assert found is not None
        assert (found.who, found.revision) == ("Bob", revision)
        (tmp_path / f"{DIGEST}.{revision}.png").unlink()
    assert maps.digests() == [DIGEST]
    assert (tmp_path / f"{file.name}.damaged-3").read_bytes() == about
    assert (tmp_path / f"{picture.name}.damaged-3").read_bytes() == b""
    assert (tmp_path / f"{file.name}.damaged-4").exists()


def test_a_map_of_another_version_is_not_written_over(tmp_path: Path) -> None:
    maps = TeacherMaps(tmp_path)
    maps.write(some_map())
    file = tmp_path / f"{DIGEST}.json"
    file.write_text(file.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(InputError, match="version 2"):
        maps.write(some_map())
    assert len(list(tmp_path.glob("*.json"))) == 1


def test_a_map_that_is_replaced_while_it_is_read_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = TeacherMaps(tmp_path)
    first = maps.write(some_map())
    real, calls = teacher_maps._read_png, 0

    def late(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 1:  # between the reading of the JSON and that of its PNG
            monkeypatch.setattr(teacher_maps, "_read_png", real)
            maps.write(dataclasses.replace(first, who="Bob"))
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(teacher_maps, "_read_png", late)
    found = maps.read(DIGEST)
    assert found is not None
    assert (found.who, found.revision, calls) == ("Bob", 2, 1)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "ab", "AB" * 32, DIGEST + "\n"])
def test_a_name_that_is_no_digest_is_refused(tmp_path: Path, digest: str) -> None:
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        TeacherMaps(tmp_path).read(digest)
