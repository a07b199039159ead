"""Pictures of the embedded world for the benchmarks of the nodes, and child processes that end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dalearn_ros.bags.reader import BagReader  # noqa: E402

Image = npt.NDArray[np.uint8]
END_S = 20.0


def street_pictures(folder: Path, count: int, *sizes: tuple[int, int]) -> list[list[Image]]:
    """Pictures of a drive through the world, enlarged or reduced to some sizes.

    Args:
        folder: New; gets the drive.
        count: How many.
        sizes: (width, height) each.
    """
    words = ["world", "--city", "east", "--frames", str(count), "--seed", "5", "--out", str(folder)]
    command = [sys.executable, "-m", "dalearn_ros.cli.main", *words]
    subprocess.run(command, check=True, cwd=ROOT, stderr=subprocess.DEVNULL)
    with BagReader(folder / "bag") as reader:
        pictures = [frame.image for frame in reader.frames()]
    return [[np.asarray(cv2.resize(one, size), np.uint8) for one in pictures] for size in sizes]


@contextlib.contextmanager
def child(
    words: list[str], domain: int, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process in a ROS domain; asked to end, then made to, when the block is left.

    Args:
        words: Arguments of Python, such as ``-m dalearn_ros.nodes.landmark_detector``.
        domain: Its ``ROS_DOMAIN_ID``.
        log: File for standard output; None lets it through.
    """
    environment: dict[str, Any] = {**os.environ, "ROS_DOMAIN_ID": str(domain)}
    environment["PYTHONPATH"] = str(ROOT)
    with contextlib.ExitStack() as stack:
        out = None if log is None else stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=environment, stdout=out, start_new_session=True
        )
        try:
            yield process
        finally:
            end(process)


def end_cleanly_on_sigterm() -> None:
    """SIGTERM ends the program as an exception does, so that its children end too."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end as Ctrl-C does, and kill it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
