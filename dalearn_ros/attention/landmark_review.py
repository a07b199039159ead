"""A detector before and after retraining, asked image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.cam import Cam, landmark_score
from dalearn_ros.attention.cells import WantedMap, over_image
from dalearn_ros.attention.edits import Edits
from dalearn_ros.attention.judge_settings import JudgeSettings
from dalearn_ros.attention.misrecognised import judge
from dalearn_ros.attention.proposals import landmark_share
from dalearn_ros.attention.regression import EDITED, ELSEWHERE, Judged, Row
from dalearn_ros.attention.run import LandmarkRun
from dalearn_ros.attention.teacher_maps import TeacherMap
from dalearn_ros.attention.viewing import LandmarkViewer, View
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import printable
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.evaluation.matching import match
from dalearn_ros.landmarks.types import Labels

Array = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]


class LandmarkReviewer:
    """Judges the answers of a detector; one whose branch is new answers as if it had none."""

    def __init__(self, run: LandmarkRun, match_px: float, cam: bool) -> None:
        """Prepare it.

        Args:
            run: The detector.
            match_px: Largest distance of a hit.
            cam: Its class activation map stands for the map of a detector without a branch.
        """
        self._viewer = LandmarkViewer(run)
        self._learnt = not run.is_new
        self._without = 1.0 if run.network.synthesis == "multiply" else 0.0  # leaves g as it is
        self._how = JudgeSettings(match_px=match_px)
        self._cam = Cam(run.network, landmark_score) if cam else None

    def judge(self, image: Image, truth: Labels) -> Judged:
        """What is wrong with the answer to an image (H, W, 3) BGR; and where it looks."""
        view = self._viewer.see(image)
        used = None if self._learnt else np.full_like(view.attention, self._without)
        answer = self._viewer.answer(view, used)
        verdict = judge(answer, view, truth, self._how, self._learnt)
        assert answer.observations is not None
        matched = match(truth, answer.observations, self._how.match_px)
        tally = len(matched.truth), len(matched.missed), len(matched.false_alarms)
        attention = self._attention(view)
        mass = None
        if attention is not None and not truth.ignore.all():
            mass = landmark_share(attention, truth, view.covered_px)
        return Judged(verdict, tally, mass, None if attention is None else _shown(attention, view))

    def _attention(self, view: View) -> Array | None:
        if self._learnt:
            return view.attention
        if self._cam is None:
            return None
        return np.asarray(self._cam.of(view.features).attention[0, 0].detach().cpu(), np.float32)


def _shown(attention: Array, view: View) -> Array:
    cells = attention.shape[0], attention.shape[1]
    return over_image(WantedMap(attention, view.covered_px, view.size_px), cells)


def review(
    before: LandmarkReviewer,
    after: LandmarkReviewer,
    data: Sequence[Dataset],
    edited: Mapping[int, TeacherMap],
    others: Sequence[tuple[Dataset, int]],
) -> tuple[list[Row], dict[str, Array]]:
    """Rows of the images with a corrected map and of others.

    Args:
        before: Of the start.
        after: Of the retrained detector.
        data: Where the edited images are.
        edited: Number of the image among all of ``data`` to its map.
        others: Images elsewhere.

    Returns:
        The rows, those of images that cannot be read left out; and the map that each edited image
        should get, over exactly the image, by its name.
    """
    frames = all_frames(data)
    places = [(EDITED, *frames[number], edit) for number, edit in sorted(edited.items())]
    rows, wanted = [], {}
    everywhere: list[Any] = [*places, *((ELSEWHERE, *one, None) for one in others)]
    for group, dataset, index, edit in track(everywhere, label="compare"):
        try:
            image, truth = dataset.image(index), dataset.labels(index)
        except DatasetError:
            continue
        name = printable(dataset.image_path(index))
        first, second = before.judge(image, truth), after.judge(image, truth)
        rows.append(Row(name, group, first, second))
        if edit is not None and second.attention is not None:
            cells = second.attention.shape[0], second.attention.shape[1]
            wanted[name] = over_image(edit.wanted, cells)
    return rows, wanted


def all_frames(data: Sequence[Dataset]) -> list[tuple[Dataset, int]]:
    """All images of datasets, one after the other."""
    return [(dataset, index) for dataset in data for index in range(len(dataset))]


def without_edited(
    frames: Sequence[tuple[Dataset, int]], edits: Edits
) -> list[tuple[Dataset, int]]:
    """The images that have no corrected map that was learnt from; by the bytes of their files."""
    learnt = edits.images

    def is_learnt(file: Path) -> bool:
        try:
            return sha256_of(file) in learnt
        except OSError:
            return False  # nobody can have learnt it

    return [
        (dataset, index)
        for dataset, index in frames
        if not learnt or not is_learnt(dataset.image_path(index))
    ]


def spread(frames: Sequence[tuple[Dataset, int]], count: int) -> list[tuple[Dataset, int]]:
    """At most ``count`` images, evenly spaced."""
    chosen = np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)
    return [frames[number] for number in chosen]
