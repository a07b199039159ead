"""A run folder: exact resumption, refusal of another run, a loss that is not finite."""

import math

import pytest
import torch
from helpers.tiny_training import tiny_settings, write_dataset

from dalearn_ros.core.errors import InputError, ModelError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import DetectorTask
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS


@pytest.fixture
def data(tmp_path):
    return Dataset.open(write_dataset(tmp_path / "data"))


def _loop(**changes):
    return tiny_settings({"loop": {"steps": 4, **changes}})


def _interrupt_at(monkeypatch, step):
    """The losses of that step (from 0) are interrupted by the user; returns what to undo."""
    whole = DetectorTask.losses
    seen = []

    def losses(self, network, batch):
        seen.append(batch["names"])
        if len(seen) == step + 1:
            raise KeyboardInterrupt
        return whole(self, network, batch)

    monkeypatch.setattr(DetectorTask, "losses", losses)


def test_an_interrupted_run_goes_on_exactly(tmp_path, data, monkeypatch):
    train_detector([data], [], tmp_path / "whole", _loop(), 3)
    with monkeypatch.context() as patch:
        _interrupt_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            train_detector([data], [], tmp_path / "parts", _loop(), 3)
    with pytest.raises(ModelError, match="not finished"):
        open_run(tmp_path / "parts")
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINT).header["step"] == 2
    result, skipped = train_detector([data], [], tmp_path / "parts", _loop(), 3)
    assert (result.steps, result.reason, skipped) == (4, "steps", set())
    for name in (CHECKPOINT, WEIGHTS):
        one, other = (load_checkpoint(tmp_path / run / name) for run in ("whole", "parts"))
        for group, state in one.groups.items():
            for key, value in state.items():
                assert torch.equal(value, other.groups[group][key]), f"{group}/{key}"


def test_another_setting_in_the_same_folder_is_refused(tmp_path, data):
    out = tmp_path / "run"
    train_detector([data], [], out, _loop(steps=1), 3)
    before = (out / WEIGHTS).read_bytes()
    with pytest.raises(InputError, match=r"another 'settings\.loop\.steps'"):
        train_detector([data], [], out, _loop(steps=2), 3)
    with pytest.raises(InputError, match="another 'seed'"):
        train_detector([data], [], out, _loop(steps=1), 4)
    assert (out / WEIGHTS).read_bytes() == before
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        train_detector([data], [], tmp_path / "full", _loop(), 3)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(tmp_path, data, monkeypatch):
    whole = DetectorTask.losses
    calls = []

    def losses(self, network, batch):
        calls.append(batch["names"])
        found = whole(self, network, batch)
        return {**found, "total": found["total"] * math.nan} if len(calls) == 3 else found

    monkeypatch.setattr(DetectorTask, "losses", losses)
    with pytest.raises(ModelError, match="not finite at step 3") as caught:
        train_detector([data], [], tmp_path / "run", _loop(checkpoint_every=1), 3)
    assert all(name in str(caught.value) for name in calls[2])
    good = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    assert good.header["step"] == 2
    assert all(torch.isfinite(v).all() for v in good.groups["network"].values())
    assert not (tmp_path / "run" / WEIGHTS).exists()


def test_training_starts_from_another_run(tmp_path, data):
    train_detector([data], [], tmp_path / "first", _loop(steps=1), 3)
    start = load_checkpoint(tmp_path / "first" / WEIGHTS).groups["network"]
    settings = _loop(steps=1, learning_rate=1e-7, average_decay=0.0)
    train_detector([data], [], tmp_path / "second", settings, 8, init=tmp_path / "first")
    found = load_checkpoint(tmp_path / "second" / WEIGHTS).groups["network"]
    key = "class_head.weight"
    assert torch.allclose(found[key], start[key], atol=1e-5)
    wider = tiny_settings({"network": {"refine": [1, 0, 0]}, "loop": {"steps": 1}})
    train_detector([data], [], tmp_path / "refined", wider, 8, init=tmp_path / "first")
    assert (
        "refine.0.0.conv.weight"
        in load_checkpoint(tmp_path / "refined" / WEIGHTS).groups["network"]
    )
    other = tiny_settings({"network": {"head_channels": 16}, "loop": {"steps": 1}})
    with pytest.raises(ModelError, match=r"expected .*found"):
        train_detector([data], [], tmp_path / "third", other, 8, init=tmp_path / "first")
    assert not (tmp_path / "third").exists()


def test_what_is_no_run_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="dalearn train"):
        open_run(tmp_path)
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        open_run(tmp_path)
