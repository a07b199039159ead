"""How fast images are recoloured on one core, in megapixels a second.

    python benchmarks/colour_conversion.py

One image of noise over a street's index image is prepared (colour space and statistics) and
converted again and again, as the search does. The median of several turns counts. ``--no-record``
prints the figures and keeps nothing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import cv2  # noqa: E402
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.figures import record  # noqa: E402
from dalearn_ros.hard_examples.colour import bgr_to_lab, lab_to_bgr  # noqa: E402
from dalearn_ros.hard_examples.convert import Source, convert  # noqa: E402
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution, measure  # noqa: E402
from dalearn_ros.labels.area_settings import AREAS, BUILDING, ROAD, SIDEWALK, SKY  # noqa: E402

NIGHT = Distribution((20.0, 2.0, -6.0), (8.0, 3.0, 5.0))


def street(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """An image of noise (H, W, 3) and an index image (H, W) like that of a street."""
    random = np.random.default_rng(0)
    image = random.integers(40, 200, (height, width, 3), np.uint8)
    index = np.full((height, width), BUILDING, np.uint8)
    index[: height // 3, width // 4 : 3 * width // 4] = SKY
    index[height // 2 :] = SIDEWALK
    index[height // 2 :, width // 6 : 5 * width // 6] = ROAD
    for area in (3, 4, 5):  # sign, signal, marking
        index[height // 2 - 40 : height // 2 - 10, 60 * area : 60 * area + 25] = area
    return image, index


def seconds(work: Callable[[], Any], turns: int) -> float:
    """Median processor time of a call."""
    work()
    times = []
    for _ in range(turns):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return statistics.median(times)


def rows_of(width: int, height: int, turns: int) -> list[dict[str, Any]]:
    """The table."""
    image, index = street(width, height)
    source = Source.of(image, index, AREAS)
    areas = dict.fromkeys(source.statistics.present(), NIGHT)
    works: dict[str, Callable[[], Any]] = {
        "BGR to L*a*b*": lambda: bgr_to_lab(image),
        "the same by OpenCV (a table of 33 steps)": lambda: cv2.cvtColor(
            image.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2LAB
        ),
        "L*a*b* to BGR, with what is clipped": lambda: lab_to_bgr(source.colours),
        "statistics of all areas": lambda: measure(source.colours, index, AREAS),
        "an image made ready: both": lambda: Source.of(image, index, AREAS),
        "conversion of one area": lambda: convert(source, {"sky": NIGHT}),
        f"conversion of all {len(areas)} areas": lambda: convert(source, areas),
        "conversion of the whole image": lambda: convert(source, {WHOLE: NIGHT}),
        "all areas, borders blended over 2 px": lambda: convert(source, areas, soft_px=2.0),
    }
    found = []
    for name, work in works.items():
        took = seconds(work, turns)
        found.append(
            {
                "step": name,
                "ms": 1e3 * took,
                "megapixels/s": width * height * 1e-6 / took,
                "images/s": 1.0 / took,
            }
        )
        print(found[-1], flush=True)
    return found


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1280x720", help="width x height; %(default)s")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--no-record", action="store_true", help="only print")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    width, height = map(int, args.size.split("x"))
    rows = rows_of(width, height, args.turns)
    if not args.no_record:
        note = (
            f"Images of {width}x{height}, one core, processor time, median of {args.turns} turns. "
            "An image is made ready once and then converted any number of times."
        )
        record("colour_conversion", "python benchmarks/colour_conversion.py", rows, note)


if __name__ == "__main__":
    main()
