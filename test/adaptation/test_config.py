"""The settings files that list all defaults are those that tools/write_settings.py writes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.core.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["train.yaml", "adapt.yaml", "distill.yaml"])
def test_the_file_is_up_to_date(name: str) -> None:
    tool = runpy.run_path(str(ROOT / "tools" / "write_settings.py"))
    again = "Write it again with: python tools/write_settings.py"
    assert (ROOT / "config" / name).read_text(encoding="utf-8") == tool["text_of"](name), again


def test_it_says_the_defaults() -> None:
    assert load_settings(AdaptSettings, ROOT / "config" / "adapt.yaml") == AdaptSettings()
