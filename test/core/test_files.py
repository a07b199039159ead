"""Files are whole or absent, whatever interrupts the writing."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_directory, atomic_file, write_json


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
