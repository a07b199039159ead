"""The whole distillation: it learns, goes on, keeps the detector, refuses what does not fit."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_depth import CAMERA, depth_settings, write_detector, write_roads

from dalearn_ros.coding.location import LOCATION
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.core.errors import DatasetError, InputError, ModelError, SettingsError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.distill import LOCAL, Inputs, check_settings, distill
from dalearn_ros.depth.judge import judge, summarise
from dalearn_ros.depth.local import LocalNetwork
from dalearn_ros.depth.regime import GlobalTask, LocalTask
from dalearn_ros.depth.run import open_depth_run, open_local, train_local
from dalearn_ros.depth.samples import GlobalBatches, LocalBatches
from dalearn_ros.depth.taught import has_depth
from dalearn_ros.detector.run import Run, open_run
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.landmarks.types import Distances
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import Trainer

QUICK = {"steps": 80, "learning_rate": 0.01, "average_decay": 0.9}
LONGER = {"local": {"loop": QUICK}, "loop": QUICK}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, roads: Dataset, detector_path: Path) -> Path:
    """A finished distillation."""
    out = tmp_path_factory.mktemp("depth") / "run"
    distill(Inputs(detector_path, [roads], [roads], [roads]), out, depth_settings(), 1)
    return out


def changed(path: Path, **values: Any) -> None:
    content = json.loads((path / "run.json").read_text())
    content.update(values)
    (path / "run.json").write_text(json.dumps(content))


def test_the_run_is_a_detectors_with_a_head_beside(done: Path, detector: Run) -> None:
    again = open_run(done)
    for name, value in detector.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value), name
    assert again.header["figures"] == detector.header["figures"]
    assert has_depth(done) and not has_depth(detector.path)
    deep = open_depth_run(done)
    assert deep.taught.location == LOCATION
    focal_px = float(CAMERA.matrix[0, 0])
    assert deep.taught.metadata(8) == DepthMetadata(LOCATION, 8, 2.0, 80.0, focal_px)
    learnt = load_checkpoint(done / "learning" / "weights.safetensors").groups["network"]
    assert torch.equal(deep.network.head.out.bias, learnt["head.out.bias"])


def test_figures_and_pictures_are_there(done: Path, roads: Dataset) -> None:
    metrics = json.loads((done / "metrics.json").read_text())
    deep = open_depth_run(done)
    found = judge(deep.network, [roads], depth_settings())
    assert metrics["global"]["abs_rel"] == pytest.approx(found["abs_rel"], abs=1e-5)
    assert metrics["local"]["road/places"] == 16
    assert len(list((done / "pictures").glob("*.jpg"))) == 4
    assert list((done / "learning" / "tensorboard").iterdir())


def test_both_models_learn(tmp_path: Path, roads: Dataset, detector_path: Path) -> None:
    inputs = Inputs(detector_path, [roads], [roads], [roads])
    found = distill(inputs, tmp_path / "run", depth_settings(LONGER), 1)
    for name in ("local", "global"):
        assert found[name]["abs_rel"] < 0.6 * found[name]["abs_rel_of_mean"], name


def test_an_interrupted_run_goes_on_as_if_nothing_had_been(
    tmp_path: Path, roads: Dataset, detector_path: Path, done: Path, monkeypatch
) -> None:
    inputs = Inputs(detector_path, [roads], [roads], [roads])
    step = Trainer._one_step

    def stop_at_two(trainer: Trainer, batch: Any) -> dict[str, float]:
        if trainer.step == 2 and trainer.run_path.name == "learning":
            raise KeyboardInterrupt
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "_one_step", stop_at_two)
    with pytest.raises(KeyboardInterrupt):
        distill(inputs, tmp_path / "run", depth_settings(), 1)
    monkeypatch.undo()
    distill(inputs, tmp_path / "run", depth_settings(), 1)
    for name in ("run.json", "metrics.json"):
        ours = json.loads((tmp_path / "run" / name).read_text())
        theirs = json.loads((done / name).read_text())
        assert {k: v for k, v in ours.items() if k != "minutes"} == {
            k: v for k, v in theirs.items() if k != "minutes"
        }
    groups = [load_checkpoint(p / "weights.safetensors").groups for p in (tmp_path / "run", done)]
    for name, value in groups[0]["depth"].items():
        assert torch.equal(value, groups[1]["depth"][name]), name


def test_another_run_in_the_folder_is_refused(
    roads: Dataset, detector_path: Path, done: Path
) -> None:
    inputs = Inputs(detector_path, [roads], [roads], [roads])
    with pytest.raises(InputError, match=r"another 'depth.seed'"):
        distill(inputs, done, depth_settings(), 2)


def test_a_teacher_that_is_there_brings_its_own(
    tmp_path: Path, roads: Dataset, detector_path: Path, done: Path
) -> None:
    other = depth_settings({"patch": {"size_px": 64}, "truth": {"greatest_m": 30.0}})
    inputs = Inputs(detector_path, [], [roads], [roads], done)
    metrics = distill(inputs, tmp_path / "run", other, 1)
    assert metrics["greatest_m"] == 80.0 and not (tmp_path / "run" / LOCAL).exists()
    assert open_depth_run(tmp_path / "run").taught.settings.patch.size_px == 32
    assert metrics["local"] == judge(open_local(done).network, [roads], depth_settings())


def test_truth_alone_needs_no_teacher(tmp_path: Path, roads: Dataset, detector_path: Path) -> None:
    settings = depth_settings({"weights": {"teacher": 0.0, "truth": 1.0}})
    metrics = distill(Inputs(detector_path, [roads], [], [roads]), tmp_path / "run", settings, 1)
    learnt = load_checkpoint(tmp_path / "run" / "learning" / "weights.safetensors").header
    assert metrics["local"] is None and learnt["step"] == 3
    assert '"truth"' in (tmp_path / "run" / "learning" / "history.jsonl").read_text()


def test_without_location_it_is_told(tmp_path: Path, roads: Dataset, detector_path: Path) -> None:
    inputs = Inputs(detector_path, [roads], [roads], [])
    metrics = distill(inputs, tmp_path / "run", depth_settings({"location": False}), 1)
    assert metrics["location"] is None and metrics["global"] == {}
    assert open_depth_run(tmp_path / "run").taught.location is None


def test_a_stem_that_learns_moves_the_detector_and_is_held(
    tmp_path: Path, roads: Dataset, detector_path: Path, detector: Run
) -> None:
    inputs = Inputs(detector_path, [roads], [roads], [])
    moved = {}
    for hold in (0.0, 1000.0):
        changes = {
            "local": {"shared": "tuned"},
            "whole": {"hold_weight": hold},
            "loop": {"steps": 12},
        }
        out = tmp_path / f"run{hold}"
        distill(inputs, out, depth_settings(changes), 1)
        image = torch.from_numpy(np.stack([roads.image(0)]))
        with torch.no_grad():
            before = detector.network.features(image)
            after = open_run(out).network.features(image)
        moved[hold] = float((after - before).abs().mean())
    assert 0.0 < moved[1000.0] < moved[0.0]


def test_the_teacher_is_a_snapshot_in_evaluation(roads: Dataset, detector: Run, done: Path) -> None:
    settings, teacher = depth_settings(), open_local(done)
    before = {name: value.clone() for name, value in teacher.network.state_dict().items()}
    batches = GlobalBatches([roads], [], settings, detector.settings, 1)
    task = GlobalTask(settings, batches, lambda n: {}, teacher.network, None)
    network = open_depth_run(done).network.train()
    task.losses(network, batches[0])["total"].backward()
    assert not teacher.network.training
    assert all(p.grad is None for p in teacher.network.parameters())
    after = teacher.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_teacher_with_another_stem_is_refused(tmp_path: Path, roads: Dataset, done: Path) -> None:
    other = write_detector(tmp_path / "other", roads, 2)
    with pytest.raises(ModelError, match="which it shares, found another stem"):
        distill(Inputs(other, [], [roads], [], done), tmp_path / "run", depth_settings(), 1)


def test_a_tuned_stem_of_another_detector_is_refused(
    tmp_path: Path, roads: Dataset, detector_path: Path, detector: Run
) -> None:
    tuned = depth_settings({"local": {"shared": "tuned"}})
    train_local(detector, [roads], [], tmp_path / "local", tuned, 1)
    distill(Inputs(detector_path, [], [roads], [], tmp_path / "local"), tmp_path / "own", tuned, 1)
    other = write_detector(tmp_path / "other", roads, 2)
    with pytest.raises(ModelError, match="which it shares, found another stem"):
        distill(Inputs(other, [], [roads], [], tmp_path / "local"), tmp_path / "run", tuned, 1)


def test_a_teacher_leaves_the_kinds_of_the_truth_to_the_settings(
    tmp_path: Path, roads: Dataset, detector_path: Path, done: Path
) -> None:
    own = depth_settings({"truth": {"kinds": ["road"], "draw": "even"}, "weights": {"truth": 1.0}})
    distill(Inputs(detector_path, [roads], [roads], [], done), tmp_path / "run", own, 1)
    truth = open_depth_run(tmp_path / "run").taught.settings.truth
    assert (truth.kinds, truth.draw, truth.greatest_m) == (("road",), "even", 80.0)


def test_images_to_judge_on_may_lack_distances_but_not_all(
    tmp_path: Path, roads: Dataset, detector_path: Path, done: Path
) -> None:
    without = write_roads(tmp_path / "without", 2, distances=False)
    for network in (open_local(done).network, open_depth_run(done).network):
        both = judge(network, [without, roads], depth_settings({"judge": {"images": 6}}))
        assert both == judge(network, [roads], depth_settings({"judge": {"images": 4}}))
        assert judge(network, [without], depth_settings()) == {}
    with pytest.raises(DatasetError, match="known distances"):
        distill(
            Inputs(detector_path, [roads], [roads], [without]),
            tmp_path / "run",
            depth_settings(),
            1,
        )
    assert not (tmp_path / "run").exists()


def test_patches_that_do_not_count_are_not_looked_at(roads: Dataset, detector: Run) -> None:
    how = depth_settings({"local": {"shared": "none"}})
    torch.manual_seed(0)
    network = LocalNetwork(detector.network, how.local, how.patch.size_px, True).train()
    batches = LocalBatches([roads], how, detector.settings, 1)
    task = LocalTask(how, batches, lambda n: {})
    batch, again = batches[0], copy.deepcopy(network)
    alone = task.losses(network, batch)["total"]
    filler = torch.full_like(batch["patches"][:2], 128)
    padded = {
        "patches": torch.cat([batch["patches"], filler]),
        "location": torch.cat([batch["location"], torch.zeros(2, 3)]),
        "log_depth": torch.cat([batch["log_depth"], torch.zeros(2)]),
        "counts": torch.cat([batch["counts"], torch.zeros(2)]),
    }
    assert torch.equal(task.losses(again, padded)["total"], alone)
    for one, other in zip(network.buffers(), again.buffers(), strict=True):
        assert torch.equal(one, other)


def test_damaged_distances_are_passed_over_and_told(tmp_path: Path, detector_path: Path) -> None:
    data = write_roads(tmp_path / "roads", 3)
    (data.path / "distances" / "f0.npz").write_bytes(b"no archive")
    inputs = Inputs(detector_path, [data], [data], [data])
    metrics = distill(inputs, tmp_path / "run", depth_settings(), 1)
    assert any("f0.npz: expected arrays" in text for text in metrics["skipped"])
    assert metrics["global"]["places"] == 8


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"weights": {"teacher": 0.0}}, "both 0"),
        ({"truth": {"least_m": 90.0}}, "least_m below greatest_m"),
        ({"truth": {"kinds": ["radar"]}}, "'radar'"),
        ({"loop": {"accumulate": 2}}, "'loop.accumulate'"),
        ({"patch": {"size_px": 40}}, "a multiple of 32"),
        ({"crops": {"width": 100}}, "a multiple of 32"),
    ],
)
def test_settings_that_do_not_fit(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        check_settings(depth_settings(changes))


def test_another_location_function_is_refused(
    tmp_path: Path, roads: Dataset, detector: Run
) -> None:
    train_local(detector, [roads], [], tmp_path / "local", depth_settings(), 1)
    changed(tmp_path / "local", location="angles-of-old")
    with pytest.raises(ModelError, match=r"expected '.*', found 'angles-of-old'"):
        open_local(tmp_path)


def test_what_is_no_model_is_a_sentence(tmp_path: Path, detector_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a local depth run"):
        open_local(tmp_path)
    with pytest.raises(ModelError, match="expected a run with a depth head"):
        open_depth_run(detector_path)


def test_all_kinds_are_judged_by_and_only_what_a_view_shows(roads: Dataset, done: Path) -> None:
    network = open_depth_run(done).network
    settings = depth_settings({"truth": {"kinds": ["road"]}})
    assert judge(network, [roads], settings)["sensed/places"] == 16
    left = Camera(80, 96, CAMERA.matrix)  # the left half of the same view
    half = judge(network, [roads], depth_settings({"judge": {"places": 99}}), left)
    whole = judge(network, [roads], depth_settings({"judge": {"places": 99}}))
    pixels = np.concatenate([roads.distances(i).pixels for i in (0, 3)])  # type: ignore[union-attr]
    assert half["places"] + half["road/places"] == (pixels[:, 0] <= 79.5).sum()
    assert whole["places"] + whole["road/places"] == len(pixels) == 80


def test_figures_by_kind() -> None:
    known = Distances(np.zeros((3, 2)), np.array([10.0, 10.0, 10.0]), np.array([0, 2, 3], np.uint8))
    said = np.log([12.0, 11.0, 13.0])
    found = summarise([(known, said, np.zeros(3))])
    assert found["landmark/abs_rel"] == pytest.approx(0.2)
    assert found["abs_rel"] == found["sensed/abs_rel"] == pytest.approx(0.2)
    assert "road/abs_rel" not in found and found["sensed/places"] == 2
