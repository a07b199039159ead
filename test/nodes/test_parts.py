"""The parts of the nodes that need no network."""

from __future__ import annotations

import signal
import sys
import threading
import time
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.small_drive import write_bag

from dalearn_ros.bags.stamps import header_stamp
from dalearn_ros.core.errors import InputError, PoseError, SettingsError
from dalearn_ros.core.settings import dump_settings, field, load_settings
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.nodes import chain, parameters
from dalearn_ros.nodes.diagnostics import FrameCounters
from dalearn_ros.nodes.domain import own_domain
from dalearn_ros.nodes.evaluator import EvaluatorNodeSettings
from dalearn_ros.nodes.image_watch import TOLD_FOR, ImageWatch
from dalearn_ros.nodes.landmark_detector import DetectorNodeSettings
from dalearn_ros.nodes.mailbox import Mailbox
from dalearn_ros.nodes.outcomes import outcomes
from dalearn_ros.nodes.vehicle import PoseBuffer

ROOT = Path(__file__).resolve().parents[2]


def test_a_mailbox_keeps_the_newest_and_hands_back_what_it_overwrites() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.put(1) is None
    assert box.put(2) == 1
    assert box.take() == [2]
    assert box.put(3) is None
    assert box.close() == [3]
    assert box.take() == []
    assert box.put(4) == 4  # lost at once, and so counted


def test_a_mailbox_has_a_place_for_each_sender() -> None:
    box: Mailbox[str] = Mailbox()
    assert box.put("front 1", 0) is None
    assert box.put("left 1", 1) is None
    assert box.put("front 2", 0) == "front 1"
    assert box.take() == ["left 1", "front 2"]


def test_closing_a_mailbox_wakes_the_worker() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[list[int]] = []
    worker = threading.Thread(target=lambda: taken.append(box.take()))
    worker.start()
    box.close()
    worker.join(5.0)
    assert taken == [[]]


def test_the_counters_add_up_and_the_journal_has_every_fate(tmp_path: Path) -> None:
    counters = FrameCounters(keep_journal=True)
    for _ in range(4):
        counters.received()
    counters.processed(10, {"total": 2.0})
    counters.overwritten(20)
    counters.skipped(30, "image:truncated")
    counters.processed(40, {"total": 4.0, "inference": 3.0, "wait": 0.5})
    values = counters.snapshot()
    fates = [int(values[name]) for name in ("processed", "overwritten", "skipped")]
    assert int(values["received"]) == sum(fates) == 4
    assert values["skipped.image:truncated"] == "1"
    assert float(values["latency_ms.total.mean"]) == 3.0
    assert float(values["latency_ms.total.p50"]) == 3.0
    counters.write_journal(tmp_path / "journal.csv")
    rows = (tmp_path / "journal.csv").read_text().splitlines()
    assert rows == [
        "stamp_ns,fate,reason,wait_ms,inference_ms,total_ms", "10,processed,,,,2.000",
        "20,overwritten,,,,", "30,skipped,image:truncated,,,", "40,processed,,0.500,3.000,4.000",
    ]  # fmt: skip


def test_the_outcomes_of_what_was_sent_add_up() -> None:
    sent = set(range(20))
    report = {"received": 17, "processed": 12, "overwritten": 3, "skipped": 2}
    report["skipped.image:truncated"] = 2
    found = outcomes(sent, set(range(11)), report)
    assert found == {
        "processed": 11, "overwritten": 3, "image:truncated": 2, "lost in transport": 3,
        "no result": 1,
    }  # fmt: skip
    assert sum(found.values()) == 20


def test_without_a_report_what_has_no_result_says_so() -> None:
    assert outcomes({1, 2, 3}, {1, 2}, {}) == {"processed": 2, "no result": 1}


@pytest.mark.parametrize(("flag", "order"), [(1, "little"), (0, "big")])
def test_the_stamp_of_a_serialised_message(flag: int, order: str) -> None:
    body = (1_700_000_000).to_bytes(4, order) + (123_456_789).to_bytes(4, order)  # type: ignore[arg-type]
    cdr = bytes([0, flag, 0, 0]) + body + b"rest"
    kind = "sensor_msgs/msg/Image"
    assert header_stamp(cdr, kind, 0) == 1_700_000_000_123_456_789
    assert header_stamp(cdr, "tf2_msgs/msg/TFMessage", 7) == 7


def test_two_runs_get_two_domains() -> None:
    with own_domain() as first, own_domain() as second:
        assert first != second
        assert 1 <= min(first, second) <= max(first, second) <= 101


@pytest.mark.parametrize("ignores", [False, True])
def test_a_child_ends_with_its_block_however_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ignores: bool
) -> None:
    monkeypatch.setattr(chain, "END_S", 0.5)
    program = "import signal, time; print(1, flush=True); time.sleep(100)"
    if ignores:
        program = program.replace("print", "signal.signal(signal.SIGINT, signal.SIG_IGN); print")
    with pytest.raises(KeyboardInterrupt):
        with chain._process("x", [sys.executable, "-c", program], {}, tmp_path) as child:
            while not (tmp_path / "x.log").stat().st_size and child.poll() is None:
                time.sleep(0.05)
            raise KeyboardInterrupt
    assert child.returncode == (-signal.SIGKILL if ignores else -signal.SIGINT)


