"""Real bags of a fleet: what one process finds in one bag, rows of it, and the same from Ray."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import pyarrow.parquet
import pytest
from helpers import small_drive
from helpers.evaluation_drive import write_drive

from dalearn_ros.cli.main import main
from dalearn_ros.core.errors import ModelError
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.evaluate import EvaluateBag, loaded
from dalearn_ros.fleet.label import LabelBag
from dalearn_ros.fleet.local_pool import LocalPool
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.labels.settings import LabelSettings


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drives a and b of 3 and 4 frames, a broken one, a missing one, and a model."""
    folder = tmp_path_factory.mktemp("fleet")
    for name, frames in (("a", 3), ("b", 4), ("cut", 3)):
        drive = write_drive(folder / name, frames)
        os.replace(drive.model, folder / "tiny.onnx")
    (data,) = (folder / "cut" / "bag").glob("*.mcap")
    data.write_bytes(data.read_bytes()[:3000])
    bags = [{"bag": f"{name}/bag", "map": f"{name}/map"} for name in ("a", "b", "cut", "gone")]
    (folder / "fleet.yaml").write_text(json.dumps({"bags": bags}))
    return folder


def words(fleet: Path, out: Path, *more: str) -> list[str]:
    where = ["--list", str(fleet / "fleet.yaml"), "--model", str(fleet / "tiny.onnx")]
    return ["fleet", "evaluate", *where, "--out", str(out), "--workers", "1", *more]


