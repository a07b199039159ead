"""Player, detector, localizer and evaluator as four processes, started and ended together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dalearn_ros.bags.reader import BagReader
from dalearn_ros.bags.topics import CAMERA_INFO, COMPRESSED
from dalearn_ros.core.errors import InputError
from dalearn_ros.core.resources import resource
from dalearn_ros.nodes.domain import own_domain
from dalearn_ros.nodes.process import PROFILES

DETECTOR, LOCALIZER = "/landmark_detector", "/landmark_localizer"
TRUTH, PRIOR = "/ground_truth/pose", "/localization/prior"
ODOMETRY = "/odometry"
PATIENCE_S = 90.0  # starting four processes on a busy machine, and scoring
END_S = 10.0


def play_through_nodes(
    bag: Path,
    map_path: Path,
    model: Path,
    out: Path,
    threads: int,
    patience_s: float = PATIENCE_S,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Play a bag through the nodes and score them.

    Args:
        bag: With images, camera_info, ``/localization/prior`` and ``/ground_truth/pose``.
        map_path: Its map.
        model: ONNX file.
        out: Folder; gets ``results/``, ``logs/``, ``sent.json`` and ``journal.csv``.
        threads: Of the detector.
        patience_s: How much longer than the drive it may take.

    Returns:
        The content of ``metrics.json``, and what became of the images: processed, overwritten,
        each reason of a skip, lost in transport. Their sum is the number sent.

    Raises:
        InputError: A process failed (its last words are in the sentence), or took too long.
    """
    (out / "logs").mkdir(parents=True, exist_ok=True)
    words = commands(bag, map_path, model, out, threads, patience_s)
    with BagReader(bag) as reader:
        limit = reader.bag.duration_ns * 1e-9 + patience_s
    with own_domain() as domain:
        environment = {
            "FASTDDS_DEFAULT_PROFILES_FILE": str(resource(PROFILES["local"])),
            **os.environ,
            "ROS_DOMAIN_ID": str(domain),
        }
        with contextlib.ExitStack() as stack:
            running = {
                name: stack.enter_context(_process(name, command, environment, out / "logs"))
                for name, command in words.items()
            }
            _watch(running, "evaluator", time.monotonic() + limit, out / "logs")
    try:
        metrics: dict[str, Any] = json.loads((out / "results/metrics.json").read_text())
        sent = json.loads((out / "sent.json").read_text())
        journal = (out / "journal.csv").read_text()
    except FileNotFoundError as error:
        said = "; ".join(f"{name}: {_last_words(out / 'logs', name)}" for name in words)
        raise InputError(f"{error.filename}: was not written; the last words: {said}") from None
    total = sum(len(t["stamps_ns"]) for t in sent["topics"].values() if t["type"] == COMPRESSED)
    fates = [line.split(",")[1:3] for line in journal.splitlines()[1:]]
    counts = {"processed": 0, "overwritten": 0}
    for fate, reason in fates:
        name = f"skipped: {reason}" if fate == "skipped" else fate
        counts[name] = counts.get(name, 0) + 1
    counts["lost in transport"] = total - len(fates)
    return metrics, counts


def commands(
    bag: Path, map_path: Path, model: Path, out: Path, threads: int, patience_s: float
) -> dict[str, list[str]]:
    """Node → its command line."""
    with BagReader(bag) as reader:
        image = reader.camera_topic()
        if reader.topics[image] != COMPRESSED:
            raise InputError.at(bag, image, "compressed images", reader.topics[image])
        infos = reader.bag.topics_of(CAMERA_INFO)
        folder = image.removesuffix("/compressed").rpartition("/")[0]
        info = next((t for t in infos if t.startswith(f"{folder}/")), (infos or [""])[0])
    remap_camera = {"~/input/camera_info": info}
    landmarks = f"{DETECTOR}/output/landmarks"
    return {
        "detector": _node(
            "landmark_detector",
            {
                "model": model,
                "threads": threads,
                "image_transport": "compressed",
                "journal": out / "journal.csv",
            },
            {"~/input/image/compressed": image, **remap_camera},
        ),
        "localizer": _node(
            "landmark_localizer",
            {"map": map_path},
            {
                "~/input/landmarks": landmarks,
                "~/input/pose": PRIOR,
                "~/input/odometry": ODOMETRY,
                **remap_camera,
            },
        ),
        "evaluator": _node(
            "evaluator",
            {"map": map_path, "out": out / "results", "manifest": out / "sent.json"},
            {
                "~/input/landmarks": landmarks,
                "~/input/pose": TRUTH,
                "~/input/prior": PRIOR,
                "~/input/estimate": f"{LOCALIZER}/output/pose_with_covariance",
                "~/input/image/compressed": image,
                **remap_camera,
            },
        ),
        "player": [
            *(sys.executable, "-m", "dalearn_ros.nodes.bag_player", "--bag", str(bag)),
            *("--manifest", str(out / "sent.json"), "--wait", f"{patience_s:g}"),
            *("--wait-for", image, info, PRIOR, TRUTH),
            *("--wait-for-links", landmarks, f"{LOCALIZER}/output/pose_with_covariance"),
        ],
    }


def _node(name: str, parameters: dict[str, Any], remaps: dict[str, str]) -> list[str]:
    words = [sys.executable, "-m", f"dalearn_ros.nodes.{name}", "--ros-args"]
    for key, value in parameters.items():
        words += ["-p", f"{key}:={value}"]
    for key, topic in remaps.items():
        words += ["-r", f"{key}:={topic}"]
    return words


@contextlib.contextmanager
def _process(
    name: str, command: list[str], environment: dict[str, str], logs: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A child of its own process group; asked to end, then made to, when the block is left."""
    with (logs / f"{name}.log").open("wb") as log:
        child = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGINT)
                try:
                    child.wait(END_S)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()


def _watch(
    running: dict[str, subprocess.Popen[bytes]], last: str, deadline: float, logs: Path
) -> None:
    """Wait for the process ``last``; raise as soon as any fails."""
    while running[last].poll() is None:
        if time.monotonic() > deadline:
            said = "; ".join(f"{name}: {_last_words(logs, name)}" for name in running)
            raise InputError(f"the nodes did not finish in time; what they said last: {said}")
        _raise_failed(running, logs)
        time.sleep(0.2)
    _raise_failed(running, logs)


def _raise_failed(running: dict[str, subprocess.Popen[bytes]], logs: Path) -> None:
    for name, child in running.items():
        if child.poll():
            said = _last_words(logs, name)
            raise InputError(f"the {name} ended with code {child.returncode} and said: {said}")


def _last_words(logs: Path, name: str) -> str:
    lines = (logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "nothing"
