"""``dalearn train`` from the shell: what it writes, what it says, how it goes on."""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_training import write_config, write_dataset

from dalearn_ros.cli.main import main
from dalearn_ros.detector.regime import DetectorTask
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0  # a second process loads torch; on a busy machine that takes minutes


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset of four images and a configuration of three steps."""
    write_dataset(tmp_path / "data")
    write_config(tmp_path / "train.yaml")
    return tmp_path


def _arguments(place: Path, *more: str) -> list[str]:
    return [
        "train", "--data", f"{place}/data", "--config", f"{place}/train.yaml",
        "--out", f"{place}/run", *more,
    ]  # fmt: skip


def _command(place: Path) -> list[str]:
    return [sys.executable, "-m", "dalearn_ros.cli.main", *_arguments(place)]


def _parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]


def test_trains_and_writes_a_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(place, "--val", f"{place}/data")) == 0
    told = capsys.readouterr()
    assert told.out.count("\n") == 1
    assert "3 steps" in told.out
    assert "F1 " in told.out
    assert LandmarkDetector.load(place / "run").metadata.training["images"] == 4
    before = (place / "run" / WEIGHTS).read_bytes()
    assert main(_arguments(place, "--val", f"{place}/data")) == 0  # it is finished already
    after = load_checkpoint(place / "run" / WEIGHTS)
    assert after.header["step"] == 3
    assert (place / "run" / WEIGHTS).read_bytes() == before


def test_an_unreadable_image_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    next((place / "data" / "images").iterdir()).write_bytes(b"")
    assert main(_arguments(place)) == 0
    assert "1 unreadable images left out" in capsys.readouterr().out


def test_a_half_written_image_and_one_without_labels_are_no_reason_to_stop(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *_ = sorted((place / "data" / "images").iterdir())
    first.write_bytes(first.read_bytes()[:800])
    path = place / "data" / "annotations.json"
    coco = json.loads(path.read_text())
    strange = {"keypoints": [math.nan, math.inf, 2], "segmentation": [[1e12, 0, 0, 1e12, -1e12, 0]]}
    coco["annotations"] = [coco["annotations"][2], {**coco["annotations"][3], **strange}]
    path.write_text(json.dumps(coco))
    assert main(_arguments(place, "--val", f"{place}/data")) == 0
    told = capsys.readouterr()
    assert "1 unreadable images left out" in told.out
    assert "F1 " in told.out


def test_images_of_any_size_and_depth(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = [
        np.zeros((1, 1), np.uint8),
        np.full((2000, 3, 3), 40000, np.uint16),
        np.zeros((7, 900, 4), np.uint8),
        np.zeros((33, 47), np.uint16),
    ]
    for file, image in zip(sorted((place / "data" / "images").iterdir()), images, strict=True):
        file.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    assert main(_arguments(place, "--val", f"{place}/data")) == 0
    assert "3 steps" in capsys.readouterr().out


def test_an_interrupt_keeps_the_state_and_the_same_command_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = DetectorTask.losses
    calls: list[int] = []

    def interrupted(self: DetectorTask, network: torch.nn.Module, batch: dict) -> dict:
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)  # this step is still done
        return whole(self, network, batch)

    with monkeypatch.context() as patch:
        patch.setattr(DetectorTask, "losses", interrupted)
        assert main(_arguments(place)) == 1
    told = capsys.readouterr().err
    assert "The same command continues it" in told
    assert load_checkpoint(place / "run" / CHECKPOINT).header["step"] == 2
    assert _parts(place) == []
    assert main(_arguments(place)) == 0
    assert "3 steps" in capsys.readouterr().out


@pytest.mark.timeout(PATIENCE_S + 150)
def test_a_real_interrupt(place: Path) -> None:
    changes = {"loop": {"steps": 100_000, "checkpoint_every": 100_000}, "batch": {"workers": 1}}
    write_config(place / "train.yaml", changes)
    process = subprocess.Popen(
        _command(place), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    history = place / "run" / "history.jsonl"
    end = time.monotonic() + PATIENCE_S
    while not (history.is_file() and history.stat().st_size) and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "The same command continues it" in told
    assert "Traceback" not in told
    assert load_checkpoint(place / "run" / CHECKPOINT).header["step"] >= 1
    assert _parts(place) == []


@pytest.mark.timeout(PATIENCE_S + 150)
def test_a_killed_worker_is_a_sentence(place: Path) -> None:
    """As the kernel does it when memory is short."""
    changes = {"loop": {"steps": 100_000, "checkpoint_every": 1}, "batch": {"workers": 1}}
    write_config(place / "train.yaml", changes)
    process = subprocess.Popen(
        _command(place), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    checkpoint = place / "run" / CHECKPOINT
    end = time.monotonic() + PATIENCE_S
    while not checkpoint.is_file() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    for child in _workers(process.pid):
        os.kill(child, signal.SIGKILL)
    try:
        _, told = process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode == 1, told
    assert "a process that prepares batches ended unexpectedly" in told
    assert "Traceback" not in told
    assert load_checkpoint(checkpoint).header["step"] >= 1
    assert _parts(place) == []


def _workers(parent: int) -> list[int]:
    """Children that are copies of their parent."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    command = Path(f"/proc/{parent}/cmdline").read_bytes()
    return [int(c) for c in children if Path(f"/proc/{c}/cmdline").read_bytes() == command]


