"""A made-up drive in KITTI's form."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np


def write_small_kitti(folder: Path) -> Path:
    """Three made-up frames driving east past a sign."""
    (folder / "image_0").mkdir(parents=True)
    for i in range(3):
        cv2.imwrite(str(folder / "image_0" / f"{i:06d}.png"), np.zeros((37, 120), np.uint8))
    np.savetxt(folder / "calib.txt", [np.array([70, 0, 60, 0, 0, 70, 18, 0, 0, 0, 1, 0.0])] * 2)
    pose = np.eye(4)[:3]
    rows = [(pose + np.eye(1, 12, 11).reshape(3, 4) * i).ravel() for i in range(3)]
    np.savetxt(folder / "poses.txt", rows)
    entry = {
        "category": "4",
        "Geolocation": [49.05, 8.396],
        "images": {"drive_0000000001": [50, 10, 60, 20]},
        "image_geolocations": {"drive_0000000001": [49.05, 8.3963]},
    }
    (folder / "signs.json").write_text(json.dumps({"9": entry}))
    return folder
