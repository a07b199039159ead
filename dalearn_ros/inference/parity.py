"""Does a backend answer as ONNX Runtime does?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dalearn_ros.coding.location import location_map
from dalearn_ros.coding.metadata import ATTENTION_OUTPUTS, DEPTH_OUTPUTS, OUTPUTS, DepthMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.randomness import generator
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.engine_settings import Profile
from dalearn_ros.inference.protocol import Backend, Images, Location

# Largest allowed difference of 999 in 1000 values, relative to 1 + the size of the value, by the
# precision of the model file.
BOUNDS = {"fp32": 2e-3, "fp16": 2e-2, "int8": 0.25}
_SHARE = 99.9
_COARSE = 16  # px, size of the patches of a made-up frame


@dataclass(frozen=True)
class Parity:
    """Difference of two backends, relative to 1 + the size of the value.

    Attributes:
        common: 999 in 1000 values differ less, in the worst output of the worst frame.
        worst: The largest of all.
        output: The output whose ``common`` is the largest.
        frames: Number of images.
    """

    common: float
    worst: float
    output: str
    frames: int


def compare(backend: Backend, reference: Backend, batches: Sequence[Images]) -> Parity:
    """How far the answers of a backend are from those of another, depth and attention included.

    Args:
        backend: What is tested; gets each batch at once.
        reference: What is right; gets the images one by one.
        batches: Each (N, H, W, C) uint8.

    Returns:
        The difference; infinite where a value is not finite or the shapes differ.
    """
    found = [Parity(0.0, 0.0, OUTPUTS[0], 0)]
    for images in batches:
        location = made_up_location(images, reference.metadata.depth)
        answers = backend.run_batch(images, location, attention=True)
        for row, answer in enumerate(answers):
            one = slice(row, row + 1)
            place = None if location is None else location[one]
            right = reference.run(images[one], place, attention=True)
            found.append(compare_outputs(answer, right))
    widest = max(found, key=lambda one: one.common)
    worst, frames = max(one.worst for one in found), sum(one.frames for one in found)
    return Parity(widest.common, worst, widest.output, frames)


def require_parity(
    backend: Backend, reference: Backend, batches: Sequence[Images], precision: str
) -> Parity:
    """As :func:`compare`, but a difference above the bound is an error.

    Args:
        backend: What is tested.
        reference: What is right.
        batches: Each (N, H, W, C) uint8.
        precision: Of the model file; key of :data:`BOUNDS`.

    Raises:
        ModelError: The difference is above the bound, or a value is not finite.
    """
    found, bound = compare(backend, reference, batches), BOUNDS[precision]
    if not found.common <= bound:
        raise ModelError(
            f"{backend.info}: refused, because its {found.output} differs from that of "
            f"{reference.info} by {found.common:.2g} on {found.frames} images; at most {bound:g} "
            f"is allowed for a {precision} model."
        )
    return found


def made_up_batches(profiles: Sequence[Profile], channels: int) -> list[Images]:
    """One batch for each profile, of its usual size: coarse patches with noise; repeatable."""
    random = generator(0, "parity")
    batches = []
    for profile in profiles:
        count, rows, columns = profile.usual
        shape = (count, rows // _COARSE, columns // _COARSE, channels)
        coarse = random.integers(16, 240, shape).repeat(_COARSE, axis=1).repeat(_COARSE, axis=2)
        noise = random.integers(-16, 16, coarse.shape)
        batches.append((coarse + noise).astype(np.uint8))
    return batches


def made_up_location(images: Images, depth: DepthMetadata | None) -> Location | None:
    """The location of pinhole cameras of (N, H, W, C) images, each of another focal length.

    Args:
        images: Inputs of the network.
        depth: Of the model; None: it has no depth, and so no location.
    """
    if depth is None:
        return None
    count, rows, columns, _ = images.shape
    cameras = [made_up_camera((columns, rows), 0.7 + 0.2 * number) for number in range(count)]
    return np.stack([location_map(one, depth.stride, (columns, rows)) for one in cameras])


def made_up_camera(size: tuple[int, int], focal: float = 0.9) -> Camera:
    """A pinhole camera that looks through the middle.

    Args:
        size: (width, height) of its images.
        focal: Focal length as a share of the width.
    """
    width, height = size
    f = focal * width
    return Camera(*size, np.array([[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]]))


def compare_outputs(answer: RawOutputs, right: RawOutputs) -> Parity:
    """The difference of two answers to one image; see :func:`compare`."""
    common, worst, named = 0.0, 0.0, OUTPUTS[0]
    for name in OUTPUTS + DEPTH_OUTPUTS + ATTENTION_OUTPUTS:
        a, b = getattr(right, name), getattr(answer, name)
        if a is None and b is None:
            continue
        if a is None or b is None or a.shape != b.shape or not np.isfinite(b).all():
            return Parity(float("inf"), float("inf"), name, 1)
        difference = np.abs(a - b) / (1.0 + np.abs(a))
        here = float(np.percentile(difference, _SHARE))
        worst = max(worst, float(difference.max()))
        if here > common:
            common, named = here, name
    return Parity(common, worst, named, 1)
