"""Whole runs on tiny images: what they write, what they never look at, how they go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers.tiny_images import TINY, write_images

from dalearn_ros.adaptation import classifier_run
from dalearn_ros.adaptation.classifier import ClassifierAdaptation
from dalearn_ros.adaptation.classifier_data import Folders
from dalearn_ros.adaptation.classifier_run import ADAPTED, METRICS, SOURCE_ONLY, adapt_classifier
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.core.settings import load_settings
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import WEIGHTS, Trainer

SETTINGS = load_settings(AdaptClassifierSettings, None, TINY)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """``source``, ``target`` of another size and in colour, ``test`` likewise."""
    write_images(tmp_path / "source")
    write_images(tmp_path / "target", seed=1, size=20, colour=True)
    write_images(tmp_path / "test", seed=2, size=20, colour=True)
    return tmp_path


def _folders(place: Path, target: str = "target", **more: Path) -> Folders:
    return Folders(place / "source", place / target, **more)


def _weights(run: Path) -> dict[str, bytes]:
    groups = load_checkpoint(run / WEIGHTS).groups
    return {name: value.numpy().tobytes() for name, value in groups["network"].items()}


def test_it_writes_both_scores(place: Path) -> None:
    metrics = adapt_classifier(
        _folders(place, evaluate=place / "test"), place / "run", SETTINGS, 1, None
    )
    written = json.loads((place / "run" / METRICS).read_text())
    assert written["accuracy"] == pytest.approx(metrics["accuracy"], abs=1e-6)
    assert 0.0 <= written["source_only_accuracy"] <= 1.0
    assert written["classes"] == ["bar", "cross", "dot"]
    assert (written["target_images"], written["evaluated_images"]) == (12, 12)
    shares = written["adapted_per_class"].values()
    assert np.mean(list(shares)) == pytest.approx(written["adapted_accuracy"], abs=1e-5)
    assert written["accuracy"] == written[f"{written['kept']}_accuracy"]
    assert (written["refused"] == "") == (written["kept"] == ADAPTED)
    kept, own = _weights(place / "run"), _weights(place / "run" / written["kept"])
    assert kept == {name: own[name if name in own else f"classifier.{name}"] for name in kept}
    assert [event["what"] for event in written["self_training"]] == ["started"]
    history = (place / "run" / ADAPTED / "history.jsonl").read_text()
    assert "self_training" in history and "domain" in history
    assert "domain" not in (place / "run" / SOURCE_ONLY / "history.jsonl").read_text()
    assert _weights(place / "run" / SOURCE_ONLY) != _weights(place / "run" / ADAPTED)


def test_the_targets_folders_change_nothing(place: Path) -> None:
    (place / "merged").mkdir()
    for number, file in enumerate(sorted((place / "target").rglob("*.png"), reverse=True)):
        (place / "merged" / f"{number:03d}.png").write_bytes(file.read_bytes())
    for run, target in (("one", "target"), ("two", "merged")):
        adapt_classifier(_folders(place, target), place / run, SETTINGS, 1, None)
    assert _weights(place / "one" / ADAPTED) == _weights(place / "two" / ADAPTED)
    assert json.loads((place / "one" / METRICS).read_text())["accuracy"] is None


def test_training_never_opens_what_is_for_the_score(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    read, train = Path.read_bytes, Trainer.run

    def spy_read(path: Path) -> bytes:
        opened.append("test" if place / "test" in path.parents else "other")
        return read(path)

    def spy_train(trainer: Trainer) -> Any:
        result = train(trainer)
        opened.append("trained")
        return result

    monkeypatch.setattr(Path, "read_bytes", spy_read)
    monkeypatch.setattr(Trainer, "run", spy_train)
    adapt_classifier(_folders(place, evaluate=place / "test"), place / "run", SETTINGS, 1, None)
    assert opened.count("trained") == 2 and opened.count("test") == 12
    last = len(opened) - 1 - opened[::-1].index("trained")
    assert "test" not in opened[:last]


def test_an_interrupted_run_goes_on_to_the_same_weights(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapt_classifier(_folders(place), place / "whole", SETTINGS, 1, None)
    watch = ClassifierAdaptation.watch

    def stop(task: ClassifierAdaptation, step: int, *rest: Any) -> str:
        watch(task, step, *rest)
        if step == 4:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(ClassifierAdaptation, "watch", stop)
    with pytest.raises(KeyboardInterrupt):
        adapt_classifier(_folders(place), place / "run", SETTINGS, 1, None)
    assert not (place / "run" / METRICS).exists()
    monkeypatch.undo()
    adapt_classifier(_folders(place), place / "run", SETTINGS, 1, None)
    assert _weights(place / "run" / ADAPTED) == _weights(place / "whole" / ADAPTED)
    metrics = [json.loads((place / run / METRICS).read_text()) for run in ("run", "whole")]
    assert metrics[0] == metrics[1]


def test_both_start_from_given_weights(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adapt_classifier(_folders(place), place / "first", SETTINGS, 1, None)
    started: list[dict[str, bytes]] = []

    def spy(trainer: Trainer) -> Any:
        state = trainer.network.state_dict()
        started.append({n.removeprefix("classifier."): v.numpy().tobytes() for n, v in
                        state.items() if not n.startswith("domain.")})  # fmt: skip
        trainer.step = trainer.settings.steps
        trainer.reason = "steps"
        return run(trainer)

    run = Trainer.run
    monkeypatch.setattr(Trainer, "run", spy)
    adapt_classifier(_folders(place), place / "second", SETTINGS, 2, place / "first")
    given = _weights(place / "first")
    assert started == [given, given]


def test_few_labelled_target_images_join(place: Path) -> None:
    write_images(place / "few", count=1, seed=5, size=20, colour=True)
    adapt_classifier(_folders(place, few_shot=place / "few"), place / "run", SETTINGS, 1, None)
    assert "few_shot" in (place / "run" / ADAPTED / "history.jsonl").read_text()


def test_what_cannot_be_read_is_counted(place: Path) -> None:
    (place / "target" / "bar" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (place / "target" / "dot" / "again.png").write_bytes(
        (place / "target" / "dot" / "1.png").read_bytes()
    )
    metrics = adapt_classifier(_folders(place), place / "run", SETTINGS, 1, None)
    assert len(metrics["unreadable"]) == 1 and "0.png" in metrics["unreadable"][0]
    assert (metrics["target_images"], metrics["target_repeated"]) == (11, 1)


def test_the_filter_leaves_out_with_its_reason(place: Path) -> None:
    settings = load_settings(AdaptClassifierSettings, None, TINY | {"filter": {"max_bright": 0.5}})
    for folder, name in (("source", "bar"), ("target", "dot")):
        cv2.imwrite(str(place / folder / name / "0.png"), np.full((16, 16), 255, np.uint8))
    metrics = adapt_classifier(_folders(place), place / "run", settings, 1, None)
    assert (metrics["source_images"], metrics["target_images"]) == (11, 11)
    burnt = [str(place / "source" / "bar" / "0.png"), str(place / "target" / "dot" / "0.png")]
    assert metrics["left_out"] == {"overexposed": burnt}
    plain = adapt_classifier(_folders(place), place / "plain", SETTINGS, 1, None)
    assert (plain["source_images"], plain["left_out"]) == (12, {})


def test_a_filter_that_leaves_nothing_is_a_sentence(place: Path) -> None:
    nothing = load_settings(AdaptClassifierSettings, None, TINY | {"filter": {"max_noise": 0.0}})
    with pytest.raises(DatasetError, match=r"source: expected images that the filter keeps.*noise"):
        adapt_classifier(_folders(place), place / "run", nothing, 1, None)
    for file in (place / "source" / "bar").glob("*.png"):
        cv2.imwrite(str(file), np.full((16, 16), 255, np.uint8))
    bright = load_settings(AdaptClassifierSettings, None, TINY | {"filter": {"max_bright": 0.5}})
    with pytest.raises(DatasetError, match="bar: expected images of this class.*4 overexposed"):
        adapt_classifier(_folders(place), place / "run", bright, 1, None)


def test_bad_folders_are_sentences(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("trained")

    monkeypatch.setattr(classifier_run, "train_source_only", never)
    (place / "other" / "unknown").mkdir(parents=True)
    (place / "lone" / "bar").mkdir(parents=True)
    (place / "holes" / "bar").mkdir(parents=True)
    write_images(place / "holes")
    for file in (place / "holes" / "dot").glob("*.png"):
        file.unlink()
    cases = {
        "the same images": _folders(place, "source"),
        "at least two classes": Folders(place / "lone", place / "target"),
        "images of this class": Folders(place / "holes", place / "target"),
        "found unknown": _folders(place, evaluate=place / "other"),
        "no such folder": _folders(place, "nowhere"),
        "0 such files": _folders(place, "other"),
    }
    for text, folders in cases.items():
        with pytest.raises(DatasetError, match=text):
            adapt_classifier(folders, place / "run", SETTINGS, 1, None)
    assert not (place / "run").exists()


def test_another_run_in_the_folder_is_refused(place: Path) -> None:
    adapt_classifier(_folders(place), place / "run", SETTINGS, 1, None)
    with pytest.raises(InputError, match="another 'seed'"):
        adapt_classifier(_folders(place), place / "run", SETTINGS, 2, None)
