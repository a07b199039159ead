"""What counts as the same input."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.recipe import identity
from dalearn_ros.recipe.identity import identity_of

WHOLE_BYTES, END_BYTES = 1 << 12, 1 << 10


def test_a_small_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert identity_of(tmp_path / "a") == hashlib.sha256(b"5\0hello").hexdigest()[:16]
    (tmp_path / "b").write_bytes(b"hello")
    assert identity_of(tmp_path / "b") == identity_of(tmp_path / "a")


@pytest.mark.parametrize(
    ("place", "seen"),
    [(0, True), (END_BYTES - 1, True), (WHOLE_BYTES // 2, False), (WHOLE_BYTES, True)],
)
def test_a_large_file_is_its_size_and_its_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int, seen: bool
) -> None:
    monkeypatch.setattr(identity, "WHOLE_BYTES", WHOLE_BYTES)
    monkeypatch.setattr(identity, "END_BYTES", END_BYTES)
    file, content = tmp_path / "a.tar", bytearray(WHOLE_BYTES + 1)
    file.write_bytes(content)
    before = identity_of(file)
    content[place] = 1
    file.write_bytes(content)
    assert (identity_of(file) != before) == seen
    file.write_bytes(bytes(WHOLE_BYTES + 2))
    assert identity_of(file) != before


def test_a_folder_is_its_names_and_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "images/1.png").write_bytes(b"12")
    (folder / "dataset.json").write_bytes(b"{}")
    before = identity_of(folder)
    folder = folder.rename(tmp_path / "moved")
    assert identity_of(folder) == before
    (folder / "images/1.png").write_bytes(b"34")  # images count with name and size
    assert identity_of(folder) == before
    (folder / "images/1.png").write_bytes(b"345")
    changed = identity_of(folder)
    assert changed != before
    (folder / "images/1.png").rename(folder / "images/2.png")
    assert identity_of(folder) not in (before, changed)
    (folder / "dataset.json").write_bytes(b"[]")
    assert identity_of(folder) not in (before, changed)


def test_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing there"):
        identity_of(tmp_path / "none")