def test_good_bags_are_evaluated_and_the_others_listed(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(words(fleet, out)) == 1
    said = capsys.readouterr().err
    assert "2 of 4 bags done, 2 of them now" in said and "2 bags failed, see" in said
    assert "The first, cut (1 tries)" in said and "expected a complete rosbag2" in said
    metrics = json.loads((out / "metrics.json").read_text())
    detector = LandmarkDetector.load(fleet / "tiny.onnx", 1)
    alone = {
        name: evaluate_bag(fleet / name / "bag", fleet / name / "map", detector) for name in "ab"
    }
    assert metrics["frames"] == 7 and metrics["bags"] == 2
    counts = sum(one.detection.counts["4"].sum(axis=1) for one in alone.values())
    hits, false_alarms, missed = (int(count) for count in counts)
    f1 = 2 * hits / (2 * hits + false_alarms + missed)
    assert 0.0 < f1 < 1.0 and metrics["f1_at"]["4"] == pytest.approx(f1, abs=1e-6)
    manifest = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert manifest[0]["kind"] == "evaluate" and manifest[0]["options"]["match_px"] == 8.0
    (shard,) = manifest[1:]
    errors = pyarrow.parquet.read_table(out / shard["files"]["errors"]).to_pydict()
    lateral = [
        value
        for bag, name, value in zip(errors["bag"], errors["quantity"], errors["value"], strict=True)
        if (bag, name) == ("b", "localization/lateral_m")
    ]
    assert lateral == pytest.approx(alone["b"].localization.errors[:, 1].tolist())
    # again: nothing is done twice, and the figures stay as they are
    first = (out / "metrics.json").read_bytes()
    assert main(words(fleet, out)) == 1
    assert "2 of 4 bags done, 0 of them now" in capsys.readouterr().err
    assert (out / "metrics.json").read_bytes() == first


def test_another_model_is_refused(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.jsonl").write_text('{"kind": "evaluate", "model_sha256": "0"}\n')
    assert main(words(fleet, out)) == 1
    assert "holds results with another" in capsys.readouterr().err


def test_a_model_that_is_replaced_meanwhile_is_refused(fleet: Path, tmp_path: Path) -> None:
    model = shutil.copyfile(fleet / "tiny.onnx", tmp_path / "model.onnx")
    process = pickle.loads(pickle.dumps(EvaluateBag(model, 1, False, DriveOptions())))
    process.depends()
    bag = FleetBag("a", fleet / "a" / "bag", fleet / "a" / "map")
    assert process(bag, tmp_path).frames == 3
    model.write_bytes(model.read_bytes() + b" ")
    loaded.cache_clear()  # as in a process that begins later
    with pytest.raises(ModelError, match="the model that the fleet began with, found another"):
        process(bag, tmp_path)


def test_bags_are_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_drive.write_street(tmp_path / "fleet" / "map")
    for name, frames in (("a", 2), ("b", 3)):
        small_drive.write_bag(tmp_path / "fleet" / name, frames)
    out = tmp_path / "out"
    list_ = ["--list", str(tmp_path / "fleet"), "--out", str(out), "--workers", "1"]
    assert main(["fleet", "label", *list_]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 bags done" in said and "frames with" in said
    alone = tmp_path / "alone"
    label_bag(tmp_path / "fleet" / "b", tmp_path / "fleet" / "map", alone)
    one, other = Dataset.open(alone), Dataset.open(out / "datasets" / "b")
    assert len(one) == len(other) > 0
    assert [one.rows(i) for i in range(len(one))] == [other.rows(i) for i in range(len(other))]
    assert (out / "datasets" / "b" / "audit.html").is_file()
    (file,) = (out / "shards").iterdir()
    rows = pyarrow.parquet.read_table(file).to_pydict()
    assert rows["bag"].count("b") == len(one)
    index = rows["bag"].index("b")
    assert rows["file_name"][index] == one.meta(0)["file_name"]
    assert rows["stamp_ns"][index] == one.meta(0)["stamp_ns"]
    assert rows["labels"][index] == int((~one.labels(0).ignore).sum())
    summary = json.loads((out / "summary.json").read_text())
    assert summary["bags"] == 2 and summary["frames"] == len(rows["bag"])


@pytest.mark.timeout(900)  # Ray takes a minute to start on a busy machine
def test_ray_gives_the_same(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra 'fleet')")
    if main(words(fleet, tmp_path / "ray", "--engine", "ray")) == 1:
        said = capsys.readouterr().err
        if "Ray on this machine cannot be used" in said:
            pytest.skip(said)
    assert main(words(fleet, tmp_path / "local")) == 1
    one, other = (json.loads((tmp_path / n / "metrics.json").read_text()) for n in ("ray", "local"))
    assert one == other
    lists = [(tmp_path / n / "failures.json").read_text() for n in ("ray", "local")]
    assert lists[0] == lists[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--tries", "0"), "--tries: expected a whole number above 0, found 0"),
        (("--shard-bags", "-1"), "--shard-bags: expected a whole number above 0"),
        (("--bag-minutes", "nan"), "--bag-minutes: expected minutes above 0, found nan"),
        (("--model", "none.onnx"), "none.onnx"),
    ],
)
def test_wrong_words(
    fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str], said: str
) -> None:
    assert main(words(fleet, tmp_path / "out", *more)) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["pyarrow", "ray"])
def test_what_is_not_installed_is_named(
    fleet: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    for module in [m for m in sys.modules if m.partition(".")[0] == name or "ray_engine" in m]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    assert main(words(fleet, tmp_path / "out", "--engine", "ray")) == 1
    said = capsys.readouterr().err
    assert f"This needs '{name}'" in said and "pip install -e '.[fleet]'" in said


def test_without_ray_a_pool_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    import argparse

    from dalearn_ros.cli import fleet as verb

    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    asked = argparse.Namespace(engine="auto", workers=3, threads=1)
    engine = verb._engine(asked)
    assert isinstance(engine, LocalPool) and engine.workers == 3
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 4, 5, 9})
    engine = verb._engine(argparse.Namespace(engine="auto", workers=None, threads=2))
    assert isinstance(engine, LocalPool) and engine.workers == 2  # of the cores that are ours


def test_another_audit_model_is_another_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LabelBag, "_detector", lambda _: None)
    model = tmp_path / "audit.onnx"
    work = LabelBag(None, (), LabelSettings(), Extras(), model, 1)
    found = []
    for content in (b"one", b"two", b"one"):
        model.write_bytes(content)
        found.append(work.depends())
    assert found[0] == found[2] != found[1]
    assert found[0]["audit_model_sha256"] == hashlib.sha256(b"one").hexdigest()
