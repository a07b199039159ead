"""How long a detector takes, stage by stage, with the network alone measured between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import to_input

Image = npt.NDArray[np.uint8]
WARM_UP = 10  # frames that are not counted: memory is allocated, clocks rise
NOISE_IMAGES = 8


def noise_images(size: tuple[int, int], seed: int = 0) -> list[Image]:
    """Images of even noise, (H, W, 3) uint8: all the work of the network, little to decode.

    Args:
        size: (width, height).
        seed: Another one gives other images.
    """
    random, (width, height) = generator(seed, "bench"), size
    return [
        random.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(NOISE_IMAGES)
    ]


def bench(
    detector: LandmarkDetector, images: Sequence[Image], frames: int
) -> Iterator[dict[str, float]]:
    """Measure a detector on images that are in memory, in turn.

    In each turn the detector takes an image, and its backend alone takes the same input, prepared
    before; which of the two comes first changes from turn to turn, so that neither gains from
    a warm cache or from a slower clock. :data:`WARM_UP` turns go before and are not told.

    Args:
        detector: With any backend.
        images: (H, W, 3) uint8 BGR; taken again from the start when they end.
        frames: Turns that are told.

    Yields:
        Milliseconds of a turn: ``preprocess``, ``inference`` and ``decode`` of the detector,
        ``total`` around it, and ``session_run``: the backend alone.
    """
    takes = detector.metadata.input
    for turn in range(-WARM_UP, frames):
        image = images[turn % len(images)]
        ready = to_input(image, takes.channels, takes.multiple)
        alone = _alone_ms(detector, ready) if turn % 2 else 0.0
        start = time.perf_counter()
        detector.detect(image)
        total = (time.perf_counter() - start) * 1e3
        if not turn % 2:
            alone = _alone_ms(detector, ready)
        if turn >= 0:
            yield {**detector.last_timing_ms, "total": total, "session_run": alone}


def _alone_ms(detector: LandmarkDetector, ready: Image) -> float:
    start = time.perf_counter()
    detector.backend.run_batch(ready)
    return (time.perf_counter() - start) * 1e3
