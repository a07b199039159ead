"""Which network along the way is taken, without a look at target labels.

Each network is judged on target images by itself: how well does what it sees in an image agree
with what it sees in the same image at another scale, a change that learning does not make?
Agreement of predictions under changes that leave the truth alone needs no labels (Saito 2021 and
Baek 2022 choose and predict by such agreement). What it cannot see, that a network is sure of the
same nonsense twice, the bounds on the number of landmarks, the watch against collapse and the F1 on
source images are there for.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.coding.decode import decode
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.regime import metadata_of, validate
from dalearn_ros.detector.validation import TorchBackend
from dalearn_ros.inference.preprocess import Image, to_input
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.localization.pairing import nearest_first
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)

CRITERION, LANDMARKS = "target/agreement", "target/landmarks"
SCALE = 0.8  # of the second look
SMALLER = PixelMap.resize(SCALE)
_SOURCE = "source/"


@dataclass(frozen=True)
class Candidate:
    """A network along the way.

    Attributes:
        path: Its weights.
        step: Steps of learning; 0 is the start.
        figures: Those of :class:`Choice`.
    """

    path: Path
    step: int
    figures: dict[str, float]


class Choice:
    """Judges networks and keeps them."""

    def __init__(
        self,
        settings: AdaptSettings,
        label_space: LabelSpace,
        source: Sequence[Dataset],
        target: ImageList,
        folder: Path,
    ) -> None:
        """Choose the target images that are looked at: evenly over the list, always the same.

        Args:
            settings: All of them.
            label_space: Classes.
            source: Labelled source images to validate on.
            target: Images of the new city.
            folder: Where networks are kept.
        """
        self.settings, self.folder = settings, folder
        self._space, self._source = label_space, source
        count = min(settings.choice.images, len(target))
        rows = np.linspace(0, len(target) - 1, count).round().astype(int).tolist()
        channels, multiple = settings.input.channels, settings.input.multiple
        self._views = []
        for row in rows:
            image = target.image(row)
            size = (round(image.shape[1] * SCALE), round(image.shape[0] * SCALE))
            smaller = SMALLER.warp(image, size)
            self._views.append([to_input(view, channels, multiple) for view in (image, smaller)])
        self._before: list[Observations] | None = None

    def __call__(self, detector: LandmarkNetwork, step: int) -> dict[str, float]:
        """Judge a network after ``step`` steps and keep it.

        Returns:
            ``source/...`` as :func:`detector.regime.validate`; ``target/agreement``: F1 between
            what is seen in an image and in the same one at 0.8 of its size; ``target/landmarks``
            per image; ``target/same_as_before``: F1 between this network and the one judged before.
        """
        on_source = validate(detector, self.settings, self._space, self._source)
        figures = {_SOURCE + name: value for name, value in on_source.items()}
        figures |= self._on_target(detector, on_source, step)
        path = self.folder / f"step_{step:07d}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"network": dict(detector.state_dict())}
        save_checkpoint(path, Checkpoint(state, {"step": step, "figures": figures}))
        return figures

    def _on_target(
        self, detector: LandmarkNetwork, on_source: Mapping[str, float], step: int
    ) -> dict[str, float]:
        pairs = [self._seen(detector, on_source, views) for views in self._views]
        plain = [first for first, _ in pairs]
        radius = self.settings.validation.match_px
        figures = {
            CRITERION: agreement(plain, [second for _, second in pairs], radius),
            LANDMARKS: float(np.mean([len(found) for found in plain])),
        }
        before = self._before or self._kept_before(detector, step)
        if before:
            figures["target/same_as_before"] = agreement(before, plain, radius)
        self._before = plain
        return figures

    def _seen(
        self, detector: LandmarkNetwork, on_source: Mapping[str, float], views: Sequence[Image]
    ) -> list[Observations]:
        """What it would report of an image and of the smaller one, in pixels of the first."""
        metadata = metadata_of(self.settings, self._space, on_source, {})
        backend, decoding = TorchBackend(detector, metadata), metadata.decoding
        outputs = [backend.run(view) for view in views]
        found = [decode(o, metadata.grid, decoding, 0, metadata.calibration) for o in outputs]
        back = SMALLER.inverse()
        return found[:1] + [replace(one, point_px=back.apply(one.point_px)) for one in found[1:]]

    def _kept_before(self, detector: LandmarkNetwork, step: int) -> list[Observations]:
        """What the network judged before saw, in a run that goes on; empty if there is none."""
        earlier = [c for c in candidates(self.folder) if c.step < step]
        if not earlier:
            return []
        network = copy.deepcopy(detector)
        load_weights(network, state_of(earlier[-1]), earlier[-1].path)
        figures = of_source(earlier[-1].figures)
        return [self._seen(network, figures, views[:1])[0] for views in self._views]


def agreement(
    one: Sequence[Observations], other: Sequence[Observations], radius_px: float
) -> float:
    """F1 between what was seen twice in the same images; 0 if nothing was seen at all.

    Args:
        one: Landmarks of each image.
        other: Those of the second time, in the same pixels.
        radius_px: Largest distance of two that are the same; their classes must be equal, too.
    """
    same = sum(seen_twice(a, b, radius_px) for a, b in zip(one, other, strict=True))
    total = sum(map(len, one)) + sum(map(len, other))
    return 2.0 * same / total if total else 0.0


def seen_twice(one: Observations, other: Observations, radius_px: float) -> int:
    """How many landmarks are among both, one to one: of a class, at most the radius apart."""
    away = np.linalg.norm(one.point_px[:, None] - other.point_px[None], axis=-1)
    alike = (one.class_id[:, None] == other.class_id[None]) & (away <= radius_px)
    return len(nearest_first(np.where(alike, away, np.inf)))


def candidates(folder: Path) -> list[Candidate]:
    """The networks that were kept, in the order of their steps.

    Raises:
        ModelError: A file is damaged.
    """
    found = []
    for path in sorted(folder.glob("step_*.safetensors")):
        header = load_checkpoint(path).header
        found.append(Candidate(path, int(header["step"]), dict(header["figures"])))
    return found


def forget_after(folder: Path, step: int) -> None:
    """Remove networks of later steps than a run goes on from."""
    for path in folder.glob("step_*.safetensors"):
        if int(path.stem.removeprefix("step_")) > step:
            path.unlink()


def choose(
    found: Sequence[Candidate], settings: AdaptSettings, sound: int
) -> tuple[Candidate, str]:
    """The network that is taken.

    Args:
        found: The start (step 0) and those along the way.
        settings: Margin, and how much may be lost on source images.
        sound: Step after which pseudo labels had run away; all steps if they did not.

    Returns:
        The one with the best criterion, and why it is the start if it is: an empty text if
        adaptation helped by the criterion.
    """
    start = found[0]
    own = settings.choice
    least = start.figures.get("source/f1", 0.0) - own.source_loss
    usable = [c for c in found[1:] if c.step <= sound]
    if not usable:
        return start, "the pseudo labels ran away before there was another network"
    usable = [c for c in usable if c.figures.get("source/f1", 0.0) >= least]
    if not usable:
        return start, f"no network along the way kept F1 {least:.3f} on source images"
    usual = max(start.figures[LANDMARKS], 1e-9)
    usable = [c for c in usable if 1 / own.factor <= c.figures[LANDMARKS] / usual <= own.factor]
    if not usable:
        return start, (
            f"every network along the way sees more than {own.factor:g} times as many landmarks in "
            "target images as the start, or fewer than its share"
        )
    best = max(usable, key=lambda c: (c.figures[CRITERION], c.step))
    before, after = start.figures[CRITERION], best.figures[CRITERION]
    if after <= before + own.margin:
        return start, (
            f"adaptation did not help by {CRITERION}: {after:.3f} at best, {before:.3f} without"
        )
    return best, ""


def of_source(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures on source images by their own names, thresholds and calibration among them."""
    return {
        name.removeprefix(_SOURCE): value
        for name, value in figures.items()
        if name.startswith(_SOURCE)
    }


def state_of(candidate: Candidate) -> dict[str, Any]:
    """The weights of a candidate by name."""
    return dict(load_checkpoint(candidate.path).groups["network"])
