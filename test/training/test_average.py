"""The running average of the weights."""

import pytest
import torch
from torch import nn

from dalearn_ros.training.average import WeightAverage


def test_the_average_by_hand():
    network = nn.Linear(1, 1, bias=False)
    network.weight.data.fill_(1.0)
    average = WeightAverage(network, decay=0.75)
    network.weight.data.fill_(3.0)
    average.update(network, step=0)  # decay (1+0)/(10+0) = 0.1: 0.1 * 1 + 0.9 * 3
    assert average.network.weight.item() == pytest.approx(2.8)
    average.update(network, step=1000)  # decay 0.75: 0.75 * 2.8 + 0.25 * 3
    assert average.network.weight.item() == pytest.approx(2.85)
    assert network.weight.item() == 3.0


def test_counters_are_copied_and_the_copy_is_apart():
    network = nn.BatchNorm2d(2)
    average = WeightAverage(network, 0.9)
    network.train()(torch.randn(4, 2, 3, 3))
    average.update(network, 5)
    assert average.network.num_batches_tracked.item() == 1
    assert not average.network.training


def test_without_a_ramp_the_decay_holds_from_the_first_step():
    network = nn.Linear(1, 1)
    nn.init.zeros_(network.weight)
    average = WeightAverage(network, 0.9, ramp=False)
    nn.init.ones_(network.weight)
    average.update(network, 0)
    assert average.network.weight.item() == pytest.approx(0.1)
