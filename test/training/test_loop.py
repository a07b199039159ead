"""The loop: rate, end, checkpoints, convergence."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from dalearn_ros.core.errors import ModelError
from dalearn_ros.training.log import HISTORY
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS, Trainer
from dalearn_ros.training.settings import LoopSettings
from dalearn_ros.training.step import learning_rate, make_optimizer

SHORT = LoopSettings(steps=6, warmup_steps=1, log_every=2, validate_every=2, checkpoint_every=2)


class _Line:
    """Fits y = 2 x; counts validations."""

    def __init__(self, constant=False):
        self.constant = constant
        self.validations = 0

    def batches(self, start, stop):
        return [torch.full((4, 1), 1.0 + step) for step in range(start, stop)]

    def parts(self, batch, count, device):
        return [(part, len(part) / len(batch)) for part in batch.chunk(count)]

    def losses(self, network, batch):
        total = ((network(batch) - 2 * batch) ** 2).mean()
        watched = torch.tensor(1.0) if self.constant else total.detach()
        return {"total": total, "convergence": watched}

    def describe(self, batch):
        return f"batch of {batch[0, 0]:g}"

    def validate(self, network):
        self.validations += 1
        return {"f1": 0.5}


def _line():
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def test_the_learning_rate_by_hand():
    settings = LoopSettings(learning_rate=0.1, final_rate=0.2, warmup_steps=10)
    assert learning_rate(settings, 0.0, 0) == pytest.approx(0.1 * 0.1)
    assert learning_rate(settings, 0.0, 9) == pytest.approx(0.1)
    assert learning_rate(settings, 0.5, 100) == pytest.approx(0.1 * (0.2 + 0.8 * 0.5))
    assert learning_rate(settings, 1.0, 200) == pytest.approx(0.02)
    assert learning_rate(settings, 1.7, 200) == pytest.approx(0.02)


def test_biases_are_not_decayed():
    groups = make_optimizer(_line(), LoopSettings(weight_decay=0.3)).param_groups
    found = [(group["weight_decay"], [p.ndim for p in group["params"]]) for group in groups]
    assert found == [(0.3, [2]), (0.0, [1])]


def test_a_run_to_its_last_step(tmp_path):
    task = _Line()
    result = Trainer(_line(), task, SHORT, tmp_path).run()
    assert (result.steps, result.reason, result.figures) == (6, "steps", {"f1": 0.5})
    assert task.validations == 3  # after 2, 4 and at the end
    assert (tmp_path / WEIGHTS).is_file()
    rows = [json.loads(line) for line in (tmp_path / HISTORY).read_text().splitlines()]
    assert [row["step"] for row in rows if row["kind"] == "loss"] == [1, 2, 4, 6]
    assert [row["step"] for row in rows if row["kind"] == "validation"] == [2, 4, 6]
    again = Trainer(_line(), task, SHORT, tmp_path).run()  # already finished: nothing is learnt
    assert again.steps == 6


def test_it_stops_when_it_has_converged(tmp_path):
    settings = dataclasses.replace(SHORT, steps=50, window=2, patience=2, validate_every=0)
    result = Trainer(_line(), _Line(constant=True), settings, tmp_path).run()
    assert (result.steps, result.reason) == (6, "converged")  # one window sets, two do not better


def test_it_stops_at_the_time_limit(tmp_path):
    trainer = Trainer(_line(), _Line(), dataclasses.replace(SHORT, max_minutes=0.5), tmp_path)
    trainer.seconds = 29.99
    assert trainer.progress() == pytest.approx(29.99 / 30)
    trainer.seconds = 31.0
    assert trainer.run().reason == "time"


def test_a_damaged_checkpoint_is_a_sentence(tmp_path):
    Trainer(_line(), _Line(), SHORT, tmp_path).run()
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match="checkpoint"):
        Trainer(_line(), _Line(), SHORT, tmp_path)


class _Watched(_Line):
    """Ends when the sum of what it saw is large; the sum survives a resumption."""

    def __init__(self, limit):
        super().__init__()
        self.seen, self.limit = 0, limit

    def watch(self, step, progress, values):
        assert progress == step / SHORT.steps
        assert values["total"] >= 0.0
        self.seen += 1
        return "enough" if self.seen >= self.limit else ""

    def state(self):
        return {"seen": self.seen}

    def restore(self, state):
        self.seen = state["seen"]


def test_a_watching_task_can_end_the_training_and_keeps_its_state(tmp_path):
    result = Trainer(_line(), _Watched(3), SHORT, tmp_path).run()
    assert (result.steps, result.reason) == (3, "enough")
    again = _Watched(3)
    assert Trainer(_line(), again, SHORT, tmp_path).run().reason == "enough"
    assert again.seen == 3, "taken from the checkpoint, not counted again"