def test_a_node_that_writes_nothing_is_named_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bag(tmp_path / "bag", frames=1)
    program = "print('journal.csv: cannot be written (No space left on device).')"
    words = {name: [sys.executable, "-c", program] for name in ("detector", "evaluator")}
    monkeypatch.setattr(chain, "commands", lambda *_: words)
    with pytest.raises(InputError, match=r"metrics\.json: was not written.*detector: .*No space"):
        chain.play_through_nodes(tmp_path / "bag", tmp_path, tmp_path, tmp_path / "out", 1)


def pose_at(stamp_ns: int, x: float) -> Pose:
    return Pose(stamp_ns, Transform.from_euler(0, 0, 0, (x, 0, 0)))


def test_a_pose_buffer_interpolates_and_starts_anew_with_the_bag() -> None:
    buffer = PoseBuffer()
    with pytest.raises(PoseError):
        buffer.at(0)
    buffer.add(pose_at(1_000, 1.0))
    buffer.add(pose_at(2_000, 2.0))
    assert buffer.at(1_250).map_from_base.translation[0] == pytest.approx(1.25)
    with pytest.raises(PoseError) as caught:
        buffer.at(2_001)
    assert caught.value.reason == "after_end"
    buffer.add(pose_at(500, 9.0))
    assert len(buffer) == 1


def test_a_pose_buffer_that_keeps_all_takes_poses_in_any_order() -> None:
    buffer = PoseBuffer(None)
    for stamp in (1_000, 3_000, 2_000):
        buffer.add(pose_at(stamp, stamp * 1e-3))
    assert len(buffer) == 3
    assert buffer.at(2_500).map_from_base.translation[0] == pytest.approx(2.5)


def test_a_pose_buffer_counts_what_is_not_finite() -> None:
    from dalearn_ros.nodes.messages import pose_with_covariance_message

    buffer = PoseBuffer()
    message = pose_with_covariance_message(pose_at(1, 1.0), "map")
    message.pose.pose.position.y = float("inf")
    buffer.add_message(message)
    assert (len(buffer), buffer.refused) == (0, 1)


@dataclass(frozen=True)
class Inner:
    size_m: float = field(2.0, "A size.", unit="m", minimum=0.0, maximum=5.0)


@dataclass(frozen=True)
class Outer:
    """Settings with every kind of field."""

    count: int = field(3, "How many.", minimum=1, maximum=9)
    mode: str = field("a", "Which.", choices=("a", "b"))
    values: tuple[float, float] = field((1.0, 2.0), "Two.")
    inner: Inner = field(Inner, "More.")


def test_settings_become_described_parameters() -> None:
    found = parameters.described(Outer)
    assert list(found) == ["count", "mode", "values", "inner.size_m"]
    default, size = found["inner.size_m"]
    assert default == 2.0
    assert size.description == "A size. [m]"
    assert size.floating_point_range[0].to_value == 5.0
    assert found["count"][1].integer_range[0].from_value == 1
    assert found["mode"][1].additional_constraints == "one of a, b"
    assert all(descriptor.read_only for _, descriptor in found.values())


@pytest.mark.parametrize(
    ("given", "near"),
    [("inner.size", "inner.size_m"), ("cuont", "count"), ("counts", "count"), ("wheel_base", "")],
)
def test_a_parameter_that_is_nearly_known_is_refused(given: str, near: str) -> None:
    known = dict.fromkeys(["count", "mode", "inner.size_m", "use_sim_time"])
    node = types.SimpleNamespace(
        _parameter_overrides={"mode": 1, given: 2}, get_parameters_by_prefix=lambda _: known
    )
    if near:
        with pytest.raises(SettingsError, match=f"'{given}'.*Did you mean '{near}'"):
            parameters.refuse_misspelt(node)
    else:
        parameters.refuse_misspelt(node)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("detector", DetectorNodeSettings),
        ("localizer", LocalizerSettings),
        ("evaluator", EvaluatorNodeSettings),
    ],
)
def test_a_parameter_file_holds_the_defaults_under_known_names(name: str, cls: type) -> None:
    """The same file serves ROS and ``load_settings``; its values are the class's defaults."""
    path = ROOT / f"config/{name}.yaml"
    assert load_settings(cls, path) == load_settings(cls)
    content = yaml.safe_load(path.read_text())["/**"]["ros__parameters"]
    assert set(content) <= set(dump_settings(cls()))
    flat = [key for key, value in content.items() if not isinstance(value, dict)]
    assert set(flat) <= set(parameters.described(cls))


def test_the_rate_is_that_of_the_last_seconds() -> None:
    now = [100.0]
    counters = FrameCounters(clock=lambda: now[0])
    for _ in range(20):
        now[0] += 0.1
        counters.processed(1, {})
    assert counters.snapshot()["rate_hz"] == "4.00"  # 20 in the last 5 s
    now[0] += 4.05
    assert float(counters.snapshot()["rate_hz"]) == pytest.approx(1.8, abs=0.21)
    now[0] += 5.0
    assert counters.snapshot()["rate_hz"] == "0.00"


def test_an_image_watch_tells_for_a_while_and_counts_for_ever() -> None:
    watch = ImageWatch()
    camera = Camera(64, 48, np.array([[50.0, 0, 32], [0, 50.0, 24], [0, 0, 1]]))
    assert watch.look(5, (64, 48), camera)
    assert not watch.look(6, (64, 50), camera)
    assert "64x48 pixels, the image has 64x50" in watch.sentences()["camera_info"]
    assert not watch.look(7, (64, 48), None)
    for stamp in range(8, 8 + TOLD_FOR):
        watch.look(stamp, (64, 48), camera)
    assert set(watch.sentences().values()) == {""}
    assert watch.counts == {"camera_info": 1, "other_size": 2}
