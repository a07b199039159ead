"""The four losses of a step on tiny crops: what enters, its weight, and who gets gradients."""

import copy
import math

import pytest
from helpers.tiny_training import TINY, write_dataset

from dalearn_ros.adaptation.detector_network import AdaptNetwork
from dalearn_ros.adaptation.detector_regime import AdaptTask
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.pseudo_log import PseudoLog
from dalearn_ros.adaptation.target_crops import AdaptBatches, TargetCrops, few_shot_settings
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.landmarks.types import Labels

NOW = {"start": {"share": 0.0}, "fall_to": 2.0, "pseudo": {"threshold": 0.0}}


class _Parts:
    """A task with all that it needs, in a folder."""

    def __init__(self, path, adaptation, few_shot=False):
        values = {**TINY, "adaptation": adaptation, "target": {"crops": 2, "few_shot_crops": 1}}
        self.settings = load_settings(AdaptSettings, None, values)
        data = Dataset.open(write_dataset(path / "source"))
        target = ImageList.open([write_dataset(path / "target", count=3)])
        places = [Labels.empty()] * len(target)
        few = None
        if few_shot:
            few = CropBatches([data], few_shot_settings(self.settings), 1)
        crops = TargetCrops(target, places, self.settings, 1)
        source = CropBatches([data], self.settings, 1)
        names = data.label_space.names
        log = PseudoLog(path / "labels.csv", ["image"] * 9, names, self.settings.collapse)
        batches = AdaptBatches(source, crops, few)
        self.task = AdaptTask(self.settings, batches, log, lambda *_: {})
        detector_network = build_network(self.settings, data.label_space, 1)
        self.network = AdaptNetwork(detector_network, self.settings.adaptation.domain)

    def step(self, number):
        (batch,) = self.task.batches(number, number + 1)
        self.network.zero_grad(set_to_none=True)
        self.network.train()
        losses = self.task.losses(self.network, batch)
        losses["total"].backward()
        return {name: value.item() for name, value in losses.items()}

    def touched(self):
        """Names of the parts whose weights got a gradient that is not zero."""
        found = set()
        for name, parameter in self.network.named_parameters():
            if parameter.grad is not None and bool((parameter.grad != 0).any()):
                found.add(name.split(".")[0])
        return found


def test_before_self_training_there_are_source_and_domain_loss(tmp_path):
    parts = _Parts(tmp_path, {"domain": {"weight": 0.5}, "source_weight": 2.0})
    found = parts.step(0)
    domain = found["domain_image"] + found["domain_subregion"]
    assert found["total"] == pytest.approx(2.0 * found["source"] + 0.5 * domain, rel=1e-5)
    assert "self_training" not in found
    assert parts.touched() == {"detector", "image_domain", "subregion_domain"}
    assert 0.3 < found["domain_image"] < 1.5, "about ln 2 of a D that knows nothing"


def test_self_training_enters_with_its_rising_weight(tmp_path):
    parts = _Parts(tmp_path, {"domain": {"weight": 0.0}, "self_training": NOW})
    parts.task.watch(1, 0.0, {"source": 1.0})
    parts.task.watch(2, 0.5, {"source": 1.0})
    found = parts.step(2)
    share = 1.0 - 0.5 / 2.0
    expected = share * found["source"] + (1.0 - share) * found["self_training"]
    assert found["total"] == pytest.approx(expected, rel=1e-5)
    assert math.isfinite(found["self_training"])
    assert parts.touched() == {"detector"}


def test_two_stages_leave_d_alone_in_the_second(tmp_path):
    own = {**NOW, "stages": 2, "rising": False}
    parts = _Parts(tmp_path, {"self_training": own})
    parts.task.watch(1, 0.0, {"source": 1.0, "domain_image": 0.7})
    first = parts.step(2)
    assert "self_training" not in first
    assert "image_domain" in parts.touched()
    second = parts.step(3)
    assert parts.touched() <= {"detector"}
    assert second["total"] == pytest.approx(second["self_training"])
    assert set(second) == {*first, "self_training"}
    for name in ("convergence", "source", "domain_image"):  # the first stage's of the step before
        assert second[name] == pytest.approx(first[name])


def test_few_labelled_target_images_are_of_the_target_domain(tmp_path):
    parts = _Parts(tmp_path, {"few_shot_weight": 3.0, "domain": {"weight": 0.0}}, few_shot=True)
    found = parts.step(0)
    expected = found["source"] + 3.0 * found["few_shot"]
    assert found["total"] == pytest.approx(expected, rel=1e-5)
    told = []
    parts = _Parts(tmp_path / "b", {}, few_shot=True)
    whole = parts.network.domain_losses

    def spy(features, is_target, progress):
        told.append(is_target.tolist())
        return whole(features, is_target, progress)

    parts.network.domain_losses = spy
    parts.step(0)
    assert told == [[False] * parts.settings.batch.size + [True] * 3]


def test_scores_come_from_the_average_if_it_is_there(tmp_path):
    """A teacher that sees nothing gives no pseudo landmark, whatever the network sees."""
    parts = _Parts(tmp_path, {"self_training": NOW})
    (batch,) = parts.task.batches(0, 1)
    blind = copy.deepcopy(parts.network).eval()
    blind.detector.class_head.bias.data[:: blind.detector.classes] = 50.0
    parts.task.teacher = blind
    targets = parts.task.pseudo_targets(parts.network, batch["target"], 0)
    assert bool((targets.class_id == 0).all())
    parts.task.teacher = None
    assert not bool(
        (parts.task.pseudo_targets(parts.network, batch["target"], 0).class_id == 0).all()
    )


def test_state_goes_through_a_checkpoint(tmp_path):
    own = {"self_training": NOW}
    parts, other = _Parts(tmp_path, own), _Parts(tmp_path / "b", own)
    parts.task.watch(1, 0.0, {"source": 1.0})
    parts.step(1)
    parts.task.watch(2, 0.5, {"source": 0.5})
    other.task.restore(parts.task.state())
    assert other.task.schedule == parts.task.schedule
    assert other.task.schedule.running
