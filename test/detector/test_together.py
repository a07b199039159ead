"""Learning with several processes: equal weights, the step of one process, falling losses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers.processes import run_together
from helpers.tiny_training import tiny_settings, write_config, write_dataset

from dalearn_ros.cli.main import main
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import DetectorTask, build_network
from dalearn_ros.detector.run import train_detector
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import CHECKPOINT, WEIGHTS, Trainer
from dalearn_ros.training.peers import Peers

ROOT = Path(__file__).resolve().parents[2]
CHANGES = {
    "batch": {"size": 5, "crops_per_image": 2},
    "loss": {"selection": {"background": "random"}},
    "loop": {"steps": 20, "checkpoint_every": 10},
}


def test_two_processes_hold_equal_weights_and_take_the_steps_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Dataset.open(write_dataset(tmp_path / "data"))
    settings = tiny_settings(CHANGES)

    def work(peers: Peers) -> None:
        torch.set_num_threads(1)
        task = DetectorTask(settings, [data], [], 4, peers)
        network = build_network(settings, data.label_space, 4)
        run = tmp_path / "two"
        trainer = Trainer(network, task, settings.loop, run, peers, 4)
        assert trainer.run().steps == 20
        torch.save(network.state_dict(), tmp_path / f"{peers.rank}.pt")
        torch.save(trainer.average.network.state_dict(), tmp_path / f"average{peers.rank}.pt")

    (tmp_path / "two").mkdir()
    run_together(monkeypatch, 2, work)
    for kind in ("", "average"):
        one, other = (torch.load(tmp_path / f"{kind}{rank}.pt") for rank in (0, 1))
        assert all(torch.equal(one[name], other[name]) for name in one)
    rows = [json.loads(x) for x in (tmp_path / "two" / "history.jsonl").read_text().splitlines()]
    totals = [row["total"] for row in rows]
    assert len(totals) == 20  # only the first process writes
    assert sum(totals[-5:]) < 0.97 * sum(totals[:5])

    # One process that takes the same two parts of each batch one after the other.
    parts = tiny_settings({**CHANGES, "loop": {**CHANGES["loop"], "accumulate": 2}})
    train_detector([data], [], tmp_path / "one", parts, 4)
    alone = load_checkpoint(tmp_path / "one" / CHECKPOINT).groups["network"]
    together = load_checkpoint(tmp_path / "two" / CHECKPOINT).groups["network"]
    for name, value in alone.items():
        if "running" not in name and "tracked" not in name:  # of normalisation: averaged there
            assert torch.allclose(value, together[name], rtol=1e-4, atol=1e-6), name


def test_a_bad_batch_of_one_process_stops_all_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    data = Dataset.open(write_dataset(tmp_path / "data"))
    settings = tiny_settings({**CHANGES, "loop": {"steps": 4, "checkpoint_every": 1}})
    whole = DetectorTask.losses

    def work(peers: Peers) -> None:
        calls: list[list[str]] = []

        def losses(self: DetectorTask, network: torch.nn.Module, batch: dict) -> dict:
            calls.append(batch["names"])
            found = whole(self, network, batch)
            bad = peers.rank == 1 and len(calls) == 3
            return {**found, "total": found["total"] * float("nan")} if bad else found

        monkeypatch.setattr(DetectorTask, "losses", losses)
        task = DetectorTask(settings, [data], [], 4, peers)
        network = build_network(settings, data.label_space, 4)
        with pytest.raises(Exception, match="not finite at step 3") as caught:
            Trainer(network, task, settings.loop, tmp_path / "run", peers, 4).run()
        for names in peers.gather(calls[2]):
            assert all(name in str(caught.value) for name in names)

    (tmp_path / "run").mkdir()
    run_together(monkeypatch, 2, work)
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT).header["step"] == 2


@pytest.mark.timeout(400)
def test_torchrun_with_one_process_is_the_plain_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path / "data")
    config = write_config(tmp_path / "train.yaml", CHANGES)
    words = ["train", "--data", f"{tmp_path}/data", "--config", str(config), "--seed", "4", "--out"]
    assert main([*words, f"{tmp_path}/plain"]) == 0
    start = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "1"]
    done = subprocess.run(
        [*start, "--standalone", "-m", "dalearn_ros.cli.main", *words, f"{tmp_path}/started"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "20 steps" in done.stdout
    for name in (CHECKPOINT, WEIGHTS):
        one, other = (load_checkpoint(tmp_path / run / name) for run in ("plain", "started"))
        for group, state in one.groups.items():
            assert all(torch.equal(v, other.groups[group][k]) for k, v in state.items())
