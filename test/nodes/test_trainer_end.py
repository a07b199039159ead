"""How the trainer starts and stops, with a stand-in for the recipe's process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from std_srvs.srv import Trigger

from dalearn_ros.nodes import process, trainer, trainer_worker
from dalearn_ros.nodes.trainer_worker import Worker

pytestmark = [pytest.mark.dds, pytest.mark.timeout(200)]


class StandIn:
    """A recipe that ends when the test says so."""

    def __init__(self) -> None:
        self.started = self.looked = self.looked_after_stop = 0
        self.stopping = self.ended = self.killed = False
        self.failed = self.finished = ""
        self.on_look: Callable[[], None] = lambda: None

    @property
    def running(self) -> bool:
        return self.started > 0 and not self.ended

    @property
    def progress(self) -> dict[str, Any]:
        self.looked += 1
        self.looked_after_stop += self.stopping
        self.on_look()
        return {}

    def start(self) -> None:
        self.started += 1

    def stop(self) -> None:
        self.stopping = True

    def kill(self) -> None:
        self.killed = self.ended = True

    def wait(self) -> None:
        self.ended = True


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    stand_in = StandIn()
    monkeypatch.setattr(trainer, "Worker", lambda *words: stand_in)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield stand_in
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def words(tmp_path: Path, ros_domain: int) -> list[str]:
    (tmp_path / "learn.yaml").write_text("{}")
    found = {"config": tmp_path / "learn.yaml", "out": tmp_path / "out"}
    return ["--ros-args", *(word for k, v in found.items() for word in ("-p", f"{k}:={v}"))]


def test_nothing_starts_before_the_parameters_are_checked(
    worker: StandIn, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert process.run(trainer.TrainerNode, [*words, "-p", "until_stag:=train"]) == 1
    assert "until_stage" in capsys.readouterr().err
    assert worker.started == 0


def test_it_answers_while_it_stops(worker: StandIn, words: list[str]) -> None:
    def on_look() -> None:
        if worker.looked == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        worker.ended = worker.looked_after_stop >= 3

    worker.on_look = on_look
    assert process.run(trainer.TrainerNode, words) == 0
    assert worker.started > 0 and worker.stopping and not worker.killed


def test_a_second_signal_takes_the_recipe_with_it(
    worker: StandIn, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    exits: list[int] = []
    monkeypatch.setattr(os, "_exit", exits.append)

    def on_look() -> None:
        if worker.looked == 2 or (worker.looked_after_stop == 1 and not worker.killed):
            os.kill(os.getpid(), signal.SIGINT)

    worker.on_look = on_look
    process.run(trainer.TrainerNode, words)
    assert worker.killed and exits == [1]


def test_the_service_tells_the_truth(worker: StandIn, words: list[str]) -> None:
    import rclpy

    process.start_ros(words)
    try:
        node = trainer.TrainerNode()

        def answer() -> tuple[bool, str]:
            found = node._on_stop(Trigger.Request(), Trigger.Response())
            return found.success, found.message

        assert answer() == (True, f"the running stage saves its state in {node.out}")
        assert answer() == (False, "it is stopping already")
        worker.ended = True
        assert answer() == (False, "it has ended")
        worker.failed = "no such bag."
        assert answer() == (False, "no such bag.")
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def test_a_process_that_heeds_no_signal_can_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.write(int(sys.argv[-1]), b'{"step": "train"}\\n')
time.sleep(600)
"""
    (tmp_path / "stubborn.py").write_text(text)
    monkeypatch.setattr(trainer_worker, "MODULE", "stubborn")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    worker = Worker(tmp_path, tmp_path, "label", "evaluate")
    assert not worker.running and not worker.ended
    worker.start()
    deadline = time.monotonic() + 100
    while not worker.progress:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    worker.stop()
    assert worker.stopping and worker.running
    worker.kill()
    worker.wait()
    assert worker.ended and not worker.failed
