"""A run folder: exact resumption, refusal of another run, a loss that is not finite."""

import json
import math
import os
import signal

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


def _press_at(monkeypatch, step, times=1):
    """Ctrl-C is pressed in the middle of that step (from 1)."""
    whole = DetectorTask.losses
    seen = []

    def losses(self, network, batch):
        seen.append(batch["names"])
        found = whole(self, network, batch)
        if len(seen) == step:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
        return found

    monkeypatch.setattr(DetectorTask, "losses", losses)


def _same(one, other):
    """Two run folders hold the same numbers, bit for bit."""
    for name in (CHECKPOINT, WEIGHTS):
        first, second = (load_checkpoint(run / name) for run in (one, other))
        assert first.groups.keys() == second.groups.keys()
        for group, state in first.groups.items():
            for key, value in state.items():
                assert torch.equal(value, second.groups[group][key]), f"{group}/{key}"
    states = [load_checkpoint(run / CHECKPOINT).header for run in (one, other)]
    for key in ("step", "reason", "best", "stale", "pending"):
        assert states[0][key] == states[1][key], key


# Whatever has a state: chosen at random, converging, accumulated, more than one layer and image.
STATEFUL = {
    "network": {"widths": [8, 8, 16, 16, 32], "depths": [1, 2, 1, 1, 1], "refine": [1, 0, 0]},
    "loss": {"selection": {"background": "random"}},
    "batch": {"size": 3, "workers": 1, "crops_per_image": 2},
    "loop": {"steps": 7, "window": 2, "patience": 50, "accumulate": 2, "checkpoint_every": 2},
}


def test_an_interrupted_run_goes_on_exactly(tmp_path, data, monkeypatch):
    settings = tiny_settings(STATEFUL)
    train_detector([data], [], tmp_path / "whole", settings, 3)
    for presses, wanted in ((1, 1), (3, 3), (2, 4), (6, 7)):  # of parts, two a step; the last one
        with monkeypatch.context() as patch:
            _press_at(patch, presses)
            with pytest.raises(KeyboardInterrupt):
                train_detector([data], [], tmp_path / "parts", settings, 3)
        with pytest.raises(ModelError, match="not finished"):
            open_run(tmp_path / "parts")
        assert load_checkpoint(tmp_path / "parts" / CHECKPOINT).header["step"] == wanted
    result, skipped = train_detector([data], [], tmp_path / "parts", settings, 3)
    assert (result.steps, result.reason, skipped) == (7, "steps", set())
    _same(tmp_path / "whole", tmp_path / "parts")


def test_a_step_that_is_cut_in_half_is_not_saved(tmp_path, data, monkeypatch):
    settings = tiny_settings(STATEFUL)
    train_detector([data], [], tmp_path / "whole", settings, 3)
    with monkeypatch.context() as patch:
        _press_at(patch, 10, times=2)  # in the fifth step; the last checkpoint is of the fourth
        with pytest.raises(KeyboardInterrupt):
            train_detector([data], [], tmp_path / "parts", settings, 3)
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINT).header["step"] == 4
    train_detector([data], [], tmp_path / "parts", settings, 3)
    _same(tmp_path / "whole", tmp_path / "parts")


def test_a_killed_run_goes_on_exactly(tmp_path, data, monkeypatch):
    settings = tiny_settings(STATEFUL)
    train_detector([data], [], tmp_path / "whole", settings, 3)
    child = os.fork()
    if not child:  # kill -9 in the sixth step; the last checkpoint is of the fourth
        _kill_in_part(11)
        train_detector([data], [], tmp_path / "parts", settings, 3)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert load_checkpoint(tmp_path / "parts" / CHECKPOINT).header["step"] == 4
    train_detector([data], [], tmp_path / "parts", settings, 3)
    _same(tmp_path / "whole", tmp_path / "parts")


def _kill_in_part(number):
    whole, seen = DetectorTask.losses, []

    def losses(self, network, batch):
        seen.append(1)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(self, network, batch)

    DetectorTask.losses = losses


def test_parts_of_a_batch_are_the_batch_but_for_normalisation(tmp_path, data):
    runs = {}
    for parts in (1, 2):
        changes = {"loop": {"steps": 1, "accumulate": parts}, "batch": {"size": 4}}
        train_detector([data], [], tmp_path / str(parts), tiny_settings(changes), 3)
        rows = (tmp_path / str(parts) / "history.jsonl").read_text().splitlines()
        runs[parts] = json.loads(rows[0])
    assert runs[2]["total"] == pytest.approx(runs[1]["total"], rel=0.1)
    assert runs[2]["total"] != runs[1]["total"]


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
