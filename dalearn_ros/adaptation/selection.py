"""Which network along the way is taken, without a look at target labels.

Each network is judged on target images by itself: how well does what it sees in an image agree
with what it sees in the same image at another scale? Learning from pseudo labels raises that
agreement whether they are right or wrong, so two things more are asked. It must rise by a margin
that self-confirmation alone hardly reaches; and on source images, where nothing is confirmed, it
must not fall: features that fit both cities do not lose the old one. Labels of a few target images
are evidence of their own: with them agreement must only rise. The watch against collapse, the F1 on
source images and, without such labels, bounds on the number of landmarks stand guard beside it.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dalearn_ros.adaptation.agreement import TwoLooks, agreement, evenly
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.network import LandmarkNetwork
from dalearn_ros.detector.regime import metadata_of, validate
from dalearn_ros.inference.preprocess import Image
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
)

CRITERION, LANDMARKS = "target/agreement", "target/landmarks"
CONTROL = "source/agreement"
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
        wanted, net = settings.choice.images, settings.input
        rows = evenly(len(target), wanted)
        self._looks = TwoLooks((target.image(i) for i in rows), net.channels, net.multiple)
        self._known = TwoLooks(_some(source, wanted), net.channels, net.multiple)
        self._before: list[Observations] | None = None

    def __call__(self, detector: LandmarkNetwork, step: int) -> dict[str, float]:
        """Judge a network after ``step`` steps and keep it.

        Returns:
            ``source/...`` as :func:`detector.regime.validate`; ``target/agreement`` and
            ``source/agreement``: F1 between what is seen in an image and in the same one at 0.8 of
            its size; ``target/landmarks`` per image; ``target/same_as_before``: F1 between this
            network and the one judged before.
        """
        on_source = validate(detector, self.settings, self._space, self._source)
        figures = {_SOURCE + name: value for name, value in on_source.items()}
        figures |= self._agreements(detector, on_source, step)
        path = self.folder / f"step_{step:07d}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {"network": dict(detector.state_dict())}
        save_checkpoint(path, Checkpoint(state, {"step": step, "figures": figures}))
        return figures

    def _agreements(
        self, detector: LandmarkNetwork, on_source: Mapping[str, float], step: int
    ) -> dict[str, float]:
        metadata = self._metadata(on_source)
        radius = self.settings.validation.match_px
        known = self._known.first(detector, metadata), self._known.second(detector, metadata)
        plain = self._looks.first(detector, metadata)
        figures = {
            CRITERION: agreement(plain, self._looks.second(detector, metadata), radius),
            CONTROL: agreement(*known, radius),
            LANDMARKS: float(np.mean([len(found) for found in plain])),
        }
        before = self._before or self._kept_before(detector, step)
        if before:
            figures["target/same_as_before"] = agreement(before, plain, radius)
        self._before = plain
        return figures

    def _metadata(self, on_source: Mapping[str, float]) -> ModelMetadata:
        return metadata_of(self.settings, self._space, on_source, {})

    def _kept_before(self, detector: LandmarkNetwork, step: int) -> list[Observations]:
        """What the network judged before saw, in a run that goes on; empty if there is none."""
        earlier = [c for c in candidates(self.folder) if c.step < step]
        if not earlier:
            return []
        network = copy.deepcopy(detector)
        load_weights(network, state_of(earlier[-1]), earlier[-1].path)
        return self._looks.first(network, self._metadata(of_source(earlier[-1].figures)))


def _some(data: Sequence[Dataset], most: int) -> Iterator[Image]:
    """Images evenly over datasets; those that cannot be read are left out."""
    frames = [(one, index) for one in data for index in range(len(one))]
    for number in evenly(len(frames), most):
        one, index = frames[number]
        with contextlib.suppress(DatasetError):  # validation counts and names it
            yield one.image(index)


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
    found: Sequence[Candidate], settings: AdaptSettings, sound: int, labelled: bool = False
) -> tuple[Candidate, str]:
    """The network that is taken.

    Args:
        found: The start (step 0) and those along the way.
        settings: Margins, and how much may be lost on source images.
        sound: Step after which pseudo labels had run away; all steps if they did not.
        labelled: A few labelled target images were learnt from.

    Returns:
        The one with the best criterion, and why it is the start if it is: an empty text if
        adaptation helped by the criterion.
    """
    start, own = found[0], settings.choice
    usable = [c for c in found[1:] if c.step <= sound]
    if not usable:
        return start, "the pseudo labels ran away before there was another network"
    least = start.figures.get("source/f1", 0.0) - own.source_loss
    usable = [c for c in usable if c.figures.get("source/f1", 0.0) >= least]
    if not usable:
        return start, f"no network along the way kept F1 {least:.3f} on source images"
    usual = max(start.figures[LANDMARKS], 1e-9)
    usable = [
        c
        for c in usable
        if labelled or 1 / own.factor <= c.figures[LANDMARKS] / usual <= own.factor
    ]
    if not usable:
        return start, (
            f"every network along the way sees more than {own.factor:g} times as many landmarks in "
            "target images as the start, or fewer than its share"
        )
    kept = start.figures.get(CONTROL, 0.0) - own.control_loss
    steady = [c for c in usable if labelled or c.figures.get(CONTROL, 0.0) >= kept]
    if not steady:
        most = max(c.figures.get(CONTROL, 0.0) for c in usable)
        return start, f"adaptation did not help by {CONTROL}: {most:.3f} at best, {kept:.3f} needed"
    best = max(steady, key=lambda c: (c.figures[CRITERION], c.step))
    before, after = start.figures[CRITERION], best.figures[CRITERION]
    if after <= before + (0.0 if labelled else own.margin):
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
