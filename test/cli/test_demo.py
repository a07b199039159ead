"""The demo without DDS, in an environment in which torch cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.full_disk import files_up_to
from helpers.small_drive import write_bag, write_street
from helpers.tiny_model import write_tiny_model

from dalearn_ros.cli import demo
from dalearn_ros.cli.demo import table
from dalearn_ros.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "safetensors", "rclpy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from dalearn_ros.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.timeout(400)
def test_direct_needs_neither_torch_nor_ros(tmp_path: Path) -> None:
    model, out = write_tiny_model(tmp_path / "tiny.onnx"), tmp_path / "demo"
    words = ["demo", "--direct", "--frames", "12", "--model", str(model), "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    last = done.stdout.strip().splitlines()[-1]
    assert last == f"{out}: drive/ and results/; open {out}/results/report.html"
    metrics = json.loads((out / "results/metrics.json").read_text())
    assert metrics["frames"] == 12
    assert f"images scored               {metrics['frames']}" in done.stdout
    assert (out / "drive/map/lanelet2_map.osm").is_file()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model; the drive is a small one, which is written at once."""

    def write_small_drive(out: Path, *_: object) -> None:
        write_street(out / "map")
        write_bag(out / "bag", frames=4)

    monkeypatch.setattr("dalearn_ros.world.drive.write_drive", write_small_drive)
    write_tiny_model(tmp_path / "tiny.onnx")
    return tmp_path


@pytest.mark.parametrize("fault", ["full disk", "interrupt"])
def test_a_failed_evaluation_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    def fails(*_: object) -> object:
        if fault == "interrupt":
            raise KeyboardInterrupt
        with files_up_to(2_000):
            return whole(*_)

    whole = demo._direct
    monkeypatch.setattr(demo, "_direct", fails)
    words = ["demo", "--direct", "--model", f"{place}/tiny.onnx", "--out", f"{place}/demo"]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert ("cannot be written" if fault == "full disk" else "interrupted") in told
    assert "Traceback" not in told
    assert [path.name for path in place.iterdir()] == ["tiny.onnx"]


def test_a_wrong_model_is_told_before_the_drive_is_made(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "_run", lambda *_: pytest.fail("the drive was made"))
    (place / "other.onnx").write_bytes((place / "tiny.onnx").read_bytes()[:300])
    words = ["demo", "--direct", "--model", f"{place}/other.onnx", "--out", f"{place}/demo"]
    assert main(words) == 1
    assert "other.onnx: is not a readable ONNX model" in capsys.readouterr().err


def test_an_interrupt_while_the_nodes_run_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(bag: Path, map_path: Path, model: Path, out: Path, threads: int) -> None:
        (out / "logs").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("dalearn_ros.nodes.chain.play_through_nodes", interrupted)
    monkeypatch.setattr(demo, "check_ros", lambda: None)
    assert main(["demo", "--model", f"{place}/tiny.onnx", "--out", f"{place}/demo"]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert [path.name for path in place.iterdir()] == ["tiny.onnx"]


def test_the_table_shows_what_became_of_every_image() -> None:
    both = {"lateral_m": {"median": 0.25}, "longitudinal_m": {"median": None}}
    pose = {**both, "heading_deg": {"median": 0.5}, "availability": 0.9}
    metrics = {
        "frames": 8, "match_px": 8.0, "f1": 0.91234, "precision": 0.95, "recall": 0.88,
        "reference_point_px": {"median": 1.5}, "localization": pose, "prior": both,
    }  # fmt: skip
    text = table(metrics, {"processed": 8, "overwritten": 1, "lost in transport": 1})
    rows = dict(line.rsplit("  ", 1) for line in text.splitlines())
    figures = {name.strip(): value for name, value in rows.items()}
    assert figures["F1 at 8 px"] == "0.912"
    assert figures["lateral error, median"] == "0.25 m"
    assert figures["longitudinal error, median"] == "- m"
    assert figures["images sent"] == "10"
    assert figures["lost in transport"] == "1"
