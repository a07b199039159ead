"""A plain classifier or regressor before and after retraining, asked image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalearn_ros.attention.cam import Cam, Score, class_score, value_score
from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_data import Examples
from dalearn_ros.attention.classifier_run import CLASSIFICATION, Make
from dalearn_ros.attention.classifier_task import unscaled
from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.attention.misrecognised import judge
from dalearn_ros.attention.network import Recognition
from dalearn_ros.attention.proposals import mass_inside
from dalearn_ros.attention.regression import Judged
from dalearn_ros.attention.viewing import Answer, View
from dalearn_ros.classification.augment import prepare
from dalearn_ros.core.files import printable

Array = npt.NDArray[np.float32]
_AT_ONCE = 200


class ImageReviewer:
    """Judges the answers of a network."""

    def __init__(self, shell: ImageAttention, make: Make, tolerance: float, cam: bool) -> None:
        """Prepare it.

        Args:
            shell: The network, in evaluation; one without a branch is inside a shell with a new
                one, which is not used.
            make: What it is for; says whether it has a branch.
            tolerance: Largest error of a value that is right.
            cam: The class activation map stands for the map of a network without a branch.
        """
        self._shell, self._make = shell.eval(), make
        self._how = JudgeSettings(value_tolerance=tolerance)
        self._cam = Cam(shell, score_of(make)) if cam else None

    def judge(self, data: Examples, wanted: Mapping[int, Array]) -> list[Judged]:
        """What is wrong with the answer to each image, and where it looks.

        Args:
            data: Images and truth.
            wanted: Number of an image to the map (h, w) that it should get; the share of attention
                inside is that inside it.
        """
        found: list[Judged] = []
        for first in range(0, len(data), _AT_ONCE):
            pixels = data.images.images[first : first + _AT_ONCE]
            seen = self._recognise(prepare(pixels.to(next(self._shell.parameters()).device)))
            answers, scores = self._told(seen.answer), self._told(seen.scores)
            for row in range(len(pixels)):
                number = first + row
                attention = None
                if self._make.branch or self._cam is not None:
                    attention = np.asarray(seen.attention[row, 0].cpu(), np.float32)
                one = answers[row], scores[row], data.truth[number].numpy()
                found.append(self._judged(*one, attention, wanted.get(number)))
        return found

    def _judged(
        self,
        answer: Array,
        scores: Array,
        truth: npt.NDArray[np.generic],
        attention: Array | None,
        wanted: Array | None,
    ) -> Judged:
        is_class = self._make.task == CLASSIFICATION
        given = Answer(probabilities=answer) if is_class else Answer(values=answer)
        seen = View(torch.zeros(0), np.zeros((0, 0), np.float32), scores, (0, 0), (0.0, 0.0))
        verdict = judge(given, seen, truth, self._how, self._make.branch)
        wrong = sum(verdict.errors.values())
        tally = (1 if is_class else len(answer)) - wrong, wrong, wrong
        mass = None
        if attention is not None and wanted is not None:
            mass = mass_inside(attention, wanted)
        return Judged(verdict, tally, mass, attention)

    def _recognise(self, images: Tensor) -> Recognition:
        if self._make.branch:
            with torch.no_grad():
                found: Recognition = self._shell(images)
                return found
        if self._cam is not None:
            found = self._cam.recognise(self._shell, images)
        else:
            with torch.no_grad():
                answer = self._shell.classifier(images)
            found = Recognition(images[:, :1], answer, answer)
        answer = found.answer.detach()
        return Recognition(found.attention.detach(), answer, answer)

    def _told(self, answers: Tensor) -> Array:
        told = answers.cpu()
        is_class = self._make.task == CLASSIFICATION
        told = told.softmax(dim=1) if is_class else unscaled(told, self._make)
        return np.asarray(told, np.float32)


def score_of(make: Make) -> Score:
    """What the class activation map of such a network explains."""
    return class_score if make.task == CLASSIFICATION else value_score


def files_of(data: Examples) -> Sequence[str]:
    """Names of the images, printable."""
    return [printable(file) for file in data.images.files]