def test_a_full_disk_is_a_sentence(place: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    done = subprocess.run(
        _command(place), cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=small_files, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert _parts(place) == []


def test_tensorboard_on_a_full_disk_says_no_traceback(place: Path) -> None:
    # Every step's entry grows the board's file beyond the limit; the history stays below it.
    script = (
        "import resource, sys, time; from pathlib import Path\n"
        "from dalearn_ros.core.errors import InputError\n"
        "from dalearn_ros.training.log import RunLog\n"
        "log = RunLog(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))\n"
        "try:\n"
        "    for step in range(200):\n"
        "        log.losses(step, 0.0, {'abcdefghij' * 20: 1.0}); log._file.truncate(0)\n"
        "        log._board.flush() if step % 5 == 0 else None\n"
        "except (InputError, OSError) as error: print('told', error)\n"
        "try: log.close()\n"
        "except InputError as error: print('closed', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(place)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "told" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 0


@pytest.mark.parametrize(
    "config, named",
    [
        ("loop: {stepz: 3}", "loop.steps"),
        ("loss: {coupling: weighted}", "class_weighted"),
        ("grid: {cell_px: 7}", "4, 8, 16"),
        ("loop: {learning_rate: -1}", "loop.learning_rate"),
        ("network: {backbone: resnet19}", "resnet18"),
        ("loop: [", "YAML"),
        ("crops: {width: 90}", "crops.width"),
        ("batch: {cache_mb: -1}", "batch.cache_mb"),
    ],
)
def test_wrong_settings_are_sentences(
    place: Path, capsys: pytest.CaptureFixture[str], config: str, named: str
) -> None:
    (place / "train.yaml").write_text(config)
    assert main(_arguments(place)) == 1
    told = capsys.readouterr().err
    assert named in told
    assert not (place / "run").exists()


def test_a_missing_dataset_is_a_sentence(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_arguments(place), "--data", f"{place}/nowhere"]) == 1
    assert "no such folder" in capsys.readouterr().err
    assert not (place / "run").exists()


def test_another_setting_in_the_same_folder(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place)) == 0
    assert main(_arguments(place, "--seed", "9")) == 1
    assert "another 'seed'" in capsys.readouterr().err


def test_wrong_usage(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--out", f"{place}/run"]) == 2
    assert main(_arguments(place, "--seed", "one")) == 2
    assert "usage: dalearn train" in capsys.readouterr().err
