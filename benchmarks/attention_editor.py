"""How quickly the attention editor answers: the first look at an image, and a brush stroke.

Starts ``dalearn edit-attention`` and asks it as its page does, over HTTP: for an image, its picture
and its map; then, stroke by stroke, for the answer under the changed map. What the networks cost
does not hang on their weights, so they are random unless ``--model`` names a run with an attention
branch; ``--data`` are then its images.

    python benchmarks/attention_editor.py
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.figures import record
from dalearn_ros.attention.network import LandmarkAttention
from dalearn_ros.attention.run import LANDMARK_FORMAT
from dalearn_ros.attention.settings import BranchSettings
from dalearn_ros.core.files import write_json
from dalearn_ros.core.progress import track
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.detector.regime import build_network
from dalearn_ros.detector.settings import TrainSettings
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import Checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.run_folder import FORMAT_VERSION, RUN_FILE

NAME = "attention_editor"
SIZE = (1280, 720)
WANTED_MS = 300.0
NOTE = (
    "Model s, on the CPU, over HTTP on this machine; other images are judged in the background "
    "while nobody asks. A first look: the image decoded, features, map and answer, the picture for "
    "the page. A stroke: the changed map sent, the perception branch and decoding, what changed."
)


def write_model(path: Path) -> Path:
    """A run of size s with a new attention branch and random weights."""
    # So many false alarms as random weights give would be decoded at length.
    values = {"network": {"size": "s"}, "decoding": {"score_threshold": 1.0}}
    settings, space = load_settings(TrainSettings, None, values), LabelSpace.load()
    branch = BranchSettings()
    network = LandmarkAttention(build_network(settings, space, 0), branch)
    path.mkdir()
    marks = {"format": LANDMARK_FORMAT, "format_version": FORMAT_VERSION}
    about = {"settings": dump_settings(settings), "label_space": space.to_dict()}
    write_json(path / RUN_FILE, {**marks, **about, "branch": dump_settings(branch)})
    save_checkpoint(path / WEIGHTS, Checkpoint({"network": network.state_dict()}, {"step": 0}))
    return path


def write_images(path: Path, count: int) -> Path:
    """Images that compress about as photographs do."""
    path.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        noise = random.integers(0, 255, (SIZE[1] // 4, SIZE[0] // 4, 3), dtype=np.uint8)
        cv2.imwrite(str(path / f"{number:03d}.jpg"), cv2.resize(noise, SIZE))
    return path


class Page:
    """Asks as the editor's page does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        token = parts.fragment.partition("=")[2]
        self._headers = {"Authorization": f"Bearer {token}"}

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        """The body of the answer; anything but success ends the benchmark."""
        method = "GET" if body is None else "POST"
        self._connection.request(method, path, body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {content[:200]!r}")
        return content

    def look(self, index: int) -> tuple[float, npt.NDArray[np.float32]]:
        """Milliseconds until an image can be painted on, and its map (h, w)."""
        begun = time.perf_counter()
        about = json.loads(self.ask(f"/api/images/{index}"))
        self.ask(f"/api/images/{index}/picture")
        cells = np.frombuffer(self.ask(f"/api/images/{index}/maps/branch"), "<f4")
        spent = 1e3 * (time.perf_counter() - begun)
        return spent, cells.reshape(about["cells"]).copy()

    def stroke(self, index: int, cells: npt.NDArray[np.float32]) -> float:
        """Milliseconds until the answer under a map is there."""
        begun = time.perf_counter()
        json.loads(self.ask(f"/api/images/{index}/answer?tab=benchmark", cells.tobytes()))
        return 1e3 * (time.perf_counter() - begun)


@contextmanager
def editor(model: Path, data: Path, edits: Path) -> Iterator[Page]:
    """The verb in a process of its own, and a page on it."""
    words = ["edit-attention", "--model", model, "--data", data, "--out", edits, "--port", 0]
    command = [sys.executable, "-m", "dalearn_ros.cli.main", *map(str, words), "--no-browser"]
    root = Path(__file__).resolve().parents[1]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout is not None
        yield Page(process.stdout.readline().partition(": ")[2].strip())
    finally:
        process.terminate()
        process.wait(30)


def measure(page: Page, images: int, strokes: int) -> dict[str, list[float]]:
    """Milliseconds of each first look and of each stroke; the first image warms up."""
    spent: dict[str, list[float]] = {"first look": [], "stroke": []}
    random = np.random.default_rng(1)
    for index in track(range(images), images, "images"):
        look, cells = page.look(index)
        rows, columns = cells.shape
        for at in range(strokes):
            row, column = random.integers(rows - 4), random.integers(columns - 4)
            cells[row : row + 4, column : column + 4] = at % 2
            stroke = page.stroke(index, cells)
            if index:
                spent["stroke"].append(stroke)
        if index:
            spent["first look"].append(look)
    return spent


def rows_of(spent: dict[str, list[float]]) -> list[dict[str, Any]]:
    """The rows of the table."""
    rows = []
    for what, values in spent.items():
        p50, p95 = np.percentile(values, (50, 95))
        wanted = WANTED_MS if what == "stroke" else None
        row = {"1280x720": what, "p50 ms": float(p50), "p95 ms": float(p95), "times": len(values)}
        rows.append({**row, "wanted ms": wanted})
    return rows


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a run with an attention branch; with --data")
    parser.add_argument("--data", type=Path, help="its images, 1280x720")
    parser.add_argument("--images", type=int, default=12, help="looked at; the first warms up")
    parser.add_argument("--strokes", type=int, default=20, help="on each image")
    parser.add_argument("--no-record", action="store_true", help="only print")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = args.model or write_model(folder / "model")
        data = args.data or write_images(folder / "images", args.images)
        with editor(model, data, folder / "edits") as page:
            rows = rows_of(measure(page, args.images, args.strokes))
    for row in rows:
        print(row)
    if not args.no_record:
        record(NAME, "python benchmarks/attention_editor.py", rows, NOTE)


if __name__ == "__main__":
    main()
