"""The world frozen as a benchmark: fingerprints of some drives, and which seeds serve what.

Poses and map are compared by hash. Pictures are compared by hash (the same machine and libraries)
and by a small grey thumbnail within a tolerance (any machine).
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.yaml_file import read_yaml
from dalearn_ros.world.city import build_city
from dalearn_ros.world.plan import Plan, make_plan
from dalearn_ros.world.scene import Scene
from dalearn_ros.world.studio import Studio
from dalearn_ros.world.style import city_named

WORLD_VERSION = 2
TIMES_S = (1.0, 5.0)
THUMBNAIL = (32, 18)
TOLERANCE = 3  # grey levels between machines
LOCKED = [
    {"city": "north", "condition": "day", "seed": 101, "frames": 60},
    {"city": "north", "condition": "rain", "seed": 901, "frames": 60},
    {"city": "south", "condition": "night", "seed": 902, "frames": 60},
    {"city": "south", "condition": "low_sun", "seed": 102, "frames": 60},
    {"city": "east", "condition": "fog", "seed": 903, "frames": 60},
    {"city": "east", "condition": "snow", "seed": 103, "frames": 60},
    {"city": "east", "condition": "dusk", "seed": 104, "frames": 60},
]
SEEDS = {
    "train": "10000-19999",
    "validation": "20000-29999",
    "evaluation": "90000-99999, the demo's 90210 among them",
    "rule": "no model that is shipped or compared trains on seeds outside the first range",
}


def layout_digest(city: str, condition: str, seed: int, frames: int) -> str:
    """Hash of true poses and of all mapped things, to the millimetre; draws nothing."""
    plan = make_plan(city_named(city), frames, seed)
    scene, _ = build_city(city_named(city), condition, seed, plan, pictures=False)
    return _layout(plan, scene)


def _layout(plan: Plan, scene: Scene) -> str:
    digest = hashlib.sha256()
    for t in plan.times_s[::10]:
        pose = plan.pose(float(t))
        row = np.concatenate([pose.translation, pose.quaternion])
        digest.update(np.round(row * 1000.0).astype(np.int64).tobytes())
    for element in scene.inventory.elements:
        digest.update(f"{element.kind}:{element.code}".encode())
        digest.update(np.round(element.points * 1000.0).astype(np.int64).tobytes())
    return digest.hexdigest()[:32]


def fingerprint(city: str, condition: str, seed: int, frames: int) -> dict[str, Any]:
    """What the lock holds of one drive; draws two pictures."""
    plan = make_plan(city_named(city), frames, seed)
    studio = Studio(city_named(city), condition, seed, plan)
    try:
        images = [studio.picture(t, plan.pose(t))[0] for t in TIMES_S]
        layout = _layout(plan, studio.scene)
    finally:
        studio.close()
    pictures = hashlib.sha256(b"".join(image.tobytes() for image in images)).hexdigest()[:32]
    thumbnails = [base64.b64encode(_thumbnail(image).tobytes()).decode() for image in images]
    return {"layout": layout, "pictures": pictures, "thumbnails": thumbnails}


def _thumbnail(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, THUMBNAIL, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def thumbnail_difference(locked: list[str], now: list[str]) -> int:
    """Largest difference in grey levels between two lists of thumbnails."""
    worst = 0
    for a, b in zip(locked, now, strict=True):
        x, y = (np.frombuffer(base64.b64decode(v), np.uint8).astype(int) for v in (a, b))
        worst = max(worst, int(np.abs(x - y).max()))
    return worst


def read_lock(path: Path) -> dict[str, Any]:
    """The lock file's content.

    Raises:
        InputError: There is none, or it is not one.
    """
    content = read_yaml(path, what="world lock")
    if "drives" not in content:
        raise InputError.at(path, "key 'drives'", "a list of drives", "none")
    return content


def make_lock() -> dict[str, Any]:
    """A new lock of this version of the world."""
    drives = [{**drive, **fingerprint(**drive)} for drive in LOCKED]  # type: ignore[arg-type]
    return {"world_version": WORLD_VERSION, "seeds": SEEDS, "drives": drives}


def check_lock(content: dict[str, Any]) -> list[str]:
    """One line a drive that differs from the lock; empty if the world is as it was."""
    lines = []
    for drive in content["drives"]:
        key = {k: drive[k] for k in ("city", "condition", "seed", "frames")}
        name = f"{drive['city']} {drive['condition']} seed {drive['seed']}"
        now = fingerprint(**key)
        if now["layout"] != drive["layout"]:
            lines.append(f"{name}: poses or map differ")
        difference = thumbnail_difference(drive["thumbnails"], now["thumbnails"])
        if difference > TOLERANCE:
            lines.append(f"{name}: pictures differ by up to {difference} grey levels")
        elif now["pictures"] != drive["pictures"]:
            lines.append(f"{name}: pictures differ in their last bits (another machine?)")
    return lines
