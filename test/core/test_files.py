"""Files are whole or absent, whatever interrupts the writing."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import (
    atomic_directory,
    atomic_file,
    fsync_tree,
    is_leftover,
    remove_leftovers,
    write_json,
)


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interrupted_file_leaves_the_old_one(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(interruption), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise interruption
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interrupted_folder_is_absent(tmp_path: Path, interruption: type[BaseException]) -> None:
    with pytest.raises(interruption), atomic_directory(tmp_path / "d") as temporary:
        (temporary / "x").write_text("half")
        raise interruption
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_refused_and_kept(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "precious").write_text("1")
    with pytest.raises(InputError, match="exists already"), atomic_directory(folder):
        pass
    assert (folder / "precious").read_text() == "1"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    with atomic_directory(tmp_path / "d") as temporary:
        (temporary / "x").write_text("1")
    assert (tmp_path / "d" / "x").read_text() == "1"


def test_a_full_disk_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from dalearn_ros.core.errors import InputError\n"
        "from dalearn_ros.core.files import atomic_file\n"
        "try:\n"
        "    with atomic_file(sys.argv[1]) as p: p.write_bytes(bytes(200_000))\n"
        "except InputError as e: print(e); sys.exit(1)\n"
    )

    def small_files_only() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "big")],
        capture_output=True,
        text=True,
        preexec_fn=small_files_only,
        check=False,
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be written (File too large)" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_json_is_rounded_sorted_and_has_no_nan(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    write_json(path, {"b": np.float64(0.12345678), "a": [np.nan, np.int64(3)], "c": np.ones(2)})
    assert path.read_text().split() == (
        '{ "a": [ null, 3 ], "b": 0.123457, "c": [ 1.0, 1.0 ] }'.split()
    )


def test_json_is_on_the_disk_when_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []

    def fsync(opened: int) -> None:
        name = os.readlink(f"/proc/self/fd/{opened}")
        synced.append((Path(name).suffix, (tmp_path / "a.json").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_json(tmp_path / "a.json", {})
    assert synced == [(".json", False), (tmp_path.suffix, True)]  # the file, its folder


def test_a_disk_that_breaks_is_a_sentence_and_a_folder_that_cannot_be_synced_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(number: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", lambda _: fsync(errno.EIO))
    for work in (lambda: write_json(tmp_path / "a.json", {}), lambda: fsync_tree(tmp_path)):
        with pytest.raises(InputError, match="cannot be written \\(Input/output error"):
            work()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(os, "fsync", lambda _: fsync(errno.EINVAL))
    write_json(tmp_path / "a.json", {})


def test_leftovers_are_told_from_other_files(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from dalearn_ros.core.files import atomic_directory, atomic_file\n"
        "with atomic_file(sys.argv[1] + '/a.b.json') as p, atomic_directory(sys.argv[1] + '/d'):\n"
        "    p.touch(); os._exit(0)\n"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    left = {path.name for path in tmp_path.iterdir()}
    assert len(left) == 2 and all(map(is_leftover, left))
    others = {".part", ".a.part", "a.77.part.json", ".git", ".x.77.party"}
    assert not any(map(is_leftover, others))
    for name in others:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, "a")
    assert {path.name for path in tmp_path.iterdir()} == others | {n for n in left if "d" in n[:2]}
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == others
