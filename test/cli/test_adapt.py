"""``dalearn adapt --task classification`` from the shell; detection has a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.tiny_images import write_images, write_tiny

from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings, check_classifier
from dalearn_ros.cli.main import main
from dalearn_ros.core.settings import dump_settings, load_settings

DIGITS = Path(__file__).resolve().parents[2] / "config" / "adapt_digits.yaml"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Folders of images and a configuration of six steps."""
    write_images(tmp_path / "source")
    write_images(tmp_path / "target", seed=1, size=12)
    write_images(tmp_path / "test", seed=2, size=12)
    write_tiny(tmp_path / "adapt.yaml")
    return tmp_path


def _arguments(place: Path, *more: str) -> list[str]:
    return [
        "adapt", "--task", "classification", "--source", f"{place}/source",
        "--target", f"{place}/target", "--config", f"{place}/adapt.yaml",
        "--out", f"{place}/run", *more,
    ]  # fmt: skip


def test_adapts_scores_and_says_so(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(place, "--evaluate", f"{place}/test", "--seed", "3")) == 0
    told = capsys.readouterr().out
    metrics = json.loads((place / "run" / "metrics.json").read_text())
    assert told.count("\n") == 1
    assert f"accuracy {metrics['accuracy']:.4f} on 12 images" in told
    assert f"source only {metrics['source_only_accuracy']:.4f}" in told
    before = (place / "run" / "metrics.json").read_bytes()
    assert main(_arguments(place, "--evaluate", f"{place}/test", "--seed", "3")) == 0
    assert (place / "run" / "metrics.json").read_bytes() == before


def test_without_a_score_it_says_so(
    place: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    (place / "target" / "bar" / "0.png").write_bytes(b"")
    assert main(_arguments(place)) == 0
    assert "no --evaluate, so no score; 1 unreadable files left out" in capsys.readouterr().out
    assert "only 11 images for 3 classes" in caplog.text


@pytest.mark.parametrize(
    "changes,parts",
    [
        (
            {"adaptation": {"domain": {"levels": "both"}}},
            ["adapt.yaml", "adaptation.domain.levels"],
        ),
        ({"target": {"wek": 0.1}}, ["adapt.yaml", "target.wek", "Did you mean"]),
        (
            {"adaptation": {"self_training": {"fall_from": 2.0, "fall_to": 1.0}}},
            ["self_training.fall_from", "a value below fall_to"],
        ),
    ],
)
def test_a_mistake_is_a_sentence(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    parts: list[str],
) -> None:
    write_tiny(place / "adapt.yaml", changes)
    assert main(_arguments(place)) == 1
    told = capsys.readouterr().err
    assert all(part in told for part in parts), told
    assert not (place / "run").exists()


def test_the_target_being_the_source_is_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, "--target", f"{place}/source")) == 1
    assert "there is nothing to adapt to" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adapt", "--help"]) == 0
    assert "dalearn adapt --init" in capsys.readouterr().out


def test_the_settings_of_the_digits_are_the_defaults() -> None:
    settings = load_settings(AdaptClassifierSettings, DIGITS)
    assert check_classifier(settings) == []
    assert dump_settings(settings) == dump_settings(AdaptClassifierSettings())


def test_an_option_of_detection_alone_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, "--map-labels", str(place / "source"))) == 1
    assert "--map-labels: only detection has this option" in capsys.readouterr().err
