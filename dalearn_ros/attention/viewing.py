"""One image under a network with an attention branch: look once, answer under many maps (A4).

The features of an image are made once; an edited map costs the perception branch only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalearn_ros.attention.branch import can_suppress
from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.attention.pictures import LANDMARKS
from dalearn_ros.attention.run import LandmarkRun
from dalearn_ros.coding.decode import decode, inside_image
from dalearn_ros.coding.metadata import ModelMetadata
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.detector.network import Outputs
from dalearn_ros.detector.regime import metadata_of
from dalearn_ros.inference.preprocess import to_input
from dalearn_ros.inference.protocol import split_outputs
from dalearn_ros.landmarks.types import Observations

Array = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """What a network made of an image before it answered.

    Attributes:
        features: (1, c, h, w).
        attention: (h, w) the map that the branch made, 0 to 1.
        scores: (K,) of the attention branch, 0 to 1; of a regressor its values.
        size_px: (width, height) of the image.
        covered_px: (width, height) of the image that the map covers; more than the image where
            its sides were padded. Cell (row, column) covers ``covered_px / (w, h)`` pixels.
    """

    features: Tensor
    attention: Array
    scores: Array
    size_px: tuple[int, int]
    covered_px: tuple[float, float]


@dataclass(frozen=True)
class Answer:
    """What a network answers under a map; one of the three is there.

    Attributes:
        observations: A landmark detector's, in the pixels of the image.
        probabilities: (K,) a classifier's, 0 to 1.
        values: (K,) a regressor's.
    """

    observations: Observations | None = None
    probabilities: Array | None = None
    values: Array | None = None


class Viewer(Protocol):
    """A network with an attention branch, asked image by image.

    Attributes:
        names: Of the classes or values, in the order of their numbers, without a background.
        can_suppress: Whether erasing takes features away (A5).
        judging: When an answer is wrong, by the settings that it was trained with.
        kind: What it answers with, one of :data:`attention.pictures.KINDS`.
    """

    kind: str
    names: tuple[str, ...]
    can_suppress: bool
    judging: JudgeSettings

    def see(self, image_bgr: Image) -> View:
        """Features and map of an image (H, W, 3) uint8 BGR."""
        ...

    def answer(self, view: View, attention: Array | None = None) -> Answer:
        """The answer under a map (h, w) of 0 to 1; None: under the branch's own."""
        ...


class LandmarkViewer:
    """A landmark detector with an attention branch; see :class:`Viewer`."""

    kind = LANDMARKS

    def __init__(self, run: LandmarkRun) -> None:
        self.names = run.label_space.names[1:]
        self.judging = JudgeSettings(match_px=run.settings.validation.match_px)
        figures = run.header.get("figures", {})
        self.metadata: ModelMetadata = metadata_of(run.settings, run.label_space, figures, {})
        self._network = run.network.eval()
        self.can_suppress = can_suppress(self._network.synthesis)

    @torch.inference_mode()
    def see(self, image_bgr: Image) -> View:
        """Features and map of an image (H, W, 3) uint8 BGR of any size."""
        settings = self.metadata.input
        ready = to_input(image_bgr, settings.channels, settings.multiple)
        device = next(self._network.parameters()).device
        features, seen = self._network.look(torch.from_numpy(ready).to(device))
        height, width = image_bgr.shape[:2]
        attention = seen.attention[0, 0].cpu().numpy()
        scores = torch.sigmoid(seen.scores[0]).cpu().numpy()
        covered = float(ready.shape[2]), float(ready.shape[1])
        return View(features, attention, scores, (width, height), covered)

    @torch.inference_mode()
    def answer(self, view: View, attention: Array | None = None) -> Answer:
        """The landmarks under a map (h, w) of 0 to 1; None: under the branch's own."""
        used = view.attention if attention is None else attention
        chosen = torch.from_numpy(np.ascontiguousarray(used, np.float32))[None, None]
        chosen = chosen.to(view.features.device)
        known = self.metadata
        raw = raw_outputs(self._network.answer(view.features, chosen))
        found = decode(raw, known.grid, known.decoding, 0, known.calibration)
        return Answer(found.select(inside_image(found.point_px, *view.size_px)))


def raw_outputs(outputs: Outputs) -> RawOutputs:
    """The first image's answers of a detector as the decoder takes them."""
    maps: list[Any] = [
        outputs.class_logits.flatten(1, 2),
        outputs.offset.flatten(1, 2),
        outputs.log_variance.flatten(1, 2),
        outputs.log_range,
    ]
    return split_outputs([one.cpu().numpy() for one in maps])[0]
