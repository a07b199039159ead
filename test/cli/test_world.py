"""``dalearn world`` from the shell: what it says when it is stopped or cannot write."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from dalearn_ros.cli.main import main


@pytest.mark.parametrize(
    "fault, named",
    [
        (KeyboardInterrupt(), "interrupted; nothing half-written is left behind"),
        (OSError(errno.ENOSPC, "No space left on device"), "cannot be written (No space left"),
    ],
)
def test_nothing_half_written_stays(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: BaseException,
    named: str,
) -> None:
    def fails(scene: object, plan: object, seed: int, folder: Path) -> None:
        folder.mkdir()
        (folder / "half").write_text("half")
        raise fault

    class Studio:
        scene = None

        def __init__(self, *_: object) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr("dalearn_ros.world.drive.Studio", Studio)
    monkeypatch.setattr("dalearn_ros.world.drive.write_map", fails)
    assert main(["world", "--frames", "1", "--out", str(tmp_path / "drive")]) == 1
    told = capsys.readouterr().err
    assert named in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option, value, named",
    [("--city", "west", "north, south, east"), ("--condition", "hail", "low_sun")],
)
def test_an_unknown_name_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, named: str
) -> None:
    assert main(["world", option, value, "--out", str(tmp_path / "drive")]) == 1
    assert named in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
