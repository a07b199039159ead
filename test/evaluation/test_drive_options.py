"""Options of a drive out of what names them."""

from __future__ import annotations

from types import SimpleNamespace

from dalearn_ros.evaluation.drive_options import NAMES, DriveOptions
from dalearn_ros.localization.settings import LocalizerSettings


def test_every_name_is_taken_and_seconds_become_nanoseconds() -> None:
    names = {name: f"/{name}" for name in NAMES}
    given = SimpleNamespace(**names, time_offset_s=-0.0234567891)
    localizer = LocalizerSettings()
    found = DriveOptions.of(given, 4.0, localizer)
    wanted = DriveOptions(**names, match_px=4.0, time_offset_ns=-23_456_789, localizer=localizer)
    assert found == wanted
