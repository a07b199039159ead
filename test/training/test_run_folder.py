"""What a run says of itself is what it was made with, to the last digit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.training.run_folder import (
    FORMAT_VERSION,
    RUN_FILE,
    OtherRun,
    claim_run,
    read_run,
    refuse_other,
)


def described(value: float) -> dict[str, object]:
    return {"format": "x", "format_version": FORMAT_VERSION, "settings": {"gamma": value}}


def test_small_numbers_are_kept_and_told_apart(tmp_path: Path) -> None:
    run = tmp_path / "run"
    claim_run(run, described(4.25e-7))
    assert read_run(run) == described(4.25e-7)
    claim_run(run, described(4.25e-7))  # the same goes on
    with pytest.raises(OtherRun, match="another 'settings.gamma'"):
        claim_run(run, described(2e-7))


def test_a_run_of_before_whose_numbers_were_rounded_goes_on(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps(described(0.123457)))
    claim_run(tmp_path, described(0.1234567))
    with pytest.raises(InputError, match="another 'settings.gamma'"):
        claim_run(tmp_path, described(0.2))


def test_what_a_killed_process_left_is_nothing_else(tmp_path: Path) -> None:
    """Killed between the temporary file and its new name."""
    left = [tmp_path / ".run.77.part.json", tmp_path / ".model.9.part.onnx", tmp_path / ".d.1.part"]
    for path in left[:2]:
        path.touch()
    left[2].mkdir()
    refuse_other(tmp_path)
    assert all(path.exists() for path in left)
    claim_run(tmp_path, described(1.0))
    assert [path.name for path in tmp_path.iterdir()] == [RUN_FILE]
    left[0].touch()
    claim_run(tmp_path, described(1.0))  # the same goes on
    assert not left[0].exists()
    (tmp_path / RUN_FILE).unlink()
    (tmp_path / ".hidden").touch()
    with pytest.raises(InputError, match="holds something else"):
        claim_run(tmp_path, described(1.0))
