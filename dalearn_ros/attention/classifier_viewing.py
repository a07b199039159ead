"""One image under a plain classifier or regressor with an attention branch; see ``Viewer``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalearn_ros.attention.branch import can_suppress
from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_run import ImageRun
from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.attention.pictures import CLASS, NUMBERS
from dalearn_ros.attention.viewing import Answer, View
from dalearn_ros.classification.augment import prepare
from dalearn_ros.classification.folders import fit
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.preprocess import as_channels

Array = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]


class _ImageViewer:
    """What both share: the whole image is stretched onto the network's square input."""

    def __init__(self, run: ImageRun) -> None:
        if not isinstance(run.network, ImageAttention):
            raise ModelError(f"{run.path}: {NO_BRANCH}")
        self.names = run.make.names
        self.judging = JudgeSettings(value_tolerance=run.settings.value_tolerance)
        self.can_suppress = can_suppress(run.network.synthesis)
        self._make, self._size = run.make, run.settings.input.size
        self._network = run.network.eval()

    @torch.inference_mode()
    def see(self, image_bgr: Image) -> View:
        """Features and map of an image (H, W, 3) uint8 BGR of any size."""
        device = next(self._network.parameters()).device
        ready = fit(as_channels(image_bgr, self._make.channels), self._size)
        pixels = torch.from_numpy(np.ascontiguousarray(ready.transpose(2, 0, 1)))[None]
        features, seen = self._network.look(prepare(pixels.to(device)))
        height, width = image_bgr.shape[:2]
        return View(
            features,
            seen.attention[0, 0].cpu().numpy(),
            self._scores(seen.scores),
            (width, height),
            (float(width), float(height)),
        )

    def _answer(self, view: View, attention: Array | None) -> Array:
        used = view.attention if attention is None else attention
        chosen = torch.from_numpy(np.ascontiguousarray(used, np.float32))[None, None]
        found: Tensor = self._network.answer(view.features, chosen.to(view.features.device))
        return self._scores(found)

    def _scores(self, found: Tensor) -> Array:
        """(1, K) of a branch to what is told of it (K,)."""
        raise NotImplementedError


class ClassifierViewer(_ImageViewer):
    """A classifier with an attention branch; see :class:`attention.viewing.Viewer`."""

    kind = CLASS

    @torch.inference_mode()
    def answer(self, view: View, attention: Array | None = None) -> Answer:
        """The probabilities under a map (h, w) of 0 to 1; None: under the branch's own."""
        return Answer(probabilities=self._answer(view, attention))

    def _scores(self, found: Tensor) -> Array:
        scores: Array = found[0].softmax(dim=0).cpu().numpy()
        return scores


class RegressorViewer(_ImageViewer):
    """A regressor with an attention branch; see :class:`attention.viewing.Viewer`."""

    kind = NUMBERS

    @torch.inference_mode()
    def answer(self, view: View, attention: Array | None = None) -> Answer:
        """The values under a map (h, w) of 0 to 1; None: under the branch's own."""
        return Answer(values=self._answer(view, attention))

    def _scores(self, found: Tensor) -> Array:
        values = found[0].cpu().numpy() * self._make.spread + self._make.mean
        return np.asarray(values, np.float32)


NO_BRANCH = (
    "its network has no attention branch, so its answer depends on no map that could be edited; "
    "'dalearn retrain-attention' gives it one."
)
