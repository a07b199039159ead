"""What counts as the same input."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dalearn_ros.core import digests
from dalearn_ros.core.errors import BagError, InputError
from dalearn_ros.datasets.identity import identity_of

END_BYTES = 1 << 10


def test_a_file_is_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert identity_of(tmp_path / "a") == hashlib.sha256(b"\x005\0hello").hexdigest()
    (tmp_path / "b").write_bytes(b"hello")
    assert identity_of(tmp_path / "b") == identity_of(tmp_path / "a")


@pytest.mark.parametrize(("name", "seen"), [("a.mcap", False), ("annotations.json", True)])
def test_only_recordings_are_their_size_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, seen: bool
) -> None:
    monkeypatch.setattr(digests, "END_BYTES", END_BYTES)
    monkeypatch.setattr(digests, "CHUNK_BYTES", 100)
    file, size = tmp_path / name, 3 * END_BYTES
    file.write_bytes(bytes(size))
    before = identity_of(file)
    for place in (0, END_BYTES - 1, size - END_BYTES, size - 1, size // 2):
        content = bytearray(size)
        content[place] = 1
        file.write_bytes(content)
        assert (identity_of(file) != before) == (seen or place != size // 2), place
    file.write_bytes(bytes(size + 1))
    assert identity_of(file) != before


def write_folder(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12")
    return folder


def test_a_dataset_is_what_is_read_of_it(tmp_path: Path) -> None:
    names = "dataset.json", "annotations.json", "images/1.png", "images/cam/2.png"
    folder = write_folder(tmp_path / "data", *names)
    before = identity_of(folder)
    folder = folder.rename(tmp_path / "moved")
    write_folder(folder, "audit.html", "areas/1.png", "thumbs.db", "images/.hidden")
    assert identity_of(folder) == before
    (folder / "images/1.png").write_bytes(b"34")  # images count with name and size
    assert identity_of(folder) == before
    assert identity_of(folder, whole_images=True) != before
    (folder / "images/1.png").write_bytes(b"345")
    found = [before, identity_of(folder)]
    (folder / "images/1.png").rename(folder / "images/3.png")
    found.append(identity_of(folder))
    (folder / "annotations.json").write_bytes(b"[]")
    found.append(identity_of(folder))
    assert len(set(found)) == 4


def test_a_run_is_its_description_and_weights(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "run.json", "weights.safetensors")
    before = identity_of(folder)
    write_folder(folder, "model.onnx", "history.jsonl", "checkpoint.safetensors")
    assert identity_of(folder) == before
    (folder / "weights.safetensors").write_bytes(b"21")
    assert identity_of(folder) != before


def test_any_other_folder_is_all_its_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, "a.mcap", "metadata.yaml")
    before = identity_of(folder)
    write_folder(folder, ".directory")
    assert identity_of(folder) == before
    write_folder(folder, "b.mcap")
    assert identity_of(folder) != before


def test_links_are_followed(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", "dataset.json", "annotations.json", "images/1.png")
    before = identity_of(folder)
    (folder / "images").rename(tmp_path / "elsewhere")
    (folder / "images").symlink_to(tmp_path / "elsewhere")
    assert identity_of(folder) == before
    write_folder(tmp_path / "elsewhere", "2.png")
    assert identity_of(folder) != before
    (folder / "images/again").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="a link to a folder that it is in"):
        identity_of(folder)


def test_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="nothing there"):
        identity_of(tmp_path / "none", BagError)
