"""The node's engine parameters reach TensorRT."""

from pathlib import Path

import pytest

from dalearn_ros.core.settings import load_settings
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.engine_settings import EngineSettings, profiles_of
from dalearn_ros.nodes.detector_model import load_detector
from dalearn_ros.nodes.detector_settings import DetectorNodeSettings
from dalearn_ros.nodes.parameters import described

CONFIG = Path(__file__).resolve().parents[2] / "config" / "detector.yaml"


def test_the_shipped_file_holds_the_defaults() -> None:
    assert load_settings(DetectorNodeSettings, CONFIG) == DetectorNodeSettings()
    default, descriptor = described(DetectorNodeSettings)["engine.sizes"]
    assert default == [""] and "1280x720" in descriptor.description


def test_an_engine_takes_all_cameras_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[EngineSettings] = []
    monkeypatch.setattr(LandmarkDetector, "load", lambda *given: seen.append(given[4]))
    for cameras, batch in ((("",), 1), (("front", "left"), 1), (("front", "left"), 4)):
        engine = {"batch": batch, "sizes": ["1280x720", ""]}
        load_detector(
            load_settings(DetectorNodeSettings, None, {"cameras": cameras, "engine": engine})
        )
    assert [one.batch for one in seen] == [1, 2, 4]
    assert [profile.largest for profile in profiles_of(seen[1], 32)] == [(2, 736, 1280)]
