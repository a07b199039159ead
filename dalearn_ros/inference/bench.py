"""How long a detector takes, stage by stage, with the network alone measured between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.randomness import generator
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.parity import made_up_camera, made_up_location
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.inference.protocol import Location

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
    a warm cache or from a slower clock. :data:`WARM_UP` turns go before and are not told. A model
    with depth is given a made-up camera; the attention map of one that has it is not asked for.

    Args:
        detector: With any backend.
        images: (H, W, 3) uint8 BGR; taken again from the start when they end.
        frames: Turns that are told.

    Yields:
        Milliseconds of a turn: ``preprocess``, ``inference`` and ``decode`` of the detector,
        ``total`` around it, and ``session_run``: the backend alone. With depth ``depth_image``
        too: the image that is made for those who ask for it, after the total; with attention
        ``attention_image``, the same of a made-up map.
    """
    takes, depth = detector.metadata.input, detector.metadata.depth
    for turn in range(-WARM_UP, frames):
        image = images[turn % len(images)]
        ready = to_input(image, takes.channels, takes.multiple)
        location = made_up_location(ready, depth)
        size = image.shape[1], image.shape[0]
        camera = None if depth is None else made_up_camera(size)
        alone = _alone_ms(detector, ready, location) if turn % 2 else 0.0
        start = time.perf_counter()
        answer = detector.answer(image, 0, camera)
        total = (time.perf_counter() - start) * 1e3
        stages = {**detector.last_timing_ms, "total": total}
        if answer.depth is not None:
            start = time.perf_counter()
            answer.depth.image(size)
            stages["depth_image"] = (time.perf_counter() - start) * 1e3
        seen = detector.metadata.attention
        if seen is not None:
            cells = np.full([-(-side // seen.stride) for side in image.shape[:2]], 0.5, np.float32)
            start = time.perf_counter()
            AttentionMap(cells, seen.stride, size).image()
            stages["attention_image"] = (time.perf_counter() - start) * 1e3
        if not turn % 2:
            alone = _alone_ms(detector, ready, location)
        if turn >= 0:
            yield {**stages, "session_run": alone}


def _alone_ms(detector: LandmarkDetector, ready: Image, location: Location | None) -> float:
    start = time.perf_counter()
    detector.backend.run_batch(ready, location)
    return (time.perf_counter() - start) * 1e3
