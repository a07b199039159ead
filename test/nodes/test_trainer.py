"""The trainer over DDS: progress, stop by service and signal, going on, failures."""

from __future__ import annotations

import fcntl
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from helpers.tiny_training import TINY, write_dataset
from std_srvs.srv import Trigger

from dalearn_ros.nodes import qos
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loop import CHECKPOINT

pytestmark = [pytest.mark.dds, pytest.mark.timeout(1200)]

PATIENCE_S = 400.0  # the worker imports torch, perhaps on a busy machine
ENDLESS = 1_000_000


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe that trains for as long as it may."""
    write_dataset(tmp_path / "data")
    # Only an interrupt makes it write a checkpoint.
    loop = {**TINY["loop"], "steps": ENDLESS, "checkpoint_every": ENDLESS}
    content = {
        "datasets": {"a": {"path": "data"}},
        "train": {"settings": {**TINY, "loop": loop}},
        "label": None,
        "evaluate": None,
    }
    (tmp_path / "learn.yaml").write_text(json.dumps(content))
    return tmp_path


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {item.key: item.value for item in status.values}


def words(recipe: Path) -> list[str]:
    parameters = {"config": str(recipe / "learn.yaml"), "out": str(recipe / "out")}
    text = json.dumps({"/**": {"ros__parameters": parameters}})
    (recipe / "trainer.yaml").write_text(text)  # JSON is YAML
    return ["--ros-args", "--params-file", str(recipe / "trainer.yaml")]


def steps_done(recipe: Path) -> int:
    (run,) = (path for path in (recipe / "out/stages").iterdir() if path.is_dir())
    return int(load_checkpoint(run / CHECKPOINT).header["step"])


def test_it_tells_its_progress_stops_and_goes_on(recipe: Path, start: Any, listener: Any) -> None:
    told: list[DiagnosticStatus] = []
    reports: list[DiagnosticArray] = []
    listener.create_subscription(
        DiagnosticStatus, "/trainer/output/progress", told.append, qos.latched(100)
    )
    listener.create_subscription(DiagnosticArray, "/diagnostics", reports.append, qos.results())
    stop = listener.create_client(Trigger, "/trainer/stop")

    def training(after: int) -> bool:
        found = [values(status) for status in told]
        return any(v.get("task") == "train" and int(v["done"]) > after for v in found)

    first = start("trainer", *words(recipe))
    listener.wait_until(lambda: training(2), PATIENCE_S)
    listener.wait_until(lambda: reports, PATIENCE_S)
    assert reports[-1].status[0].name == "/trainer"
    seen = values(told[-1])
    assert (seen["step"], seen["number"], seen["total"]) == ("train", "2", str(ENDLESS))
    assert stop.wait_for_service(PATIENCE_S)
    answer = stop.call_async(Trigger.Request())
    listener.wait_until(answer.done, PATIENCE_S)
    assert answer.result().success and str(recipe / "out") in answer.result().message
    assert first.wait(PATIENCE_S) == 0
    listener.wait_until(lambda: told[-1].message == "stopped", PATIENCE_S)
    done = steps_done(recipe)
    assert done > 2

    told.clear()
    second = start("trainer", *words(recipe))
    listener.wait_until(lambda: training(done), PATIENCE_S)
    early = [int(v["done"]) for v in map(values, told) if v.get("task") == "train"]
    assert min(early) > done  # it did not begin anew
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE_S) == 0
    assert steps_done(recipe) > done
    log = (recipe / "trainer.log").read_text()
    assert "it goes on" in log and "Traceback" not in log


def test_a_failure_is_an_error_and_exit_code_1(recipe: Path, start: Any, listener: Any) -> None:
    told: list[DiagnosticStatus] = []
    listener.create_subscription(
        DiagnosticStatus, "/trainer/output/progress", told.append, qos.latched(100)
    )
    content = (recipe / "learn.yaml").read_text().replace('"data"', '"nowhere"')
    (recipe / "learn.yaml").write_text(content)
    assert start("trainer", *words(recipe)).wait(PATIENCE_S) == 1
    log = (recipe / "trainer.log").read_text()
    assert "nowhere" in log and "nothing there" in log and "Traceback" not in log
    assert start("trainer").wait(PATIENCE_S) == 1
    assert "parameter 'config'" in (recipe / "trainer.log").read_text()


def test_the_worker_saves_its_state_when_the_node_is_killed(recipe: Path, start: Any) -> None:
    child = start("trainer", *words(recipe))
    deadline = time.monotonic() + PATIENCE_S
    while not (history := list((recipe / "out/stages").glob("train-*/history.jsonl"))):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.kill()
    child.wait()
    while not list(history[0].parent.glob(CHECKPOINT)):
        assert time.monotonic() < deadline, "the worker goes on without its node"
        time.sleep(0.1)
    assert steps_done(recipe) > 0
    with (recipe / "out/.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # waits for the worker's end
